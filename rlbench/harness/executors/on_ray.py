"""Work on a cluster of Ray, a piece to a task; the extra `ray`. Where it runs and with how many nodes, Ray knows.

A piece whose worker or node has died is done again elsewhere, if its work may be repeated. A sandboxed agent can end no
process but its own, so it cannot have a block repeated until it draws better numbers. In the tier `process` it could:
there the run ends instead, and goes on when it is started again.

Source: https://docs.ray.io/en/latest/ray-core/fault_tolerance/tasks.html
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import os
import signal
import threading
from collections.abc import Hashable, Iterator
from types import TracebackType
from typing import Any

from rlbench import arithmetic
from rlbench.errors import LackingError, UserError, counted
from rlbench.harness.executors.work import PortableWork
from rlbench.harness.kept import Kept
from rlbench.harness.results import provenance

ATTEMPTS = 3
"""How often a piece is begun before the deaths of its workers end the run."""

ADDRESS = "RAY_ADDRESS"
"""The variable that names a cluster, as Ray reads it; without it, Ray runs on this machine for as long as we do."""


class RayExecutor:
    """Does as much work at once as the cluster has cores; a context.

    Args:
        jobs: How many pieces at once; None for one per core.

    Raises:
        LackingError: Ray is not installed.
    """

    def __init__(self, jobs: int | None = None) -> None:
        try:
            self._ray: Any = importlib.import_module("ray")
        except ModuleNotFoundError:
            raise LackingError('--executor ray needs Ray: pip install "rlbench[ray]"') from None
        self._jobs = jobs or 1
        self._all_cores = jobs is None
        self._busy: dict[Any, tuple[Hashable, PortableWork, int]] = {}
        self._files: dict[str, Any] = {}

    @property
    def free(self) -> int:
        """How many more pieces can be handed in now."""
        return self._jobs - len(self._busy)

    @property
    def busy(self) -> int:
        """How many have been handed in and have not come back."""
        return len(self._busy)

    def submit(self, name: Hashable, work: PortableWork) -> None:
        """Make a piece of work a task of Ray."""
        self._begin(name, work, 1)

    def next(self) -> tuple[Any, Any]:
        """The name of a piece that has ended, and its result, or the Exception that it raised; waits for one."""
        while True:
            (done,), _ = self._ray.wait(list(self._busy), num_returns=1)
            name, work, attempt = self._busy.pop(done)
            try:
                there, result = self._ray.get(done)
            except self._ray.exceptions.RayError as error:
                if attempt < ATTEMPTS and work.may_be_repeated:
                    self._begin(name, work, attempt + 1)
                    continue
                return name, _death(work, error, attempt)
            return name, _other_versions(there) or result

    def _begin(self, name: Hashable, work: PortableWork, attempt: int) -> None:
        files = work.files()
        if work.digest not in self._files:
            self._files[work.digest] = self._ray.put(files)
        task = self._ray.remote(_done).options(num_cpus=1, max_retries=0, scheduling_strategy="SPREAD")
        self._busy[task.remote(work, self._files[work.digest])] = name, work, attempt

    def __enter__(self) -> RayExecutor:
        self._began_ray = not self._ray.is_initialized()
        if self._began_ray:
            where = {"address": os.environ[ADDRESS]} if os.environ.get(ADDRESS) else {"include_dashboard": False}
            try:
                with _same_sigterm():
                    self._ray.init(**where, log_to_driver=False, logging_level="ERROR")
            except (ConnectionError, RuntimeError, ValueError) as error:
                raise UserError(f"no cluster of Ray: {str(error).splitlines()[0]}") from None
        if self._all_cores:
            self._jobs = max(int(self._ray.cluster_resources().get("CPU", 1)), 1)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in self._busy:
            self._ray.cancel(task, force=True)
        self._busy.clear()
        if self._began_ray:
            self._ray.shutdown()


@contextlib.contextmanager
def _same_sigterm() -> Iterator[None]:
    """Ray answers SIGTERM by an exit of its own, from its start on; after this scope the handler is the one before."""
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, before)


def _done(work: PortableWork, files: Any) -> tuple[dict[str, Any], Any]:
    """Do a piece of work in a process of Ray's: what it is done with, and its result or the Exception it raised."""
    try:
        return surroundings(), work.elsewhere(files)(_kept())
    except Exception as error:
        return surroundings(), error


@functools.cache
def _kept() -> Kept:
    """What this process of Ray's keeps from one piece of work to the next."""
    return Kept(alone=False)


@functools.cache
def surroundings() -> dict[str, Any]:
    """What must be the same on every node: versions that decide the numbers, and the arithmetic."""
    machine = provenance.machine()
    return {**machine["packages"], **{name: machine[name] for name in ("python", "commit")}, **arithmetic.describe()}


def _other_versions(there: dict[str, Any]) -> UserError | None:
    """The error where a node has other versions than this process."""
    here = surroundings()
    for name, version in here.items():
        if there.get(name) != version:
            return UserError(f"a node of Ray has {name} {there.get(name)}, here it is {version}; install the same")
    return None


def _death(work: PortableWork, error: Exception, attempt: int) -> UserError:
    why = str(error).strip().splitlines()[0]
    tried = counted(attempt, "attempt")
    return UserError(f"{work}, {tried}: its worker died: {why}; what was recorded is safe; run again to go on")
