"""Options of the command line, by tyro from a dataclass: mistakes are one line, help fits the terminal."""

from __future__ import annotations

import contextlib
import difflib
import io
import re
from collections.abc import Callable, Sequence
from typing import Any

from rlbench import process, streams
from rlbench.errors import UserError

NARROWEST, USUAL, WIDEST = 40, 80, 100  # columns of a help text
UNBROKEN = 5_000  # columns of a message that shall be one line


def parse_options(
    kind: Any,
    arguments: Sequence[str],
    *,
    prog: str,
    description: str | None = None,
    default: Any = None,
    also: Sequence[str] = (),
) -> Any:
    """The options of a command.

    Args:
        kind: a dataclass.
        arguments: the words after the command's name.
        prog: the command, for the help.
        description: what it does, for the help.
        default: an instance with the defaults; by default those of the class.
        also: further names of options, which `arguments` no longer has; they may be what was meant.

    Raises:
        UserError: the words are no options of the command.
        SystemExit: help was asked for and printed.
    """
    import tyro

    given = {} if default is None else {"default": default}
    if any(each in ("-h", "--help") for each in arguments):
        with process.environment(COLUMNS=str(min(max(streams.columns() or USUAL, NARROWEST), WIDEST))):
            return tyro.cli(kind, args=list(arguments), prog=prog, description=description, **given)
    with process.environment(COLUMNS=str(UNBROKEN)):
        complaint = io.StringIO()
        try:
            with contextlib.redirect_stderr(complaint):
                return tyro.cli(kind, args=list(arguments), prog=prog, **given)
        except SystemExit:
            pass
        names = [*also, "--json", "--csv", *option_names(lambda: tyro.cli(kind, args=["--help"], **given))]
    raise UserError(f"{sentence(complaint.getvalue(), names)} `{prog} --help` lists the options")


def option_names(show_help: Callable[[], Any]) -> list[str]:
    """The names of all options, from the help text that a function prints before it exits."""
    shown = io.StringIO()
    with contextlib.redirect_stdout(shown), contextlib.suppress(SystemExit):
        show_help()
    lines = (line.strip("│| ") for line in plain(shown.getvalue()).splitlines())
    return [name for line in lines if line.startswith("-") for name in re.findall(r"--[\w-]+", line.split("  ")[0])]


def sentence(complaint: str, names: Sequence[str]) -> str:
    """What tyro complains of in a frame of several lines, as one.

    Args:
        complaint: what it printed.
        names: of all options.
    """
    said = []
    for line in plain(complaint).splitlines()[1:]:
        text = line.strip("│|")
        if not text.strip(" ─-╰╯+"):
            break
        said += [] if text.startswith(" " * 8) else [text.strip()]  # deeper are the help texts of options
    message = " ".join(said).rstrip(".").removeprefix("Error parsing ").replace("Missing value", "missing value")
    what, _, which = message.partition(":")
    if what == "Unrecognized options":
        name = which.strip().partition(",")[0]
        words = {each.strip("-"): each for each in names}
        near = difflib.get_close_matches(name.partition("=")[0].strip("-"), words, n=1)
        kind = "option" if name.startswith("-") else "word"
        return f"unknown {kind} {name!r};" + (f" did you mean {words[near[0]]}?" if near else "")
    return f"missing:{which};" if what.startswith("Missing from") else f"{message};"


def plain(text: str) -> str:
    """Text without colours."""
    return re.sub(r"\x1b\[[0-9;]*m", "", text)
