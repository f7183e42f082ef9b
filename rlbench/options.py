"""Options of the command line, by tyro from a dataclass: mistakes are one line, help fits the terminal."""

from __future__ import annotations

import contextlib
import dataclasses
import difflib
import io
import re
import typing
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

from rlbench import streams
from rlbench.errors import UserError
from rlbench.process import system

NARROWEST, USUAL, WIDEST = 40, 80, 100  # columns of a help text
UNBROKEN = 5_000  # columns of a message that shall be one line
OPTION = re.compile("--|-[a-zA-Z]")  # how an option begins; -1 and - are values


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

    if any("\0" in word for word in arguments):
        raise UserError("a word holds a null character, which no name or path can")
    given = {} if default is None else {"default": default}
    arguments = combined(arguments, options_of_many(kind))
    if any(each in ("-h", "--help") for each in arguments):
        with system.environment(COLUMNS=str(min(max(streams.columns() or USUAL, NARROWEST), WIDEST))):
            return tyro.cli(kind, args=["--help"], prog=prog, description=description, **given)
    with system.environment(COLUMNS=str(UNBROKEN)):
        complaint = io.StringIO()
        try:
            with contextlib.redirect_stderr(complaint):
                parsed = tyro.cli(kind, args=list(arguments), prog=prog, **given)
            check_paths(parsed, arguments)
            return parsed
        except SystemExit:
            pass
        names = [*also, "--json", "--csv", *option_names(lambda: tyro.cli(kind, args=["--help"], **given))]
    unknown = next((each for each in arguments if each.startswith("--") and option(each) not in names), None)
    said = sentence(complaint.getvalue()) if unknown is None else unknown_option(unknown, names)
    raise UserError(f"{said} `{prog} --help` lists the options")


def options_of_many(kind: Any) -> dict[str, str]:
    """The options that take any number of values at once, such as `--set`: every spelling, and the name of its field.

    Those that tyro adds up by itself, one value at a time, are not among them.

    Args:
        kind: a dataclass of options.
    """
    import tyro

    added_up = typing.get_args(tyro.conf.UseAppendAction[int])[1]
    found = {}
    for name, hint in typing.get_type_hints(typing.get_origin(kind) or kind, include_extras=True).items():
        plain, *markers = typing.get_args(hint) if typing.get_origin(hint) is Annotated else (hint,)
        if typing.get_origin(plain) is tuple and typing.get_args(plain)[-1] is ... and added_up not in markers:
            aliases = [alias for each in markers for alias in getattr(each, "aliases", None) or ()]
            found.update(dict.fromkeys((f"--{name.replace('_', '-')}", *aliases), name))
    return found


def combined(arguments: Sequence[str], known: Mapping[str, str]) -> list[str]:
    """The words, with the values of an option that is given several times together, at the end.

    `--set a=1 --set b=2` is `--set a=1 b=2`; tyro alone would forget all but the last.

    Args:
        arguments: the words.
        known: the options that take many values, as of `options_of_many`.
    """
    fields = [known.get(option(word)) for word in arguments]
    repeated = {field for field in fields if field is not None and fields.count(field) > 1}
    kept: list[str] = []
    values: dict[str, list[str]] = {}
    into = kept
    for word, field in zip(arguments, fields, strict=True):
        if field in repeated:
            into = values.setdefault(field, [option(word)])
            if "=" in word:
                into.append(word.partition("=")[2])
                into = kept
            continue
        if OPTION.match(word):
            into = kept
        into.append(word)
    return [*kept, *(word for each in values.values() for word in each)]


def option(word: str) -> str:
    """The option of a word such as `--num_envs=3`, as help texts spell it: `--num-envs`."""
    return word.partition("=")[0].replace("_", "-")


def unknown_option(word: str, names: Sequence[str]) -> str:
    """The message for an option that does not exist, with the one that is nearest, or several that are equally near.

    Args:
        word: as it was given.
        names: of all options.
    """
    given = option(word).strip("-")
    near = difflib.get_close_matches(given, [name.strip("-") for name in names])
    likeness = [difflib.SequenceMatcher(None, name, given).ratio() for name in near]
    meant = [f"--{name}" for name, like in zip(near, likeness, strict=True) if like == likeness[0]]
    return f"unknown option {word!r};" + (f" did you mean {' or '.join(dict.fromkeys(meant))}?" if near else "")


def check_paths(options: Any, arguments: Sequence[str]) -> None:
    """Raise UserError for an empty path, as `--out "$UNSET"` gives it: it would mean the folder that one is in."""
    if any(word == "" or (word.startswith("--") and word.endswith("=")) for word in arguments):
        for name, value in vars(options).items():
            if dataclasses.is_dataclass(value):
                check_paths(value, arguments)
            elif Path() in (value if isinstance(value, tuple) else (value,)):
                raise UserError(f"{name.replace('_', '-')} is an empty path; write . for the folder that you are in")


def option_names(show_help: Callable[[], Any]) -> list[str]:
    """The names of all options, from the help text that a function prints before it exits."""
    shown = io.StringIO()
    with contextlib.redirect_stdout(shown), contextlib.suppress(SystemExit):
        show_help()
    lines = (line.strip("│| ") for line in plain(shown.getvalue()).splitlines())
    return [name for line in lines if line.startswith("-") for name in re.findall(r"--[\w-]+", line.split("  ")[0])]


def sentence(complaint: str) -> str:
    """What tyro complains of in a frame of several lines, as one."""
    message = paragraphs(complaint)[0].rstrip(".").removeprefix("Error parsing ")
    if message.startswith("Missing from"):
        return f"missing:{message.partition(':')[2]};"
    for pattern, words in REWORDED:
        message = re.sub(pattern, words, message)
    return f"{message[:1].lower()}{message[1:]};"


def listed(choices: re.Match[str]) -> str:
    """The choices that tyro prints as a tuple of Python, in words: `: give all, envs or tasks`."""
    *names, last = re.findall(r"'([^']*)'", choices[1])
    return f": give {', '.join(names)} or {last}" if names else f": give {last}"


REWORDED: tuple[tuple[str, str | Callable[[re.Match[str]], str]], ...] = (
    ("[Uu]nrecognized options", "words that it does not take"),
    (r"invalid literal for int\(\) with base 10: (.*)", r"\1 is no whole number"),
    (r"could not convert string to float: (.*)", r"\1 is no number"),
    (r"no type matching \{None\}\|INT could be instantiated from \[('.*')\]", r"\1 is no whole number"),
    (r"no type matching \{None\}\|FLOAT could be instantiated from \[('.*')\]", r"\1 is no number"),
    (r"\. Expected one of \(('[^)]*)\)", listed),
)
"""What Python and tyro say of a word that they cannot read, and how a message says it."""


def paragraphs(framed: str) -> list[str]:
    """The parts of a framed text between its rules, each on one line, without the help texts of options."""
    parts = [""]
    for line in plain(framed).splitlines()[1:]:
        text = line.strip("│|")
        if not text.strip(" ─-╰╯+"):
            parts.append("")
        elif not text.startswith(" " * 8):  # deeper are the help texts
            parts[-1] = f"{parts[-1]} {text.strip()}".strip()
    return [part for part in parts if part] or [plain(framed)]


def plain(text: str) -> str:
    """Text without colours."""
    return re.sub(r"\x1b\[[0-9;]*m", "", text)
