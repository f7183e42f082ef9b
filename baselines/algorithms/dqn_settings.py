"""Settings of the deep Q-network: what each means, the presets, and what makes no sense."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from baselines import checks
from rlbench.errors import UserError


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
    checks.seed(config.seed)
    checks.gamma(config.gamma)
    for name in POSITIVE:
        checks.positive(name, getattr(config, name))
    for name in PROBABILITIES:
        checks.probability(name, getattr(config, name))
    for name in COUNTS:
        checks.count(name, getattr(config, name))
    for name in ("refresh_every", "epsilon_steps", "evaluation_steps"):
        checks.count(name, getattr(config, name), 0)
    for name in ("reward_clip", "error_clip"):
        checks.nonnegative(name, getattr(config, name))
    for width in config.hidden:
        checks.count("hidden", width)
    for number in (number for layer in config.convolutions for number in layer):
        checks.count("convolutions", number)
    if config.evaluation_epsilon and not config.convolutions:
        raise UserError("evaluation_epsilon is for networks with convolutions; others are evaluated without chance")
    if config.double_q and not config.refresh_every:
        raise UserError("double_q needs a target network to judge actions: refresh_every must not be 0")
    if config.convolutions and config.capacity < 2 * max(config.warmup, config.lanes * (config.n_step + 8)):
        raise UserError(f"capacity={config.capacity} frames must hold warmup={config.warmup} and all lanes twice over")
    if config.capacity < max(config.warmup, config.lanes):
        raise UserError(f"capacity={config.capacity} must hold warmup={config.warmup} and lanes={config.lanes}")
