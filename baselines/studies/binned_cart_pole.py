"""Cart-pole with binned observations, so that a table can hold its action values: `baselines/BinnedCartPole-v0`.

Its dynamics, episodes and seeds are those of `rlbench/CartPole-v0`; only the observation differs, the number of the box
that the state lies in. After Barto, Sutton & Anderson (1983), with more boxes (their 162 were never enough here): they
cut the angle at 0, 1 and 6 degrees, the angular velocity at 50 degrees a second, the position at 0.8 m.
"""

from __future__ import annotations

import math
from typing import Any

import gymnasium
import numpy as np
from gymnasium.vector import VectorEnv, VectorWrapper
from gymnasium.vector.utils import batch_space
from numpy.typing import NDArray

ID = "baselines/BinnedCartPole-v0"
EDGES = (
    (-1.0, 1.0),  # position, m
    (-0.5, 0.5),  # velocity, m/s
    tuple(math.radians(degrees) for degrees in (-6, -3, -1, 0, 1, 3, 6)),  # angle
    tuple(math.radians(degrees) for degrees in (-60, -30, 0, 30, 60)),  # angular velocity, per second
)
"""Where the bins of each number of the observation meet."""


def box(observation: NDArray[Any]) -> NDArray[np.int64]:
    """Number of the box [N], from 0, that each observation[N, 4] lies in."""
    number = np.zeros(len(observation), np.int64)
    for edges, column in zip(EDGES, observation.T, strict=True):
        number = number * (len(edges) + 1) + np.searchsorted(edges, column)
    return number


class BinnedCartPole(VectorWrapper):
    """N cart-poles stepped together, each observed as the number of its box, [N]."""

    def __init__(self, num_envs: int = 1, **kwargs: Any) -> None:
        env: VectorEnv[Any, Any, Any] = gymnasium.make_vec("rlbench/CartPole-v0", num_envs=num_envs, **kwargs)
        super().__init__(env)
        self.single_observation_space = gymnasium.spaces.Discrete(math.prod(len(edges) + 1 for edges in EDGES))
        self.observation_space = batch_space(self.single_observation_space, num_envs)

    def reset(self, **kwargs: Any) -> tuple[NDArray[np.int64], dict[str, Any]]:
        """Begin an episode in every environment."""
        observation, info = self.env.reset(**kwargs)
        return box(observation), info

    def step(self, actions: NDArray[Any]) -> tuple[NDArray[np.int64], Any, Any, Any, dict[str, Any]]:
        """Step every environment."""
        observation, reward, terminated, truncated, info = self.env.step(actions)
        return box(observation), reward, terminated, truncated, info


def register() -> str:
    """The id, which Gymnasium knows from now on."""
    if ID not in gymnasium.registry:
        gymnasium.register(ID, vector_entry_point=BinnedCartPole)  # type: ignore[arg-type]
    return ID
