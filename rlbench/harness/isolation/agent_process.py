"""The parent's side of the wall: an agent in a process of its own, called through shared memory in time."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from rlbench import space_tree
from rlbench.errors import HarnessError
from rlbench.harness.isolation import affinity, explanation, shared_memory
from rlbench.harness.isolation.agent import Act, AgentFault, TaskInfo
from rlbench.harness.isolation.child_monitor import Listener
from rlbench.harness.isolation.explanation import Explanation
from rlbench.harness.isolation.worker import FAULTS, HELLO, READY
from rlbench.harness.submission import Submission
from rlbench.harness.tasks.task import Limits

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# The child imports the worker without running rlbench/__init__, which would import gymnasium: 0.1 s in every
# block. The bare package is taken away again, so that an agent that wants rlbench gets the real one.
_BOOT = """
import sys, types
package = sys.modules["rlbench"] = types.ModuleType("rlbench")
package.__path__ = [{root!r}]
from rlbench.harness.isolation import worker
del sys.modules["rlbench"]
worker.main()
"""
_NEXT = {bytes([i]): bytes([(i + 1) % 0x80]) for i in range(0x80)}
_FAULTS = {code: status for status, code in FAULTS.items()}
_KEPT = ("PATH", "LD_LIBRARY_PATH", "PYTHONPATH", "LANG", "LC_ALL", "CUDA_HOME", "CUDA_VISIBLE_DEVICES")
_SECONDS_TO_START = 60.0

_MOST = 2
"""Bytes to read at once: the answer, and room to see that there is more than one."""


class Child:
    """An agent behind the wall; a context, at whose end the whole process group is killed.

    `load()` gives the function `act` that calls the agent. It raises an AgentFault where the agent cannot be loaded,
    a HarnessError where the child itself does not come up. After an AgentFault the child is of no use. Until the
    context ends, the calling thread keeps to one half of its cores and the child to the other, unless they are busy.
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
    ) -> None:
        self._limits, self._lanes = limits, task.lanes
        self.load_seconds = self.act_seconds = 0.0
        with contextlib.ExitStack() as ours, contextlib.ExitStack() as theirs:
            room = explanation.BYTES if explain else 0
            self._frame = shared_memory.Frame(observation, action, task.lanes, explanation_bytes=room)
            ours.callback(os.close, self._frame.descriptor)
            folder = ours.enter_context(tempfile.TemporaryDirectory(prefix="rlbench-", ignore_cleanup_errors=True))
            call_end, self._calls = _pipe(theirs, ours)
            self._reply, reply_end = _pipe(ours, theirs)
            output, output_end = _pipe(ours, theirs)
            setup = {
                "parent": os.getpid(),
                "memory": self._frame.descriptor,
                "calls": call_end,
                "reply": reply_end,
                "explain": explain,
                **_introduction(submission, task, observation, action, seed),
            }
            passed = (self._frame.descriptor, call_end, reply_end)
            self._process = _spawn(setup, passed, output_end, folder)
            ours.callback(self._kill)
            self._listener = Listener(self._process.pid, self._reply, output)
            ours.callback(self._listener.close)
            self._resources = ours.pop_all()

    def load(self) -> Act:
        """Wait until the agent is loaded; its `act`."""
        hello = self._listener.read(_SECONDS_TO_START, 1)
        if hello != HELLO:
            raise HarnessError(f"the child did not come up, {self._listener.last_words()}")
        began = time.monotonic()
        answer = self._listener.read(self._limits.load, _MOST)
        self.load_seconds = time.monotonic() - began
        if answer is None:
            raise AgentFault("load_error", f"load took longer than {self._limits.load:g} s")
        if answer != READY:
            raise AgentFault("load_error", self._fault(answer).message)
        self._resources.callback(os.sched_setaffinity, 0, os.sched_getaffinity(0))
        return self._act()

    def explanations(self) -> tuple[Explanation, ...]:
        """What each lane told of its last action, with `explain`; explaining takes time from the limits of `act`."""
        return explanation.decode(self._frame.get_explanation(), self._lanes)

    def _act(self) -> Act:
        """One call of `act`. A closure over local names: on this path every attribute shows in the round trip."""
        put, get, listen = self._frame.put_observation, self._frame.get_action, self._listener.read
        write, read, clock = os.write, os.read, time.monotonic
        calls, reply, limits, turn, look = self._calls, self._reply, self._limits, self._frame.call, self._frame.look
        spinning = select.poll()
        spinning.register(reply, select.POLLIN)
        ready = spinning.poll
        every, child = os.sched_getaffinity(0), self._process.pid
        call, asleep, patient, spins = b"\0", 0, range(affinity.SPINS), range(0)

        def act(observation: Any, first: NDArray[np.bool_]) -> list[space_tree.Array]:
            nonlocal call, asleep, spins
            if not spins:
                if asleep % affinity.CALLS == 0 and affinity.part(every, child):
                    look[0], spins = 1, patient
                asleep += 1
            put(observation, first)
            call = _NEXT[call]
            began = clock()
            turn[:] = call
            try:  # noqa: SIM105  # suppress() costs as much as writing the observation
                write(calls, call)
            except BrokenPipeError:
                pass  # it is dead, as the answer will say
            answer: bytes | None
            for _ in spins:
                if ready(0):
                    answer = read(reply, _MOST)
                    break
            else:
                answer = listen(min(limits.act, limits.run - self.act_seconds), _MOST)
            self.act_seconds += clock() - began
            if answer == call and self.act_seconds <= limits.run:
                return get()
            raise self._timeout() if answer in (call, None) else self._fault(answer)

        return act

    def __enter__(self) -> Child:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._resources.close()

    def _kill(self) -> None:
        """End the child and all that it started."""
        os.killpg(self._process.pid, signal.SIGKILL)  # it may be dead, but it is not yet waited for
        self._process.wait()

    def _timeout(self) -> AgentFault:
        """Which of the two budgets is used up."""
        if self.act_seconds >= self._limits.run:
            return AgentFault("timeout_run", f"act took longer than {self._limits.run:g} s in one block")
        return AgentFault("timeout_act", f"one call of act took longer than {self._limits.act:g} s")

    def _fault(self, answer: bytes) -> AgentFault:
        """What an answer other than the expected one means."""
        if answer in _FAULTS:
            return AgentFault(_FAULTS[answer], self._frame.get_message())
        if answer:
            return AgentFault("protocol", f"unexpected bytes on the control channel: {answer!r}")
        end = self._listener.end()
        if end is None:
            return AgentFault("protocol", "the agent closed the control channel")
        return AgentFault("crash", f"the agent's process {end}")


def _introduction(
    submission: Submission,
    task: TaskInfo,
    observation: space_tree.Description,
    action: space_tree.Description,
    seed: int,
) -> dict[str, Any]:
    """What the child is told about the agent and the task, as JSON."""
    return {
        "folder": str(submission.folder),
        "module": submission.module,
        "function": submission.function,
        "task": dataclasses.asdict(task),
        "observation": observation,
        "action": action,
        "seed": seed,
    }


def _pipe(reader: contextlib.ExitStack, writer: contextlib.ExitStack) -> tuple[int, int]:
    """The reading and the writing end of a pipe, each closed with its owner's stack."""
    read_end, write_end = os.pipe()
    reader.callback(os.close, read_end)
    writer.callback(os.close, write_end)
    return read_end, write_end


def _spawn(setup: dict[str, Any], descriptors: tuple[int, ...], output: int, folder: str) -> subprocess.Popen[bytes]:
    """Start the child: a session of its own, an empty working folder, the set-up on standard input."""
    root = str(Path(__file__).resolve().parents[2])
    with tempfile.TemporaryFile() as stdin:
        stdin.write(json.dumps(setup).encode())
        stdin.seek(0)
        return subprocess.Popen(
            [sys.executable, "-c", _BOOT.format(root=root)],
            stdin=stdin,
            stdout=output,
            stderr=output,
            pass_fds=descriptors,
            start_new_session=True,
            cwd=folder,
            env=_environment(folder),
        )


def _environment(folder: str) -> dict[str, str]:
    """What the child inherits: little, so that episodes do not depend on who evaluates, and no secrets cross.

    One thread for every numerical library: how many there are changes the last bits of a sum.
    """
    threads = {f"{library}_NUM_THREADS": "1" for library in ("OMP", "OPENBLAS", "MKL", "NUMBA")}
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    return {**kept, **threads, "PYTHONHASHSEED": "0", "HOME": folder, "TMPDIR": folder}
