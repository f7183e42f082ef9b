"""Validation of an agent's actions: structure, dtype and shape, then NaN and bounds.

Imported in the agent's process: NumPy only, no gymnasium.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from rlbench.space_tree import Array, Description, Leaf, leaves, unflatten, value_at


class InvalidActionError(ValueError):
    """A batch of actions has the wrong structure, dtype or shape."""


def as_array(action: Any, leaf: Leaf, shape: tuple[int, ...]) -> Array:
    """One leaf of a batch of actions as an array that can be cast to `leaf.wide`.

    Integers of any width fit integer leaves, floats and integers fit float leaves; floats never fit integer leaves, as
    0.7 is not an action of a Discrete space. Bools fit a MultiBinary space alone.

    Args:
        action: Batch of actions as the agent returned it: anything.
        leaf: The array of the action space to read.
        shape: Shape that the array must have, [N, ...].

    Raises:
        InvalidActionError: Names the leaf, what it must be and what it is.
    """
    where = "".join(f"[{key!r}]" for key in leaf.path)
    try:
        value = value_at(action, leaf.path)
        array = np.asarray(value)
    except Exception as error:
        raise InvalidActionError(f"action{where} cannot be read as an array: {error}") from None
    kinds = {"i": "iu", "u": "iu", "f": "fiu"}[leaf.dtype.kind] + "b" * (leaf.dtype == np.int8)
    if array.dtype.kind not in kinds:
        fitting = "numbers" if leaf.dtype.kind == "f" else "integers"
        raise InvalidActionError(f"action{where} must be {fitting}, got {None if value is None else array.dtype}")
    if array.shape != shape:
        raise InvalidActionError(f"action{where} must have shape {shape}, got {array.shape}")
    return array


class ActionBounds:
    """Bounds of an action space, for batches of N actions given as their leaves, each [N, ...]."""

    def __init__(self, description: Description) -> None:
        self._leaves = tuple(leaves(description))
        self._description = description
        self._sides = [_finite_bounds(leaf) for leaf in self._leaves]

    def fit(self, actions: list[Array]) -> bool:
        """Whether leaves [T, ...] are T actions of the space, in the dtype of `leaf.wide`, or none at all."""
        there = [(array.dtype, array.shape[1:]) for array in actions]
        return not there or there == [(leaf.wide, leaf.shape) for leaf in self._leaves]

    def violations(self, action: list[Array]) -> NDArray[np.bool_] | None:
        """Mask [N] of actions with NaN, an infinity or a value out of bounds; None where there is none."""
        violations: NDArray[np.bool_] | None = None
        for array, (low, high) in zip(action, self._sides, strict=True):
            ok = (array >= low) & (array <= high)
            if b"\0" in ok.tobytes():  # hot loop: three times as fast as ok.all() on small batches
                violations = np.zeros(len(ok), np.bool_) if violations is None else violations
                violations |= ~ok.reshape(len(ok), -1).all(axis=1)
        return violations

    def message(self, action: list[Array]) -> str:
        """What is wrong with the first value that is not within bounds."""
        for array, leaf, (low, high) in zip(action, self._leaves, self._sides, strict=True):
            wrong = np.argwhere(~((array >= low) & (array <= high)))
            if len(wrong):
                _, *place = where = wrong[0].tolist()
                at = (*leaf.path, *place)
                low_at, high_at = (np.broadcast_to(side, leaf.shape)[tuple(place)] for side in (leaf.low, leaf.high))
                name = f"action{[*at]}" if at else "action"
                remedy = "; clip it" if leaf.dtype.kind == "f" else ""
                return f"{name} = {array[tuple(where)]} is not within [{low_at}, {high_at}]{remedy}"
        raise AssertionError("every value is within bounds")

    def replace(self, action: list[Array], mask: NDArray[np.bool_]) -> None:
        """Replace, in place, the actions where mask [N] is true by the valid one nearest to zero."""
        for array, (low, high) in zip(action, self._sides, strict=True):
            array[mask] = np.clip(0, low, high)

    def unflatten(self, action: list[Array]) -> Any:
        """The batch as the environment takes it: with the space's structure and dtypes."""
        arrays = (
            array if array.dtype == leaf.dtype else array.astype(leaf.dtype)
            for array, leaf in zip(action, self._leaves, strict=True)
        )
        return unflatten(self._description, arrays)


def _finite_bounds(leaf: Leaf) -> tuple[Array, Array]:
    """Bounds in the dtype of `leaf.wide`, infinite ones replaced by the largest finite number."""
    if leaf.dtype.kind != "f":
        return leaf.low.astype(np.int64), leaf.high.astype(np.int64)
    limits = np.finfo(leaf.dtype)
    return np.maximum(leaf.low, limits.min), np.minimum(leaf.high, limits.max)
