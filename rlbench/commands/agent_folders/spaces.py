"""Spaces in words, and in code that draws from them: what a template says of observations and actions."""

from __future__ import annotations

import math
from typing import Any

from rlbench.space_tree import Description, children, leaves


def words(space: Description, batch: str = "N") -> str:
    """A batch of a space in words: `float32[N, 4]`, `int64[N], 0 to 1`, `a dict: planes uint8[N, 5, 5, 5], ...`."""
    parts = children(space)
    if parts is not None:
        kind, named = ("dict", parts.items()) if isinstance(parts, dict) else ("tuple", enumerate(parts))
        return f"a {kind}: " + "; ".join(f"{key} {words(part, batch)}" for key, part in named)
    (leaf,) = leaves(space)
    shape = ", ".join([batch, *map(str, leaf.shape)])
    low, high = (_same(side) for side in (leaf.low, leaf.high))
    within = "" if low is None or high is None or not _bounded(low, high) else f", {low:g} to {high:g}"
    return f"{leaf.dtype}[{shape}]{within}"


def drawn(space: Description, N: str = "self.num_envs") -> str:
    """The code of an agent's method that draws a batch of a space by its generator `self.rng`.

    Args:
        space: Of one environment's actions.
        N: The code of the number of environments.
    """
    parts = children(space)
    if isinstance(parts, dict):
        return "{" + ", ".join(f"{key!r}: {drawn(part, N)}" for key, part in parts.items()) + "}"
    if parts is not None:
        return "(" + "".join(f"{drawn(part, N)}, " for part in parts) + ")"
    (leaf,) = leaves(space)
    size = f"({', '.join([N, *map(str, leaf.shape)])})" if leaf.shape else N
    low, high = (_code(side) for side in (leaf.low, leaf.high))
    if leaf.dtype.kind in "iu":
        ends = f"{low}, {int(high) + 1}, {size}" if high.isdigit() else f"{low}, {high}, {size}, endpoint=True"
        return f"self.rng.integers({ends})"
    if "inf" in low + high:
        return f'self.rng.standard_normal({size}, "{leaf.dtype}")'
    return f"self.rng.uniform({low}, {high}, {size}).astype(np.{leaf.dtype})"


def size(space: Description) -> int:
    """How many numbers one element of a space has, one-hot where it is Discrete."""
    if space["type"] == "Discrete":
        return int(space["n"])
    (leaf,) = leaves(space)
    return math.prod(leaf.shape)


def is_image(space: Description) -> bool:
    """Whether a space is that of images."""
    return space["type"] == "Box" and space["dtype"] == "uint8" and len(space["shape"]) == 3


def _same(side: Any) -> float | None:
    """The bound that all entries share; None where they do not."""
    return side.flat[0].item() if side.size and (side == side.flat[0]).all() else None


def _bounded(low: float, high: float) -> bool:
    return math.isfinite(low) and math.isfinite(high) and max(abs(low), abs(high)) < 2**31


def _code(side: Any) -> str:
    """A bound as code: one number where all entries share it."""
    same = _same(side)
    return f"{same:g}" if same is not None else str(side.tolist())
