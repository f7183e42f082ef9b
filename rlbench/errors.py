"""Errors that the command line shows as one line, without a traceback."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from typing import Any


class UserError(Exception):
    """A mistake outside the program; the message says what was wrong, with which value, and what to do."""


class ArgumentError(UserError, ValueError):
    """A value that an argument, an option, a seed or a state cannot have."""


class ArgumentTypeError(ArgumentError, TypeError):
    """A value of a wrong type, where Gymnasium raises a TypeError."""


class UnexpectedArgumentError(UserError, TypeError):
    """A keyword argument that does not exist. Other libraries look for Python's own words in the message."""


class TooLargeError(UserError, MemoryError):
    """Something that would not fit into the memory of this machine, found before any of it was made."""


class UnfitError(UserError):
    """An algorithm, or a setting of it, that is for other spaces than an environment has."""


class RulesError(UserError, TypeError):
    """Rules of an environment that cannot be played, or not be compiled."""


class LackingError(UserError):
    """A package or a program that is not installed on this machine."""


class HarnessError(Exception):
    """A fault of the harness itself, never charged to an agent."""


def one_line(error: object) -> str:
    """A message on one line, whatever a library or a file name put into it."""
    text = re.sub(r"\s*[\r\n]+\s*", " ", str(error).strip())
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)


def printable(text: str) -> str:
    """A text of another program as one line, without control characters."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def about_it(error: object, path: object) -> str:
    """An error about a file on one line, for a place that names the file already: it is `it` there, not its path."""
    named = re.sub(rf"(\b[Tt]he [a-z ]+ )?{re.escape(str(path))}", "it", str(error))
    return printable(re.sub("^it, ", "", named))


def counted(number: int, thing: str) -> str:
    """A number of things: `1 episode`, `1,200 episodes`."""
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


MAX_NAMES, MAX_CHARACTERS = 30, 80


def unknown(kind: str, name: object, known: Iterable[str], error: type[UserError] = UserError) -> UserError:
    """The error for a name that does not exist; it names the nearest ones, or what there is when none is near.

    Args:
        kind: what the name should be, such as "task".
        name: the name.
        known: the names that exist.
        error: the class of the error.
    """
    return error(f"unknown {kind} {shortened(name)}; {nearest(name, known)}")


def nearest(name: object, known: Iterable[str]) -> str:
    """The end of a message about a name that does not exist: the nearest ones, or what there is when none is near."""
    names = sorted(known)
    if near := near_names(name, names):
        return f"did you mean {' or '.join(near)}?"
    more = f" and {len(names) - MAX_NAMES} more" if len(names) > MAX_NAMES else ""
    return f"there is {', '.join(names[:MAX_NAMES]) or 'none'}{more}"


def near_names(name: object, known: Iterable[str]) -> list[str]:
    """Up to three of the names that exist which are spelt much like a name, in upper or lower case, nearest first."""
    by_letters = {each.lower(): each for each in known}
    near = difflib.get_close_matches(str(name)[:MAX_CHARACTERS].lower(), by_letters, n=3, cutoff=0.6)
    return [by_letters[each] for each in near]


def shortened(value: object) -> str:
    """A value as Python writes it, on one line, its middle left out where it is long."""
    try:
        text = " ".join(repr(value).split())
    except (ValueError, RecursionError):  # more digits than Python writes; tables in tables by the thousand
        text = f"a very long {type(value).__name__}"
    half = MAX_CHARACTERS // 2
    return text if len(text) <= MAX_CHARACTERS else f"{text[:half]}...{text[-half:]}"


def check_taken(library: str, setting: str, taken: Any, given: Any, tolerance: float = 0.0) -> None:
    """Raise UserError where a foreign library uses another value than it was given.

    Args:
        library: Its name.
        setting: What the value is.
        taken: The value that the library says it uses, or shows by what it does.
        given: The value that it was given.
        tolerance: By how much two numbers may differ.
    """
    if taken != given and not (tolerance and abs(taken - given) <= tolerance):
        raise UserError(f"{library} uses {taken!r} as {setting}, not {given!r}; install another version of {library}")
