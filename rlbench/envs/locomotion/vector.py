"""LocomotionVectorEnv: N robots on all cores, with all three of Gymnasium's autoreset modes."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from gymnasium.error import ResetNeeded
from gymnasium.utils import seeding
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space
from numpy.typing import NDArray

from rlbench.core.rng import lane_seeds
from rlbench.envs.locomotion.mujoco_bindings import check_threads
from rlbench.envs.locomotion.physics import State
from rlbench.envs.locomotion.robots_with_task import World, refuse
from rlbench.envs.locomotion.simulation import Flags

NO_LIMIT = np.iinfo(np.int64).max


class LocomotionVectorEnv(VectorEnv[Any, Any, Any]):
    """N robots, stepped together; lane i is the single environment seeded `seed + i`.

    `threads` is how many cores to use, all by default. Lanes are the same bit for bit in every mode, at every width, on
    any number of threads. In SAME_STEP mode `final_obs[N, size]` is what the step reached, before any reset, in every
    lane; `_final_obs` marks the lanes whose episode ended.
    """

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
        refuse(others, "reward", "render_mode", "max_episode_steps", "autoreset_mode", "threads", "renderer")
        if isinstance(num_envs, bool) or not isinstance(num_envs, int) or num_envs < 1:
            raise ValueError(f"num_envs is a positive integer, got {num_envs!r}")
        self._world = world = World(robot, reward, renderer, num_envs, check_threads(threads))
        self.num_envs, self.render_mode = num_envs, render_mode
        self.single_observation_space, self.single_action_space = world.observation_space, world.action_space
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self.autoreset_mode = AutoresetMode(autoreset_mode)
        self.metadata = {**world.metadata(render_mode), "autoreset_mode": self.autoreset_mode}
        self._limit = NO_LIMIT if max_episode_steps is None else max_episode_steps
        self._all = np.ones(num_envs, np.bool_)
        self._generators: list[np.random.Generator] = []
        self._elapsed = np.zeros(num_envs, np.int64)
        self._done = np.zeros(num_envs, np.bool_)

    def reset(
        self, *, seed: int | list[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[Any], dict[str, Any]]:
        """Begin an episode in every lane, or in those of `options["reset_mask"]`, bool[N].

        `options={"state": {field: array[N, ...]}}` begins the lanes in given states; their draws are consumed all the
        same.
        """
        options = options or {}
        mask = self._mask(options.get("reset_mask"))
        self._seed(lane_seeds(seed, self.num_envs), mask)
        self._begin(mask)
        if "state" in options:
            self._world.set_state(options["state"], mask)
        return self._world.observe(), {}

    def _mask(self, mask: Any) -> Flags:
        if mask is None:
            return self._all
        if not isinstance(mask, np.ndarray) or mask.shape != (self.num_envs,) or mask.dtype != np.bool_:
            raise ValueError(f"reset_mask is a bool array of shape ({self.num_envs},), got {mask!r}")
        if not self._generators or not mask.any():
            reason = "selects no lane" if self._generators else "comes before the first full reset"
            raise ValueError(f"reset_mask {reason}")
        return mask

    def _seed(self, seeds: list[int | None], mask: Flags) -> None:
        if not self._generators:
            self._generators = [seeding.np_random(seed)[0] for seed in seeds]
            return
        for i, seed in enumerate(seeds):
            if mask[i] and seed is not None:
                self._generators[i] = seeding.np_random(seed)[0]

    def _begin(self, mask: Flags) -> None:
        self._world.start([self._generators[i] for i in np.flatnonzero(mask).tolist()], mask)
        self._elapsed[mask] = 0
        self._done[mask] = False

    def step(
        self, actions: Any
    ) -> tuple[NDArray[Any], NDArray[np.float64], NDArray[np.bool_], NDArray[np.bool_], dict[str, Any]]:
        """Step every lane. Raises InvalidAction before anything has moved, ResetNeeded where a reset is missing."""
        self._require_begun()
        torques = self._world.check(actions, self.action_space.shape or ())
        waiting = self._done.copy() if self._done.any() else None  # NEXT_STEP: these begin anew instead
        verdict = self._world.step(torques, None if waiting is None else ~waiting)
        self._elapsed += 1
        rewards, terminations = verdict.reward, verdict.terminated.copy()
        info = self._world.info(verdict)
        if waiting is not None:
            self._begin(waiting)
            rewards = np.where(waiting, 0.0, rewards)
            terminations &= ~waiting
        truncations = self._elapsed >= self._limit
        observations = self._world.observe()
        moved = self._all.copy() if waiting is None else ~waiting
        infos = {**info, **{f"_{name}": moved for name in info}}
        over = terminations | truncations
        if not over.any():
            return observations, rewards, terminations, truncations, infos
        if self.autoreset_mode == AutoresetMode.SAME_STEP:
            infos |= {"final_obs": observations, "_final_obs": over, "final_info": infos.copy(), "_final_info": over}
            self._begin(over)
            observations = self._world.observe()
        else:
            self._done = over
        return observations, rewards, terminations, truncations, infos

    def _require_begun(self) -> None:
        if not self._generators:
            raise ResetNeeded("the episodes have not begun; call reset() before step()")
        if self.autoreset_mode == AutoresetMode.DISABLED and self._done.any():
            lanes = np.flatnonzero(self._done).tolist()
            raise ResetNeeded(
                f"the episodes of lanes {lanes} have ended; reset them with options={{'reset_mask': ...}}"
            )

    @property
    def state(self) -> State:
        """The robots at this instant: a State whose fields are arrays [N, ...], copied."""
        return self._world.physics.state

    @state.setter
    def state(self, values: Any) -> None:
        self._world.set_state(values, self._all)
        self._done[:] = False

    def render(self) -> tuple[NDArray[np.uint8], ...] | None:
        """A frame uint8[480, 480, 3] per lane."""
        if self.render_mode is None:
            return None
        if not self._generators:
            raise ResetNeeded("there is nothing to render yet; call reset() first")
        rows = zip(self._world.physics.qpos, self._done.tolist(), strict=True)
        return tuple(self._world.frame(qpos, fallen) for qpos, fallen in rows)
