"""What an agent tells of its last action, for people who watch it; never part of a score.

An agent may have a method `explain()`, which is called after `act` when somebody watches. It returns a dict with some
of these, a row for each of the N lanes:

    action_values  [N, A]      Q(s, .)
    probabilities  [N, A]      pi(.|s)
    value          [N]         V(s)
    glimpses       [N, k, 2]   where it looked in this episode, (x, y) in [-1, 1], x to the right and y down

Across the wall it goes as JSON text in memory of a fixed size, and the parent takes it apart with suspicion. What is
wrong with it costs the agent nothing; the watcher is told.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

BYTES = 1 << 18
"""The room for the text."""

SHAPES = {"action_values": 1, "probabilities": 1, "value": 0, "glimpses": 2}
"""What can be told, and how many axes it has in one lane."""

MOST = 4096
"""Numbers that one lane may tell of one kind."""

Row = tuple[float, ...]


@dataclass(frozen=True)
class Explanation:
    """What one lane of an agent tells; None and empty for what it does not tell."""

    action_values: Row = ()
    probabilities: Row = ()
    value: float | None = None
    glimpses: tuple[tuple[float, float], ...] = ()
    error: str = ""
    """What is wrong with its explanation, in one line."""

    def plain(self) -> dict[str, Any]:
        """What it tells, as JSON."""
        return {name: value for name, value in vars(self).items() if value not in ((), None, "")}


SILENT = Explanation()


def encode(told: Any) -> bytes:
    """What `explain()` returned as JSON text; a ValueError or TypeError where it is none, or is too long.

    Runs in the child: arrays become lists with six significant digits.
    """
    data = json.dumps(_plain(told), allow_nan=False, separators=(",", ":")).encode()
    if len(data) > BYTES:
        raise ValueError(f"explain() told {len(data):,} bytes; {BYTES:,} fit")
    return data


def decode(data: bytes, lanes: int) -> tuple[Explanation, ...]:
    """The explanation of every lane, from a text that may be anything at all."""
    try:
        told = json.loads(data.rstrip(b"\0") or b"null", parse_constant=_refuse)
        return read(told, lanes)
    except (ValueError, ArithmeticError, RecursionError) as error:  # arithmetic: an int beyond any float
        return (Explanation(error=f"explain() cannot be understood: {str(error)[:120]}"),) * lanes


def read(told: Any, lanes: int) -> tuple[Explanation, ...]:
    """The explanation of every lane, from a parsed text; a ValueError says what it cannot be."""
    if told is None:
        return (SILENT,) * lanes
    if not isinstance(told, dict):
        raise ValueError(f"a dict is wanted, not {type(told).__name__}")
    if isinstance(told.get("error"), str):
        return (Explanation(error=" ".join(told["error"].split())[:200]),) * lanes
    if unknown := sorted(set(told) - set(SHAPES)):
        raise ValueError(f"{str(unknown[0])[:40]!r} is not one of {', '.join(SHAPES)}")
    kinds = {name: _lanes(name, rows, lanes) for name, rows in told.items() if rows is not None}
    return tuple(Explanation(**{name: rows[lane] for name, rows in kinds.items()}) for lane in range(lanes))


def _plain(told: Any) -> Any:
    if isinstance(told, Mapping):
        return {str(key): _plain(value) for key, value in told.items()}
    if isinstance(told, list | tuple):
        return [_plain(value) for value in told]
    if hasattr(told, "tolist"):
        told = told.tolist()
        return _plain(told)
    return float(f"{told:.6g}") if isinstance(told, float) else told


def _lanes(name: str, rows: Any, lanes: int) -> list[Any]:
    if not isinstance(rows, list) or len(rows) != lanes:
        raise ValueError(f"{name} has a row for each of the {lanes} lanes")
    return [_row(name, row, SHAPES[name]) for row in rows]


def _row(name: str, row: Any, axes: int) -> Any:
    """One lane's numbers, as tuples; a ValueError unless they are finite and have so many axes."""
    if axes == 0:
        if isinstance(row, bool) or not isinstance(row, int | float) or not math.isfinite(row):
            raise ValueError(f"{name} is made of finite numbers, not {str(row)[:40]}")
        return float(row)
    if not isinstance(row, list) or len(row) > MOST:
        raise ValueError(f"{name} of a lane is a list of at most {MOST:,}")
    items = tuple(_row(name, item, axes - 1) for item in row)
    if axes == 2 and any(len(item) != 2 for item in items):
        raise ValueError(f"{name} are (x, y)")
    return items


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is no finite number")
