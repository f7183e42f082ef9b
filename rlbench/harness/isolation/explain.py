"""An agent's explanation of its last action, for people who watch; never part of a score.

An agent may have a method `explain()`, which is called after `act` when somebody watches. It returns a dict with some
of these, one row for each of the N environments:

    action_values  [N, A]      Q(s, .)
    probabilities  [N, A]      pi(.|s)
    value          [N]         V(s)
    glimpses       [N, k, 2]   where it looked in this episode, (x, y) in [-1, 1], x to the right and y down
    visits         [N, A]      of a search: how often it tried each action
    variation      [N, k]      of a search: the actions that it expects, the one taken first; negative ones are left out

It crosses the process boundary as JSON text in shared memory of a fixed size, and the harness checks every value. A
mistake in it costs the agent nothing; it is shown to whoever watches.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

MAX_BYTES = 1 << 18
"""Size of the JSON text."""

SHAPES = {"action_values": 1, "probabilities": 1, "value": 0, "glimpses": 2, "visits": 1, "variation": 1}
"""The kinds of explanation, and how many axes each has per environment."""

MAX_NUMBERS = 4096
"""Length of an axis."""

Row = tuple[float, ...]


@dataclass(frozen=True)
class Explanation:
    """Explanation for one environment; None or empty for what was not given."""

    action_values: Row = ()
    probabilities: Row = ()
    value: float | None = None
    glimpses: tuple[tuple[float, float], ...] = ()
    visits: Row = ()
    variation: Row = ()
    error: str = ""
    """What is wrong with the explanation, in one line."""

    def plain(self) -> dict[str, Any]:
        """The fields that were given, as JSON."""
        return {name: value for name, value in vars(self).items() if value not in ((), None, "")}


NO_EXPLANATION = Explanation()


def encode(explanation: Any) -> bytes:
    """What `explain()` returned, as JSON text; runs in the agent's process. Numbers keep six significant digits.

    Raises:
        ValueError, TypeError: It cannot be written as JSON, holds NaN or an infinity, or is longer than MAX_BYTES.
    """
    data = json.dumps(_plain(explanation), allow_nan=False, separators=(",", ":")).encode()
    if len(data) > MAX_BYTES:
        raise ValueError(f"explain() returned {len(data):,} bytes of JSON; at most {MAX_BYTES:,} fit")
    return data


def decode(data: bytes, num_envs: int) -> tuple[Explanation, ...]:
    """The explanation for each of `num_envs` environments, from bytes that may be anything."""
    try:
        parsed = json.loads(data.rstrip(b"\0") or b"null", parse_constant=_refuse)
        return read(parsed, num_envs)
    except (ValueError, ArithmeticError, RecursionError) as error:  # arithmetic: an int beyond any float
        return (Explanation(error=f"explain() cannot be understood: {str(error)[:120]}"),) * num_envs


def read(parsed: Any, num_envs: int) -> tuple[Explanation, ...]:
    """The explanation for each of `num_envs` environments, from parsed JSON.

    Raises:
        ValueError: It is not what the module's docstring says; the message names the first mistake.
    """
    if parsed is None:
        return (NO_EXPLANATION,) * num_envs
    if not isinstance(parsed, dict):
        raise ValueError(f"it must be a dict, not {type(parsed).__name__}")
    if isinstance(parsed.get("error"), str):
        return (Explanation(error=" ".join(parsed["error"].split())[:200]),) * num_envs
    if unknown := sorted(set(parsed) - set(SHAPES)):
        raise ValueError(f"{str(unknown[0])[:40]!r} is not one of {', '.join(SHAPES)}")
    kinds = {name: _rows(name, rows, num_envs) for name, rows in parsed.items() if rows is not None}
    return tuple(Explanation(**{name: rows[i] for name, rows in kinds.items()}) for i in range(num_envs))


def _plain(value: Any) -> Any:
    """A value with dicts, lists and rounded floats in the place of mappings, tuples and arrays."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if hasattr(value, "tolist"):
        return _plain(value.tolist())
    return float(f"{value:.6g}") if isinstance(value, float) else value


def _rows(name: str, rows: Any, num_envs: int) -> list[Any]:
    if not isinstance(rows, list) or len(rows) != num_envs:
        raise ValueError(f"{name} must have one row for each of the {num_envs} environments")
    return [_row(name, row, SHAPES[name]) for row in rows]


def _row(name: str, row: Any, axes: int) -> Any:
    """One environment's numbers, as tuples; a ValueError unless they are finite and have so many axes."""
    if axes == 0:
        if isinstance(row, bool) or not isinstance(row, int | float) or not math.isfinite(row):
            raise ValueError(f"{name} must hold finite numbers, not {str(row)[:40]}")
        return float(row)
    if not isinstance(row, list) or len(row) > MAX_NUMBERS:
        raise ValueError(f"{name} must hold lists of at most {MAX_NUMBERS:,} for each environment")
    items = tuple(_row(name, item, axes - 1) for item in row)
    if axes == 2 and any(len(item) != 2 for item in items):
        raise ValueError(f"{name} must hold pairs (x, y)")
    return items


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is not a finite number")
