"""Reads a child process's replies, output and exit, with time limits."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
import time

from rlbench.errors import printable

_TAIL_BYTES = 4096
_MAX_DRAINED = 256  # pieces of output that are read at the end: whoever holds the pipe may print for ever
_LINE_CHARACTERS = 200
_SECONDS_TO_DIE = 1.0
_OF_A_SIGNAL = 128  # what shells add to the number of a signal


class ChildMonitor:
    """Waits for a child process's replies; meanwhile drains whatever it prints and keeps the end of it.

    Args:
        pid: The process, a child of this one.
        reply: Descriptor of the pipe that it replies through; one that does not block, where the child is not trusted:
            what can be read when it is looked for may be taken back before it is read.
        output: Descriptor of the pipe that it prints to, likewise.
        wrapped: Whether it runs another program, and ends with 128 and the number of the signal that this one died of.
    """

    def __init__(self, pid: int, reply: int, output: int, wrapped: bool = False) -> None:
        self._pid, self._reply, self._output, self._wrapped = pid, reply, output, wrapped
        # Readable once the process is dead, even if processes that it started keep its pipes open. Linux has it alone.
        self._exit = os.pidfd_open(pid) if sys.platform == "linux" else None
        self._tail = b""
        self._poll = select.poll()
        for descriptor in (reply, output, self._exit):
            if descriptor is not None:
                self._poll.register(descriptor, select.POLLIN)

    def read(self, seconds: float, max_bytes: int) -> bytes | None:
        """Wait for a reply, up to `max_bytes` of it, for so many seconds.

        Returns:
            The reply; b"" where the process has died without one; None where there was none in time.
        """
        deadline = time.monotonic() + seconds
        while True:
            left = deadline - time.monotonic()
            ready = {descriptor for descriptor, _ in self._poll.poll(max(left, 0.0) * 1000 + 1)}
            if self._reply in ready:
                with contextlib.suppress(BlockingIOError):
                    return os.read(self._reply, max_bytes)
            elif self._output in ready:
                self._drain()
            elif self._exit in ready:
                return b""
            if left <= 0:
                return None

    def exit_status(self) -> str | None:
        """How the process ended, in words; None where it still runs a second from now."""
        if self._exit is None:
            return "ended"
        dead = select.poll()
        dead.register(self._exit, select.POLLIN)
        if not dead.poll(_SECONDS_TO_DIE * 1000):
            return None
        # WNOWAIT leaves it unreaped: the process group must exist until all of it has been killed. WNOHANG, as the end
        # of a process that another one traces is told to that one alone.
        try:
            end = os.waitid(os.P_PID, self._pid, os.WEXITED | os.WNOWAIT | os.WNOHANG)
        except ChildProcessError:  # somebody else's handler has waited for it
            end = None
        if end is None:
            return "ended"
        names = {each.value: each.name for each in signal.Signals}
        exited, status = end.si_code == os.CLD_EXITED, end.si_status
        if exited and self._wrapped and status - _OF_A_SIGNAL in names:
            exited, status = False, status - _OF_A_SIGNAL
        return f"exited with code {status}" if exited else f"died of {names.get(status, f'signal {status}')}"

    def last_output_line(self) -> str:
        """The last line that the process printed, printable characters only, its middle left out where it is long."""
        printed = select.poll()
        printed.register(self._output, select.POLLIN)
        for _ in range(_MAX_DRAINED):
            if not printed.poll(0) or not self._drain():
                break
        lines = self._tail.decode(errors="replace").strip().splitlines()
        return _middle_left_out(printable(lines[-1])) if lines else ""

    def close(self) -> None:
        """Release the descriptor of the process; the pipes belong to the caller."""
        if self._exit is not None:
            os.close(self._exit)

    def _drain(self) -> bool:
        """Read some output; False at its end, and where there is none."""
        try:
            data = os.read(self._output, 1 << 16)
        except BlockingIOError:
            return False
        self._tail = (self._tail + data)[-_TAIL_BYTES:]
        if not data:
            with contextlib.suppress(KeyError):  # its end has been read before
                self._poll.unregister(self._output)
        return bool(data)


def _middle_left_out(line: str) -> str:
    half = _LINE_CHARACTERS // 2
    return line if len(line) <= _LINE_CHARACTERS else f"{line[:half]}...{line[-half:]}"
