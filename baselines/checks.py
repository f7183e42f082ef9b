"""Checks of a training's settings: each returns a good value and raises a UserError for a bad one."""

from __future__ import annotations

import math
import operator
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rlbench.errors import UserError

if TYPE_CHECKING:
    import torch

SEEDS = 2**30
"""Training and validation seeds lie below this, the seeds that agents are scored on at or above it."""


def positive(name: str, value: float) -> float:
    """A finite number above zero."""
    if not math.isfinite(value) or value <= 0:
        raise UserError(f"{name} must be a positive number, not {value}")
    return value


def nonnegative(name: str, value: float) -> float:
    """A finite number, zero or above."""
    if not math.isfinite(value) or value < 0:
        raise UserError(f"{name} must be a number of at least 0, not {value}")
    return value


def gamma(value: float) -> float:
    """A discount: in (0, 1]."""
    if not 0 < value <= 1:
        raise UserError(f"gamma must lie in (0, 1], not {value}")
    return value


def probability(name: str, value: float) -> float:
    """A number in [0, 1]."""
    if not 0 <= value <= 1:
        raise UserError(f"{name} must lie in [0, 1], not {value}")
    return value


def count(name: str, value: int, least: int = 1) -> int:
    """A whole number of at least `least`; a bool or a float is not one."""
    if isinstance(value, bool) or not hasattr(value, "__index__") or operator.index(value) < least:
        raise UserError(f"{name} must be a whole number of at least {least}, not {value!r}")
    return operator.index(value)


def seed(value: int) -> int:
    """A training seed: a whole number in [0, 2^30)."""
    if count("seed", value, 0) >= SEEDS:
        raise UserError(f"seed must be below 2^30, where the seeds that agents are scored on begin, not {value}")
    return operator.index(value)


def device(name: str) -> torch.device:
    """The torch device that `auto`, `cpu` or `cuda` stands for; UserError for cuda where there is none."""
    import torch

    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if name == "cuda" and not torch.cuda.is_available():
        raise UserError("device=cuda, but PyTorch finds no CUDA device here; use device=cpu or device=auto")
    if name not in ("cpu", "cuda"):
        raise UserError(f"device must be auto, cpu or cuda, not {name!r}")
    return torch.device(name)


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
            return Path(path).read_text()
        except OSError:
            return ""

    available = re.search(r"MemAvailable: +(\d+) kB", read("/proc/meminfo"))
    left = [int(available[1]) * 1024] if available else []
    most, used = (read(f"/sys/fs/cgroup/memory.{name}").strip() for name in ("max", "current"))
    if most.isdigit() and used.isdigit():
        left.append(int(most) - int(used))
    return min(left, default=math.inf)


def as_json(config: Any) -> dict[str, Any]:
    """A configuration as plain JSON values, which is how checkpoints compare and store it."""
    import dataclasses
    import json

    plain: dict[str, Any] = json.loads(json.dumps(dataclasses.asdict(config), default=operator.index))
    return plain
