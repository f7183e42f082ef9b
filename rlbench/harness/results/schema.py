"""The schema of a record's lines: which fields each has, and of which type."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

SCHEMA = 1
"""The version of the lines below. A record of another schema is refused, never guessed at."""

MAX_INTEGER = 2**63 - 1  # of the columns of tables


def is_integer(value: object) -> bool:
    """Whether a value is a whole number that a table can hold."""
    return type(value) is int and abs(value) <= MAX_INTEGER


def is_number(value: object) -> bool:
    """Whether a value is a finite number."""
    return type(value) in (int, float) and math.isfinite(value)  # type: ignore[arg-type]


def is_text(value: object) -> bool:
    """Whether a value is a string."""
    return type(value) is str


def is_flag(value: object) -> bool:
    """Whether a value is true or false."""
    return type(value) is bool


def is_mapping(value: object) -> bool:
    """Whether a value is an object."""
    return type(value) is dict


Test = Callable[[object], bool]

FIELDS: dict[str, dict[str, tuple[Test, ...] | tuple[Test, None]]] = {
    "header": {
        **dict.fromkeys(("task", "task_hash", "agent", "version", "digest"), (is_text,)),
        **dict.fromkeys(("training_seed", "training_steps"), (is_integer, None)),
        "dynamics": (is_text, None),
    },
    "episode": {
        **dict.fromkeys(("index", "seed", "length"), (is_integer,)),
        **dict.fromkeys(("return", "discounted_return"), (is_number,)),
        **dict.fromkeys(("terminated", "truncated"), (is_flag,)),
        **dict.fromkeys(("status", "actions"), (is_text,)),
        "extra": (is_mapping,),
    },
    "block": {"block": (is_integer,), "fault": (is_text, None)},
    "footer": {"blocks": (is_integer,), "episodes": (is_integer,)},
    "lacking": {"episodes": (is_integer,), "reason": (is_text,)},
}
"""Fields by kind of line, each with its test; `None` behind it where null, or no such field, is valid as well."""


def violation(line: Mapping[str, Any]) -> str | None:
    """What is wrong with a line, in words; None where it is as the schema says."""
    kind = line.get("kind")
    if kind not in FIELDS:
        return f"kind is {kind!r}"
    for name, (fits, *others) in FIELDS[kind].items():
        value = line.get(name)
        if not fits(value) and not (others and value is None):
            return f"{name} is {str(value)[:40]!r}" if name in line else f"no {name}"
    return None
