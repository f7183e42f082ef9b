"""The harness's side of the process boundary: starts an agent's process, calls it and ends it, with time limits.

The other side is `worker`. A call takes four steps: the harness writes the observation to shared memory, sends one byte
through a pipe, waits for the same byte to come back, and copies the action out of shared memory.
"""

from __future__ import annotations

import contextlib
import dataclasses
import importlib
import json
import os
import select
import signal
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from rlbench import children, process, space_tree
from rlbench.child_monitor import ChildMonitor
from rlbench.errors import HarnessError
from rlbench.harness.isolation import affinity, interpreter, sandbox, tiers
from rlbench.harness.isolation.agent import Act, AgentFault, TaskInfo
from rlbench.harness.isolation.caps import Watchdog
from rlbench.harness.isolation.descendants import kill_descendants
from rlbench.harness.isolation.explain import MAX_BYTES, Explanation, decode
from rlbench.harness.isolation.shared_memory import SharedArrays
from rlbench.harness.isolation.worker import FAULTS, HELLO, READY
from rlbench.harness.submission import Submission
from rlbench.harness.tasks.limits import Limits
from rlbench.harness.tasks.task import Task
from rlbench.search import files as search

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_NEXT = {bytes([i]): bytes([(i + 1) % 0x80]) for i in range(0x80)}
_STATUS_OF = {code: status for status, code in FAULTS.items()}
_SECONDS_TO_START, _SECONDS_TO_DIE = 60.0, 10.0

_LACKING = (
    *("MemoryError", "Cannot allocate memory", "failed to map segment", "Resource temporarily unavailable"),
    *("No space left on device", "Too many open files", "can't start new thread"),
)
"""Words by which a Python that cannot start says that the machine lacks something."""

_REPLY_BYTES = 2
"""Bytes to read at once: the reply, and room to notice that there is more than one."""


class AgentProcess:
    """An agent in a process of its own; a context, at whose end the process and all that it started are killed.

    After an AgentFault the process is of no further use. Until the context ends, this thread may be pinned to one half
    of its cores and the process to the other (`affinity`).

    Args:
        submission: The agent to load.
        task: What `load` receives; `task.num_envs` is N, the number of environments.
        observation: Description of one environment's observation space.
        action: Description of one environment's action space.
        seed: Seed for `load`.
        limits: Time limits in seconds.
        explain: Whether `explain()` is called after each `act`, within the time limits of `act`.
        isolation: The tier of isolation.

    Raises:
        UserError: This machine does not have that tier.
        HarnessError: The process did not start. Nothing of the submission has run yet.
        MemoryError: It did not start for want of memory, disk, threads or open files.
    """

    def __init__(
        self,
        submission: Submission,
        task: TaskInfo,
        observation: space_tree.Description,
        action: space_tree.Description,
        seed: int,
        limits: Limits,
        explain: bool = False,
        isolation: tiers.Asked = "auto",
    ) -> None:
        self._limits, self._num_envs = limits, task.num_envs
        tier = tiers.obtain(isolation)
        self.load_seconds = self.act_seconds = 0.0
        with contextlib.ExitStack() as ours, contextlib.ExitStack() as theirs:
            ours.enter_context(process.standard_streams())
            ours.enter_context(process.waitable_children())
            room = MAX_BYTES if explain else 0
            self._shared = SharedArrays(observation, action, task.num_envs, explanation_bytes=room)
            ours.callback(os.close, self._shared.descriptor)
            folder = str(_scratch(ours.enter_context(children.temporary_folder())))
            _prepare(submission, task, folder)
            call_end, self._calls = _pipe(theirs, ours)
            self._reply, reply_end = _pipe(ours, theirs)
            output, output_end = _pipe(ours, theirs)
            for end in (self._calls, self._reply, output):  # a pipe that an agent fills, or empties, holds up nobody
                os.set_blocking(end, False)
            policy = sandbox.policy(str(submission.copy or submission.folder), folder, submission.device == "cuda")
            setup = {
                "sandbox": None if tier == "process" else policy.plain(),
                "parent": os.getpid(),
                "memory": self._shared.descriptor,
                "calls": call_end,
                "reply": reply_end,
                "explain": explain,
                **_load_arguments(submission, task, observation, action, seed),
            }
            passed = (self._shared.descriptor, call_end, reply_end)
            self._process = _spawn(setup, passed, output_end, folder)
            ours.callback(self._kill, folder, forks=tier == "process")
            self._watchdog = Watchdog(self._process.pid, folder, policy.caps)
            self._monitor = ChildMonitor(self._process.pid, self._reply, output)
            ours.callback(self._monitor.close)
            self._wait_for_start()
            self._resources = ours.pop_all()

    def load(self) -> Act:
        """Wait until the agent is loaded.

        Returns:
            The function that calls the agent's `act`.

        Raises:
            AgentFault: The agent cannot be loaded, or not in time.
        """
        began = time.monotonic()
        reply = self._wait(self._limits.load)
        self.load_seconds = time.monotonic() - began
        if reply is None:
            raise AgentFault("load_error", f"load took longer than {self._limits.load:g} s")
        if reply != READY:
            raise AgentFault("load_error", self._fault(reply).message)
        self._resources.callback(os.sched_setaffinity, 0, os.sched_getaffinity(0))
        return self._act()

    def _wait_for_start(self) -> None:
        """Wait until the process is up, and behind its walls; nothing of the submission has run then."""
        hello = self._monitor.read(_SECONDS_TO_START, 1)
        if hello != HELLO:
            printed = self._monitor.last_output_line() or "it printed nothing"
            lacking = any(words in printed for words in _LACKING)
            raise (MemoryError if lacking else HarnessError)(f"the agent's process did not start: {printed}")

    def explanations(self) -> tuple[Explanation, ...]:
        """The agent's explanation of its last action, for each environment; for processes started with `explain`."""
        return decode(self._shared.get_explanation(), self._num_envs)

    def _act(self) -> Act:
        """The function that calls `act`: a closure over local names, as each attribute would show in the round trip."""
        put, get, wait = self._shared.put_observation, self._shared.get_action, self._wait
        write, read, clock = os.write, os.read, time.monotonic
        calls, reply_end, limits = self._calls, self._reply, self._limits
        call_in_memory, worker_spins = self._shared.call, self._shared.spin
        poller = select.poll()
        poller.register(reply_end, select.POLLIN)
        ready = poller.poll
        cores, pid = os.sched_getaffinity(0), self._process.pid
        call, calls_asleep, spins = b"\0", 0, range(0)
        look, looked, pause = self._look, 0.0, Watchdog.SECONDS

        def act(observation: Any, first: NDArray[np.bool_]) -> list[space_tree.Array]:
            nonlocal call, calls_asleep, spins, looked
            if not spins:
                if calls_asleep % affinity.CALLS == 0 and affinity.pin_to_separate_cores(cores, pid):
                    worker_spins[0], spins = 1, range(affinity.SPINS)
                calls_asleep += 1
            put(observation, first)
            call = _NEXT[call]
            began = clock()
            if began > looked + pause:
                looked = began
                look()
            call_in_memory[:] = call
            try:
                write(calls, call)
            except BrokenPipeError:
                pass  # the process has died; the missing reply leads to its exit status
            except BlockingIOError:
                raise AgentFault("protocol", "the agent filled the pipe that calls come through") from None
            reply: bytes | None
            for _ in spins:
                if ready(0):
                    try:
                        reply = read(reply_end, _REPLY_BYTES)
                    except BlockingIOError:
                        continue  # the agent has taken it back
                    break
            else:
                reply = wait(min(limits.act, limits.run - self.act_seconds))
            self.act_seconds += clock() - began
            if reply == call and self.act_seconds <= limits.run:
                return get()
            raise self._timeout() if reply in (call, None) else self._fault(reply)

        return act

    def __enter__(self) -> AgentProcess:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._resources.close()

    def _kill(self, home: str, forks: bool) -> None:
        """Kill the process and all that it started.

        Args:
            home: Its working folder.
            forks: Whether it may have started others.
        """
        if forks:
            kill_descendants(self._process.pid, home)
        with contextlib.suppress(ProcessLookupError):  # somebody else's handler has waited for it
            os.killpg(self._process.pid, signal.SIGKILL)  # it may have died, but nobody has waited for it yet
        with contextlib.suppress(subprocess.TimeoutExpired):  # somebody whom nobody has found traces it
            self._process.wait(_SECONDS_TO_DIE)

    def _wait(self, seconds: float) -> bytes | None:
        """A reply, as of `ChildMonitor.read`; meanwhile the process is looked after, and ended where it takes too much.

        Raises:
            AgentFault: It takes more of the machine than it may.
        """
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > Watchdog.SECONDS:
            reply = self._monitor.read(Watchdog.SECONDS, _REPLY_BYTES)
            if reply is not None:
                return reply
            self._look()
        return self._monitor.read(left, _REPLY_BYTES)

    def _look(self) -> None:
        """Raise AgentFault where the process takes more of the machine than it may."""
        if excess := self._watchdog.excess():
            status, what = excess
            raise AgentFault(status, f"the agent's process {what}")

    def _timeout(self) -> AgentFault:
        """The time limit that is used up."""
        if self.act_seconds >= self._limits.run:
            return AgentFault("timeout_run", f"act took longer than {self._limits.run:g} s in one block")
        return AgentFault("timeout_act", f"one call of act took longer than {self._limits.act:g} s")

    def _fault(self, reply: bytes) -> AgentFault:
        """The meaning of a reply other than the expected one."""
        if reply in _STATUS_OF:
            return AgentFault(_STATUS_OF[reply], self._shared.get_message())
        if reply:
            return AgentFault("protocol", f"unexpected bytes on the control channel: {reply!r}")
        end = self._monitor.exit_status()
        if end is None:
            return AgentFault("protocol", "the agent closed the control channel")
        printed = self._monitor.last_output_line()
        message = f"the agent's process {end}{f'; it last printed: {printed}' if printed else ''}"
        return AgentFault("crash", message, wordless=True)


def _prepare(submission: Submission, task: TaskInfo, folder: str) -> None:
    """Put into the process's home what it would otherwise compile: the loops of a search."""
    if f"{submission.module}:{submission.function}" == search.ENTRY:
        importlib.import_module(search.PREPARATION).prepare(Path(folder), task.env_id, task.env_kwargs)


def task_info(task: Task, num_envs: int) -> TaskInfo:
    """A task as `load` receives it, played in so many environments at once."""
    return TaskInfo(task.name, task.version, num_envs, task.discount, task.env_id, task.env_kwargs)


def _load_arguments(
    submission: Submission,
    task: TaskInfo,
    observation: space_tree.Description,
    action: space_tree.Description,
    seed: int,
) -> dict[str, Any]:
    """What the agent's process needs to find `load` and to call it, as JSON."""
    return {
        "folder": str(submission.copy or submission.folder),
        "module": submission.module,
        "function": submission.function,
        "task": dataclasses.asdict(task),
        "observation": observation,
        "action": action,
        "seed": seed,
    }


def _scratch(folder: Path) -> Path:
    """An empty folder in one that this user keeps: its owner may become another, who must be able to reach it."""
    folder.chmod(0o755)
    scratch = folder / "scratch"
    scratch.mkdir(0o700)
    return scratch


def _pipe(reader: contextlib.ExitStack, writer: contextlib.ExitStack) -> tuple[int, int]:
    """The reading and the writing end of a pipe, each closed with its owner's stack."""
    read_end, write_end = os.pipe()
    reader.callback(os.close, read_end)
    writer.callback(os.close, write_end)
    return read_end, write_end


def _spawn(setup: dict[str, Any], descriptors: tuple[int, ...], output: int, folder: str) -> subprocess.Popen[bytes]:
    """Start the agent's process.

    Args:
        setup: What the worker needs, sent as JSON on standard input.
        descriptors: What it inherits besides standard input, output and error.
        output: Where it prints.
        folder: Its working folder, empty.
    """
    with open(os.memfd_create("rlbench-setup"), "w+b") as stdin:
        stdin.write(json.dumps(setup).encode())
        stdin.seek(0)
        return subprocess.Popen(
            interpreter.command(),
            stdin=stdin,
            stdout=output,
            stderr=output,
            pass_fds=descriptors,
            start_new_session=True,
            cwd=folder,
            env=interpreter.environment(folder),
        )
