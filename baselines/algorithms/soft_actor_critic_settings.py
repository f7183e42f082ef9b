"""Settings of soft actor-critic, and its presets.

The comments in `PRESETS` name what departs from Haarnoja et al. (2018b).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gymnasium

from baselines.nets.distributions import bounds
from baselines.nets.encoding import encoding
from baselines.training.loop import OffPolicySettings
from baselines.training.memory import FLOAT, Need, Sizes, parameters
from baselines.training.place import PlaceSettings
from baselines.types import (
    Count,
    Counts,
    Factors,
    NonNegative,
    OptionalFinite,
    Positive,
    PositiveProbability,
    TaskName,
)
from rlbench.errors import UserError


@dataclass(frozen=True)
class SACSettings(OffPolicySettings, PlaceSettings):
    """Settings of a soft actor-critic training run."""

    task: TaskName = "half-cheetah@1"
    agent: str = "sac"
    total_env_steps: Count = 200_000
    hidden: Counts = (256, 256)
    """Widths of the hidden layers of actor and critics."""
    reward_scale: Positive = 1.0
    """Factor for rewards."""
    observation_scale: Factors = ()
    """Factor for each number of the observation; none leaves them alone."""
    capacity: Count = 1_000_000
    """Transitions that the replay holds."""
    warmup: Count = 10_000
    """Transitions of uniformly random actions, before learning begins."""
    batch_size: Count = 256
    """Transitions per update."""
    updates_per_step: Count = 1
    """Updates after each step of all environments."""
    actor_every: Count = 1
    """Updates of the critics per update of actor and temperature."""
    tau: PositiveProbability = 0.005
    """Step size of the target critics towards the critics, per update."""
    temperature: Positive = 1.0
    """Initial temperature alpha, the weight of the entropy in the objective."""
    temperature_learning_rate: NonNegative = 3e-4
    """Adam's step size for log alpha; 0 for a constant temperature."""
    entropy: OptionalFinite = None
    """Target entropy; by default minus the number of an action's components."""
    eval_every_env_steps: Count = 10_000
    evaluation_episodes: Count = 10
    checkpoint_every_env_steps: Count = 20_000

    def check(self) -> None:
        """UserError for a setting that makes no sense, naming it."""
        super().check()
        if self.capacity < max(self.warmup, self.num_envs):
            raise UserError(f"capacity={self.capacity} must hold warmup={self.warmup} and num_envs={self.num_envs}")

    def check_spaces(self, observation: gymnasium.Space[Any], action: gymnasium.Space[Any]) -> None:
        """UnfitError where actions are no bounded box, or observations cannot be encoded."""
        bounds(action)
        encoding(observation, self.observation_scale)

    def memory(self, sizes: Sizes) -> Need:
        """Bytes that each setting costs."""
        actor = parameters((sizes.features, *self.hidden, 2 * sizes.actions))
        critic = parameters((sizes.features + sizes.actions, *self.hidden, 1))
        return {
            **super().memory(sizes),
            "hidden": FLOAT * (4 * actor + 10 * critic),  # gradients and Adam's moments, and two targets without
            "capacity": self.capacity * sizes.transition,
            "batch_size": self.batch_size * (sizes.transition + FLOAT * sum(self.hidden)),
        }


PRESETS: dict[str, SACSettings] = {
    "fast": SACSettings(capacity=200_000),  # its learning rate is that of Tianshou's runs, 1e-3
    "paper": SACSettings(
        agent="sac-paper",
        total_env_steps=1_000_000,
        learning_rate=3e-4,
        learning_rate_end=3e-4,
    ),
}
