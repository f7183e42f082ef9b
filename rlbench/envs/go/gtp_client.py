"""GTP client: a Go program in a process of its own, asked by the Go Text Protocol, version 2, with time limits.

The program is killed, with all that it has started in its session, at the end, at the first fault, and when its owner
ends, be it by `kill -9`. Its answers are read strictly and up to a size. What else it prints, to standard error, is
drained, and its last line is kept.

Source: G. Farnebäck, "Specification of the Go Text Protocol, version 2, draft 2" (2002), section 2.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import time
import weakref
from collections.abc import Sequence
from typing import IO, cast

from rlbench.child_guard import guard
from rlbench.child_monitor import ChildMonitor
from rlbench.children import call_after_fork, child_environment
from rlbench.errors import ArgumentError, printable, shortened
from rlbench.process.system import standard_streams

MAX_ANSWER = 1 << 20
"""Bytes of an answer; a board of 19x19 as text takes 2 KB."""

READ_AT_ONCE = 1 << 16


class EngineFault(Exception):  # noqa: N818  # an outcome of a game, not an error of the program
    """What a Go program did wrong; it loses its game by it.

    Args:
        kind: `crash`, `timeout`, `protocol` (no answer of GTP), `refusal` (the answer `?`) or `illegal` (a move).
        message: One line that says what it did.
    """

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(f"{kind}: {message}")
        self.kind, self.message = kind, message


class GtpProcess:
    """A Go program that runs.

    Args:
        command: The program and its arguments.

    Raises:
        ArgumentError: The program cannot be started.
    """

    def __init__(self, command: Sequence[str]) -> None:
        self._name = shortened(command[0])
        if not hasattr(os, "killpg"):
            raise ArgumentError(f"{self._name} cannot be started as a Go program: they are played on Linux and macOS")
        try:
            with standard_streams():
                self._process = subprocess.Popen(
                    command,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    bufsize=0,
                    env=child_environment(),
                    start_new_session=True,  # a group of its own to kill, which Ctrl-C does not reach
                )
        except (OSError, ValueError) as error:  # ValueError: a null byte
            reason = getattr(error, "strerror", None) or error
            raise ArgumentError(f"{self._name} cannot be started as a Go program: {reason}") from None
        guard.add(self._process.pid)
        pipes = (self._process.stdin, self._process.stdout, self._process.stderr)
        self._in, output, complaints = (cast("IO[bytes]", pipe).fileno() for pipe in pipes)
        self._monitor = ChildMonitor(self._process.pid, output, complaints)
        self._unread = b""
        self._number = 0
        self._end = weakref.finalize(self, _end, self._process, self._monitor, os.getpid())
        call_after_fork(self)

    def ask(self, command: str, seconds: float) -> str:
        """Give a command, and wait for the answer.

        Args:
            command: One line, such as `genmove black`.
            seconds: How long the program may take.

        Returns:
            The answer without its mark `=` and number, its lines separated by line feeds.

        Raises:
            EngineFault: The program has died, does not answer in time, answers what is no GTP, or refuses. It is killed
                then, unless it refuses.
        """
        if not self._end.alive:
            raise EngineFault("crash", f"{self._name} has ended before `{command}`")
        self._number += 1
        with contextlib.suppress(BrokenPipeError):  # it has died; the missing answer leads to its exit status
            os.write(self._in, f"{self._number} {command}\n".encode())
        try:
            answer = self._read(command, seconds)
            mark, text = self._parsed(answer, command)
        except EngineFault:
            self._end()
            raise
        if mark == "?":
            raise EngineFault("refusal", f"{self._name} refuses `{command}`: {printable(text) or 'without a reason'}")
        return text

    def _read(self, command: str, seconds: float) -> str:
        """The next answer as it stands, up to its empty line."""
        deadline = time.monotonic() + seconds
        while True:
            self._unread = self._unread.replace(b"\r", b"").lstrip(b"\n")
            answer, end, rest = self._unread.partition(b"\n\n")
            if end or answer[:1] not in b"=?":  # an answer never begins with anything else
                self._unread = rest
                return answer.decode(errors="replace")
            if len(self._unread) > MAX_ANSWER:
                raise EngineFault("protocol", f"{self._name} answers `{command}` with more than {MAX_ANSWER:,} bytes")
            data = self._monitor.read(deadline - time.monotonic(), READ_AT_ONCE)
            if data is None:
                raise EngineFault("timeout", f"{self._name} has not answered `{command}` within {seconds:g} s")
            if not data:
                raise EngineFault("crash", self._how_it_ended(command))
            self._unread += data

    def _parsed(self, answer: str, command: str) -> tuple[str, str]:
        """Mark and text of an answer to the last command."""
        match = re.fullmatch(r"([=?])(\d*)(?:[ \t]+(.*)|(\n.*))?", answer, re.DOTALL)
        if match is None:
            shown = shortened(printable(answer))
            raise EngineFault("protocol", f"{self._name} answers `{command}` with {shown}, which is no GTP")
        if match[2] != str(self._number):
            numbers = f"{match[2] or 'no number'} instead of {self._number}"
            raise EngineFault("protocol", f"{self._name} answers `{command}` under {numbers}")
        text = (match[3] or match[4] or "").replace("\t", " ")
        return match[1], "".join(each for each in text if each.isprintable() or each == "\n").strip()

    def _how_it_ended(self, command: str) -> str:
        end = self._monitor.exit_status() or "has closed its standard output"
        printed = self._monitor.last_output_line()
        return f"{self._name} {end} at `{command}`{f'; it last printed: {printed}' if printed else ''}"

    def close(self) -> None:
        """Ask the program to quit, and kill it where it has not within a second. A second call does nothing."""
        if self._end.alive:
            with contextlib.suppress(OSError):
                os.write(self._in, b"quit\n")
                cast("IO[bytes]", self._process.stdin).close()
                self._monitor.exit_status()  # waits
            self._end()

    def after_fork(self) -> None:
        """In a fork: the program is the parent's."""
        self._end()


def _end(process: subprocess.Popen[bytes], monitor: ChildMonitor, owner: int) -> None:
    """Kill a program and all that it has started; in a fork of its owner, only forget it."""
    if os.getpid() == owner:
        with contextlib.suppress(ProcessLookupError):  # somebody else's handler has waited for it
            os.killpg(process.pid, signal.SIGKILL)  # it may have died, but nobody has waited for it yet
        guard.remove(process.pid)
        process.wait()
    else:
        process.returncode = 0  # not ours to wait for
    monitor.close()
    for pipe in (process.stdin, process.stdout, process.stderr):
        if pipe is not None:
            pipe.close()
