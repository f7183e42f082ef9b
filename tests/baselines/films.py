"""Vector environments that show stacked frames: noise, in which no two frames are alike, and the probes as pictures."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

from tests.baselines.probes import Probe

STACK, SIDE = 4, 12


class Noise(VectorEnv[Any, Any, Any]):
    """N environments of noise, uint8[N, 4, 12, 12]: episodes of 1 to 12 steps, a third of which are cut.

    Rewards are drawn at random. The stack is black where the episode is younger than it. Lives are lost at random.
    """

    def __init__(self, num_envs: int = 1, autoreset_mode: AutoresetMode = AutoresetMode.NEXT_STEP) -> None:
        self.num_envs, self.metadata = num_envs, {"autoreset_mode": autoreset_mode}
        self.single_observation_space = gymnasium.spaces.Box(0, 255, (STACK, SIDE, SIDE), np.uint8)
        self.single_action_space = gymnasium.spaces.Discrete(3)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[np.ndarray, dict[str, Any]]:
        super().reset(seed=seed)
        self.seen = np.zeros((self.num_envs, STACK, SIDE, SIDE), np.uint8)
        self.over = np.ones(self.num_envs, bool)
        observation = self._next()
        self.over = np.zeros(self.num_envs, bool)
        return observation, {}

    def step(self, actions: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]:
        fresh = self.over
        end, cut, lost = (self.np_random.random((3, self.num_envs)) < [[0.2], [0.33], [0.1]]) & ~fresh
        observation = self._next()
        reward = np.where(fresh, 0.0, self.np_random.normal(size=self.num_envs))
        info: dict[str, Any] = {"life_lost": lost & ~end}
        if self.metadata["autoreset_mode"] is AutoresetMode.SAME_STEP:
            observation, final = self._reset_where(end, observation), observation
            info |= {"final_obs": final, "_final_obs": end} if end.any() else {}
        else:
            self.over = end
        return observation, reward, end & ~cut, end & cut, info

    def _reset_where(self, end: np.ndarray, reached: np.ndarray) -> np.ndarray:
        """The observations, those of new episodes where one ended."""
        self.over = end
        first = self._next()
        self.over = np.zeros(self.num_envs, bool)
        self.seen = np.where(end[:, None, None, None], first, reached)
        return self.seen

    def _next(self) -> np.ndarray:
        frame = self.np_random.integers(256, size=(self.num_envs, 1, SIDE, SIDE), dtype=np.uint8)
        before = np.where(self.over[:, None, None, None], 0, self.seen[:, 1:]).astype(np.uint8)
        self.seen = np.concatenate([before, frame], axis=1)
        return self.seen


class PictureProbe(Probe):
    """A probe whose observation 0 or 1 is a stack of black or white frames."""

    def __init__(self, probe: str, num_envs: int = 1) -> None:
        super().__init__(probe, discrete=False, num_envs=num_envs)
        self.single_observation_space = gymnasium.spaces.Box(0, 255, (STACK, SIDE, SIDE), np.uint8)
        self.observation_space = batch_space(self.single_observation_space, num_envs)

    def _observation(self) -> np.ndarray:
        return picture(self.seen)


def picture(seen: np.ndarray) -> np.ndarray:
    """Stacks of frames [N, 4, 12, 12] that show `seen`[N]."""
    return np.broadcast_to(255 * seen[:, None, None, None], (len(seen), STACK, SIDE, SIDE)).astype(np.uint8)


def task(probe: str, autoreset_mode: AutoresetMode | None = None) -> str:
    """The Gymnasium id of a probe as pictures, or of `noise`, in this mode, registered."""
    name = f"Film-{probe}{autoreset_mode.value if autoreset_mode else ''}-v0"
    if name not in gymnasium.registry:
        entry, kwargs = (Noise, {}) if probe == "noise" else (PictureProbe, {"probe": probe})
        kwargs |= {"autoreset_mode": autoreset_mode} if autoreset_mode else {}
        gymnasium.register(name, vector_entry_point=entry, kwargs=kwargs)  # type: ignore[arg-type]
    return name
