"""Actor-critic: the policy gradient with advantages over a learned value, two networks improving each other.

`--preset lecture` is the lecture's pseudocode: play m trajectories; A_t = sum_{t'>=t} gamma^(t'-t) r_t' - V_phi(s_t);
delta_theta sums A_t grad log pi_theta(a_t|s_t), delta_phi sums grad |A_t|^2; one step of each. The slide's last lines
read "theta <- alpha delta_theta, phi <- beta delta_phi", which would throw the weights away: meant are theta <- theta +
alpha delta_theta (reward is to rise) and phi <- phi - beta delta_phi (the error is to fall). It also writes
"log(a_t|s_t)" where log pi_theta(a_t|s_t) is meant, and A_t without its trajectory's index i.

`--preset fast` departs from it; its comments name each departure and its source.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, get_args

import torch
from numpy.typing import NDArray

from baselines import checks
from baselines.algorithms import on_policy
from baselines.algorithms.on_policy import Learner, make_learner
from baselines.data.rollout import Step
from baselines.data.trajectories import play, play_episodes
from baselines.maths import estimators
from baselines.nets.networks import Activation
from baselines.training.events import Event, Tree
from baselines.training.validation import training_seed
from rlbench.errors import unknown

Advantage = Literal["return", "n-step", "generalised"]


@dataclass(frozen=True)
class Config:
    """Settings of an actor-critic training. An update plays, learns from what it played, and forgets it."""

    task: str = "cart-pole@1"
    """Task or Gymnasium id to learn."""
    agent: str = "actor-critic"
    """Name under which the trained agent is submitted."""
    seed: int = 0
    """Training seed: decides the weights, the actions, the episodes."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """Where the networks compute."""
    threads: int = 1
    """Threads that PyTorch may use, and the environment where it takes a number of them."""
    lanes: int = 16
    """Episodes played at once: the lecture's m trajectories, where the horizon is 0."""
    horizon: int = 0
    """Steps of every lane per update; 0 for one whole episode of every lane."""
    steps: int = 2_000_000
    """Budget: environment steps over all lanes, at most."""
    gamma: float = 0.99
    """Discount."""
    hidden: tuple[int, ...] = (32,)
    """Widths of the hidden layers of either network."""
    activation: Activation = "relu"
    """What bends between them."""
    normalise: bool = False
    """Whether observations and rewards are brought to deviation 1, by what has been seen so far."""
    deviation: float = 1.0
    """Standard deviation of continuous actions at the start, in units in which their bounds are -1 and 1."""
    reward_scale: float = 1.0
    """Factor for rewards, which keeps the critic's outputs near 1."""
    observation_scale: tuple[float, ...] = ()
    """Factor for each number of the observation; none leaves them alone."""
    advantage: Advantage = "return"
    """What the critic is subtracted from: the discounted reward-to-go, or that with the critic's own forecast."""
    lambda_: float = 0.95
    """Lambda of the generalised advantage."""
    standardise: bool = False
    """Whether advantages are shifted and scaled to mean 0 and deviation 1."""
    average: bool = False
    """Whether the loss is a mean over steps instead of a sum."""
    epochs: int = 1
    """Passes over what was played."""
    minibatches: int = 1
    """Parts of a pass, a gradient step each."""
    clip: float = 0.0
    """PPO's limit on how far the probability of an action moves in an update; 0 for the plain policy gradient."""
    entropy: float = 0.0
    """Weight of the policy's entropy in the actor's objective."""
    optimiser: Literal["ascent", "adam"] = "ascent"
    """How a gradient becomes a step: along it, or Adam's."""
    learning_rate: float = 1e-3
    """Alpha of the actor at the start."""
    learning_rate_end: float = 1e-3
    """Alpha at the end of the budget, reached on a line; the critic's falls in proportion."""
    critic_learning_rate: float = 1e-3
    """Beta of the critic at the start."""
    most_gradient: float = 0.0
    """Length to which a gradient is shortened; 0 leaves it alone."""
    evaluate_every: int = 10
    """Updates between evaluations."""
    evaluation_episodes: int = 20
    """Greedy episodes per evaluation, on validation seeds."""
    goal: float = 475.0
    """Mean return that three evaluations in a row must reach to end the training."""
    confirmation_episodes: int = 100
    """Further greedy episodes, on other validation seeds, in which the best weights must then reach the goal."""
    checkpoint_every: int = 50
    """Updates between snapshots; every lane begins a new episode there, so that no simulator need be stored."""


PRESETS: dict[str, Config] = {
    "fast": Config(
        lanes=16,
        horizon=128,  # Mnih et al. (2016): stretches of episodes, which need not end
        steps=250_000,
        observation_scale=(0.5, 0.5, 5.0, 0.5),  # every number of the observation near 1
        reward_scale=0.05,
        advantage="generalised",  # Schulman et al. (2016)
        lambda_=0.98,
        standardise=True,  # Schulman et al.'s code, not their papers
        average=True,
        epochs=4,  # Schulman et al. (2017), Algorithm 1, with the clipping that makes it sound
        minibatches=4,
        clip=0.2,
        optimiser="adam",  # Kingma & Ba (2015)
        learning_rate=1e-2,
        learning_rate_end=1e-3,
        critic_learning_rate=1e-2,
        most_gradient=0.5,  # Mnih et al. (2016)
        evaluate_every=1,
    ),
    # Proximal policy optimisation: Schulman et al. (2017), Algorithm 1 with the settings of Table 3; "there" is that.
    "locomotion": Config(
        task="half-cheetah@1",
        agent="ppo",
        lanes=16,  # one lane of 2,048 steps there: as many steps in less time
        horizon=128,
        steps=1_000_000,
        hidden=(64, 64),
        activation="tanh",
        normalise=True,  # not in the paper but in its authors' code; Engstrom et al. (2020), appendix A.2
        deviation=0.6,  # 1 there, where most actions are cut; Andrychowicz et al. (2021), section 3.2
        advantage="generalised",
        lambda_=0.95,
        standardise=True,
        average=True,
        epochs=10,
        minibatches=16,  # of 128 steps; 64 there
        clip=0.2,
        optimiser="adam",
        learning_rate=3e-4,
        learning_rate_end=1e-6,  # constant there for these tasks
        critic_learning_rate=3e-4,
        most_gradient=0.5,
        evaluate_every=25,
        evaluation_episodes=10,
        goal=math.inf,
        checkpoint_every=100,
    ),
    "lecture": Config(
        agent="actor-critic-lecture",
        lanes=8,
        horizon=0,
        steps=1_500_000,
        advantage="return",
        optimiser="ascent",
        observation_scale=(0.5, 0.5, 5.0, 0.5),
        reward_scale=0.05,
        learning_rate=1e-3,
        learning_rate_end=1e-4,
        critic_learning_rate=3e-4,
    ),
}


def check(config: Config) -> None:
    """UserError for a setting that makes no sense, naming it."""
    on_policy.check(config)
    for name in ("lambda_", "clip"):
        checks.probability(name, getattr(config, name))
    checks.nonnegative("entropy", config.entropy)
    if config.advantage not in get_args(Advantage):
        raise unknown("advantage", config.advantage, get_args(Advantage))
    for name in ("epochs", "minibatches"):
        checks.count(name, getattr(config, name))
    checks.count("horizon", config.horizon, 0)


class Batch(NamedTuple):
    """Steps to learn from, as tensors: s_t[B, D], a_t[B], A_t[B], the critic's target_t[B], log_pi_old_t[B]."""

    s_t: torch.Tensor
    a_t: torch.Tensor
    A_t: torch.Tensor
    target_t: torch.Tensor
    log_pi_old_t: torch.Tensor


def gather(learner: Learner) -> Step:
    """What the policy plays for this update, [T, N, ...]; counts it."""
    if learner.config.horizon:
        played = play(learner.lanes, learner.choose, learner.config.horizon)
        learner.steps += played.valid.size
    else:
        played = play_episodes(learner.lanes, learner.choose, training_seed(learner.rng))
        learner.steps += int(played.valid.sum())
    return played


def advantages(learner: Learner, played: Step) -> tuple[NDArray[Any], NDArray[Any]]:
    """Advantages A_t[T, N] and what the critic should have said, target_t[T, N]."""
    config = learner.config
    r_t, v_t = learner.rewards(played), learner.values(played.s_tm1)
    if config.advantage == "return":
        G_t = estimators.discounted_reward_to_go(r_t, played.last_t, config.gamma)
        return estimators.minus_value(G_t, v_t), G_t
    discount_t = config.gamma * ~played.terminated
    steps = r_t, discount_t, played.last_t, v_t, learner.values(played.s_t)
    if config.advantage == "n-step":
        A_t = estimators.n_step_advantage(*steps)
    else:
        A_t = estimators.generalised_advantage(*steps, config.lambda_)
    return A_t, A_t + v_t


def batch(learner: Learner, played: Step) -> Batch:
    """The valid steps as rows of tensors."""
    A_t, target_t = advantages(learner, played)
    A_t, target_t = A_t[played.valid], target_t[played.valid]
    if learner.config.standardise:
        A_t = estimators.standardised(A_t)
    columns = played.s_tm1[played.valid], played.a_tm1[played.valid], A_t.astype("f4"), target_t.astype("f4")
    s_t, a_t, *others = (learner.actor.tensor(column) for column in columns)
    with torch.no_grad():
        log_pi_old_t = learner.head.log_prob(learner.actor.network(s_t), a_t)
    return Batch(s_t, a_t, *others, log_pi_old_t)


def improve(learner: Learner, rows: Batch) -> torch.Tensor:
    """One gradient step of actor and critic; returns the loss."""
    config, head = learner.config, learner.head
    m = len(rows.s_t) if config.average else 1
    outputs = learner.actor.network(rows.s_t)
    log_pi_t = head.log_prob(outputs, rows.a_t)
    if config.clip:
        loss = estimators.clipped_policy_loss(log_pi_t, rows.log_pi_old_t, rows.A_t, config.clip)
    else:
        loss = estimators.policy_gradient_loss(log_pi_t, rows.A_t, m)
    if config.entropy:
        loss = loss - config.entropy * head.entropy(outputs).sum() / m
    loss = loss + estimators.value_loss(learner.critic.network(rows.s_t).squeeze(1), rows.target_t, m)
    loss.backward()
    alpha, beta = learner.learning_rates()
    learner.actor.optimiser.step(alpha, config.most_gradient)
    learner.critic.optimiser.step(beta, config.most_gradient)
    return loss.detach()


def update(learner: Learner) -> dict[str, float]:
    """Play, then pass over it; returns figures worth plotting."""
    config = learner.config
    rows = batch(learner, gather(learner))
    parts = min(config.minibatches, len(rows.s_t))
    for _ in range(config.epochs if parts > 1 else 0):
        order = learner.actor.tensor(learner.rng.permutation(len(rows.s_t)))
        for index in order.tensor_split(parts):
            loss = improve(learner, Batch(*(column.index_select(0, index) for column in rows)))
    for _ in range(config.epochs if parts == 1 else 0):
        loss = improve(learner, rows)
    return {"loss": float(loss)}


def train(
    config: Config, *, resume: Tree | None = None, clock: Callable[[], float] = time.perf_counter
) -> Iterator[Event]:
    """Learn; yields what happens and ends with Finished. `resume` is the state of an earlier Snapshot."""
    check(config)
    yield from on_policy.train(lambda: make_learner(config), update, resume, clock)
