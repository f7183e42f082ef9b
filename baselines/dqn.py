"""Deep Q-network: Q-learning with a network, made stable by replaying past transitions.

Mnih et al. (2013), "Playing Atari with Deep Reinforcement Learning", Algorithm 1. `--preset lecture` is that
algorithm as it stands. `--preset fast` departs from it; its comments name each departure and its source.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import torch
from gymnasium import Space
from numpy.typing import NDArray

from baselines import off_policy, settings
from baselines.equations import (
    clipped_q_learning_loss,
    double_q_value,
    linear_schedule,
    q_learning_loss,
    q_learning_target,
)
from baselines.events import Event, Tree
from baselines.frames import FrameReplay
from baselines.networks import (
    Adam,
    Flat,
    FusedAdam,
    convolutional,
    discrete_actions,
    encoding,
    frames_shape,
    numpy_pixel_policy,
    numpy_policy,
    perceptron,
    to_numpy,
)
from baselines.policies import Policy
from baselines.replay import Batch, Replay, Window
from baselines.rollout import Encode, Lanes, explore, make_lanes
from baselines.validation import Validation, training_seed
from rlbench.errors import UserError

ACTIVATION = "relu"


@dataclass(frozen=True)
class Config:
    """Settings of a DQN training. A step is one step of every lane."""

    task: str = "cart-pole@1"
    """Task or Gymnasium id to learn."""
    agent: str = "dqn"
    """Name under which the trained agent is submitted."""
    seed: int = 0
    """Training seed: decides the weights, the exploration, the episodes."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """Where the network computes."""
    threads: int = 1
    """Threads that PyTorch may use; a second one gains little with networks this small, and costs its neighbours."""
    lanes: int = 1
    """Episodes played at once."""
    steps: int = 50_000
    """Budget: steps of every lane, at most."""
    gamma: float = 0.99
    """Discount."""
    convolutions: tuple[tuple[int, int, int], ...] = ()
    """Filters, kernel and stride of each convolution, for observations that are stacked frames."""
    hidden: tuple[int, ...] = (64, 64)
    """Widths of the hidden layers."""
    life_loss: bool = False
    """Whether the discount is 0 where a life is lost, in environments that know lives."""
    reward_clip: float = 0.0
    """Bound of every single reward that is learned from, 0 for none; scores are never clipped."""
    reward_scale: float = 1.0
    """Factor for rewards, which keeps the network's outputs near 1."""
    observation_scale: tuple[float, ...] = ()
    """Factor for each number of the observation; none leaves them alone."""
    capacity: int = 50_000
    """Transitions that the replay holds."""
    warmup: int = 1_000
    """Transitions in the replay before learning begins."""
    batch: int = 32
    """Transitions per update."""
    update_every: int = 1
    """Steps between updates."""
    learning_rate: float = 1e-3
    """Adam's alpha at the start."""
    learning_rate_end: float = 1e-3
    """Adam's alpha at the end of the budget, reached on a line."""
    n_step: int = 1
    """Rewards summed before the bootstrap."""
    refresh_every: int = 0
    """Updates between refreshes of the target network; 0 for no target network."""
    tau: float = 1.0
    """How far a refresh moves the target network towards the online one: 1 for a copy."""
    error_clip: float = 0.0
    """Bound of the error y - Q in the gradient, 0 for none."""
    double_q: bool = False
    """Whether the online network chooses the action that the target network judges."""
    epsilon_start: float = 1.0
    """Exploration at the start."""
    epsilon_end: float = 0.05
    """Exploration at the end of its annealing."""
    epsilon_steps: int = 10_000
    """Steps of the annealing."""
    evaluate_every: int = 1_000
    """Steps between evaluations."""
    evaluation_episodes: int = 20
    """Greedy episodes per evaluation, on validation seeds."""
    evaluation_steps: int = 0
    """Steps after which an evaluation stops counting, 0 for none; scored episodes are not cut."""
    evaluation_epsilon: float = 0.0
    """Chance of a random action in evaluations and in the submission; for convolutional networks."""
    goal: float = 475.0
    """Mean return that three evaluations in a row must reach to end the training."""
    confirmation_episodes: int = 100
    """Further greedy episodes, on other validation seeds, in which the best weights must then reach the
    goal."""
    checkpoint_every: int = 10_000
    """Steps between snapshots; every lane begins a new episode there, so that no simulator need be stored."""


LECTURE = ((16, 8, 4), (32, 4, 2))
"""Convolutions of Mnih et al. (2013), section 4.1: filters, kernel, stride."""
NATURE = ((32, 8, 4), (64, 4, 2), (64, 3, 1))
"""Convolutions of Mnih et al. (2015), methods."""

ON_ATARI: dict[str, Any] = {
    "evaluate_every": 100_000,
    "evaluation_episodes": 10,
    "evaluation_steps": 4_500,  # five minutes of a game
    "evaluation_epsilon": 0.05,  # Mnih et al. (2013, 2015)
    "goal": float("inf"),  # the budget is spent
    "checkpoint_every": 500_000,
}
"""How games are evaluated, and when a checkpoint of the frames is worth its minute."""

PRESETS: dict[str, Config] = {
    # What departs from Algorithm 1, and where it comes from; README.md says what each departure buys.
    "fast": Config(
        lanes=128,  # and an update per step of them all: Stooke & Abbeel (2018)
        steps=4_000,
        observation_scale=(0.5, 0.5, 5.0, 0.5),  # so that position, speeds and angle weigh alike
        reward_scale=0.03,  # so that Q is near 1 and not near 100
        capacity=100_000,
        batch=256,  # few large updates: Stooke & Abbeel (2018)
        learning_rate=4e-3,
        learning_rate_end=2e-4,
        n_step=10,  # Sutton & Barto (2018), section 7.1
        refresh_every=1,  # target network (Mnih et al., 2015), here a running average (Lillicrap et al., 2016),
        tau=0.05,  # which is also what is evaluated and submitted (Polyak & Juditsky, 1992): no relapses
        double_q=True,  # van Hasselt et al. (2016)
        epsilon_steps=500,
        evaluate_every=100,
        goal=495.0,  # a few more updates, for a margin on unseen episodes
        checkpoint_every=1_000,
    ),
    "grid-world": Config(
        task="grid-world@1",
        lanes=64,
        steps=2_000,
        gamma=1.0,
        reward_scale=0.1,
        batch=256,
        n_step=3,
        refresh_every=1,
        tau=0.05,
        double_q=True,
        epsilon_steps=500,
        evaluate_every=50,
        evaluation_episodes=140,
        goal=-2.1,  # one needless detour in one of the 14 cells costs 0.14
        confirmation_episodes=1_000,
        checkpoint_every=1_000,
    ),
    "lecture": Config(agent="dqn-lecture"),
    # The same from pixels, on 2.5 million steps or 10 million frames: Mnih et al. (2013), section 5.
    "atari-lecture": Config(
        task="breakout@1",
        agent="dqn-lecture",
        convolutions=LECTURE,
        hidden=(256,),
        steps=2_500_000,
        reward_clip=1.0,
        capacity=1_000_000,
        warmup=50_000,
        learning_rate=1e-4,
        learning_rate_end=1e-4,
        epsilon_end=0.1,
        epsilon_steps=250_000,
        **ON_ATARI,
    ),
    # Mnih et al. (2015), extended data table 1; Adam in place of RMSProp, as in Dopamine's later runs.
    "atari-nature": Config(
        task="breakout@1",
        agent="dqn-nature",
        convolutions=NATURE,
        hidden=(512,),
        steps=50_000_000,
        reward_clip=1.0,
        error_clip=1.0,
        capacity=1_000_000,
        warmup=50_000,
        update_every=4,
        learning_rate=6.25e-5,
        learning_rate_end=6.25e-5,
        refresh_every=10_000,
        epsilon_end=0.1,
        epsilon_steps=1_000_000,
        **ON_ATARI,
    ),
    # 400,000 steps of a game in less than half an hour of one core: the lecture's network, an update per 8 steps.
    "atari-cpu": Config(
        task="pong@1",
        agent="dqn-cpu",
        convolutions=LECTURE,
        hidden=(256,),
        lanes=8,  # and an update per step of them all: Stooke & Abbeel (2018)
        steps=50_000,
        reward_clip=1.0,
        error_clip=1.0,  # Mnih et al. (2015), as the target network
        capacity=100_000,
        warmup=4_000,
        learning_rate=2.5e-4,  # 5e-4 silenced every filter of the first layer within 10,000 updates of Pong
        learning_rate_end=1e-4,
        n_step=10,  # Sutton & Barto (2018), section 7.1; with 3 Breakout's first 24,000 steps gain half as much
        refresh_every=500,
        epsilon_steps=4_000,
        epsilon_end=0.02,
        **ON_ATARI
        | {"evaluate_every": 5_000, "evaluation_episodes": 8, "evaluation_steps": 2_250, "checkpoint_every": 10_000},
    ),
}

POSITIVE = ("learning_rate", "learning_rate_end", "reward_scale", "tau")
PROBABILITIES = ("epsilon_start", "epsilon_end", "evaluation_epsilon", "tau")
COUNTS = (
    *("threads", "lanes", "steps", "capacity", "warmup", "batch", "update_every", "n_step"),
    *("evaluate_every", "evaluation_episodes", "checkpoint_every", "confirmation_episodes"),
)


def check(config: Config) -> None:
    """UserError for a setting that makes no sense, naming it."""
    settings.seed(config.seed)
    settings.gamma(config.gamma)
    for name in POSITIVE:
        settings.positive(name, getattr(config, name))
    for name in PROBABILITIES:
        settings.probability(name, getattr(config, name))
    for name in COUNTS:
        settings.count(name, getattr(config, name))
    for name in ("refresh_every", "epsilon_steps", "evaluation_steps"):
        settings.count(name, getattr(config, name), 0)
    for name in ("reward_clip", "error_clip"):
        settings.nonnegative(name, getattr(config, name))
    for width in config.hidden:
        settings.count("hidden", width)
    for number in (number for layer in config.convolutions for number in layer):
        settings.count("convolutions", number)
    if config.evaluation_epsilon and not config.convolutions:
        raise UserError("evaluation_epsilon is for networks with convolutions; others are evaluated without chance")
    if config.double_q and not config.refresh_every:
        raise UserError("double_q needs a target network to judge actions: refresh_every must not be 0")
    if config.convolutions and config.capacity < 2 * max(config.warmup, config.lanes * (config.n_step + 8)):
        raise UserError(f"capacity={config.capacity} frames must hold warmup={config.warmup} and all lanes twice over")
    if config.capacity < max(config.warmup, config.lanes):
        raise UserError(f"capacity={config.capacity} must hold warmup={config.warmup} and lanes={config.lanes}")


@dataclass
class Learner:
    """Everything that training changes, and the environment it happens in."""

    config: Config
    lanes: Lanes
    window: Window
    actions: int
    network: torch.nn.Sequential
    target: torch.nn.Sequential
    flat: Flat
    target_flat: Flat
    adam: Adam
    replay: Replay | FrameReplay
    rng: np.random.Generator
    validation: Validation
    step: int = 0  # of every lane
    updates: int = 0
    reason: str = ""  # why training has ended
    losses: list[torch.Tensor] = field(default_factory=list)  # since they were last looked at

    def weights(self) -> tuple[torch.Tensor, ...]:
        """The vector of parameters that is learned."""
        return (self.flat.theta,)

    def state(self) -> Tree:
        """What a checkpoint holds of it; not the lanes, which start afresh after a snapshot."""
        return {
            "step": self.step,
            "updates": self.updates,
            "reason": self.reason,
            "theta": to_numpy(self.flat.theta),
            "target": to_numpy(self.target_flat.theta),
            "adam": self.adam.state(),
            "replay": self.replay.state(),
            "rng": self.rng.bit_generator.state,
            "validation": self.validation.state(),
        }

    def restore(self, state: Tree) -> None:
        """Go on from `state()`."""
        self.step, self.updates, self.reason = state["step"], state["updates"], state["reason"]
        self.flat.theta.copy_(torch.from_numpy(state["theta"]))
        self.target_flat.theta.copy_(torch.from_numpy(state["target"]))
        self.adam.restore(state["adam"])
        self.replay.restore(state["replay"])
        self.rng.bit_generator.state = state["rng"]
        self.validation.restore(state["validation"])


def make_learner(config: Config) -> Learner:
    """A learner before its first step."""
    device = settings.device(config.device)
    torch.set_num_threads(config.threads)
    env = make_lanes(config.task, config.lanes, **{"life_loss": True} if config.life_loss else {})
    actions = discrete_actions(env.single_action_space)
    generator = torch.Generator().manual_seed(settings.seed(config.seed))
    make = pixel_parts if config.convolutions else vector_parts
    encode, replay, network, target = make(config, env.single_observation_space, actions, generator, device)
    flat, target_flat = Flat(network), Flat(target)
    target_flat.theta.copy_(flat.theta)
    return Learner(
        config,
        Lanes(env, encode),
        Window(config.n_step, config.gamma, config.reward_scale, config.reward_clip),
        actions,
        network,
        target,
        flat,
        target_flat,
        (FusedAdam if config.convolutions else Adam)(flat),
        replay,
        np.random.default_rng(config.seed),
        Validation(
            config.task,
            config.evaluation_episodes,
            config.goal,
            config.confirmation_episodes,
            config.evaluation_steps,
        ),
    )


Parts = tuple[Encode, Replay | FrameReplay, torch.nn.Sequential, torch.nn.Sequential]
"""What depends on whether observations are numbers or frames: their encoding, the replay, network and target."""


def vector_parts(
    config: Config, space: Space[Any], actions: int, generator: torch.Generator, device: torch.device
) -> Parts:
    """Perceptrons over encoded numbers."""
    encode = encoding(space, config.observation_scale)
    replay = Replay(config.capacity, encode.size, device)
    sizes = (encode.size, *config.hidden, actions)
    network, target = (perceptron(sizes, ACTIVATION, "uniform", generator).to(device) for _ in range(2))
    return encode, replay, network, target


def pixel_parts(
    config: Config, space: Space[Any], actions: int, generator: torch.Generator, device: torch.device
) -> Parts:
    """Convolutional networks over stacked frames, each of which is stored once."""
    shape = frames_shape(space)
    sizes = (*config.hidden, actions)
    network, target = (convolutional(shape, config.convolutions, sizes, generator).to(device) for _ in range(2))
    replay = FrameReplay(config.capacity, shape, config.convolutions[0][2], device)
    return replay.encode, replay, network, target


def policy(learner: Learner) -> Policy:
    """The greedy policy of the target network, where there is one, else of the network itself."""
    config = learner.config
    judge = learner.target if config.refresh_every else learner.network
    if config.convolutions:
        return numpy_pixel_policy(judge, config.convolutions[0][2], config.evaluation_epsilon, learner.updates)
    return numpy_policy(judge, ACTIVATION, learner.lanes.encode)


@torch.no_grad()
def greedy(learner: Learner, s: NDArray[Any]) -> NDArray[Any]:
    """The best actions a[N] at encoded observations s[N, ...].

    Not in NumPy: its matrix product of 128 lanes takes all cores, and on a busy machine waits 100 times longer for
    them than it computes; PyTorch keeps to `threads`.
    """
    q = learner.network(learner.replay.see(s))
    best: NDArray[Any] = q.argmax(dim=1).cpu().numpy()
    return best


def begin(learner: Learner) -> None:
    """New episodes in every lane; nothing that comes follows from what came before."""
    learner.window.clear()
    learner.replay.clear()
    learner.lanes.reset(training_seed(learner.rng))


def act(learner: Learner) -> None:
    """One step of every lane, into the replay."""
    config, lanes = learner.config, learner.lanes
    epsilon = linear_schedule(learner.step, config.epsilon_start, config.epsilon_end, config.epsilon_steps)
    best = greedy(learner, lanes.s_tm1)
    rows = learner.window.push(lanes.step(explore(best, epsilon, learner.actions, learner.rng)))
    if rows:
        learner.replay.add(rows)
    learner.step += 1


def td_target(learner: Learner, batch: Batch) -> torch.Tensor:
    """Learning targets y[B]: r where s_t is terminal, else r + gamma max_a' Q(s_t, a')."""
    config = learner.config
    with torch.no_grad():
        q_t = (learner.target if config.refresh_every else learner.network)(batch.s_t)
        value = double_q_value(q_t, learner.network(batch.s_t)) if config.double_q else q_t.amax(dim=1)
        return q_learning_target(batch.r_t, batch.discount_t, value)


def learn(learner: Learner) -> None:
    """One gradient step on a minibatch drawn from the replay."""
    config = learner.config
    if config.refresh_every and learner.updates % config.refresh_every == 0:
        learner.target_flat.theta.lerp_(learner.flat.theta, config.tau)
    batch = learner.replay.sample(config.batch, learner.rng)
    q_tm1 = learner.network(batch.s_tm1).gather(1, batch.a_tm1.unsqueeze(1)).squeeze(1)
    target_tm1 = td_target(learner, batch)
    clip = config.error_clip
    loss = clipped_q_learning_loss(q_tm1, target_tm1, clip) if clip else q_learning_loss(q_tm1, target_tm1)
    loss.backward()
    alpha = linear_schedule(learner.step, config.learning_rate, config.learning_rate_end, config.steps)
    learner.adam.step(alpha)
    learner.updates += 1
    learner.losses.append(loss.detach())


def advance(learner: Learner) -> None:
    """A step, and the update that belongs to it."""
    act(learner)
    config = learner.config
    if learner.step % config.update_every == 0 and len(learner.replay) >= config.warmup:
        learn(learner)


def train(
    config: Config, *, resume: Tree | None = None, clock: Callable[[], float] = time.perf_counter
) -> Iterator[Event]:
    """Learn; yields what happens and ends with Finished. `resume` is the state of an earlier Snapshot."""
    check(config)
    algorithm = off_policy.Algorithm(lambda: make_learner(config), begin, advance, policy)
    yield from off_policy.train(algorithm, resume, clock)
