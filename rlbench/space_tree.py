"""Spaces as trees, whose leaves are arrays: a description of them as JSON, and the walk over their leaves.

`children`, `walk`, `flatten`, `unflatten`, `index` and `stack` take a space or its description. The agent's process
imports this file with NumPy alone, hence gymnasium is imported inside the two functions that need it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rlbench.errors import HarnessError, UserError

if TYPE_CHECKING:
    import gymnasium

Array = NDArray[Any]
Path = tuple[str | int, ...]

Description = dict[str, Any]
"""A space as JSON: its type, dtype, shape and bounds; `spaces` where it is a Dict or a Tuple."""


class SpaceError(UserError, HarnessError):
    """A space of an environment that agents cannot be given; the environment's, not the agent's fault."""


def describe(space: gymnasium.Space[Any]) -> Description:
    """The JSON description of a space; a SpaceError for a space that cannot cross."""
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
    raise SpaceError(
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
    """One array of a space: the way to it, and its dtype, shape and inclusive bounds, without a batch axis."""

    path: Path
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    low: Array
    high: Array

    @property
    def wide(self) -> np.dtype[Any]:
        """The dtype in which actions are passed on: int64 for integers, as a wrong one could wrap into a right one."""
        return np.dtype(np.int64) if self.dtype.kind in "iub" else self.dtype


def children(space: Any) -> dict[str, Any] | tuple[Any, ...] | None:
    """The parts of a Dict, by key, or of a Tuple; None for a leaf."""
    if isinstance(space, dict):  # a description
        parts = space.get("spaces")
        return None if parts is None else dict(parts) if space["type"] == "Dict" else tuple(parts)
    if isinstance(space, Mapping):  # gymnasium.spaces.Dict
        return dict(space.items())
    return tuple(space) if isinstance(space, Sequence) else None  # gymnasium.spaces.Tuple


def walk(space: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Every leaf of a space with the path to it, depth first, in the order of its keys."""
    parts = children(space)
    if parts is None:
        yield path, space
        return
    for key, part in parts.items() if isinstance(parts, dict) else enumerate(parts):
        yield from walk(part, (*path, key))


def leaves(description: Description) -> Iterator[Leaf]:
    """The leaves of a described space, in the order of `walk`."""
    for path, d in walk(description):
        match d["type"]:
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


def value_at(tree: Any, path: Iterable[str | int]) -> Any:
    """The value at the end of a path."""
    for key in path:
        tree = tree[key]
    return tree


def flatten(space: Any, tree: Any) -> list[Any]:
    """The values of a tree at the leaves of its space, in the order of `walk`."""
    return [value_at(tree, path) for path, _ in walk(space)]


def unflatten(space: Any, values: Iterator[Any]) -> Any:
    """The tree of a space with these values at its leaves: the inverse of `flatten`."""
    parts = children(space)
    if parts is None:
        return next(values)
    if isinstance(parts, dict):
        return {key: unflatten(part, values) for key, part in parts.items()}
    return tuple(unflatten(part, values) for part in parts)


def index(space: Any, batch: Any, i: int) -> Any:
    """Element i of a batch [N, ...] of trees."""
    return unflatten(space, (array[i] for array in flatten(space, batch)))


def stack(space: Any, trees: Sequence[Any]) -> Any:
    """The batch [N, ...] of N trees."""
    columns = zip(*(flatten(space, tree) for tree in trees), strict=True)
    return unflatten(space, map(np.stack, columns))


def _compact(bound: Array) -> Any:
    """A bound as one number where it is the same everywhere, else as nested lists."""
    return bound.flat[0].item() if bound.size and (bound == bound.flat[0]).all() else bound.tolist()
