"""Settings that algorithms share whose network gives action values: DQN and PQN."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import gymnasium

from baselines.nets.encoding import discrete_actions, encoding, frames_shape
from baselines.training.loop import TrainingSettings
from baselines.training.memory import Sizes, parameters
from baselines.training.place import PlaceSettings
from baselines.types import (
    Convolutions,
    CountOrZero,
    Counts,
    Factors,
    NonNegative,
    Number,
    Positive,
    Probability,
)
from rlbench.errors import UserError


@dataclass(frozen=True)
class QNetworkSettings(TrainingSettings, PlaceSettings):
    """Settings of the network, of what it sees, and of exploration."""

    convolutions: Convolutions = ()
    """Filters, kernel and stride of each convolution, for observations that are stacked frames."""
    hidden: Counts = (64, 64)
    """Widths of the hidden layers."""
    life_loss: bool = False
    """Whether the discount is 0 where a life is lost, in environments that count lives."""
    reward_clip: NonNegative = 0.0
    """Bound of every single reward that is learned from, 0 for none; scores are never clipped."""
    reward_scale: Positive = 1.0
    """Factor for rewards, which keeps the network's outputs near 1."""
    observation_scale: Factors = ()
    """Factor for each number of the observation; none leaves them alone."""
    epsilon_start: Probability = 1.0
    """Exploration at the start."""
    epsilon_end: Probability = 0.05
    """Exploration at the end of its annealing."""
    epsilon_env_steps: CountOrZero = 10_000
    """Rows of the annealing, counted as the budget is."""
    evaluation_epsilon: Probability = 0.0
    """Chance of a random action in evaluations and in the submission; for convolutional networks."""
    goal: Number = 475.0

    def check(self) -> None:
        """UserError for a setting that makes no sense, naming it."""
        super().check()
        if self.evaluation_epsilon and not self.convolutions:
            raise UserError("evaluation_epsilon is for networks with convolutions; others are evaluated without chance")

    def check_spaces(self, observation: gymnasium.Space[Any], action: gymnasium.Space[Any]) -> None:
        """UnfitError where actions are not Discrete, or observations have not the form that the network takes."""
        discrete_actions(action)
        frames_shape(observation) if self.convolutions else encoding(observation, self.observation_scale)

    def sees_frames(self, sizes: Sizes) -> bool:
        """Whether the network takes stacked frames."""
        return bool(self.convolutions) and len(sizes.shape) == 3

    def dense_parameters(self, sizes: Sizes) -> int:
        """About how many parameters the dense layers have."""
        return parameters((1 if self.sees_frames(sizes) else sizes.features, *self.hidden, sizes.actions))

    def convolution_parameters(self, sizes: Sizes) -> int:
        """About how many parameters the convolutions have."""
        if not self.sees_frames(sizes):
            return 0
        return math.prod(self.convolutions[0]) + sum(filters for filters, _, _ in self.convolutions)
