"""Errors that the command line shows as one line, without a traceback."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any


class UserError(Exception):
    """A mistake outside the program; the message says what was wrong, with which value, and what to do."""


class HarnessError(Exception):
    """A fault of the harness itself, never charged to an agent."""


MAX_NAMES, MAX_CHARACTERS = 30, 80


def unknown(kind: str, name: object, known: Iterable[str]) -> UserError:
    """The error for a name that does not exist; it names the nearest ones, or what there is when none is near.

    Args:
        kind: what the name should be, such as "task".
        name: the name.
        known: the names that exist.
    """
    names = sorted(known)
    by_letters = {each.lower(): each for each in names}
    near = difflib.get_close_matches(str(name)[:MAX_CHARACTERS].lower(), by_letters, n=3, cutoff=0.6)
    listed = ", ".join(names[:MAX_NAMES])
    if len(names) > MAX_NAMES:
        listed += f" and {len(names) - MAX_NAMES} more"
    hint = f"did you mean {' or '.join(by_letters[each] for each in near)}?" if near else f"there is {listed}"
    return UserError(f"unknown {kind} {shortened(name)}; {hint}")


def shortened(value: object) -> str:
    """A value as Python writes it, on one line, its middle left out where it is long."""
    text = repr(value)
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
