"""Compiled `observe` for one environment: the batch's reset loop with an empty mask."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np

from rlbench.core.compiler.compile import compiled, working_memory
from rlbench.core.rules import StateOf
from rlbench.core.spaces import Arrays
from rlbench.core.world import World


class CompiledObserve:
    """A function from a state to the arrays of its observation. It can be copied and pickled."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._fields = [np.array([value]) for value in world.example_state()]
        self._rest = (*working_memory(world), np.zeros((1, 4), np.uint64), np.zeros(1, np.int64))
        self._flags = (np.zeros(1, np.bool_), np.zeros(1, np.bool_))  # done; what to reset
        self._options = world.batch_options({}, 1)

    @cached_property
    def _reset(self) -> Any:
        return compiled(self.world).reset

    def __call__(self, state: StateOf) -> Arrays:
        """The observation's arrays, one per leaf; [1] where a leaf is Discrete."""
        for array, value in zip(self._fields, state, strict=True):
            array[0] = value
        out = self.world.observations.empty_batch(1)
        self._reset(*self.world.params, *self._fields, *self._rest, *self._flags, *self._options, *out)
        return tuple(array[0] if array.ndim > 1 else array for array in out)

    def __reduce__(self) -> tuple[type[CompiledObserve], tuple[World]]:
        return CompiledObserve, (self.world,)
