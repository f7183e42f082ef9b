"""REINFORCE: the policy gradient from whole episodes, with each of the lecture's ways to make it vary less.

Williams (1992). An update plays m trajectories, multiplies each grad log pi_theta(a_t|s_t) with the estimator's Psi_t
(`maths.estimators`) and takes one step up the mean over the trajectories. `--preset lecture` is what the lecture
calls vanilla REINFORCE: the moving average, plain gradient ascent. `--preset fast` departs from it; its comments name
the departures.

With the estimator `learned-value` this does what the lecture's actor-critic does: both subtract V_phi(s_t) from the
discounted reward-to-go. Sutton & Barto (2018), section 13.4, call it REINFORCE with baseline, and keep the word critic
for a V that targets are made of, as in `actor-critic --preset fast`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from baselines import checks
from baselines.algorithms import on_policy
from baselines.algorithms.on_policy import Learner, make_learner
from baselines.data.rollout import Step
from baselines.data.trajectories import play_episodes
from baselines.maths import estimators
from baselines.maths.estimators import Floats
from baselines.nets.networks import Activation
from baselines.training.events import Event, Tree
from baselines.training.validation import training_seed
from rlbench.errors import unknown

Estimator = Literal["whole-trajectory", "reward-to-go", "discounted", "moving-average", "learned-value"]
"""The lecture's estimators in its order; each is meant to vary less than the one before."""


@dataclass(frozen=True)
class Config:
    """Settings of a REINFORCE training. An update plays, learns from what it played, and forgets it."""

    task: str = "cart-pole@1"
    """Task or Gymnasium id to learn."""
    agent: str = "reinforce"
    """Name under which the trained agent is submitted."""
    seed: int = 0
    """Training seed: decides the weights, the actions, the episodes."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """Where the networks compute."""
    threads: int = 1
    """Threads that PyTorch may use, and the environment where it takes a number of them."""
    estimator: Estimator = "learned-value"
    """What each grad log pi(a_t|s_t) is multiplied with."""
    trajectories: int = 8
    """Episodes per update, the lecture's m, all played at once."""
    steps: int = 1_000_000
    """Budget: environment steps over all episodes, at most."""
    gamma: float = 0.99
    """Discount, in the estimators that have one."""
    hidden: tuple[int, ...] = (32,)
    """Widths of the hidden layers of either network."""
    activation: Activation = "relu"
    """What bends between them."""
    normalise: bool = False
    """Whether observations and rewards are brought to deviation 1, by what has been seen so far."""
    deviation: float = 1.0
    """Standard deviation of continuous actions at the start, in units in which their bounds are -1 and 1."""
    reward_scale: float = 0.05
    """Factor for rewards, which keeps the value network's outputs near 1."""
    observation_scale: tuple[float, ...] = (0.5, 0.5, 5.0, 0.5)
    """Factor for each number of the observation; none leaves them alone."""
    critic_epochs: int = 1
    """Gradient steps of the value network per update."""
    optimiser: Literal["ascent", "adam"] = "adam"
    """How a gradient becomes a step: along it, or Adam's."""
    learning_rate: float = 1e-2
    """Alpha of the policy at the start."""
    learning_rate_end: float = 1e-3
    """Alpha at the end of the budget, reached on a line; the value network's falls in proportion."""
    critic_learning_rate: float = 1e-2
    """Alpha of the value network at the start."""
    most_gradient: float = 0.0
    """Length to which a gradient is shortened; 0 leaves it alone."""
    moving_average_rate: float = 0.1
    """How far the moving average goes towards the mean of the newest trajectories."""
    evaluate_every: int = 5
    """Updates between evaluations."""
    evaluation_episodes: int = 20
    """Greedy episodes per evaluation, on validation seeds."""
    goal: float = 475.0
    """Mean return that three evaluations in a row must reach to end the training."""
    confirmation_episodes: int = 100
    """Further greedy episodes, on other validation seeds, in which the best weights must then reach the goal."""
    checkpoint_every: int = 50
    """Updates between snapshots."""

    @property
    def lanes(self) -> int:
        """Episodes played at once: all of an update's."""
        return self.trajectories


PRESETS: dict[str, Config] = {
    "fast": Config(
        estimator="learned-value",  # the lecture's better baseline, on the slide after vanilla REINFORCE
        optimiser="adam",  # Kingma & Ba (2015)
        learning_rate=1e-2,
        learning_rate_end=1e-3,  # not in the lecture: alpha falls on a line
    ),
    "lecture": Config(
        agent="reinforce-lecture",
        estimator="moving-average",
        optimiser="ascent",
        learning_rate=1e-2,
        learning_rate_end=1e-2,
    ),
}


def check(config: Config) -> None:
    """UserError for a setting that makes no sense, naming it."""
    checks.count("trajectories", config.trajectories)
    on_policy.check(config)
    checks.count("critic_epochs", config.critic_epochs)
    checks.probability("moving_average_rate", config.moving_average_rate)
    if config.estimator not in get_args(Estimator):
        raise unknown("estimator", config.estimator, get_args(Estimator))


def psi(estimator: Estimator, r_t: Floats, last_t: NDArray[np.bool_], gamma: float, *, b: float, v_t: Floats) -> Floats:
    """Psi_t[T, N] of an estimator, from rewards, ends of episodes, and the baselines b and V(s_t)[T, N]."""
    if estimator == "whole-trajectory":
        return estimators.whole_trajectory_return(r_t, last_t)
    if estimator == "reward-to-go":
        return estimators.reward_to_go(r_t, last_t)
    G_t = estimators.discounted_reward_to_go(r_t, last_t, gamma)
    if estimator == "moving-average":
        return estimators.minus_moving_average(G_t, b)
    return estimators.minus_value(G_t, v_t) if estimator == "learned-value" else G_t


def update(learner: Learner) -> dict[str, float]:
    """Play m trajectories, one step of the policy, then teach the baseline what it should have said."""
    config: Config = learner.config
    played = play_episodes(learner.lanes, learner.choose, training_seed(learner.rng))
    learner.steps += int(played.valid.sum())
    r_t, v_t = learner.rewards(played), learner.values(played.s_tm1)
    Psi_t = psi(config.estimator, r_t, played.last_t, config.gamma, b=learner.b, v_t=v_t)[played.valid]
    loss = improve_policy(learner, played, Psi_t)
    G_t = estimators.discounted_reward_to_go(r_t, played.last_t, config.gamma)[played.valid]
    k = learner.updates + 1
    learner.b = estimators.moving_average(learner.b, k, float(G_t.mean()), config.moving_average_rate)
    if config.estimator == "learned-value":
        loss += fit_value(learner, played.s_tm1[played.valid], G_t)
    return {"loss": loss}


def improve_policy(learner: Learner, played: Step, Psi_t: Floats) -> float:
    """One step up the estimated gradient, Psi_t[B] at the valid steps; returns the surrogate's value."""
    actor = learner.actor
    s_t, a_t = actor.tensor(played.s_tm1[played.valid]), actor.tensor(played.a_tm1[played.valid])
    log_pi_t = learner.head.log_prob(actor.network(s_t), a_t)
    loss = estimators.policy_gradient_loss(
        log_pi_t, actor.tensor(Psi_t.astype(np.float32)), learner.config.trajectories
    )
    loss.backward()
    alpha, _ = learner.learning_rates()
    actor.optimiser.step(alpha, learner.config.most_gradient)
    return float(loss.detach())


def fit_value(learner: Learner, s_t: Floats, G_t: Floats) -> float:
    """Gradient steps of V(s_t[B, D]) towards the rewards-to-go G_t[B]; returns the first step's loss."""
    critic, losses = learner.critic, []
    s, target_t = critic.tensor(s_t), critic.tensor(G_t.astype(np.float32))
    for _ in range(learner.config.critic_epochs):
        loss = estimators.value_loss(critic.network(s).squeeze(1), target_t, len(s))
        loss.backward()
        _, beta = learner.learning_rates()
        critic.optimiser.step(beta, learner.config.most_gradient)
        losses.append(float(loss.detach()))
    return losses[0]


def train(
    config: Config, *, resume: Tree | None = None, clock: Callable[[], float] = time.perf_counter
) -> Iterator[Event]:
    """Learn; yields what happens and ends with Finished. `resume` is the state of an earlier Snapshot."""
    check(config)
    yield from on_policy.train(lambda: make_learner(config), update, resume, clock)
