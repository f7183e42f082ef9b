"""LocomotionVectorEnv: N robots on all cores, in all of Gymnasium's autoreset modes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

import numpy as np
from gymnasium.utils import seeding
from gymnasium.vector import AutoresetMode

from rlbench.core.adapter import BatchStep, Image, VectorEnvAdapter
from rlbench.core.arguments import BATCH_RENDER_MODES, Check, check_known
from rlbench.core.autoreset import Bools, final_entries, reset_needed, with_masks
from rlbench.envs.locomotion.mujoco_bindings import check_threads
from rlbench.envs.locomotion.physics import State
from rlbench.envs.locomotion.robots_with_task import RobotsWithTask


class LocomotionVectorEnv(VectorEnvAdapter):
    """N robots, the same bit for bit in every mode, of any number, on any number of threads.

    `threads` is how many cores to use, all by default; the other arguments are those of `LocomotionEnv`.
    """

    bytes_per_env = 10_000  # a hopper's MjData

    def __init__(
        self,
        robot: str,
        num_envs: int = 1,
        reward: str = "lecture",
        render_mode: Literal["rgb_array"] | None = None,
        max_episode_steps: int | None = None,
        autoreset_mode: AutoresetMode | str = AutoresetMode.NEXT_STEP,
        threads: int | None = None,
        renderer: str = "auto",
        **others: Any,
    ) -> None:
        check_known(type(self), others)
        super().__init__(num_envs, render_mode, autoreset_mode, max_episode_steps)
        self._robots = robots = RobotsWithTask(robot, reward, renderer, self.num_envs, check_threads(threads))
        self._describe(robots.observation_space, robots.action_space, robots.metadata(render_mode, BATCH_RENDER_MODES))
        self._all = np.ones(self.num_envs, np.bool_)
        self._generators: list[Any] = [None] * self.num_envs
        self._elapsed = np.zeros(self.num_envs, np.int64)

    def _option_checks(self) -> dict[str, Check]:
        return {**super()._option_checks(), "state": self._robots.checked_state}

    def _start(
        self, mask: Bools, seeds: Sequence[int | None], options: Mapping[str, Any]
    ) -> tuple[Any, dict[str, Any]]:
        which, new = self._new_seeds(mask, seeds)
        for i, seed in zip(which.tolist(), new, strict=True):
            self._generators[i] = seeding.np_random(seed)[0]
        self._begin(mask)
        if "state" in options:
            self._robots.physics.set_state(options["state"], mask)
        return self._robots.observe(), {}

    def _begin(self, mask: Bools) -> None:
        self._robots.start([self._generators[i] for i in np.flatnonzero(mask).tolist()], mask)
        self._elapsed[mask] = 0
        self._done[mask] = False

    def step(self, actions: Any) -> BatchStep:
        """Apply torques, float[N, k], for one step."""
        if not self._has_begun or (self._never_resets and self._done.any()):
            raise reset_needed(self._has_begun, self._done)
        torques = self._robots.check(actions, self.action_space.shape or ())
        waiting = self._done.copy() if self._done.any() else None  # NEXT_STEP: these begin anew instead
        outcome = self._robots.step(torques, None if waiting is None else ~waiting)
        self._elapsed += 1
        rewards, terminations = outcome.reward, outcome.terminated.copy()
        info = with_masks(self._robots.info(outcome), self._all if waiting is None else ~waiting)
        if waiting is not None:
            self._begin(waiting)
            rewards = np.where(waiting, 0.0, rewards)
            terminations &= ~waiting
        truncations = self._elapsed >= self._limit
        observations = self._robots.observe()
        ended = terminations | truncations
        if not ended.any():
            return observations, rewards, terminations, truncations, info
        if self.autoreset_mode == AutoresetMode.SAME_STEP:
            info |= final_entries(observations, info.copy(), ended)
            self._begin(ended)
            observations = self._robots.observe()
        else:
            self._done = ended
        return observations, rewards, terminations, truncations, info

    @property
    def state(self) -> State:
        """The current states: a State whose fields are arrays [N, ...], copied."""
        return self._robots.physics.state

    @state.setter
    def state(self, values: Any) -> None:
        self._robots.physics.set_state(self._robots.checked_state(values), self._all)
        self._done[:] = False

    def _frames(self) -> Iterator[Image]:
        for qpos, fallen in zip(self._robots.physics.qpos, self._done.tolist(), strict=True):
            yield self._robots.frame(qpos, fallen)

    def close_extras(self, **kwargs: Any) -> None:
        """Free the renderer."""
        self._robots.pictures.close()
