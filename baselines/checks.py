"""Checks of settings: each returns a good value and raises a UserError for a bad one, naming it."""

from __future__ import annotations

import dataclasses
import json
import math
import numbers
import operator
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin, get_type_hints

from rlbench.errors import UserError, shortened, unknown

if TYPE_CHECKING:
    import torch

SEEDS = 2**30
"""Training and validation seeds lie below this, the seeds that agents are scored on at or above it."""

MAX_COUNT = 2**63 - 1
"""Counts stay below what NumPy and PyTorch take as a size."""

MAX_NUMBER = 1e30
"""Numbers stay so far below the largest float32, 3e38, that a product with a reward is one, too."""

MAX_THREADS = 1024


def check_settings(settings: Any) -> None:
    """Check each field of a dataclass by the kind in its annotation; UserError names the first bad one.

    Args:
        settings: a dataclass whose fields are annotated with the kinds of `baselines.types`, a Literal, bool or str.
    """
    for name, hint in get_type_hints(type(settings), include_extras=True).items():
        value = getattr(settings, name)
        for check in getattr(hint, "__metadata__", ()):
            if callable(check):
                check(name, value)
        if hint is str:
            text(name, value)
        if hint is bool and not isinstance(value, bool):
            raise UserError(f"{name} must be true or false, not {shortened(value)}")
        if get_origin(hint) is Literal and value not in get_args(hint):
            raise unknown(name, str(value), get_args(hint))


def text(name: str, value: str) -> str:
    """Text."""
    if not isinstance(value, str):
        raise UserError(f"{name} must be text, not {shortened(value)}")
    return value


def number(name: str, value: float) -> float:
    """A number, finite or not, but no NaN."""
    if isinstance(value, bool) or not isinstance(value, numbers.Real) or math.isnan(value):
        raise UserError(f"{name} must be a number, not {shortened(value)}")
    return value


def finite(name: str, value: float | None) -> float | None:
    """A finite number, small enough for float32, or None."""
    if value is not None and not _is_finite(value):
        raise UserError(f"{name} must be a finite number, not {shortened(value)}")
    return value


def positive(name: str, value: float) -> float:
    """A finite number above zero."""
    if not _is_finite(value) or value <= 0:
        raise UserError(f"{name} must be a positive number, not {shortened(value)}")
    return value


def nonnegative(name: str, value: float) -> float:
    """A finite number, zero or above."""
    if not _is_finite(value) or value < 0:
        raise UserError(f"{name} must be a number of at least 0, not {shortened(value)}")
    return value


def discount(name: str, value: float) -> float:
    """A discount: in (0, 1]."""
    if not _is_finite(value) or not 0 < value <= 1:
        raise UserError(f"{name} must lie in (0, 1], not {shortened(value)}")
    return value


def probability(name: str, value: float) -> float:
    """A number in [0, 1]."""
    if not _is_finite(value) or not 0 <= value <= 1:
        raise UserError(f"{name} must lie in [0, 1], not {shortened(value)}")
    return value


def _is_finite(value: object) -> bool:
    """Whether a value is a number that float32 holds with room to spare."""
    return isinstance(value, numbers.Real) and not isinstance(value, bool) and abs(value) <= MAX_NUMBER


def finite_numbers(name: str, values: tuple[float, ...]) -> tuple[float, ...]:
    """Finite numbers, as many as there are."""
    for value in _items(name, values):
        if not _is_finite(value):
            raise UserError(f"{name} must be finite numbers, not {shortened(value)}")
    return values


def count(name: str, value: int, minimum: int = 1) -> int:
    """A whole number of at least `minimum`; a bool or a float is not one."""
    if isinstance(value, bool) or not hasattr(value, "__index__") or operator.index(value) < minimum:
        raise UserError(f"{name} must be a whole number of at least {minimum}, not {_written(value)}")
    if operator.index(value) > MAX_COUNT:
        raise UserError(f"{name} must be a whole number below 2^63, not {_written(value)}")
    return operator.index(value)


def _written(value: object) -> str:
    """A value for a message; Python refuses to write out whole numbers of more than 4,300 digits."""
    return shortened(value) if not isinstance(value, int) or abs(value) < 10**80 else "one of more than 80 digits"


def count_or_zero(name: str, value: int) -> int:
    """A whole number, zero or above."""
    return count(name, value, 0)


def threads(name: str, value: int) -> int:
    """A number of threads."""
    if count(name, value) > MAX_THREADS:
        raise UserError(f"{name} must be at most {MAX_THREADS}, not {_written(value)}")
    return value


def counts(name: str, values: tuple[int, ...]) -> tuple[int, ...]:
    """Whole numbers of at least 1, as many as there are."""
    return tuple(count(name, value) for value in _items(name, values))


def convolutions(name: str, values: tuple[tuple[int, ...], ...]) -> tuple[tuple[int, ...], ...]:
    """Tuples of three whole numbers of at least 1: filters, kernel and stride."""
    checked = tuple(counts(name, each) for each in _items(name, values))
    if any(len(each) != 3 for each in checked):
        raise UserError(f"{name} must be of three numbers each, filters, kernel and stride, not {shortened(values)}")
    return checked


def _items(name: str, values: Any) -> tuple[Any, ...]:
    """The items of a tuple or list."""
    if not isinstance(values, tuple | list):
        raise UserError(f"{name} must be a tuple, not {shortened(values)}")
    return tuple(values)


def seed(name: str, value: int) -> int:
    """A training seed: a whole number in [0, 2^30)."""
    if count(name, value, 0) >= SEEDS:
        raise UserError(f"{name} must be below 2^30, where the seeds that agents are scored on begin, not {value}")
    return operator.index(value)


def memory(what: str, needed: int, device: torch.device) -> None:
    """UserError where `needed` bytes are more than the device has left, saying how many it has."""
    import torch

    left = torch.cuda.mem_get_info(device)[0] if device.type == "cuda" else memory_left()
    if needed > left:
        sizes = f"takes {needed / 2**30:.1f} GiB, and {device.type} has {left / 2**30:.1f} GiB left"
        raise UserError(f"{what} {sizes}; lower capacity")


def memory_left() -> float:
    """Bytes that this process can still have: the machine's, or its control group's; infinite where nothing says."""

    def read(path: str) -> str:
        try:
            return Path(path).read_text(encoding="utf-8")
        except OSError:
            return ""

    available = re.search(r"MemAvailable: +(\d+) kB", read("/proc/meminfo"))
    left = [int(available[1]) * 1024] if available else []
    maximum, used = (read(f"/sys/fs/cgroup/memory.{name}").strip() for name in ("max", "current"))
    if maximum.isdigit() and used.isdigit():
        left.append(int(maximum) - int(used))
    return min(left, default=math.inf)


def as_json(settings: Any) -> dict[str, Any]:
    """A dataclass as plain JSON values, which is how checkpoints compare and store it."""
    plain: dict[str, Any] = json.loads(json.dumps(dataclasses.asdict(settings), default=lambda number: number.item()))
    return plain
