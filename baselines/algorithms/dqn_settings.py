"""Settings of DQN, and its presets.

Where a preset departs from Algorithm 1 of Mnih et al. (2013), the comments name the departure and its source.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, cast

from baselines.algorithms import atari_presets
from baselines.data.frame_replay import FrameReplay
from baselines.training.loop import OffPolicySettings
from baselines.training.memory import FLOAT, Need, Sizes
from baselines.training.q_settings import QNetworkSettings
from baselines.types import Count, CountOrZero, NonNegative, Positive, PositiveProbability
from rlbench.errors import UserError


@dataclass(frozen=True)
class DQNSettings(QNetworkSettings, OffPolicySettings):
    """Settings of a DQN training run."""

    agent: str = "dqn"
    capacity: Count = 50_000
    """Transitions that the replay holds."""
    warmup: Count = 1_000
    """Transitions in the replay before learning begins."""
    batch_size: Count = 32
    """Transitions per update."""
    update_every_env_steps: Count = 1
    """Rows of the batch between updates, counted as the budget is; a step of all environments is followed by one
    update at most."""
    adam_epsilon: Positive = 1e-8
    """Adam's epsilon."""
    n_step: Count = 1
    """Rewards summed before the bootstrap."""
    target_update_period: CountOrZero = 0
    """Updates between updates of the target network; 0 for no target network."""
    tau: PositiveProbability = 1.0
    """How far such an update moves the target network towards the online one: 1 for a copy."""
    submit: Literal["target", "online"] = "target"
    """Which network is evaluated and submitted, where there is a target network."""
    error_clip: NonNegative = 0.0
    """Bound of the error y - Q in the gradient, 0 for none."""
    double_q: bool = False
    """Double Q-learning: whether the online network chooses the action that the target network evaluates."""

    def check(self) -> None:
        """UserError for a setting that makes no sense, naming it."""
        super().check()
        capacity, warmup, num_envs = self.capacity, self.warmup, self.num_envs
        if self.double_q and not self.target_update_period:
            raise UserError(
                "double_q needs a target network, which evaluates actions: target_update_period must not be 0"
            )
        if self.convolutions and capacity < 2 * max(warmup, num_envs * (self.n_step + 8)):
            raise UserError(
                f"capacity={capacity} frames must hold warmup={warmup} and num_envs={num_envs} stacks twice over"
            )
        if capacity < max(warmup, num_envs):
            raise UserError(f"capacity={capacity} must hold warmup={warmup} and num_envs={num_envs}")

    def memory(self, sizes: Sizes) -> Need:
        """Bytes that each setting costs."""
        frames = self.sees_frames(sizes)
        transition = sum(sizes.shape[1:]) if frames else sizes.transition
        window = min(self.n_step, -(-self.total_env_steps // self.num_envs))
        replay = FrameReplay.bytes(self.capacity, cast("Any", sizes.shape)) if frames else self.capacity * transition
        return {
            **super().memory(sizes),
            "hidden": 5
            * FLOAT
            * self.dense_parameters(sizes),  # two networks; the gradient and Adam's two moments of one
            "convolutions": 5 * FLOAT * self.convolution_parameters(sizes),
            "capacity": replay,
            "batch_size": self.batch_size * (transition + FLOAT * sum(self.hidden)),
            "n_step": window * self.num_envs * transition,
        }


PRESETS: dict[str, DQNSettings] = {
    "fast": DQNSettings(
        num_envs=128,  # and an update per step of them all: Stooke & Abbeel (2018)
        total_env_steps=512_000,
        observation_scale=(0.5, 0.5, 5.0, 0.5),  # so that position, speeds and angle weigh alike
        reward_scale=0.03,  # so that Q is near 1 and not near 100
        capacity=100_000,
        batch_size=256,  # few large updates: Stooke & Abbeel (2018)
        learning_rate=4e-3,
        learning_rate_end=2e-4,
        n_step=10,  # Sutton & Barto (2018), section 7.1
        target_update_period=1,  # target network (Mnih et al., 2015), here a running average (Lillicrap et al., 2016),
        tau=0.05,  # which is also what is evaluated and submitted (Polyak & Juditsky, 1992): no relapses
        double_q=True,  # van Hasselt et al. (2016)
        epsilon_env_steps=64_000,
        eval_every_env_steps=12_800,
        goal=495.0,  # a few more updates, for a margin on unseen episodes
        checkpoint_every_env_steps=128_000,
    ),
    "grid-world": DQNSettings(
        task="grid-world@1",
        num_envs=64,
        total_env_steps=128_000,
        gamma=1.0,
        reward_scale=0.1,
        batch_size=256,
        n_step=3,
        target_update_period=1,
        tau=0.05,
        double_q=True,
        epsilon_env_steps=32_000,
        eval_every_env_steps=3_200,
        evaluation_episodes=140,
        goal=-2.1,  # one needless detour in one of the 14 cells costs 0.14
        confirmation_episodes=1_000,
        checkpoint_every_env_steps=64_000,
    ),
    "lecture": DQNSettings(agent="dqn-lecture"),
    **{name: DQNSettings(**settings) for name, settings in atari_presets.DQN.items()},
}
