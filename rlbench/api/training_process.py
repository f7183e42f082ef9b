"""A training run in a process of its own, under pinned arithmetic: what passes between it and the one that asks.

The request goes in as a line of JSON, and lines of JSON come out: bars, remarks, and in the end the result or what went
wrong. Where the input ends before, the training run is interrupted, as by Ctrl-C, and keeps its last snapshot: so it
ends also when the process that asks for it is killed. No signal is sent, so that it is the same on every system.
"""

from __future__ import annotations

import _thread
import contextlib
import dataclasses
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from rlbench import arithmetic
from rlbench.api.trained import Training, TrainingRequest, train_here
from rlbench.children import child_environment, search_path
from rlbench.commands.shared.output import complain
from rlbench.errors import HarnessError, UserError, shortened
from rlbench.exit_codes import exit_code
from rlbench.progress import Bar, progress, reporting

SECONDS_BETWEEN_REPORTS = 0.1

Send = Callable[..., None]


def train_elsewhere(request: TrainingRequest) -> Training:
    """Train in a new process, and show its progress here.

    Raises:
        UserError: The caller can mend it, or the process was killed.
        HarnessError: rlbench itself failed.
        KeyboardInterrupt: This process was interrupted; the training run has kept its last snapshot.
    """
    line = as_line(request)
    with tempfile.TemporaryFile() as errors, started(errors) as process:
        told: dict[str, Any] = {}
        try:
            told = exchange(process, line)
        except KeyboardInterrupt:
            process.stdin.close()  # type: ignore[union-attr]  # it is a pipe
            told = last_words(process)
            raise KeyboardInterrupt(told.get("interrupted", "interrupted; the same call goes on")) from None
        code = process.wait()
        errors.seek(0)
        output = errors.read().decode(errors="replace").strip()
    if "trained" in told:
        paths = {name: Path(told["trained"][name]) for name in ("path", "submission")}
        return Training(**{**told["trained"], **paths})
    if "mistake" in told:
        raise UserError(told["mistake"])
    if code < 0:
        raise UserError(f"the training run was killed by signal {-code}; the same call goes on from its last snapshot")
    raise HarnessError(f"the training run failed with code {code}: {told.get('fault') or output or 'no output'}")


def as_line(request: TrainingRequest) -> bytes:
    """The request as a line of JSON; UserError where a setting is nothing that it can hold."""

    def plain(value: Any) -> Any:
        if hasattr(value, "tolist"):  # NumPy's
            return value.tolist()
        if isinstance(value, os.PathLike):
            return os.fspath(value)
        raise UserError(f"{shortened(value)} is no value of a setting")

    return json.dumps(dataclasses.asdict(request), default=plain).encode() + b"\n"


@contextmanager
def started(errors: IO[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    """The process, which is interrupted and waited for at the end.

    Args:
        errors: Where its standard error goes.
    """
    process = subprocess.Popen(
        [sys.executable, "-m", __name__],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=errors,
        env=child_environment(
            ["*"],  # training is the user's own program, as it is on the command line
            **dict.fromkeys(arithmetic.CONTRADICTING),
            **arithmetic.wanted(),
            PYTHONPATH=os.pathsep.join(search_path()),
        ),
        start_new_session=True,  # Ctrl-C in a terminal is for this process, which interrupts that one in order
    )
    with process:
        try:
            yield process
        finally:
            with contextlib.suppress(OSError):
                process.stdin.close()  # type: ignore[union-attr]


def exchange(process: subprocess.Popen[bytes], request: bytes) -> dict[str, Any]:
    """Send the request, show bars and remarks, and return the last message; empty where there is none."""
    with contextlib.suppress(BrokenPipeError):  # it has ended, and has said why
        process.stdin.write(request)  # type: ignore[union-attr]
        process.stdin.flush()  # type: ignore[union-attr]
    with contextlib.ExitStack() as stack:
        bars: dict[str, Bar] = {}
        for message in messages(process):
            if "bar" in message:
                title, *figures = message["bar"]
                if title not in bars:
                    bars[title] = stack.enter_context(progress(title))
                bars[title](*figures)
            elif "remark" in message:
                complain(message["remark"])
            else:
                return message
    return {}


def last_words(process: subprocess.Popen[bytes]) -> dict[str, Any]:
    """The last message of a process that was interrupted."""
    return next((message for message in messages(process) if "bar" not in message and "remark" not in message), {})


def messages(process: subprocess.Popen[bytes]) -> Iterator[dict[str, Any]]:
    """The messages of the process, as they come."""
    for line in process.stdout or ():
        with contextlib.suppress(ValueError):  # torn, by a process that was killed
            yield json.loads(line)


def main() -> int:
    """Train what the first line of the input asks for: the program of the process."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # also where it was ignored
    send = sender(os.dup(1))
    os.dup2(2, 1)  # what libraries print is no message
    request = TrainingRequest(**json.loads(read_line(0)))
    threading.Thread(target=interrupt_at_end, args=(0,), daemon=True).start()
    try:
        with reporting(seldom(send)), contextlib.redirect_stderr(Remarks(send)):
            trained = dataclasses.asdict(train_here(request))
    except KeyboardInterrupt as interruption:
        send(interrupted=str(interruption) or "interrupted; the same call goes on")
        return 130
    except Exception as error:
        code, line = exit_code(error)
        words = {"mistake": line.removeprefix("error: ")} if code == 2 else {"fault": traceback.format_exc()}
        send(**words)
        return code
    send(trained={name: str(value) if isinstance(value, Path) else value for name, value in trained.items()})
    return 0


def sender(descriptor: int) -> Send:
    """The function that sends a message, a line of JSON, to whoever has asked; dropped where nobody reads."""

    def send(**message: Any) -> None:
        with contextlib.suppress(OSError):
            os.write(descriptor, json.dumps(message).encode() + b"\n")

    return send


def read_line(descriptor: int) -> bytes:
    """A line of the input, without reading ahead."""
    line = b""
    while not line.endswith(b"\n") and (part := os.read(descriptor, 1 << 16)):
        line += part
    return line


def interrupt_at_end(descriptor: int) -> None:
    """Interrupt the main thread when the input ends."""
    while os.read(descriptor, 1):
        pass
    _thread.interrupt_main()


def seldom(send: Send) -> Callable[[str, float, float, str, str], None]:
    """Sends what bars show, a few times a second."""
    sent = -SECONDS_BETWEEN_REPORTS

    def report(*bar: Any) -> None:
        nonlocal sent
        if time.monotonic() - sent >= SECONDS_BETWEEN_REPORTS:
            sent = time.monotonic()
            send(bar=bar)

    return report


class Remarks:
    """A stream whose lines are sent as remarks."""

    def __init__(self, send: Send) -> None:
        self._send, self._text = send, ""

    def write(self, text: str) -> int:
        """Send every line that is whole."""
        *lines, self._text = (self._text + text).split("\n")
        for line in filter(None, lines):
            self._send(remark=line)
        return len(text)

    def flush(self) -> None:
        """Nothing: a line is sent when it is whole."""

    def isatty(self) -> bool:
        """It is no terminal."""
        return False


if __name__ == "__main__":
    sys.exit(main())
