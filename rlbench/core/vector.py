"""RulesVectorEnv: N environments that follow a rules module, in compiled loops, in all autoreset modes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from gymnasium.error import InvalidAction
from gymnasium.vector import AutoresetMode
from numpy.typing import NDArray

from rlbench.core.adapter import BatchStep
from rlbench.core.arguments import check_memory
from rlbench.core.autoreset import Bools, final_entries, reset_needed, with_masks
from rlbench.core.compiler.compile import MODES, compiled, step_loop, working_memory
from rlbench.core.compiler.pool import ParallelLoop
from rlbench.core.rules import StateOf
from rlbench.core.rules_batch import RulesBatch
from rlbench.core.seeding import new_streams
from rlbench.core.spaces import Arrays

COMPILED = {"_reset_loop", "_step_loop", "_threads", "_memory"}
"""Attributes of a batch that belong to the process which compiled its loops."""


class RulesVectorEnv(RulesBatch):
    """N environments that follow a rules module, the same bit for bit in every mode, of any number, on any threads.

    Arguments besides the rules' own: `autoreset_mode`; `parallel` (whether threads share a step where
    that is faster; by default in large batches); `flat`, as of `RulesEnv`; `copy=False` hands out the same arrays at
    every step, which the next step overwrites.
    """

    TAKEN_BY_MAKER: ClassVar[tuple[str, ...]] = ("device", "flat")
    """Arguments of `make_batch`, which chooses by them whether this class makes the batch, and of `World`."""

    def _make(self) -> None:
        self._mode = MODES[self.autoreset_mode]
        self._compile()
        self._allocate()

    def _compile(self) -> None:
        loops: Any = compiled(self.world)
        self._reset_loop = loops.reset
        self._step_loop, self._threads = step_loop(self.world, self.num_envs, self._parallel)
        self._memory = working_memory(self.world, self._threads)

    def close_extras(self, **kwargs: Any) -> None:
        """Leave the thread pool, whose threads end with the last batch that uses them."""
        loop = getattr(self, "_step_loop", None)  # its constructor may have failed
        if isinstance(loop, ParallelLoop):
            loop.close()

    def __getstate__(self) -> dict[str, Any]:
        """What a copy or a pickle holds: all but the compiled loops, which another process makes for itself."""
        return {name: value for name, value in self.__dict__.items() if name not in COMPILED}

    def __setstate__(self, saved: dict[str, Any]) -> None:
        self.__dict__.update(saved)
        self._compile()

    def _allocate(self) -> None:
        n, like = self.num_envs, self._like
        check_memory(f"num_envs={n}", n * sum(np.asarray(value).nbytes for value in like))
        self._fields = tuple(np.zeros((n, *np.shape(value)), np.asarray(value).dtype) for value in like)
        self._streams = np.zeros((n, 4), np.uint64)
        self._elapsed = np.zeros(n, np.int64)
        self._results = tuple(np.zeros(n, np.asarray(value).dtype) for value in self.world.result(like))
        self._outputs = self._new_outputs()
        self._no_options = {"Options": self.world.batch_options({}, n)}
        self._final = self.world.observations.empty_batch(n)

    def _new_outputs(self) -> tuple[Arrays, NDArray[Any], NDArray[Any], NDArray[Any]]:
        n = self.num_envs
        return self.world.observations.empty_batch(n), np.empty(n), np.empty(n, np.bool_), np.empty(n, np.bool_)

    def _checked_options(self, options: Any) -> dict[str, Any]:
        return dict(self._no_options) if options is None else super()._checked_options(options)

    def _start(
        self, mask: Bools, seeds: Sequence[int | None], options: Mapping[str, Any]
    ) -> tuple[Any, dict[str, Any]]:
        which, new = self._new_seeds(mask, seeds)
        self._streams[which] = new_streams(new)
        observations = self.world.observations.empty_batch(self.num_envs)
        self._call_reset(mask, options["Options"], observations)
        if "state" in options:
            self._set_states(options["state"], mask)
            self._call_reset(np.zeros_like(mask), options["Options"], observations)
        return self.world.observations.as_gymnasium(observations), {}

    def _call_reset(self, mask: Bools, options: Arrays, observations: Arrays) -> None:
        """Begin an episode in the environments of the mask; write the observations of all."""
        arrays = (*self.params, *self._fields, *self._memory, self._streams, self._elapsed, self._done)
        self._reset_loop(*arrays, mask, *options, *observations)

    def step(self, actions: Any) -> BatchStep:
        """Step all environments in the compiled loop."""
        if not self._has_begun or (self._never_resets and self._done.any()):
            raise reset_needed(self._has_begun, self._done)
        layout = self.world.observations
        inputs = self.world.actions.check_batch(actions, self.num_envs)
        observations, *flags = self._new_outputs() if self.copy else self._outputs
        arrays = (*self.params, *self._fields, *self._memory, self._streams, self._elapsed, self._done)
        ended = self._step_loop(
            *arrays,
            *inputs,
            *self.world.actions.sizes,
            *observations,
            *flags,
            *self._final,
            *self._results,
            self._mode,
            self._limit,
            self._threads,
        )
        if ended < 0:
            i = -1 - ended
            action = self.world.actions.as_gymnasium([array[i] for array in inputs])
            raise InvalidAction(f"action {action} of environment {i} is not in {self.single_action_space}")
        rewards, terminations, truncations = flags
        info = self._info(terminations, truncations) if ended else {}
        return layout.as_gymnasium(observations), rewards, terminations, truncations, info

    def _info(self, terminations: Bools, truncations: Bools) -> dict[str, Any]:
        """The entries of the episodes that ended in this step: the rules' results, and the last observations."""
        info: dict[str, Any] = {}
        if self._results and terminations.any():
            names = self.world.result(self._like)._fields
            values = (np.where(terminations, array, 0) for array in self._results)
            info = with_masks(dict(zip(names, values, strict=True)), terminations)
        if self.autoreset_mode != AutoresetMode.SAME_STEP:
            return info
        final = tuple(array.copy() for array in self._final) if self.copy else self._final
        return final_entries(self.world.observations.as_gymnasium(final), info, terminations | truncations)

    @property
    def state(self) -> StateOf:
        """The current states: a State of the rules whose fields are arrays [N, ...], copied."""
        return type(self._like)(*(field.copy() for field in self._fields))

    @state.setter
    def state(self, values: Any) -> None:
        self._set_states(self._checked_state(values), np.ones(self.num_envs, np.bool_))

    def _set_states(self, states: StateOf, mask: Bools) -> None:
        for field, value in zip(self._fields, states, strict=True):
            field[mask] = value[mask]
        terminated = self.world.rules.terminated
        ended = np.array([terminated(state, self.params) for state in self.world.singles(states)], np.bool_)
        self._done[mask] = ended[mask]

    def states(self) -> list[StateOf]:
        """One State of Python scalars per environment, as the single environment holds it."""
        return self.world.singles(type(self._like)(*self._fields))
