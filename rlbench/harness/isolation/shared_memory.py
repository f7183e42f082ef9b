"""The bytes between harness and agent: batches at fixed offsets of shared memory.

A space is a tree whose leaves are arrays, see `space_tree`. Each leaf of N lanes lies at one fixed offset of a sealed
memfd, so nothing is encoded, nothing is unpickled, and no length is ever believed. Imported by the child: NumPy, and no
gymnasium.
"""

from __future__ import annotations

import math
import mmap
import os
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rlbench.space_tree import Array, Description, Leaf, leaves, pick, plant

MESSAGE_BYTES = 2048
_ALIGNMENT = 64


class Misfit(ValueError):  # noqa: N818  # named for what it is to the agent's author
    """Actions of the wrong structure, dtype or shape."""


class Frame:
    """Shared memory seen as arrays: observation [N, ...], first bool[N], action [N, ...], the call, a line of text.

    The parent writes the first two, and then `call`, one byte that changes with every call; `look` is 1 while the child
    shall look for it before it sleeps. The child writes the action and the text, and an explanation where there is room
    for one. Each lays the frame out by itself from the same
    descriptions, so no offset is ever taken from the other side.
    """

    def __init__(
        self,
        observation: Description,
        action: Description,
        lanes: int,
        descriptor: int | None = None,
        explanation_bytes: int = 0,
    ) -> None:
        inputs, outputs = tuple(leaves(observation)), tuple(leaves(action))
        layout = [(leaf.dtype, (lanes, *leaf.shape)) for leaf in inputs]
        layout += [(np.dtype(np.bool_), (lanes,))]
        layout += [(leaf.wide, (lanes, *leaf.shape)) for leaf in outputs]
        layout += [(np.dtype(np.uint8), (size,)) for size in (explanation_bytes, 1, 1, MESSAGE_BYTES)]
        sizes = [_aligned(dtype.itemsize * math.prod(shape)) for dtype, shape in layout]
        self.descriptor = _sealed_memory(sum(sizes)) if descriptor is None else descriptor
        buffer = mmap.mmap(self.descriptor, sum(sizes))
        offsets = [sum(sizes[:i]) for i in range(len(sizes))]
        arrays: list[Array] = [
            np.ndarray(shape, dtype, buffer, offset) for (dtype, shape), offset in zip(layout, offsets, strict=True)
        ]
        self._observation_description = observation
        self._inputs = tuple(zip(inputs, arrays, strict=False))
        self._outputs = tuple(zip(outputs, arrays[len(inputs) + 1 :], strict=False))
        self._first, self._explanation, self._message = arrays[len(inputs)], arrays[-4], arrays[-1]
        self.look, self.call = arrays[-3].data, arrays[-2].data
        # Most spaces are one array. Every call crosses four times, so they get a way without loops.
        self._input = self._inputs[0][1] if inputs[0].path == () else None
        self._output = self._outputs[0][1] if outputs[0].path == () else None
        self._kind = None if self._output is None else (self._output.dtype, self._output.shape)

    def put_observation(self, observation: Any, first: NDArray[np.bool_]) -> None:
        """Write what the agent sees next."""
        self._first[...] = first
        if self._input is not None:
            self._input[...] = observation
            return
        for leaf, view in self._inputs:
            view[...] = pick(observation, leaf.path)

    def get_observation(self) -> tuple[Any, NDArray[np.bool_]]:
        """Copy out what the agent sees, so that it may keep it."""
        if self._input is not None:
            return self._input.copy(), self._first.copy()
        arrays = (view.copy() for _, view in self._inputs)
        return plant(self._observation_description, arrays), self._first.copy()

    def put_action(self, action: Any) -> None:
        """Write the agent's answer; a Misfit where it is not a batch of the action space's structure."""
        one = self._output
        if one is not None and type(action) is np.ndarray and (action.dtype, action.shape) == self._kind:
            one[...] = action
            return
        for leaf, view in self._outputs:
            view[...] = fitted(action, leaf, view.shape)

    def get_action(self) -> list[Array]:
        """Copy out the leaves of the answer, once: what is validated is what is played."""
        if self._output is not None:
            return [self._output.copy()]
        return [view.copy() for _, view in self._outputs]

    def put_message(self, text: str) -> None:
        """Write one line for the author of the agent, cut to what fits."""
        _put_bytes(self._message, text.encode(errors="replace")[:MESSAGE_BYTES])

    def get_message(self) -> str:
        """Copy out that line."""
        text = self._message.tobytes().rstrip(b"\0").decode(errors="replace")
        return " ".join("".join(c if c.isprintable() else " " for c in text).split())

    def put_explanation(self, data: bytes) -> None:
        """Write what the agent tells of its action; it fits, as `explanation.encode` sees to."""
        _put_bytes(self._explanation, data)

    def get_explanation(self) -> bytes:
        """Copy it out, up to the first zero byte."""
        return self._explanation.tobytes().partition(b"\0")[0]


def _put_bytes(view: Array, data: bytes) -> None:
    """Write bytes and zeros behind them."""
    view[: len(data)] = np.frombuffer(data, np.uint8)
    view[len(data) :] = 0


def fitted(action: Any, leaf: Leaf, shape: tuple[int, ...]) -> Array:
    """One leaf of a batch of actions as an array that may be cast to `leaf.wide`; else a Misfit says why not.

    Integers of any width fit integer leaves and floats of any width fit float leaves; so do integers, but
    never the other way round: 0.7 is not an action of a Discrete space.
    """
    where = "".join(f"[{key!r}]" for key in leaf.path)
    try:
        array = np.asarray(pick(action, leaf.path))
    except Exception as error:
        raise Misfit(f"action{where} cannot be read as an array: {error}") from None
    kinds = {"i": "iu", "u": "iu", "f": "fiu"}[leaf.dtype.kind] + "b" * (leaf.dtype == np.int8)
    if array.dtype.kind not in kinds:
        raise Misfit(f"action{where} must be {leaf.dtype}, got {array.dtype}")
    if array.shape != shape:
        raise Misfit(f"action{where} must have shape {shape}, got {array.shape}")
    return array


class Bounds:
    """The bounds of an action space, for N lanes at a time."""

    def __init__(self, description: Description) -> None:
        self._leaves = tuple(leaves(description))
        self._description = description
        self._sides = [_finite(leaf) for leaf in self._leaves]

    def broken(self, action: list[Array]) -> NDArray[np.bool_] | None:
        """Which lanes [N] hold NaN, an infinity, or a value out of bounds; None where none does."""
        broken: NDArray[np.bool_] | None = None
        for array, (low, high) in zip(action, self._sides, strict=True):
            ok = (array >= low) & (array <= high)
            if b"\0" in ok.tobytes():  # three times as fast as ok.all() on a few lanes, and in the hot loop
                broken = np.zeros(len(ok), np.bool_) if broken is None else broken
                broken |= ~ok.reshape(len(ok), -1).all(axis=1)
        return broken

    def said(self, action: list[Array]) -> str:
        """What is wrong with the first value that is not within bounds."""
        for array, leaf, (low, high) in zip(action, self._leaves, self._sides, strict=True):
            wrong = np.argwhere(~((array >= low) & (array <= high)))
            if len(wrong):
                _, *place = where = wrong[0].tolist()
                at = (*leaf.path, *place)
                least, most = (np.broadcast_to(side, leaf.shape)[tuple(place)] for side in (leaf.low, leaf.high))
                name = f"action{[*at]}" if at else "action"
                remedy = "; clip it" if leaf.dtype.kind == "f" else ""
                return f"{name} = {array[tuple(where)]} is not within [{least}, {most}]{remedy}"
        raise AssertionError("every value is within bounds")

    def mend(self, action: list[Array], lanes: NDArray[np.bool_]) -> None:
        """Put a valid action into these lanes: the one nearest to zero."""
        for array, (low, high) in zip(action, self._sides, strict=True):
            array[lanes] = np.clip(0, low, high)

    def tree(self, action: list[Array]) -> Any:
        """The batch as the environment takes it: its structure and its dtypes."""
        arrays = (
            array if array.dtype == leaf.dtype else array.astype(leaf.dtype)
            for array, leaf in zip(action, self._leaves, strict=True)
        )
        return plant(self._description, arrays)


def _finite(leaf: Leaf) -> tuple[Array, Array]:
    """The bounds in the dtype that crosses, infinite ones pulled in to the largest finite number."""
    if leaf.dtype.kind != "f":
        return leaf.low.astype(np.int64), leaf.high.astype(np.int64)
    limits = np.finfo(leaf.dtype)
    return np.maximum(leaf.low, limits.min), np.minimum(leaf.high, limits.max)


def _aligned(size: int) -> int:
    return -(-size // _ALIGNMENT) * _ALIGNMENT


def _sealed_memory(size: int) -> int:
    """The descriptor of `size` anonymous bytes that nobody can grow, shrink or unseal any more."""
    import fcntl  # not at the top: this module is also imported where there is no such thing, to say so

    descriptor = os.memfd_create("rlbench", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    os.ftruncate(descriptor, size)
    seals = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL
    fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, seals)
    return descriptor
