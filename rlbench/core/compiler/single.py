"""Compiled rules of one environment: `initial`, `transition` and `observe`, from draws that are given."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from rlbench.core.compiler.compile import compiled, working_memory
from rlbench.core.rules import StateOf
from rlbench.core.spaces import Arrays
from rlbench.core.world import World


class CompiledSingle:
    """One environment that follows compiled rules, and the arrays of its state. It can be copied and pickled."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._fields = [np.array([value]) for value in world.example_state()]
        self._memory = working_memory(world)
        self._functions: Any = None

    def begin(self, draws: NDArray[np.float64], options: Any, fresh: bool = True) -> Arrays:
        """Begin an episode.

        Args:
            draws: The uniforms that `initial` takes.
            options: The rules' Options; None where they have none.
            fresh: Whether to begin one; without it only the observation is made.

        Returns:
            The arrays of the observation, one per leaf; [1] where a leaf is Discrete.
        """
        out = self.world.observations.empty_batch(1)
        chosen = () if options is None else (np.array([value]) for value in options)
        self._compiled().begin(*self.world.params, *self._fields, *self._memory, draws, *chosen, fresh, *out)
        return _only(out)

    def advance(self, action: Any, draws: NDArray[np.float64]) -> tuple[Arrays, float, bool]:
        """One transition: the arrays of the observation, the reward, and whether it ended the episode.

        Args:
            action: As the rules take it, checked.
            draws: The uniforms that `transition` takes.
        """
        out, rewards, terminations = self.world.observations.empty_batch(1), np.empty(1), np.empty(1, np.bool_)
        leaves = action if self.world.actions.record else (action,)
        actions = (np.array([leaf]) for leaf in leaves)
        arrays = (*self.world.params, *self._fields, *self._memory, draws)
        self._compiled().advance(*arrays, *actions, *out, rewards, terminations)
        return _only(out), rewards.item(), terminations.item()

    @property
    def state(self) -> StateOf:
        """The state, whose arrays later calls write to."""
        kind: Any = self.world.rules.State
        return kind(*(field[0] if field.ndim > 1 else field.item() for field in self._fields))

    @state.setter
    def state(self, values: StateOf) -> None:
        for field, value in zip(self._fields, values, strict=True):
            field[0] = value

    def _compiled(self) -> Any:
        if self._functions is None:
            self._functions = compiled(self.world)
        return self._functions

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_functions": None}


def _only(arrays: Arrays) -> Arrays:
    return tuple(array[0] if array.ndim > 1 else array for array in arrays)
