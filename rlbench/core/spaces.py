"""Spaces from a rules module's bounds, and the check that an action lies in them."""

from __future__ import annotations

import functools
import numbers
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import numpy as np
from gymnasium import spaces
from gymnasium.error import InvalidAction
from numpy.typing import NDArray

from rlbench.core.rules import Bounds
from rlbench.errors import shortened
from rlbench.space_tree import unflatten, walk

Leaf: TypeAlias = "spaces.Box[Any] | spaces.Discrete[Any]"
Space: TypeAlias = "Leaf | spaces.Dict"
Arrays: TypeAlias = "tuple[NDArray[Any], ...]"

SMALL_INTEGERS = ({np.dtype(np.int8)}, {np.dtype(np.uint8)})
"""The types of two bounds by which a Box holds integers and not float32."""

NO_ARRAY = (TypeError, ValueError, RuntimeError)
"""What NumPy raises for ragged lists, and torch for tensors of another device, or that need a gradient."""


def no_array(what: str, error: Exception) -> InvalidAction:
    """The error for an action of which NumPy makes no array."""
    return InvalidAction(f"{what} is no array: {' '.join(str(error).split())}")


def space(bounds: Bounds) -> Space:
    """The Gymnasium space of a rules module's bounds: Discrete(n), a Box, or a Dict of these."""
    if hasattr(bounds, "_asdict"):
        return spaces.Dict([(name, space(one)) for name, one in bounds._asdict().items()])
    if isinstance(bounds, numbers.Integral):
        return spaces.Discrete(int(bounds))
    kinds = {getattr(bound, "dtype", None) for bound in bounds}
    dtype = kinds.pop() if kinds in SMALL_INTEGERS else np.dtype(np.float32)
    low, high = (np.array(bound, dtype=dtype) for bound in bounds)
    return spaces.Box(low, high, dtype=dtype.type)


class Layout:
    """The space that bounds declare, as its leaves, with conversions between the values of the rules and of Gymnasium.

    A plain space is its only leaf. A Dict has one leaf per key; its values are dicts to Gymnasium, and to the rules
    instances of `record`, the NamedTuple that declared the bounds.
    """

    def __init__(self, bounds: Bounds) -> None:
        self.space: Space = space(bounds)
        self.record: Any = type(bounds) if isinstance(self.space, spaces.Dict) else None
        self.leaves: dict[str, Any] = {"".join(map(str, path)): leaf for path, leaf in walk(self.space)}
        self._checks = {name: _check(leaf, name) for name, leaf in self.leaves.items()}
        self.check: Callable[[Any], Any] = self._check_record if self.record else self._checks[""]

    @functools.cached_property
    def sizes(self) -> tuple[int, ...]:
        """The n of each leaf that is Discrete(n)."""
        return tuple(int(leaf.n) for leaf in self.leaves.values() if isinstance(leaf, spaces.Discrete))

    def empty(self) -> Arrays:
        """Arrays for the rules to write one value into, one per leaf; int64[1] where it is Discrete."""
        return tuple(np.empty(leaf.shape or (1,), leaf.dtype) for leaf in self.leaves.values())

    def empty_batch(self, num_envs: int) -> Arrays:
        """The same for N environments, [N, ...] each."""
        return tuple(np.empty((num_envs, *(leaf.shape or ())), leaf.dtype) for leaf in self.leaves.values())

    def as_rules(self, values: Any) -> Any:
        """The rules' form of one value per leaf."""
        return values[0] if self.record is None else self.record(*values)

    def as_gymnasium(self, values: Any) -> Any:
        """Gymnasium's form of one value per leaf."""
        return values[0] if self.record is None else unflatten(self.space, iter(values))

    def single(self, arrays: Arrays) -> Any:
        """Gymnasium's form of what the rules wrote into `empty()`: a scalar where a leaf is Discrete."""
        leaves = self.leaves.values()
        return self.as_gymnasium([a if leaf.shape else a[0] for a, leaf in zip(arrays, leaves, strict=True)])

    def _check_record(self, action: Any) -> Any:
        self.check_keys(action)
        return self.record(*(check(action[name]) for name, check in self._checks.items()))

    def check_batch(self, actions: Any, num_envs: int) -> Arrays:
        """The actions of a batch as arrays, int64[N] or float64[N, k] per leaf.

        Args:
            actions: Anything; copied only where it does not consist of such arrays already.
            num_envs: N.

        Raises:
            InvalidAction: The structure, a dtype or a shape is wrong. Values are checked by the compiled loop.
        """
        if self.record is None:
            return (_batch(actions, self.leaves[""], num_envs, ""),)
        self.check_keys(actions)
        return tuple(_batch(actions[name], leaf, num_envs, name) for name, leaf in self.leaves.items())

    def check_keys(self, action: Any) -> None:
        """Raise InvalidAction for an action of a Dict that is no dict of its keys."""
        if not isinstance(action, Mapping) or action.keys() != self.leaves.keys():
            given = f"a dict of {', '.join(map(str, action))}" if isinstance(action, Mapping) else shortened(action)
            raise InvalidAction(f"action is {given}; this environment takes a dict of {', '.join(self.leaves)}")


class FlatLayout(Layout):
    """A layout whose values are one vector to Gymnasium, as its wrapper `FlattenObservation` makes them."""

    def __init__(self, bounds: Bounds) -> None:
        super().__init__(bounds)
        self.space: Any = spaces.flatten_space(self.space)

    def as_gymnasium(self, values: Any) -> NDArray[Any]:
        """The vectors [N, k] of values [N, ...] per leaf: a number that is Discrete(n) is n numbers, one of them 1."""
        leaves = zip(values, self.leaves.values(), strict=True)
        rows = [_one_hot(leaf, a) if isinstance(leaf, spaces.Discrete) else a.reshape(len(a), -1) for a, leaf in leaves]
        return np.concatenate(rows, axis=1, dtype=self.space.dtype)

    def single(self, arrays: Arrays) -> Any:
        """The vector of what the rules wrote into `empty()`."""
        leaves = self.leaves.values()
        return self.as_gymnasium([a[None] if leaf.shape else a for a, leaf in zip(arrays, leaves, strict=True)])[0]


def _one_hot(leaf: Any, values: NDArray[Any]) -> NDArray[np.int64]:
    made: NDArray[np.int64] = np.eye(int(leaf.n), dtype=np.int64)[values]
    return made


def _check(leaf: Leaf, name: str) -> Callable[[Any], Any]:
    """A function that converts a leaf's action to the rules' form, or raises InvalidAction saying what is wrong."""
    what = f"action {name!r}" if name else "action"
    if isinstance(leaf, spaces.Discrete):
        return functools.partial(_check_discrete, int(leaf.n), what)
    return functools.partial(_check_box, leaf.low.astype(np.float64), leaf.high.astype(np.float64), what)


def _check_discrete(n: int, what: str, action: Any) -> int:
    if type(action) is not int:
        action = _integer(n, what, action)
    if 0 <= action < n:
        return action  # type: ignore[no-any-return]  # an int by now
    raise InvalidAction(f"{what} {action} is out of range; this environment takes integers 0 to {n - 1}")


def _integer(n: int, what: str, action: Any) -> int:
    try:
        array = np.asarray(action)
    except NO_ARRAY as error:
        raise no_array(what, error) from None
    if array.ndim or array.dtype.kind not in "iu":
        kind = f"{array.dtype} of shape {array.shape}" if array.ndim else str(array.dtype)
        raise InvalidAction(f"{what} {shortened(action)} is {kind}; this environment takes one integer 0 to {n - 1}")
    return int(array)


def _check_box(low: NDArray[np.float64], high: NDArray[np.float64], what: str, action: Any) -> Any:
    try:
        array = np.asarray(action)
    except NO_ARRAY as error:
        raise no_array(what, error) from None
    if array.dtype.kind not in "fiu" or array.shape != low.shape:
        kind = f"{array.dtype} of shape {array.shape}"
        raise InvalidAction(f"{what} {shortened(action)} is {kind}; this environment takes floats of shape {low.shape}")
    array = array.astype(np.float64)
    if not ((low <= array) & (array <= high)).all():
        raise InvalidAction(f"{what} {shortened(action)} is not within [{low.tolist()}, {high.tolist()}]")
    return float(array[0]) if array.size == 1 else array


def _batch(actions: Any, leaf: Leaf, num_envs: int, name: str) -> NDArray[Any]:
    what = f"actions {name!r}" if name else "actions"
    try:
        array = np.asarray(actions)
    except NO_ARRAY as error:
        raise no_array(what, error) from None
    discrete = isinstance(leaf, spaces.Discrete)
    shape = (num_envs, *(leaf.shape or ()))
    if array.dtype.kind not in ("iu" if discrete else "fiu") or array.shape != shape:
        wanted = "integers" if discrete else "floats"
        raise InvalidAction(
            f"{what} are {array.dtype} of shape {array.shape}; this environment takes {wanted} of shape {shape}"
        )
    if array.dtype == np.uint64 and (too_large := array > np.iinfo(np.int64).max).any():  # would turn negative
        i = int(np.flatnonzero(too_large)[0])
        raise InvalidAction(f"action {array.flat[i]} of environment {i} is not in {leaf}")
    return np.ascontiguousarray(array, dtype=np.int64 if discrete else np.float64)
