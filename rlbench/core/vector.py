"""RulesVectorEnv: the only batch shell. N worlds in compiled loops, with all three of Gymnasium's autoreset modes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

import numpy as np
from gymnasium.error import InvalidAction, ResetNeeded
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space
from numpy.typing import NDArray

from rlbench.core.compiler import compile as batch
from rlbench.core.rng import lane_seeds, seed_lane
from rlbench.core.rules import StateOf, make_states
from rlbench.core.spaces import Arrays
from rlbench.core.world import World

MODES = {
    AutoresetMode.NEXT_STEP: batch.NEXT_STEP,
    AutoresetMode.SAME_STEP: batch.SAME_STEP,
    AutoresetMode.DISABLED: batch.DISABLED,
}
NO_LIMIT = np.iinfo(np.int64).max


class RulesVectorEnv(VectorEnv[Any, Any, Any]):
    """N worlds that follow a rules module, stepped together; lane i is the single environment seeded `seed + i`.

    Arguments besides the rules' own: `autoreset_mode`; `parallel` (all cores or one; by default whichever proves
    faster while it runs); `copy=False` hands out the same arrays at every step, which the next step overwrites.
    In SAME_STEP mode `final_obs[N, ...]` is what the step reached, before any reset, in every lane; `_final_obs` marks
    the lanes whose episode ended. Lanes are the same bit for bit in every mode, at every width, serial or parallel.
    """

    def __init__(
        self,
        rules: str,
        num_envs: int = 1,
        render: str | None = None,
        render_mode: Literal["rgb_array"] | None = None,
        max_episode_steps: int | None = None,
        autoreset_mode: AutoresetMode | str = AutoresetMode.NEXT_STEP,
        parallel: bool | None = None,
        copy: bool = True,
        **params: Any,
    ) -> None:
        if isinstance(num_envs, bool) or num_envs < 1:
            raise ValueError(f"num_envs is a positive integer, got {num_envs!r}")
        self.world = World(rules, render, params)
        self.params, self.num_envs, self.render_mode = self.world.params, num_envs, render_mode
        self.single_observation_space = self.world.observation_space
        self.single_action_space = self.world.action_space
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self.autoreset_mode = AutoresetMode(autoreset_mode)
        self.metadata = {**self.world.metadata(render_mode), "autoreset_mode": self.autoreset_mode}
        self.copy = copy
        self._limit = NO_LIMIT if max_episode_steps is None else max_episode_steps
        self._mode = MODES[self.autoreset_mode]
        self._allocate(parallel)

    def _allocate(self, parallel: bool | None) -> None:
        loops: Any = batch.compiled(self.world)
        self._step_lanes = batch.stepper(self.world, self.num_envs, parallel)
        self._reset_lanes = loops.reset
        n, like = self.num_envs, self.world.example_state()
        self._like = like
        self._fields = tuple(np.zeros((n, *np.shape(value)), np.asarray(value).dtype) for value in like)
        self._threads = batch.threads()
        self._memory = batch.working_memory(self.world)
        self._lanes = np.zeros((n, 4), np.uint64)
        self._elapsed = np.zeros(n, np.int64)
        self._done = np.zeros(n, np.bool_)
        self._was_reset = self._was_seeded = False
        self._results = tuple(np.zeros(n, np.asarray(value).dtype) for value in self.world.result(like))
        self._outputs = self._new_outputs()
        self._final = self.world.observations.empty_batch(n)

    def _new_outputs(self) -> tuple[Arrays, NDArray[Any], NDArray[Any], NDArray[Any]]:
        n = self.num_envs
        return self.world.observations.empty_batch(n), np.empty(n), np.empty(n, np.bool_), np.empty(n, np.bool_)

    def reset(
        self, *, seed: int | list[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Begin an episode in every lane, or in those of `options["reset_mask"]`, bool[N].

        The other options are the rules' own, an array [N] each, or `{"state": {field: array[N]}}` to begin the lanes in
        given states; their draws are consumed all the same.
        """
        options = options or {}
        mask = self._mask(options.get("reset_mask"))
        chosen = self.world.batch_options(options, self.num_envs)
        self._seed(lane_seeds(seed, self.num_envs), mask)
        observations = self.world.observations.empty_batch(self.num_envs)
        self._call_reset(mask, chosen, observations)
        if "state" in options:
            self._set_fields(options["state"], mask)
            self._call_reset(np.zeros_like(mask), chosen, observations)
        self._was_reset = True
        return self.world.observations.as_gymnasium(observations), {}

    def _mask(self, mask: Any) -> NDArray[np.bool_]:
        if mask is None:
            return np.ones(self.num_envs, np.bool_)
        if not isinstance(mask, np.ndarray) or mask.shape != (self.num_envs,) or mask.dtype != np.bool_:
            raise ValueError(f"reset_mask is a bool array of shape ({self.num_envs},), got {mask!r}")
        if not self._was_reset or not mask.any():
            reason = "selects no lane" if self._was_reset else "comes before the first full reset"
            raise ValueError(f"reset_mask {reason}")
        return mask

    def _seed(self, seeds: list[int | None], mask: NDArray[np.bool_]) -> None:
        for i, seed in enumerate(seeds):
            if mask[i] and (seed is not None or not self._was_seeded):
                self._lanes[i] = seed_lane(seed)
        self._was_seeded = True

    def _call_reset(self, mask: NDArray[np.bool_], options: Arrays, observations: Arrays) -> None:
        worlds = (*self.params, *self._fields, *self._memory)
        self._reset_lanes(*worlds, self._lanes, self._elapsed, self._done, mask, *options, *observations)

    def step(
        self, actions: Any
    ) -> tuple[Any, NDArray[np.float64], NDArray[np.bool_], NDArray[np.bool_], dict[str, Any]]:
        """Step every lane. Raises InvalidAction before anything has moved, ResetNeeded where a reset is missing."""
        if not self._was_reset:
            raise ResetNeeded("the episodes have not begun; call reset() before step()")
        if self._mode == batch.DISABLED and self._done.any():
            lanes = np.flatnonzero(self._done).tolist()
            raise ResetNeeded(
                f"the episodes of lanes {lanes} have ended; reset them with options={{'reset_mask': ...}}"
            )
        layout = self.world.observations
        inputs = self.world.actions.check_batch(actions, self.num_envs)
        observations, *flags = self._new_outputs() if self.copy else self._outputs
        worlds = (*self.params, *self._fields, *self._memory)
        ended = self._step_lanes(
            *worlds, self._lanes, self._elapsed, self._done, *inputs, *observations, *flags, *self._final,
            *self._results, self._mode, self._limit, self._threads,
        )  # fmt: skip
        if ended < 0:
            lane = -1 - ended
            action = self.world.actions.as_gymnasium([array[lane] for array in inputs])
            raise InvalidAction(f"action {action} of lane {lane} is not in {self.single_action_space}")
        rewards, terminations, truncations = flags
        infos = self._infos(terminations, truncations) if ended else {}
        return layout.as_gymnasium(observations), rewards, terminations, truncations, infos

    def _infos(self, terminations: NDArray[np.bool_], truncations: NDArray[np.bool_]) -> dict[str, Any]:
        """What is told of the episodes that ended in this step."""
        infos: dict[str, Any] = {}
        if self._results and terminations.any():
            for name, array in zip(self.world.result(self._like)._fields, self._results, strict=True):
                infos |= {name: np.where(terminations, array, 0), f"_{name}": terminations.copy()}
        if self._mode != batch.SAME_STEP:
            return infos
        over = terminations | truncations
        final = tuple(array.copy() for array in self._final) if self.copy else self._final
        final_obs = self.world.observations.as_gymnasium(final)
        return {"final_obs": final_obs, "_final_obs": over, "final_info": infos, "_final_info": over.copy()}

    @property
    def state(self) -> StateOf:
        """The worlds at this instant: a State of the rules whose fields are arrays [N, ...], copied."""
        return type(self._like)(*(field.copy() for field in self._fields))

    @state.setter
    def state(self, values: Any) -> None:
        self._set_fields(values, np.ones(self.num_envs, np.bool_))

    def _set_fields(self, values: Any, mask: NDArray[np.bool_]) -> None:
        states = make_states(values, self._like, self.num_envs)
        singles = self._singles(states)
        for state in singles:
            self.world.check_state(state)
        for field, value in zip(self._fields, states, strict=True):
            field[mask] = value[mask]
        ended = np.array([self.world.rules.terminated(state, self.params) for state in singles], np.bool_)
        self._done[mask] = ended[mask]

    def states(self) -> list[StateOf]:
        """One State of Python scalars per lane, as the single environment holds it."""
        return self._singles(self._fields)

    def _singles(self, fields: Iterable[NDArray[Any]]) -> list[StateOf]:
        columns = [field.tolist() if field.ndim == 1 else list(field.copy()) for field in fields]
        return [type(self._like)(*row) for row in zip(*columns, strict=True)]

    def render(self) -> tuple[NDArray[np.uint8], ...] | None:
        """A frame uint8[H, W, 3] per lane."""
        if self.render_mode is None:
            return None
        return tuple(self.world.frame(state) for state in self.states())
