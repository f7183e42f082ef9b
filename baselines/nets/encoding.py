"""What a network sees of an observation: features of a fixed length, and checks of the spaces it takes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import gymnasium
import numpy as np
from numpy.typing import NDArray

from baselines.templates.agent_template import Perceptron
from rlbench.errors import UserError


@dataclass(frozen=True)
class Encoding:
    """How an observation becomes D float32 features: a box flattened, shifted and scaled, one of n states one-hot."""

    scale: NDArray[np.float32]
    states: int = 0
    shift: NDArray[np.float32] | None = None
    limit: float = 0.0

    @property
    def size(self) -> int:
        """D."""
        return self.states or len(self.scale)

    def __call__(self, observation: NDArray[Any]) -> NDArray[np.float32]:
        """Observations [N, ...] -> features [N, D]."""
        return Perceptron([], "relu", self.scale, self.states, self.shift, self.limit).encode(observation)


def encoding(space: gymnasium.Space[Any], scale: tuple[float, ...] = ()) -> Encoding:
    """The encoding of one lane's observation space; UserError for a space that a perceptron does not take."""
    if isinstance(space, gymnasium.spaces.Discrete) and space.start == 0:
        return Encoding(np.ones(1, np.float32), int(space.n))
    if not isinstance(space, gymnasium.spaces.Box):
        raise UserError(f"observations must be a Box or a Discrete that starts at 0, not {space}")
    size = math.prod(space.shape)
    if scale and len(scale) != size:
        raise UserError(f"observation_scale has {len(scale)} numbers, the observation {size}")
    return Encoding(np.array(scale or (1.0,) * size, np.float32))


def frames_shape(space: gymnasium.Space[Any]) -> tuple[int, int, int]:
    """The shape (K, H, W) of one lane's stacked frames; UserError for a space that a convolution does not take."""
    if not isinstance(space, gymnasium.spaces.Box) or len(space.shape) != 3 or space.dtype != np.uint8:
        raise UserError(f"convolutions take stacked frames, uint8 [K, H, W], not {space}")
    stacked, height, width = space.shape
    return stacked, height, width


def discrete_actions(space: gymnasium.Space[Any]) -> int:
    """The number of actions; UserError where actions are not numbered from 0."""
    if not isinstance(space, gymnasium.spaces.Discrete) or space.start != 0:
        raise UserError(f"actions must be Discrete and start at 0, not {space}")
    return int(space.n)
