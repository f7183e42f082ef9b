"""Where output leaves: standard output and standard error, whatever they lead to and whichever encoding they have."""

from __future__ import annotations

import codecs
import contextlib
import os
import sys
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO

from rlbench.errors import UserError

MAX_COLUMNS = 10_000  # of a terminal that says it is wider
USUAL_COLUMNS = 80  # of a terminal that does not say
SUBSTITUTES = {
    **dict.fromkeys("‐‑‒–—−", "-"),
    **dict.fromkeys("─━═╌┄┈╴╶╸╺", "-"),
    **dict.fromkeys("│┃║╎┆┊╵╷╹╻", "|"),
    **dict.fromkeys("‘’‚′", "'"),
    **dict.fromkeys("“”„″", '"'),
    **{"←": "<", "→": ">", "↑": "^", "↓": "v", "≤": "<=", "≥": ">=", "≠": "!=", "≈": "~", "×": "x", "·": "."},
    **{"†": "+", "‡": "++", "…": "...", "•": "*", "±": "+-", "∞": "inf", "√": "sqrt", "█": "#"},
}
"""ASCII for characters that a terminal's encoding may lack; tables keep their columns, as most are one for one."""


class OutputStream:
    """A text stream that takes any text, and goes on taking it when nobody reads it any more.

    What its encoding lacks is substituted. Where the reader has gone, as in `rlbench list | head -1`, the rest is
    dropped, so that a command does its work and returns its own exit code.

    Args:
        stream: where the text goes; None, where the program was started without, for nowhere.
        must_arrive: raise UserError where the stream takes no more, and not because its reader has gone.
    """

    def __init__(self, stream: TextIO | None, *, must_arrive: bool) -> None:
        self._stream, self._must_arrive = stream, must_arrive
        self._lost = stream is None
        self._fault = ""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    @property
    def encoding(self) -> str:
        """Name of the encoding, as Python spells it."""
        return codecs.lookup(getattr(self._stream, "encoding", None) or "utf-8").name

    @property
    def is_lost(self) -> bool:
        """Whether text goes nowhere, since nobody reads it any more, or the stream takes none."""
        return self._lost

    def isatty(self) -> bool:
        """Whether a person reads it."""
        return self._stream is not None and self._stream.isatty()

    def write(self, text: str) -> int:
        """Write text, with substitutes for what the encoding lacks."""
        if not self._lost and self._stream is not None:
            try:
                self._stream.write(encodable(text, self.encoding, getattr(self._stream, "errors", None)))
            except OSError as error:
                self._lose(error)
        return len(text)

    def writelines(self, lines: Iterator[str]) -> None:
        """Write lines, which end themselves."""
        self.write("".join(lines))

    def flush(self) -> None:
        """Hand everything over to the system; UserError where something that must arrive is lost."""
        if self._fault:
            raise UserError(self._fault)
        if not self._lost and self._stream is not None:
            try:
                self._stream.flush()
            except OSError as error:
                self._lose(error)

    def _lose(self, error: OSError) -> None:
        """Drop what is left, now and from now on."""
        self._lost = True
        with contextlib.suppress(OSError, ValueError):
            _drop_buffer(self._stream)
        if self._must_arrive and not isinstance(error, BrokenPipeError):
            self._fault = f"cannot write to standard output: {error.strerror or error}"
            raise UserError(self._fault) from None


def _drop_buffer(stream: Any) -> None:
    """Empty the buffer of a stream into nowhere, so that its last flush, when Python ends, has nothing to fail at."""
    descriptor = stream.fileno()
    kept, nowhere = os.dup(descriptor), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, descriptor)
        stream.flush()
    finally:
        os.dup2(kept, descriptor)
        os.close(kept)
        os.close(nowhere)


@contextmanager
def output_streams() -> Iterator[None]:
    """`sys.stdout` and `sys.stderr` are OutputStreams inside; text on standard output must arrive, remarks need not."""
    before = sys.stdout, sys.stderr
    inside: Any = OutputStream(before[0], must_arrive=True), OutputStream(before[1], must_arrive=False)
    sys.stdout, sys.stderr = inside
    with contextlib.ExitStack() as stack:
        for stream in before:
            stack.enter_context(_blocking(stream))
        try:
            yield
        finally:
            for stream in inside:
                with contextlib.suppress(UserError):
                    stream.flush()
            sys.stdout, sys.stderr = before


@contextmanager
def _blocking(stream: Any) -> Iterator[None]:
    """A slow reader is waited for inside, also where another program has made the pipe non-blocking."""
    try:
        descriptor = stream.fileno()
        blocking = os.get_blocking(descriptor)
    except (AttributeError, OSError, ValueError):  # no file
        yield
        return
    if not blocking:
        os.set_blocking(descriptor, True)
    try:
        yield
    finally:
        if not blocking:
            os.set_blocking(descriptor, False)


def encodable(text: str, encoding: str, errors: str | None = None) -> str:
    """Text with substitutes for the characters that an encoding lacks.

    Args:
        text: any text, also file names with bytes that are no text, as Python has them (surrogate escapes).
        encoding: of the stream.
        errors: the stream's own way with such bytes; `surrogateescape` writes them as they are.
    """
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return "".join(each if _fits(each, encoding, errors) else substitute(each) for each in text)
    return text


def _fits(character: str, encoding: str, errors: str | None) -> bool:
    try:
        character.encode(encoding, errors if errors == "surrogateescape" else "strict")
    except UnicodeEncodeError:
        return False
    return True


def substitute(character: str) -> str:
    r"""ASCII for a character: one that looks alike, its letter without accents, or else its number as `\u4e2d`."""
    if character in SUBSTITUTES:
        return SUBSTITUTES[character]
    if "\N{BOX DRAWINGS LIGHT HORIZONTAL}" <= character <= "\N{RIGHT HALF BLOCK}":
        return "+" if character < "\N{UPPER HALF BLOCK}" else "#"
    plain = unicodedata.normalize("NFKD", character).encode("ascii", "ignore").decode("ascii")
    return plain or character.encode("ascii", "backslashreplace").decode("ascii")


def takes(text: str) -> bool:
    """Whether standard output's encoding has every character of a text."""
    return encodable(text, getattr(sys.stdout, "encoding", None) or "utf-8") == text


def columns() -> int | None:
    """Characters of a line of standard output: `COLUMNS` where it is a number, else the terminal's; None for no limit.

    A file or a pipe has no limit.
    """
    given = os.environ.get("COLUMNS", "").lstrip("0")
    if given.isdecimal():
        return min(int(given[:9]), MAX_COLUMNS)
    if not is_terminal(sys.stdout):
        return None
    try:
        return min(os.get_terminal_size(sys.stdout.fileno()).columns, MAX_COLUMNS) or USUAL_COLUMNS
    except (AttributeError, OSError, ValueError):
        return USUAL_COLUMNS


def is_terminal(stream: Any) -> bool:
    """Whether a person reads a stream; False for None and for a closed one."""
    try:
        return bool(stream.isatty())
    except (AttributeError, ValueError):
        return False
