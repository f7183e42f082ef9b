"""Settings that REINFORCE and actor-critic share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import gymnasium

from baselines.nets.encoding import Encoding, MaskedEncoding, discrete_actions, encoding, masked_encoding
from baselines.nets.networks import Activation
from baselines.training.loop import OnPolicySettings
from baselines.training.memory import FLOAT, Need, Sizes, parameters
from baselines.training.place import PlaceSettings
from baselines.types import Counts, Factors, NonNegative, Number, Positive
from rlbench.errors import UnfitError, UserError


@dataclass(frozen=True)
class PolicyGradientSettings(OnPolicySettings, PlaceSettings):
    """Settings that REINFORCE and actor-critic share."""

    hidden: Counts = (32,)
    """Widths of the hidden layers of either network."""
    activation: Activation = "relu"
    """Activation function."""
    normalize_observations: bool = False
    """Whether observations are normalized by running mean and variance."""
    normalize_rewards: bool = False
    """Whether rewards are divided by the running deviation of the discounted return, instead of by `reward_scale`."""
    deviation: Positive = 1.0
    """Standard deviation of continuous actions at the start, in units in which their bounds are -1 and 1."""
    reward_scale: Positive = 1.0
    """Factor for rewards, which keeps the value network's outputs near 1."""
    observation_scale: Factors = ()
    """Factor for each number of the observation; none leaves them alone."""
    optimizer: Literal["ascent", "adam"] = "ascent"
    """Plain gradient ascent, or Adam."""
    critic_learning_rate: Positive = 1e-3
    """Step size of the value network at the start; it falls in proportion to the policy's."""
    max_grad_norm: NonNegative = 0.0
    """Norm to which gradients are clipped; 0 for no clipping."""
    goal: Number = 475.0
    opponent: str = ""
    """Whom to play against in training and validation, instead of the task's opponents; for games such as Go."""

    def env_changes(self) -> dict[str, Any]:
        """The opponent."""
        return {"opponents": (self.opponent,)} if self.opponent else {}

    def check(self) -> None:
        """UserError for a setting that makes no sense, naming it."""
        super().check()
        if self.normalize_observations and self.observation_scale:
            raise UserError("normalize_observations computes the scale itself: leave observation_scale empty")

    def check_spaces(self, observation: gymnasium.Space[Any], action: gymnasium.Space[Any]) -> None:
        """UnfitError for spaces that a perceptron does not take."""
        self.encoding(observation, action)

    def encoding(self, observation: gymnasium.Space[Any], action: gymnasium.Space[Any]) -> Encoding | MaskedEncoding:
        """The encoding of an observation space; of a Dict, with the mask of its legal actions."""
        if not isinstance(observation, gymnasium.spaces.Dict):
            return encoding(observation, self.observation_scale)
        if self.observation_scale or self.normalize_observations:
            raise UnfitError("observations with a mask of legal actions are neither scaled nor normalized")
        return masked_encoding(observation, discrete_actions(action))

    def memory(self, sizes: Sizes) -> Need:
        """Bytes that each setting costs."""
        actor = parameters((sizes.features, *self.hidden, sizes.actions))
        critic = parameters((sizes.features, *self.hidden, 1))
        return {**super().memory(sizes), "hidden": 2 * FLOAT * (actor + critic)}  # and the gradients
