"""The parent's ear: the answers of one child, its prints and its end, each in time."""

from __future__ import annotations

import os
import select
import signal
import time

_TAIL_BYTES = 4096
_SECONDS_TO_DIE = 1.0


class Listener:
    """Waits for a child's answers; meanwhile takes what it prints, however much, and keeps the end of it."""

    def __init__(self, pid: int, reply: int, output: int) -> None:
        self._pid, self._reply, self._output = pid, reply, output
        self._child = os.pidfd_open(pid)  # readable once it is dead, even if what it started keeps its pipes open
        self._tail = b""
        self._poll = select.poll()
        for descriptor in (reply, output, self._child):
            self._poll.register(descriptor, select.POLLIN)

    def read(self, seconds: float, most: int) -> bytes | None:
        """What the child answers within so many seconds: b"" when it is gone, None when it is late."""
        deadline = time.monotonic() + seconds
        while True:
            left = deadline - time.monotonic()
            ready = {descriptor for descriptor, _ in self._poll.poll(max(left, 0.0) * 1000 + 1)}
            if self._reply in ready:
                return os.read(self._reply, most)
            if self._output in ready:
                self._drain()
            elif self._child in ready:
                return b""
            if left <= 0:
                return None

    def end(self) -> str | None:
        """How the child ended, in words; None where it is still there."""
        dead = select.poll()
        dead.register(self._child, select.POLLIN)
        if not dead.poll(_SECONDS_TO_DIE * 1000):
            return None
        # Not reaped: its process group must outlive it until all of that has been killed.
        end = os.waitid(os.P_PID, self._pid, os.WEXITED | os.WNOWAIT)
        assert end is not None
        if end.si_code == os.CLD_EXITED:
            return f"exited with code {end.si_status}"
        names = {each.value: each.name for each in signal.Signals}
        return f"died of {names.get(end.si_status, f'signal {end.si_status}')}"

    def last_words(self) -> str:
        """The last line that the child printed."""
        while select.select([self._output], [], [], 0)[0] and self._drain():
            pass
        lines = self._tail.decode(errors="replace").strip().splitlines()
        return lines[-1] if lines else "it printed nothing"

    def close(self) -> None:
        """Let go of the child."""
        os.close(self._child)

    def _drain(self) -> bool:
        """Take what was printed; False where there will be no more."""
        data = os.read(self._output, 1 << 16)
        self._tail = (self._tail + data)[-_TAIL_BYTES:]
        if not data:
            self._poll.unregister(self._output)
        return bool(data)
