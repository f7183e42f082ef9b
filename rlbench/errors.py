"""Errors that the command line shows as one line, without a traceback."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class UserError(Exception):
    """A mistake outside the program; the message says what was wrong, with which value, and what to do."""


class HarnessError(Exception):
    """A fault of the harness itself, never charged to an agent."""


def unknown(kind: str, name: object, known: Iterable[str]) -> UserError:
    """The error for a name that does not exist; it names the nearest ones, or all when none is near.

    Args:
        kind: what the name should be, such as "task".
        name: the name.
        known: the names that exist.
    """
    names = sorted(known)
    near = difflib.get_close_matches(str(name), names, n=3, cutoff=0.6)
    hint = f"did you mean {' or '.join(near)}?" if near else f"there is {', '.join(names)}"
    return UserError(f"unknown {kind} {name!r}; {hint}")
