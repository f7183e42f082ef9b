"""The harness's side of the process boundary: starts an agent's process, calls it and ends it, with time limits.

The other side is `worker`. A call takes four steps: the harness writes the observation to shared memory, sends one byte
through a pipe, waits for the same byte to come back, and copies the action out of shared memory.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import time
from types import TracebackType
from typing import TYPE_CHECKING, Any

from rlbench import arithmetic, children, space_tree
from rlbench.child_monitor import ChildMonitor
from rlbench.errors import HarnessError
from rlbench.harness.isolation import affinity, namespaces, sandbox, spawn, tiers
from rlbench.harness.isolation.agent import Act, AgentFault, TaskInfo
from rlbench.harness.isolation.caps import Watchdog
from rlbench.harness.isolation.descendants import kill_descendants, kill_orphans
from rlbench.harness.isolation.explain import MAX_BYTES, Explanation, decode
from rlbench.harness.isolation.fork_server import ForkServer
from rlbench.harness.isolation.shared_memory import SharedArrays
from rlbench.harness.isolation.worker import FAULTS, HELLO, READY
from rlbench.harness.submission import Submission
from rlbench.harness.tasks.limits import Limits
from rlbench.harness.tasks.task import Task
from rlbench.process import system

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

_running: set[int] = set()
"""Processes of agents that this process has started, in whichever thread."""

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
        may_pin: Whether cores may be given to this thread and to the process.
        server: Starts the process as a fork, in the tier `landlock`; None for a fresh Python.

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
        *,
        may_pin: bool = True,
        server: ForkServer | None = None,
    ) -> None:
        self._limits, self._num_envs, self._may_pin = limits, task.num_envs, may_pin
        tier = tiers.obtain(isolation)
        self.load_seconds = self.act_seconds = 0.0
        self.ready = False
        with contextlib.ExitStack() as ours, contextlib.ExitStack() as theirs:
            ours.enter_context(system.standard_streams())
            ours.enter_context(system.waitable_children())
            if tier != "landlock":  # in which an agent can start nothing
                ours.enter_context(system.adopting_orphans())
            room = MAX_BYTES if explain else 0
            self._shared = SharedArrays(observation, action, task.num_envs, explanation_bytes=room)
            ours.callback(os.close, self._shared.descriptor)
            folder = str(spawn.scratch_folder(ours.enter_context(children.temporary_folder())))
            spawn.prepare(submission, task, folder)
            call_end, self._calls = spawn.pipe(theirs, ours)
            self._reply, reply_end = spawn.pipe(ours, theirs)
            output, output_end = spawn.pipe(ours, theirs)
            for end in (self._calls, self._reply, output):  # a pipe that an agent fills, or empties, holds up nobody
                os.set_blocking(end, False)
            files, cuda = str(submission.copy or submission.folder), submission.device == "cuda"
            policy = sandbox.policy(files, folder, cuda, limits.load + limits.run)
            setup = {
                "sandbox": None if tier == "process" else policy.plain(),
                "parent": namespaces.PARENT if tier == "strict" else os.getpid(),
                "explain": explain,
                "arithmetic": arithmetic.name(),
                **spawn.load_arguments(submission, task, observation, action, seed),
            }
            passed = (self._shared.descriptor, call_end, reply_end)
            around = namespaces.command(policy) if tier == "strict" else ()
            if server is not None:
                ours.enter_context(system.adopting_orphans())
            self._process = spawn.start(setup, passed, output_end, folder, around, server)
            ours.callback(self._kill, folder, tier)
            _running.add(self._process.pid)
            self._monitor = ChildMonitor(self._process.pid, self._reply, output, wrapped=tier == "strict")
            ours.callback(self._monitor.close)
            self._wait_for_start()
            self._pid = namespaces.agent(self._process.pid) if tier == "strict" else self._process.pid
            self._watchdog = Watchdog(self._pid, folder, policy.caps)
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
        self.ready = True
        self._resources.callback(os.sched_setaffinity, 0, os.sched_getaffinity(0))
        return self._act()

    def _wait_for_start(self) -> None:
        """Wait until the process is up, and in its sandbox; nothing of the submission has run then."""
        hello = self._monitor.read(_SECONDS_TO_START, 1)
        if hello != HELLO:
            printed = self._monitor.last_output_line() or "it printed nothing"
            lacking = any(words in printed for words in _LACKING)
            raise (MemoryError if lacking else HarnessError)(f"the agent's process did not start: {printed}")

    def printed(self) -> str:
        """The last line that the agent printed, empty where there is none."""
        return self._monitor.last_output_line()

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
        cores, pid = os.sched_getaffinity(0) if self._may_pin else set(), self._pid
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

    def _kill(self, home: str, tier: tiers.Tier) -> None:
        """Kill the process and all that it started; in `strict` from inside out, so that each is waited for."""
        if tier == "process":
            kill_descendants(self._process.pid, home)
        if tier == "strict" and (first := namespaces.first_process(self._process.pid)):
            with contextlib.suppress(ProcessLookupError, subprocess.TimeoutExpired):
                os.kill(first, signal.SIGKILL)
                self._process.wait(_SECONDS_TO_DIE)
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):  # somebody else's handler has waited for it
                os.killpg(self._process.pid, signal.SIGKILL)  # it may have died, but nobody has waited for it yet
            with contextlib.suppress(subprocess.TimeoutExpired):  # somebody whom nobody has found traces it
                self._process.wait(_SECONDS_TO_DIE)
        _running.discard(self._process.pid)
        if tier == "strict":
            namespaces.wait_until_gone(self._process.pid)
        if tier == "process":
            kill_orphans(_running)

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


def task_info(task: Task, num_envs: int) -> TaskInfo:
    """A task as `load` receives it, played in so many environments at once."""
    return TaskInfo(task.name, task.version, num_envs, task.discount, task.env_id, task.env_kwargs)
