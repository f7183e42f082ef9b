"""Spaces as trees of arrays: as JSON, which the child understands without gymnasium, and leaf by leaf."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rlbench.errors import HarnessError

if TYPE_CHECKING:
    import gymnasium

Array = NDArray[Any]

Description = dict[str, Any]
"""A space as JSON: its type, dtype, shape and bounds; `spaces` where it is a Dict or a Tuple."""


def describe(space: gymnasium.Space[Any]) -> Description:
    """The JSON description of a space; a HarnessError for a space that cannot cross."""
    from gymnasium import spaces

    match space:
        case spaces.Dict():
            return {"type": "Dict", "spaces": [[key, describe(value)] for key, value in space.items()]}
        case spaces.Tuple():
            return {"type": "Tuple", "spaces": [describe(value) for value in space]}
        case spaces.Box():
            bounds = {"low": _compact(space.low), "high": _compact(space.high)}
            return {"type": "Box", "dtype": str(space.dtype), "shape": list(space.shape), **bounds}
        case spaces.Discrete():
            return {
                "type": "Discrete",
                "dtype": str(space.dtype),
                "n": int(space.n),
                "start": int(space.start),
            }
        case spaces.MultiDiscrete():
            sides = {"nvec": space.nvec.tolist(), "start": space.start.tolist()}
            return {"type": "MultiDiscrete", "dtype": str(space.dtype), **sides}
        case spaces.MultiBinary():
            n = space.n if isinstance(space.n, int) else list(space.n)
            return {"type": "MultiBinary", "shape": list(space.shape), "n": n}
    raise HarnessError(
        f"a {type(space).__name__} space cannot cross to an agent; "
        "use Box, Discrete, MultiDiscrete, MultiBinary, or a Dict or Tuple of these"
    )


def space(description: Description) -> gymnasium.Space[Any]:
    """The space that `describe` described."""
    from gymnasium import spaces

    d = description
    match d["type"]:
        case "Dict":
            return spaces.Dict([(key, space(value)) for key, value in d["spaces"]])
        case "Tuple":
            return spaces.Tuple([space(value) for value in d["spaces"]])
        case "Box":
            low, high = (np.full(d["shape"], d[side], d["dtype"]) for side in ("low", "high"))
            return spaces.Box(low, high, dtype=np.dtype(d["dtype"]).type)
        case "Discrete":
            return spaces.Discrete(d["n"], start=d["start"], dtype=np.dtype(d["dtype"]).type)
        case "MultiDiscrete":
            dtype = np.dtype(d["dtype"]).type
            return spaces.MultiDiscrete(np.array(d["nvec"]), start=np.array(d["start"]), dtype=dtype)
        case "MultiBinary":
            return spaces.MultiBinary(d["n"])
    raise HarnessError(f"no space is described by {d['type']!r}")


@dataclass(frozen=True)
class Leaf:
    """One array of a space: the way to it, and its dtype, shape and inclusive bounds for one lane."""

    path: tuple[str | int, ...]
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    low: Array
    high: Array

    @property
    def wide(self) -> np.dtype[Any]:
        """The dtype in which actions cross: integers as int64, lest a wrong one wrap into a right one."""
        return np.dtype(np.int64) if self.dtype.kind in "iub" else self.dtype


def leaves(description: Description, path: tuple[str | int, ...] = ()) -> Iterator[Leaf]:
    """The leaves of a space, depth first, in the order of its keys."""
    d = description
    match d["type"]:
        case "Dict":
            for key, value in d["spaces"]:
                yield from leaves(value, (*path, key))
        case "Tuple":
            for index, value in enumerate(d["spaces"]):
                yield from leaves(value, (*path, index))
        case "Box":
            dtype, shape = np.dtype(d["dtype"]), tuple(d["shape"])
            yield Leaf(path, dtype, shape, *(np.full(shape, d[side], dtype) for side in ("low", "high")))
        case "Discrete" | "MultiDiscrete":
            start = np.array(d["start"], np.int64)
            high = start + np.array(d.get("n", d.get("nvec")), np.int64) - 1
            yield Leaf(path, np.dtype(d["dtype"]), start.shape, start, high)
        case "MultiBinary":
            shape = tuple(d["shape"])
            yield Leaf(path, np.dtype(np.int8), shape, np.zeros(shape, np.int8), np.ones(shape, np.int8))


def pick(tree: Any, path: Iterable[str | int]) -> Any:
    """The value that lies at the end of a path."""
    for key in path:
        tree = tree[key]
    return tree


def plant(description: Description, values: Iterator[Any]) -> Any:
    """The tree of a space, its leaves taken from `values` in order; the inverse of picking every leaf."""
    match description["type"]:
        case "Dict":
            return {key: plant(value, values) for key, value in description["spaces"]}
        case "Tuple":
            return tuple(plant(value, values) for value in description["spaces"])
    return next(values)


def lane(description: Description, batch: Any, index: int) -> Any:
    """One lane of a batch."""
    return plant(description, (pick(batch, leaf.path)[index] for leaf in leaves(description)))


def stack(description: Description, lanes: list[Any]) -> Any:
    """The batch [N, ...] of N single values."""
    return plant(description, (np.stack([pick(one, leaf.path) for one in lanes]) for leaf in leaves(description)))


def _compact(bound: Array) -> Any:
    """A bound as one number where it is the same everywhere, else as nested lists."""
    return bound.flat[0].item() if bound.size and (bound == bound.flat[0]).all() else bound.tolist()
