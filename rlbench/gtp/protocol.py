"""Go Text Protocol, version 2: commands and answers as text, and the loop that serves them. It knows no Go.

Source: G. Farnebäck, "Specification of the Go Text Protocol, version 2, draft 2" (2002), sections 2 and 3.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import IO, NamedTuple

MAX_LINE = 1 << 16
"""Bytes of a command; what is longer is refused, and read past."""

SYNTAX_ERROR = "syntax error"

Handler = Callable[[Sequence[str]], str]
"""Carries a command out: its arguments -> the answer, of one or more lines. May raise GtpError."""


class GtpError(Exception):
    """A command that cannot be carried out; its text follows the `?`, in the words of the specification."""


class Command(NamedTuple):
    """A command: its number as it was written, or nothing; its name; its arguments."""

    number: str
    name: str
    arguments: tuple[str, ...]


def parse(line: bytes) -> Command | None:
    """The command of a line; None where there is none, as in a comment."""
    text = line.decode(errors="replace").partition("#")[0].replace("\t", " ")
    words = "".join(each for each in text if each.isprintable()).split()
    number = words.pop(0) if words and re.fullmatch("[0-9]+", words[0]) else ""
    return Command(number, words[0], tuple(words[1:])) if words else None


def answer(number: str, text: str, mark: str = "=") -> str:
    """An answer as it is sent.

    Args:
        number: That of the command.
        text: One or more lines; empty lines, which would end it, are left out. Drawings begin with a line feed.
        mark: `=`, or `?` where the command has failed.
    """
    body = re.sub("\n+", "\n", text.rstrip())
    return f"{mark}{number} {body}".rstrip() + "\n\n"


def serve(handlers: Mapping[str, Handler], lines: IO[bytes], write: Callable[[str], object]) -> None:
    """Answer commands until `quit`, the end of the input, or the end of those who read the answers.

    Args:
        handlers: By the name of the command.
        lines: Where commands come from.
        write: Sends an answer; returns False where nobody reads it any more.
    """
    table = with_general(handlers)
    for line in _lines(lines):
        command = parse(line)
        if command is None:
            continue
        try:
            if len(line) >= MAX_LINE:
                raise GtpError(SYNTAX_ERROR)
            if command.name not in table:
                raise GtpError("unknown command")
            text = answer(command.number, table[command.name](command.arguments))
        except GtpError as error:
            text = answer(command.number, str(error), "?")
        if write(text) is False or command.name == "quit":
            return


def _lines(source: IO[bytes]) -> Iterator[bytes]:
    """Lines, of which only the beginning is kept where they are too long."""
    while line := source.readline(MAX_LINE):
        rest = line
        while not rest.endswith(b"\n") and len(rest) >= MAX_LINE:
            rest = source.readline(MAX_LINE)
        yield line


def with_general(handlers: Mapping[str, Handler]) -> dict[str, Handler]:
    """The handlers, and those of the commands about the protocol itself."""

    def known_command(arguments: Sequence[str]) -> str:
        return "true" if arguments and arguments[0] in table else "false"

    def list_commands(arguments: Sequence[str]) -> str:
        return "\n".join(sorted(table))

    table = {
        **handlers,
        "protocol_version": lambda arguments: "2",
        "known_command": known_command,
        "list_commands": list_commands,
        "quit": lambda arguments: "",
    }
    return table


def whole_number(words: Sequence[str], position: int = 0) -> int:
    """The argument at a position, an integer; GtpError where it is none."""
    return int(_word(words, position, "[+-]?[0-9]{1,18}"))


def number(words: Sequence[str], position: int = 0) -> float:
    """The argument at a position, a finite number; GtpError where it is none."""
    value = float(_word(words, position, r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?"))
    if not math.isfinite(value):
        raise GtpError(SYNTAX_ERROR)
    return value


def _word(words: Sequence[str], position: int, pattern: str) -> str:
    if len(words) <= position or not re.fullmatch(pattern, words[position]):
        raise GtpError(SYNTAX_ERROR)
    return words[position]
