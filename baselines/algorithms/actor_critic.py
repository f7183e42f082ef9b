"""Actor-critic: the policy gradient with advantages over a learned value function.

`--preset lecture` is the lecture's pseudocode: play m trajectories; A_t = sum_{t'>=t} gamma^(t'-t) r_t' - V_phi(s_t);
delta_theta sums A_t grad log pi_theta(a_t|s_t), delta_phi sums grad |A_t|^2; one step of each. The slide's last lines
read "theta <- alpha delta_theta, phi <- beta delta_phi", which would throw the weights away: meant are theta <- theta +
alpha delta_theta (reward is to rise) and phi <- phi - beta delta_phi (the error is to fall). It also writes
"log(a_t|s_t)" where log pi_theta(a_t|s_t) is meant, and A_t without its trajectory's index i.

`--preset fast` departs from it. `--preset a2c` is advantage actor-critic (A2C), Mnih et al. (2016), and `--preset
locomotion` proximal policy optimisation (PPO), Schulman et al. (2017), Algorithm 1. The comments in `PRESETS` name each
departure and its source.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple

import torch

from baselines.algorithms.policy_gradient_base import LossParts, PolicyGradient
from baselines.algorithms.policy_gradient_settings import PolicyGradientSettings
from baselines.data.rollout import Transition
from baselines.maths import estimators
from baselines.training.events import Event
from baselines.training.loop import loop
from baselines.training.memory import Need, Sizes
from baselines.types import Array, Clock, Count, CountOrZero, NonNegative, Probability, Tree
from rlbench.errors import UserError


@dataclass(frozen=True)
class ActorCriticSettings(PolicyGradientSettings):
    """Settings of an actor-critic training run."""

    agent: str = "actor-critic"
    num_envs: Count = 16
    """Environments stepped together: the lecture's m trajectories, where the horizon is 0."""
    horizon: CountOrZero = 0
    """Steps of every environment per update; 0 for one whole episode of each."""
    total_env_steps: Count = 2_000_000
    advantage: Literal["return", "n-step", "generalised"] = "return"
    """Advantage estimate: reward-to-go minus value, or with the critic's value as bootstrap, over n steps or by GAE."""
    lambda_: Probability = 0.95
    """Lambda of the generalised advantage (GAE)."""
    standardise: bool = False
    """Whether advantages are shifted and scaled to mean 0 and deviation 1."""
    average: bool = False
    """Whether the loss is a mean over steps instead of a sum."""
    epochs: Count = 1
    """Passes over the steps that were played, per update."""
    minibatches: Count = 1
    """Minibatches of a pass, a gradient step each."""
    clip: Probability = 0.0
    """PPO's limit on how far the probability of an action moves in an update; 0 for the plain policy gradient."""
    entropy: NonNegative = 0.0
    """Weight of the policy's entropy in the actor's objective."""

    def check(self) -> None:
        """UserError for a setting that makes no sense, naming it."""
        super().check()
        if self.advantage == "return" and self.horizon:
            raise UserError(
                f"advantage=return needs whole episodes, horizon=0, not {self.horizon}: rewards after the"
                " horizon would count as 0; advantage=n-step or generalised bootstraps from the critic"
            )

    def memory(self, sizes: Sizes) -> Need:
        """Bytes that each setting costs."""
        return {**super().memory(sizes), "horizon": 2 * self.horizon * self.num_envs * sizes.transition}


class PolicyBatch(NamedTuple):
    """Steps to learn from, as tensors: s_t[B, D], a_t[B], A_t[B], the critic's target_t[B], log_pi_old_t[B]."""

    s_t: torch.Tensor
    a_t: torch.Tensor
    A_t: torch.Tensor
    target_t: torch.Tensor
    log_pi_old_t: torch.Tensor


class ActorCritic(PolicyGradient):
    """Actor, critic, and the environments."""

    settings: ActorCriticSettings

    def update(self) -> LossParts:
        """Play and learn; on a GPU as one graph, where the horizon is fixed; where simulators play, learning is one."""
        if self.place.beside and self.settings.horizon:
            self.played = self.play()
            return self.whole_learning()
        return self.whole_update() if self.settings.horizon else self.play_and_learn()

    def play_and_learn(self) -> LossParts:
        """Play, then learn from it; returns the last step's loss."""
        played = self.play()
        return () if played.is_empty else self.learn(played)  # every environment only reset, as one may in a step

    def learn_beside(self) -> LossParts:
        """Learn from what was played beside the device, and take it into the statistics."""
        played = self.played
        losses = self.learn(played._replace(s_tm1=self.seen(played.s_tm1), s_t=self.seen(played.s_t)))
        self.take_observations(played)
        return losses

    def learn(self, played: Transition) -> LossParts:
        """A gradient step per minibatch, in several epochs; returns the last step's loss."""
        batch = self.batch(played)
        for _ in range(self.settings.epochs):
            for minibatch in self.minibatches(batch):
                loss = self.improve(minibatch)
        return (loss,)

    def play(self) -> Transition:
        """The rollout of this update, [T, N, ...]: `horizon` steps of every environment, or one episode of each."""
        if self.settings.horizon:
            return self.play_steps(self.settings.horizon)
        return self.play_episodes()

    def batch(self, played: Transition) -> PolicyBatch:
        """The valid steps with their advantages, as rows of tensors."""
        s_t, a_t, A_t, target_t = map(played.of_valid, (played.s_tm1, played.a_tm1, *self.advantages(played)))
        if self.settings.standardise:
            A_t = estimators.standardised(A_t)
        s_t, a_t, *others = map(self.actor.tensor, (s_t, a_t, A_t, target_t))
        with torch.no_grad():
            log_pi_old_t = self.head.log_prob(self.actor(s_t), a_t)
        return PolicyBatch(s_t, a_t, *others, log_pi_old_t)

    def advantages(self, played: Transition) -> tuple[Array, Array]:
        """Advantages A_t[T, N] and the critic's learning targets target_t[T, N]."""
        settings = self.settings
        r_t, v_t = self.rewards(played), self.values(played.s_tm1)
        if settings.advantage == "return":
            G_t = estimators.discounted_reward_to_go(r_t, played.last_t, settings.gamma)
            return estimators.minus_value(G_t, v_t), G_t
        discount_t = settings.gamma * ~played.terminated
        steps = r_t, discount_t, played.last_t, v_t, self.values(played.s_t)
        if settings.advantage == "n-step":
            A_t = estimators.n_step_advantage(*steps)
        else:
            A_t = estimators.generalised_advantage(*steps, settings.lambda_)
        return A_t, A_t + v_t

    def minibatches(self, batch: PolicyBatch) -> Iterator[PolicyBatch]:
        """The batch in parts of equal size, drawn at random; itself where it is the only part."""
        parts = min(self.settings.minibatches, len(batch.s_t))
        if parts == 1:
            yield batch
            return
        order = self.actor.tensor(self.rng.permutation(len(batch.s_t)))
        for index in order.tensor_split(parts):
            yield PolicyBatch(*(column.index_select(0, index) for column in batch))

    def improve(self, batch: PolicyBatch) -> torch.Tensor:
        """One gradient step of actor and critic; returns the loss."""
        settings = self.settings
        m = len(batch.s_t) if settings.average else 1
        outputs = self.actor(batch.s_t)
        log_pi_t = self.head.log_prob(outputs, batch.a_t)
        if settings.clip:
            loss = estimators.clipped_policy_loss(log_pi_t, batch.log_pi_old_t, batch.A_t, settings.clip, m)
        else:
            loss = estimators.policy_gradient_loss(log_pi_t, batch.A_t, m)
        if settings.entropy:
            loss = loss - settings.entropy * self.head.entropy(outputs).sum() / m
        loss = loss + estimators.value_loss(self.critic(batch.s_t).squeeze(1), batch.target_t, m)
        loss.backward()
        alpha, beta = self.learning_rates()
        self.actor.optimizer.step(alpha, settings.max_grad_norm)
        self.critic.optimizer.step(beta, settings.max_grad_norm)
        return loss.detach()

    def __init__(self, settings: ActorCriticSettings) -> None:
        super().__init__(settings)
        self.whole_update, self.whole_learning = map(self.captured, (self.play_and_learn, self.learn_beside))


def train(
    settings: ActorCriticSettings, *, resume: Tree | None = None, clock: Clock = time.perf_counter
) -> Iterator[Event]:
    """Learn; yields events and ends with Finished. `resume` is the state of an earlier Snapshot."""
    yield from loop(ActorCritic, settings, resume, clock)


PRESETS: dict[str, ActorCriticSettings] = {
    "fast": ActorCriticSettings(
        num_envs=16,
        horizon=128,  # Mnih et al. (2016): stretches of episodes, which need not end
        total_env_steps=250_000,
        observation_scale=(0.5, 0.5, 5.0, 0.5),  # every number of the observation near 1
        reward_scale=0.05,
        advantage="generalised",  # Schulman et al. (2016)
        lambda_=0.98,
        standardise=True,  # Schulman et al.'s code, not their papers
        average=True,
        epochs=4,  # Schulman et al. (2017), Algorithm 1, with the clipping that makes it sound
        minibatches=4,
        clip=0.2,
        optimizer="adam",  # Kingma & Ba (2015)
        learning_rate=1e-2,
        learning_rate_end=1e-3,
        critic_learning_rate=1e-2,
        max_grad_norm=0.5,  # Mnih et al. (2016)
        eval_every_updates=1,
    ),
    # Advantage actor-critic: Mnih et al. (2016), Algorithm S3, with environments stepped together in place of threads.
    "a2c": ActorCriticSettings(
        agent="a2c",
        num_envs=16,
        horizon=5,
        total_env_steps=250_000,
        observation_scale=(0.5, 0.5, 5.0, 0.5),  # every number of the observation near 1
        reward_scale=0.05,
        advantage="n-step",
        average=True,  # a sum there
        entropy=0.01,
        optimizer="adam",  # RMSProp there
        learning_rate=3e-3,
        learning_rate_end=1e-4,  # 0 there
        critic_learning_rate=3e-3,
        max_grad_norm=0.5,  # 40 there
        eval_every_updates=20,
        checkpoint_every_updates=500,
    ),
    # Proximal policy optimisation: Schulman et al. (2017), Algorithm 1 with the settings of Table 3; "there" is that.
    "locomotion": ActorCriticSettings(
        task="half-cheetah@1",
        agent="ppo",
        num_envs=16,  # one environment of 2,048 steps there: as many steps in less time
        horizon=128,
        total_env_steps=1_000_000,
        hidden=(64, 64),
        activation="tanh",
        normalize_observations=True,  # not in the paper but in its authors' code; Engstrom et al. (2020), appendix A.2
        normalize_rewards=True,  # likewise
        deviation=0.6,  # 1 there, where most actions are cut; Andrychowicz et al. (2021), section 3.2
        advantage="generalised",
        lambda_=0.95,
        standardise=True,
        average=True,
        epochs=10,
        minibatches=16,  # of 128 steps; 64 there
        clip=0.2,
        optimizer="adam",
        learning_rate=3e-4,
        learning_rate_end=1e-6,  # constant there for these tasks
        critic_learning_rate=3e-4,
        max_grad_norm=0.5,
        eval_every_updates=25,
        evaluation_episodes=10,
        goal=math.inf,
        checkpoint_every_updates=100,
    ),
    "lecture": ActorCriticSettings(
        agent="actor-critic-lecture",
        num_envs=8,
        horizon=0,
        total_env_steps=1_500_000,
        advantage="return",
        optimizer="ascent",
        observation_scale=(0.5, 0.5, 5.0, 0.5),
        reward_scale=0.05,
        learning_rate=1e-3,
        learning_rate_end=1e-4,
        critic_learning_rate=3e-4,
    ),
}
