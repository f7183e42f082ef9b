"""Spaces from a rules module's bounds, and the check that an action lies in them."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from gymnasium import spaces
from gymnasium.error import InvalidAction
from numpy.typing import NDArray

from rlbench.core.rules import Bounds

Space: TypeAlias = "spaces.Box[Any] | spaces.Discrete[Any]"


def space(bounds: Bounds) -> Space:
    """The Gymnasium space of a rules module's bounds: Discrete(n), or a float32 Box."""
    if isinstance(bounds, int):
        return spaces.Discrete(bounds)
    low, high = (np.array(bound, dtype=np.float32) for bound in bounds)
    return spaces.Box(low, high, dtype=np.float32)


def action_check(space: Space) -> Callable[[Any], Any]:
    """A function that returns the action as the rules want it, or raises InvalidAction saying what is wrong."""
    if isinstance(space, spaces.Discrete):
        return functools.partial(_check_discrete, int(space.n))
    return functools.partial(_check_box, space.low.astype(np.float64), space.high.astype(np.float64))


def _check_discrete(n: int, action: Any) -> int:
    if type(action) is not int:
        action = _integer(n, action)
    if 0 <= action < n:
        return action  # type: ignore[no-any-return]  # an int by now
    raise InvalidAction(f"action {action} is out of range; this environment takes integers 0 to {n - 1}")


def _integer(n: int, action: Any) -> int:
    array = np.asarray(action)
    if array.ndim or array.dtype.kind not in "iu":
        kind = f"{array.dtype} of shape {array.shape}" if array.ndim else str(array.dtype)
        raise InvalidAction(f"action {action!r} is {kind}; this environment takes one integer 0 to {n - 1}")
    return int(array)


def _check_box(low: NDArray[np.float64], high: NDArray[np.float64], action: Any) -> Any:
    array = np.asarray(action)
    if array.dtype.kind not in "fiu" or array.shape != low.shape:
        kind = f"{array.dtype} of shape {array.shape}"
        raise InvalidAction(f"action {action!r} is {kind}; this environment takes floats of shape {low.shape}")
    array = array.astype(np.float64)
    if not ((low <= array) & (array <= high)).all():
        raise InvalidAction(f"action {action!r} is not within [{low.tolist()}, {high.tolist()}]")
    return float(array[0]) if array.size == 1 else array


def batch_actions(actions: Any, space: Space, num_envs: int) -> NDArray[Any]:
    """Actions of all lanes as int64[N] or float64[N, k], copied only when they are not that already.

    Raises InvalidAction for a wrong dtype or shape; values are checked by the compiled loop.
    """
    array = np.asarray(actions)
    discrete = isinstance(space, spaces.Discrete)
    shape = (num_envs, *(space.shape or ()))
    if array.dtype.kind not in ("iu" if discrete else "fiu") or array.shape != shape:
        wanted = "integers" if discrete else "floats"
        raise InvalidAction(
            f"actions are {array.dtype} of shape {array.shape}; this environment takes {wanted} of shape {shape}"
        )
    return np.ascontiguousarray(array, dtype=np.int64 if discrete else np.float64)
