"""Work in processes of this machine, each a fork of this one.

A fork knows what this process has registered and imported, such as the environments of a notebook, and starts at once.
Work and results cross by pickle, both ways between processes that run nothing but rlbench: an agent is in a process of
its own below. Whatever ends this process, `kill -9` included, ends them.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import signal
import time
import traceback
import warnings
from collections.abc import Callable, Hashable, Set
from multiprocessing import Pipe
from multiprocessing.connection import Connection, wait
from types import TracebackType
from typing import Any, NamedTuple, NoReturn

from rlbench.errors import HarnessError, UserError
from rlbench.harness.executors.work import Work
from rlbench.harness.isolation import privileges
from rlbench.harness.kept import Kept
from rlbench.process.system import waitable_children
from rlbench.process.termination import Terminated, forget_signals, termination

_SECONDS_TO_END, _PAUSE = 10.0, 0.002


class Worker(NamedTuple):
    """One of the processes."""

    pid: int
    connection: Connection
    cores: frozenset[int]
    """Those that it and the agents below it keep to."""


class ProcessExecutor:
    """Does so many pieces of work at once; a context.

    Args:
        jobs: How many.
    """

    def __init__(self, jobs: int) -> None:
        self._jobs = jobs
        self._shares = shares(_cores(), jobs)
        self._idle: list[Worker] = []
        self._busy: dict[Worker, tuple[Hashable, Work]] = {}
        self._unbegun: list[tuple[Hashable, UserError]] = []

    @property
    def free(self) -> int:
        """How many more pieces can be handed in now."""
        return self._jobs - self.busy

    @property
    def busy(self) -> int:
        """How many have been handed in and have not come back."""
        return len(self._busy) + len(self._unbegun)

    def submit(self, name: Hashable, work: Work) -> None:
        """Begin a piece of work in an idle process."""
        try:
            worker = self._idle.pop() if self._idle else self._started()
        except OSError as error:
            self._unbegun.append((name, UserError(f"{work}: no process can be started: {error.strerror}; run again")))
            return
        self._busy[worker] = name, work
        with contextlib.suppress(OSError):  # it has been killed, as is found when its result is read
            worker.connection.send(work)

    def next(self) -> tuple[Any, Any]:
        """The name of a piece that has ended, and its result, or the Exception that it raised; waits for one.

        Where a process has died, that is a UserError, and another process takes its place.
        """
        if self._unbegun:
            return self._unbegun.pop()
        ready = wait([worker.connection for worker in self._busy])
        worker = next(each for each in self._busy if each.connection in ready)
        name, work = self._busy.pop(worker)
        try:
            result = worker.connection.recv()
        except (EOFError, OSError):
            return name, UserError(
                f"{work}: the process that did it {self._end(worker)}; what was recorded is safe; run again to go on"
            )
        self._idle.append(worker)
        return name, result

    def _started(self) -> Worker:
        ours, theirs = Pipe()
        cores = self._shares[-1]
        with contextlib.closing(theirs):
            pid = _forked(lambda: _serve(theirs, cores), keep=theirs.fileno())
        return Worker(pid, ours, self._shares.pop())

    def _end(self, worker: Worker) -> str:
        """Wait for a process that is ending, and kill it if it does not; how it ended, in words."""
        worker.connection.close()
        self._shares.append(worker.cores)
        deadline = time.monotonic() + _SECONDS_TO_END
        with contextlib.suppress(ChildProcessError):
            while (ended := os.waitpid(worker.pid, os.WNOHANG))[0] == 0:
                if time.monotonic() > deadline:
                    os.kill(worker.pid, signal.SIGKILL)
                time.sleep(_PAUSE)
            number = os.waitstatus_to_exitcode(ended[1])
            return f"died of {signal.Signals(-number).name}" if number < 0 else f"exited with code {number}"
        return "ended"

    def __enter__(self) -> ProcessExecutor:
        with contextlib.suppress(OSError):  # those that there are do the work of all
            while len(self._idle) < self._jobs:  # before there are threads, such as that of a bar
                self._idle.append(self._started())
        self._jobs = max(len(self._idle), 1)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for worker in self._busy:
            with contextlib.suppress(ProcessLookupError):
                os.kill(worker.pid, signal.SIGTERM)
        with waitable_children():
            for worker in (*self._busy, *self._idle):
                self._end(worker)
        self._busy.clear()
        self._idle.clear()


def shares(cores: Set[int], jobs: int) -> list[frozenset[int]]:
    """The cores that each of several processes keeps to: none is shared, unless there are fewer cores than processes.

    Without shares each would start as many threads as there are cores, and a process would be woken on another core
    than its agent's, which takes twice as long (`isolation.affinity`). Threads change no episode.
    """
    if jobs > len(cores):
        return [frozenset(cores)] * jobs
    ordered = sorted(cores)
    return [frozenset(ordered[number::jobs]) for number in range(jobs)]


def _cores() -> set[int]:
    return os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set()


def _forked(serve: Callable[[], None], keep: int) -> int:
    """Start a function in a fork of this process, which ends with it; the number of the process.

    Args:
        serve: The function.
        keep: The one descriptor, besides standard input, output and error, that the fork may use.
    """
    parent = os.getpid()
    with warnings.catch_warnings():
        # Python warns of threads that may hold locks. The fork runs none of the code that such a thread runs.
        warnings.simplefilter("ignore", DeprecationWarning)
        pid = os.fork()
    if pid:
        return pid
    _be_a_worker(serve, keep, parent)


def _be_a_worker(serve: Callable[[], None], keep: int, parent: int) -> NoReturn:
    status = 1
    try:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, who ends this process then
        forget_signals()
        privileges.die_with(parent, signal.SIGTERM)
        _let_go_of_files(keep)
        with termination():
            serve()
        status = 0
    except Terminated as ended:
        status = ended.status
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(status)  # nothing that the parent has buffered, or does at its end, happens twice


def _let_go_of_files(keep: int) -> None:
    """Let inherited descriptors lead nowhere: locks on files are held as long as a copy of their descriptor is.

    Rejected: to close them. Objects that still know the numbers would close what gets them next.
    """
    nowhere = os.open(os.devnull, os.O_RDWR)
    for number in map(int, os.listdir("/proc/self/fd")):
        if number > 2 and number not in (keep, nowhere):
            with contextlib.suppress(OSError):  # that of the listing itself
                os.fstat(number)
                os.dup2(nowhere, number)


def _serve(connection: Connection, cores: Set[int]) -> None:
    """Do what is asked for until nobody asks any more."""
    if cores:
        with contextlib.suppress(OSError):  # taken away meanwhile
            os.sched_setaffinity(0, cores)
    with Kept(alone=False) as kept:
        while True:
            try:
                work = connection.recv()
            except EOFError:
                return
            connection.send_bytes(_pickled(_result(work, kept)))


def _result(work: Work, kept: Kept) -> Any:
    try:
        return work(kept)
    except Exception as error:
        return error


def _pickled(result: Any) -> bytes:
    """A result, or an error that says so where it cannot be pickled."""
    try:
        return pickle.dumps(result)
    except Exception as error:
        what = repr(result) if isinstance(result, Exception) else type(result).__name__
        return pickle.dumps(HarnessError(f"{what} cannot be sent between processes: {error!r}"))
