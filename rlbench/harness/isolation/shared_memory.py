"""Shared memory between harness and agent: batches of observations and actions at fixed offsets.

A space is a tree of arrays (`space_tree`). Each array lies at one fixed offset of a sealed memfd, so nothing is
serialised, nothing is unpickled, and neither side ever trusts a length or an offset that the other one wrote. Imported
in the agent's process: NumPy only, no gymnasium.
"""

from __future__ import annotations

import math
import mmap
import os
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rlbench.errors import printable
from rlbench.harness.isolation.actions import as_array
from rlbench.space_tree import Array, Description, leaves, unflatten, value_at

MESSAGE_BYTES = 2048
_ALIGNMENT = 64


class SharedArrays:
    """Shared memory seen as arrays: observation [N, ...], first bool[N], action [N, ...], explanation, message.

    The harness writes the observation and `first`, then `call`, one byte that changes with every call; `spin` is 1
    while the agent's process shall look for that byte in memory before it sleeps. The agent's process writes the
    action, the explanation and, after a fault, one line of text. Each side computes the offsets from the same two
    descriptions.

    Args:
        observation: Description of one environment's observation space.
        action: Description of one environment's action space.
        num_envs: N, the batch size.
        descriptor: File descriptor of the memory; None to allocate it.
        explanation_bytes: Room for an explanation; 0 where nobody asks for one.
    """

    def __init__(
        self,
        observation: Description,
        action: Description,
        num_envs: int,
        descriptor: int | None = None,
        explanation_bytes: int = 0,
    ) -> None:
        inputs, outputs = tuple(leaves(observation)), tuple(leaves(action))
        layout = [(leaf.dtype, (num_envs, *leaf.shape)) for leaf in inputs]
        layout += [(np.dtype(np.bool_), (num_envs,))]
        layout += [(leaf.wide, (num_envs, *leaf.shape)) for leaf in outputs]
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
        self.spin, self.call = arrays[-3].data, arrays[-2].data
        # Most spaces are one array; that case has a path without loops, as each call copies four batches.
        self._input = self._inputs[0][1] if inputs[0].path == () else None
        self._output = self._outputs[0][1] if outputs[0].path == () else None
        self._output_type = None if self._output is None else (self._output.dtype, self._output.shape)

    def put_observation(self, observation: Any, first: NDArray[np.bool_]) -> None:
        """Write observation [N, ...] and first [N] for the agent."""
        self._first[...] = first
        if self._input is not None:
            self._input[...] = observation
            return
        for leaf, view in self._inputs:
            view[...] = value_at(observation, leaf.path)

    def get_observation(self) -> tuple[Any, NDArray[np.bool_]]:
        """Copies of the observation [N, ...] and of first [N], which the agent may keep."""
        if self._input is not None:
            return self._input.copy(), self._first.copy()
        arrays = (view.copy() for _, view in self._inputs)
        return unflatten(self._observation_description, arrays), self._first.copy()

    def put_action(self, action: Any) -> None:
        """Write the agent's action [N, ...]; InvalidActionError where it does not have the action space's structure."""
        one = self._output
        if one is not None and type(action) is np.ndarray and (action.dtype, action.shape) == self._output_type:
            one[...] = action
            return
        for leaf, view in self._outputs:
            view[...] = as_array(action, leaf, view.shape)

    def get_action(self) -> list[Array]:
        """Copies of the leaves of the action, taken once: what is validated is what is played."""
        if self._output is not None:
            return [self._output.copy()]
        return [view.copy() for _, view in self._outputs]

    def put_message(self, text: str) -> None:
        """Write one line about a fault, cut to MESSAGE_BYTES."""
        _put_bytes(self._message, text.encode(errors="replace")[:MESSAGE_BYTES])

    def get_message(self) -> str:
        """The line about the fault, printable characters only."""
        return printable(self._message.tobytes().rstrip(b"\0").decode(errors="replace"))

    def put_explanation(self, data: bytes) -> None:
        """Write an explanation of the last action, as `explain.encode` makes it."""
        _put_bytes(self._explanation, data)

    def get_explanation(self) -> bytes:
        """The explanation, up to the first zero byte."""
        return self._explanation.tobytes().partition(b"\0")[0]


def _put_bytes(view: Array, data: bytes) -> None:
    """Write bytes and zeros behind them."""
    view[: len(data)] = np.frombuffer(data, np.uint8)
    view[len(data) :] = 0


def _aligned(size: int) -> int:
    return -(-size // _ALIGNMENT) * _ALIGNMENT


def _sealed_memory(size: int) -> int:
    """Descriptor of `size` anonymous bytes that nobody can grow, shrink or unseal."""
    import fcntl  # only on Unix; this module must import elsewhere too

    descriptor = os.memfd_create("rlbench", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    os.ftruncate(descriptor, size)
    seals = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL
    fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, seals)
    return descriptor
