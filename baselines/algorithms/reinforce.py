"""REINFORCE: the policy gradient from whole episodes, with each of the lecture's ways to reduce its variance.

Williams (1992). An update plays m trajectories, multiplies each grad log pi_theta(a_t|s_t) with the estimator's Psi_t
(`maths.estimators`) and takes one step up the mean over the trajectories. `--preset lecture` is what the lecture calls
vanilla REINFORCE: the moving average, plain gradient ascent. `--preset fast` departs from it; its comments name the
departures. `--preset go` learns Go on 5x5 from wins and losses against an opponent that plays at random.

With the estimator `learned-value` this does what the lecture's actor-critic does: both subtract V_phi(s_t) from the
discounted reward-to-go. Sutton & Barto (2018), section 13.4, call it REINFORCE with baseline, and keep the word critic
for a V that targets are made of, as in `actor-critic --preset fast`.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import torch

from baselines.algorithms.policy_gradient_base import LossParts, PolicyGradient
from baselines.algorithms.policy_gradient_settings import PolicyGradientSettings
from baselines.data.rollout import Transition
from baselines.maths import estimators
from baselines.training.events import Event
from baselines.training.loop import loop
from baselines.types import Bools, Clock, Count, Factors, Floats, Positive, Probability, Tree

Estimator = Literal["whole-trajectory", "reward-to-go", "discounted", "moving-average", "learned-value"]
"""The lecture's estimators in its order; each is meant to vary less than the one before."""


@dataclass(frozen=True)
class ReinforceSettings(PolicyGradientSettings):
    """Settings of a REINFORCE training run."""

    agent: str = "reinforce"
    estimator: Estimator = "learned-value"
    """Estimator of the policy gradient: what each grad log pi(a_t|s_t) is multiplied with."""
    num_envs: Count = 8
    """Episodes per update, the lecture's m trajectories, all played at once."""
    total_env_steps: Count = 1_000_000
    reward_scale: Positive = 0.05
    observation_scale: Factors = (0.5, 0.5, 5.0, 0.5)
    optimizer: Literal["ascent", "adam"] = "adam"
    learning_rate: Positive = 1e-2
    critic_learning_rate: Positive = 1e-2
    critic_epochs: Count = 1
    """Gradient steps of the value network per update."""
    moving_average_rate: Probability = 0.1
    """Step size of the moving average towards the mean of the newest trajectories."""
    eval_every_updates: Count = 5


def psi(estimator: Estimator, r_t: Floats, last_t: Bools, gamma: float, *, b: float, v_t: Floats) -> Floats:
    """Psi_t[T, N] of an estimator.

    Args:
        estimator: which.
        r_t: rewards [T, N].
        last_t: ends of episodes [T, N].
        gamma: discount, in the estimators that have one.
        b: the moving average of earlier returns.
        v_t: V(s_t) [T, N].
    """
    if estimator == "whole-trajectory":
        return estimators.whole_trajectory_return(r_t, last_t)
    if estimator == "reward-to-go":
        return estimators.reward_to_go(r_t, last_t)
    G_t = estimators.discounted_reward_to_go(r_t, last_t, gamma)
    if estimator == "moving-average":
        return estimators.minus_moving_average(G_t, b)
    return estimators.minus_value(G_t, v_t) if estimator == "learned-value" else G_t


class Reinforce(PolicyGradient):
    """The policy, the baselines b and V, and the environments."""

    CHECKPOINTED: ClassVar[tuple[str, ...]] = (*PolicyGradient.CHECKPOINTED, "b")
    settings: ReinforceSettings

    def update(self) -> LossParts:
        """Play m trajectories, take one step of the policy, then fit the baseline to their rewards-to-go."""
        settings = self.settings
        played = self.play_episodes()
        r_t, v_t = self.rewards(played), self.values(played.s_tm1)
        Psi_t = psi(settings.estimator, r_t, played.last_t, settings.gamma, b=self.b, v_t=v_t)
        loss = self.improve_policy(played, played.of_valid(Psi_t))
        G_t = played.of_valid(estimators.discounted_reward_to_go(r_t, played.last_t, settings.gamma))
        self.b = estimators.moving_average(self.b, self.updates + 1, G_t.mean(), settings.moving_average_rate)
        if settings.estimator != "learned-value":
            return (loss,)
        return loss, self.fit_value(played.of_valid(played.s_tm1), G_t)

    def improve_policy(self, played: Transition, Psi_t: Floats) -> torch.Tensor:
        """One step up 1/m sum_t Psi_t grad log pi(a_t|s_t), Psi_t[B] at the valid steps; returns the surrogate."""
        actor = self.actor
        s_t, a_t = actor.tensor(played.of_valid(played.s_tm1)), actor.tensor(played.of_valid(played.a_tm1))
        log_pi_t = self.head.log_prob(actor(s_t), a_t)
        m = self.settings.num_envs
        loss = estimators.policy_gradient_loss(log_pi_t, actor.tensor(Psi_t), m)
        loss.backward()
        alpha, _ = self.learning_rates()
        actor.optimizer.step(alpha, self.settings.max_grad_norm)
        return loss.detach()

    def fit_value(self, s_t: Floats, G_t: Floats) -> torch.Tensor:
        """Gradient steps of V(s_t[B, D]) towards the rewards-to-go G_t[B]; returns the first step's loss."""
        critic, losses = self.critic, []
        s, target_t = critic.tensor(s_t), critic.tensor(G_t)
        for _ in range(self.settings.critic_epochs):
            loss = estimators.value_loss(critic(s).squeeze(1), target_t, len(s))
            loss.backward()
            _, beta = self.learning_rates()
            critic.optimizer.step(beta, self.settings.max_grad_norm)
            losses.append(loss.detach())
        return losses[0]

    def __init__(self, settings: ReinforceSettings) -> None:
        super().__init__(settings)
        self.b: Any = (
            torch.zeros((), device=self.place.device) if self.place.tensors else 0.0
        )  # moving average of rewards-to-go, for the estimator that has one


def train(
    settings: ReinforceSettings, *, resume: Tree | None = None, clock: Clock = time.perf_counter
) -> Iterator[Event]:
    """Learn; yields events and ends with Finished. `resume` is the state of an earlier Snapshot."""
    yield from loop(Reinforce, settings, resume, clock)


PRESETS: dict[str, ReinforceSettings] = {
    "fast": ReinforceSettings(
        estimator="learned-value",  # the lecture's better baseline, on the slide after vanilla REINFORCE
        optimizer="adam",  # Kingma & Ba (2015)
        learning_rate=1e-2,
        learning_rate_end=1e-3,  # not in the lecture: alpha falls on a line
    ),
    "lecture": ReinforceSettings(
        agent="reinforce-lecture",
        estimator="moving-average",
        optimizer="ascent",
        learning_rate=1e-2,
        learning_rate_end=1e-2,
    ),
    # Go on 5x5 from the result of each game alone, against random moves. As Black, who needs all of the board, an
    # untrained policy wins 3 % of its games, so that a gradient needs many.
    "go": ReinforceSettings(
        task="go5@1",
        agent="reinforce-go",
        opponent="random",
        estimator="learned-value",
        num_envs=1024,
        total_env_steps=8_000_000,
        gamma=0.97,  # to end a game that is won; at 1 one seed of three stayed below 0.88
        reward_scale=1.0,
        observation_scale=(),
        hidden=(256,),
        learning_rate=1e-3,
        learning_rate_end=1e-4,
        critic_learning_rate=1e-3,
        evaluation_episodes=1_000,
        eval_every_updates=20,
        goal=math.inf,  # the budget is spent
    ),
}
