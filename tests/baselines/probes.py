"""Five worlds so small that every value in them is known, each of which fails for a reason of its own.

A learner that misses the first cannot fit a constant; the second, cannot tell observations apart; the third, does not
discount; the fourth, does not tell actions apart; the fifth, cannot do both. (After Andy Jones, "Debugging RL",
2021.)

| probe       | observation | steps | reward                               | Q(observation, action)    |
| ----------- | ----------- | ----- | ------------------------------------ | ------------------------- |
| constant    | 0           | 1     | 1                                    | 1                         |
| observation | 0 or 1      | 1     | +1 for observation 1, -1 for 0       | the same                  |
| two-step    | 0, then 1   | 2     | 1 after the second step              | gamma, then 1             |
| action      | 0           | 1     | +1 for action 1, -1 for 0            | the same                  |
| both        | 0 or 1      | 1     | +1 where action = observation, or -1 | the same                  |

With continuous actions in [-1, 3] the first three are as they are, and the last two pay 1 - (u - u*)^2, where u in
[-1, 1] is the action between its bounds and u* is 1/2, in `both` -1/2 where the observation is 0.
"""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

PROBES = ("constant", "observation", "two-step", "action", "both")


def values(probe: str, gamma: float) -> np.ndarray:
    """Q[observation, action], NaN for an observation that the probe never shows."""
    never = [np.nan, np.nan]
    known = {
        "constant": [[1, 1], never],
        "observation": [[-1, -1], [1, 1]],
        "two-step": [[gamma, gamma], [1, 1]],
        "action": [[-1, 1], never],
        "both": [[1, -1], [-1, 1]],
    }
    return np.array(known[probe], float)


def best(probe: str) -> np.ndarray:
    """The best continuous action of each observation, u*; NaN where it does not matter."""
    return np.array({"action": [0.5, np.nan], "both": [-0.5, 0.5]}.get(probe, [np.nan, np.nan]))


class Probe(VectorEnv[Any, Any, Any]):
    """N environments of a probe; observations are float32[N, 1], or int64[N] where `discrete`."""

    def __init__(self, probe: str, discrete: bool, continuous: bool = False, num_envs: int = 1) -> None:
        self.probe, self.discrete, self.continuous, self.num_envs = probe, discrete, continuous, num_envs
        self.metadata = {"autoreset_mode": AutoresetMode.NEXT_STEP}
        box = gymnasium.spaces.Box(-1, 1, (1,), np.float32)
        self.single_observation_space = gymnasium.spaces.Discrete(2) if discrete else box
        interval = gymnasium.spaces.Box(-1, 3, (1,), np.float32)
        self.single_action_space = interval if continuous else gymnasium.spaces.Discrete(2)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[np.ndarray, dict[str, Any]]:
        super().reset(seed=seed)
        self.seen = np.zeros(self.num_envs, int)
        if self.probe in ("observation", "both"):  # as many of one as of the other: the mean return is exact
            self.seen = self.np_random.permutation(np.arange(self.num_envs) % 2)
        self.done = np.zeros(self.num_envs, bool)
        return self._observation(), {}

    def step(self, actions: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]:
        before, over = self.seen, self.done
        reward = {
            "constant": np.ones(self.num_envs),
            "observation": 2.0 * before - 1,
            "two-step": 1.0 * before,
            **(self._of_interval(actions, before) if self.continuous else self._of_two(actions, before)),
        }[self.probe]
        self.done = (before == 1 if self.probe == "two-step" else np.ones(self.num_envs, bool)) & ~over
        self.seen = self._next(before, over)
        return self._observation(), reward * ~over, self.done, np.zeros(self.num_envs, bool), {}

    def _of_two(self, actions: np.ndarray, seen: np.ndarray) -> dict[str, np.ndarray]:
        return {"action": 2.0 * actions - 1, "both": np.where(actions == seen, 1.0, -1.0)}

    def _of_interval(self, actions: np.ndarray, seen: np.ndarray) -> dict[str, np.ndarray]:
        assert actions.shape == (self.num_envs, 1)
        assert actions.min() >= -1
        assert actions.max() <= 3
        u = (actions[:, 0].astype(float) - 1) / 2
        return {"action": 1 - (u - 0.5) ** 2, "both": 1 - (u - (seen - 0.5)) ** 2}

    def _next(self, before: np.ndarray, over: np.ndarray) -> np.ndarray:
        if self.probe == "two-step":
            return np.where(over, 0, 1)
        drawn = self.np_random.integers(2, size=self.num_envs)
        return np.where(over, drawn, before) if self.probe in ("observation", "both") else before

    def _observation(self) -> np.ndarray:
        return self.seen.copy() if self.discrete else self.seen[:, None].astype(np.float32)


def task(probe: str, *, discrete: bool = False, continuous: bool = False) -> str:
    """The Gymnasium id of a probe, registered: discrete observations, continuous actions."""
    name = f"Probe-{probe}{'-discrete' * discrete}{'-continuous' * continuous}-v0"
    if name not in gymnasium.registry:
        kwargs = {"probe": probe, "discrete": discrete, "continuous": continuous}
        gymnasium.register(name, vector_entry_point=Probe, kwargs=kwargs)  # type: ignore[arg-type]
    return name
