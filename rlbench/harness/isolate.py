"""The parent's side of the wall: an agent in a process of its own, called through shared memory in time."""

from __future__ import annotations

import dataclasses
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from math import ceil
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from rlbench.errors import HarnessError
from rlbench.harness import wire
from rlbench.harness.agent import AgentFault, TaskInfo
from rlbench.harness.submission import Submission
from rlbench.harness.task import Limits
from rlbench.harness.worker import FAULTS, HELLO, READY

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# The child imports the worker without running rlbench/__init__, which would import gymnasium: 0.1 s in every
# block. The bare package is taken away again, so that an agent that wants rlbench gets the real one.
_BOOT = """
import sys, types
package = sys.modules["rlbench"] = types.ModuleType("rlbench")
package.__path__ = [{root!r}]
from rlbench.harness import worker
del sys.modules["rlbench"]
worker.main()
"""
_CALLS = [bytes([i]) for i in range(0x80)]
_FAULTS = {code: status for status, code in FAULTS.items()}
_KEPT = ("PATH", "LD_LIBRARY_PATH", "PYTHONPATH", "LANG", "LC_ALL", "CUDA_HOME", "CUDA_VISIBLE_DEVICES")
_TAIL_BYTES = 4096
_SECONDS_TO_DIE = 1.0


class Child:
    """An agent behind the wall; a context, at whose end the whole process group is killed.

    `load()` raises an AgentFault where the agent cannot be loaded, a HarnessError where the child itself does
    not come up. Then `child(observation, first)` is one call of `act`: the leaves of the action [N, ...], or
    an AgentFault, after which the child is of no further use.
    """

    def __init__(
        self,
        submission: Submission,
        task: TaskInfo,
        observation: wire.Description,
        action: wire.Description,
        seed: int,
        limits: Limits,
    ) -> None:
        self._limits = limits
        self._tail = b""
        self._call = 0
        self.load_seconds = self.act_seconds = 0.0
        self._frame = wire.Frame(observation, action, task.lanes)
        self._folder = tempfile.TemporaryDirectory(prefix="rlbench-")
        call_end, self._calls = os.pipe()
        self._reply, reply_end = os.pipe()
        self._output, output_end = os.pipe()
        setup = {
            "parent": os.getpid(),
            "memory": self._frame.descriptor,
            "calls": call_end,
            "reply": reply_end,
            "folder": str(submission.folder),
            "module": submission.module,
            "function": submission.function,
            "task": dataclasses.asdict(task),
            "observation": observation,
            "action": action,
            "seed": seed,
        }
        self._started = time.monotonic()
        try:
            self._process = _spawn(
                setup, (self._frame.descriptor, call_end, reply_end), output_end, self._folder.name
            )
        finally:
            for descriptor in (call_end, reply_end, output_end):
                os.close(descriptor)
        self._poll = select.poll()
        self._poll.register(self._reply, select.POLLIN)
        self._poll.register(self._output, select.POLLIN)

    def load(self) -> None:
        """Wait until the agent is loaded."""
        deadline = self._started + self._limits.load
        if (hello := self._read(self._limits.load)) != HELLO:
            raise HarnessError(f"the child did not come up: {hello!r}, {self._last_output()}")
        ready = self._read(deadline - time.monotonic())
        self.load_seconds = time.monotonic() - self._started
        if ready is None:
            raise AgentFault("load_error", f"load took longer than {self._limits.load:g} s")
        if ready != READY:
            raise AgentFault("load_error", self._fault(ready).message)

    def __call__(self, observation: Any, first: NDArray[np.bool_]) -> list[wire.Array]:
        """The leaves of the agent's actions [N, ...] for observation [N, ...] and first [N]."""
        self._frame.put_observation(observation, first)
        self._call = (self._call + 1) & 0x7F
        call = _CALLS[self._call]
        limit = min(self._limits.act, self._limits.run - self.act_seconds)
        began = time.monotonic()
        try:
            os.write(self._calls, call)
        except BrokenPipeError:
            raise self._death() from None
        answer = self._read(limit)
        self.act_seconds += time.monotonic() - began
        if answer == call:
            return self._frame.get_action()
        if answer is None:
            which = "act" if limit == self._limits.act else "run"
            what = "a call of act" if which == "act" else "the calls of act in one block"
            raise AgentFault(
                f"timeout_{which}", f"{what} took longer than {getattr(self._limits, which):g} s"
            )
        raise self._fault(answer)

    def __enter__(self) -> Child:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.killpg(self._process.pid, signal.SIGKILL)  # also where it has ended: it is not yet waited for
        self._process.wait()
        for descriptor in (self._calls, self._reply, self._output, self._frame.descriptor):
            os.close(descriptor)
        self._folder.cleanup()

    def _read(self, seconds: float) -> bytes | None:
        """The child's answer: b"" when it hangs up, None at the deadline. Prints are drained meanwhile."""
        events = self._poll.poll(ceil(max(seconds, 0.0) * 1000))
        if len(events) == 1 and events[0][0] == self._reply:
            return os.read(self._reply, 64)
        deadline = time.monotonic() + seconds
        while events:
            for descriptor, _ in events:
                if descriptor == self._reply:
                    return os.read(self._reply, 64)
                self._drain()
            left = deadline - time.monotonic()
            if left <= 0:
                break
            events = self._poll.poll(ceil(left * 1000))
        return None

    def _drain(self) -> None:
        """Take what the agent printed and keep the end of it."""
        data = os.read(self._output, 65536)
        self._tail = (self._tail + data)[-_TAIL_BYTES:]
        if not data:
            self._poll.unregister(self._output)

    def _fault(self, answer: bytes) -> AgentFault:
        """What an answer other than the expected one means."""
        if not answer:
            return self._death()
        if answer in _FAULTS:
            return AgentFault(_FAULTS[answer], self._frame.get_message())
        return AgentFault("protocol", f"unexpected bytes on the control channel: {answer[:16]!r}")

    def _death(self) -> AgentFault:
        """How a child that hung up has ended."""
        deadline = time.monotonic() + _SECONDS_TO_DIE
        while time.monotonic() < deadline:
            # Not reaped: its process group must outlive it until __exit__ has killed what it may have
            # started.
            if end := os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT):
                if end.si_code == os.CLD_EXITED:
                    return AgentFault("crash", f"the agent's process exited with code {end.si_status}")
                return AgentFault(
                    "crash", f"the agent's process died of {signal.Signals(end.si_status).name}"
                )
            time.sleep(0.002)
        return AgentFault("protocol", "the agent closed the control channel")

    def _last_output(self) -> str:
        """The last line that the child printed."""
        if select.select([self._output], [], [], _SECONDS_TO_DIE)[0]:
            self._drain()
        lines = self._tail.decode(errors="replace").strip().splitlines()
        return lines[-1] if lines else "no output"


def _spawn(
    setup: dict[str, Any], descriptors: tuple[int, ...], output: int, folder: str
) -> subprocess.Popen[bytes]:
    """Start the child: a session of its own, an empty working folder, the set-up on standard input."""
    root = str(Path(__file__).resolve().parents[1])
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
