"""Settings of the soft actor-critic: what each means, the presets, and what makes no sense."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from baselines import checks
from rlbench.errors import UserError


@dataclass(frozen=True)
class Config:
    """Settings of a soft actor-critic training. A step is one step of every lane."""

    task: str = "half-cheetah@1"
    """Task or Gymnasium id to learn."""
    agent: str = "sac"
    """Name under which the trained agent is submitted."""
    seed: int = 0
    """Training seed: decides the weights, the actions, the episodes."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """Where the networks compute."""
    threads: int = 1
    """Threads that PyTorch may use, and the environment where it takes a number of them."""
    lanes: int = 1
    """Episodes played at once."""
    steps: int = 200_000
    """Budget: steps of every lane, at most."""
    gamma: float = 0.99
    """Discount."""
    hidden: tuple[int, ...] = (256, 256)
    """Widths of the hidden layers of actor and critics."""
    reward_scale: float = 1.0
    """Factor for rewards."""
    observation_scale: tuple[float, ...] = ()
    """Factor for each number of the observation; none leaves them alone."""
    capacity: int = 1_000_000
    """Transitions that the replay holds."""
    warmup: int = 10_000
    """Transitions of uniformly random actions, before learning begins."""
    batch: int = 256
    """Transitions per update."""
    updates: int = 1
    """Updates per step."""
    actor_every: int = 1
    """Updates of the critics per update of actor and temperature."""
    tau: float = 0.005
    """How far an update moves the target critics towards the critics."""
    learning_rate: float = 1e-3
    """Adam's alpha of actor and critics at the start."""
    learning_rate_end: float = 1e-3
    """The same at the end of the budget, reached on a line."""
    temperature: float = 1.0
    """What entropy is worth at the start, alpha."""
    temperature_learning_rate: float = 3e-4
    """Adam's alpha of log alpha; 0 keeps the temperature as it is."""
    entropy: float | None = None
    """Entropy that the temperature is to bring about; minus the number of an action's components by default."""
    evaluate_every: int = 10_000
    """Steps between evaluations."""
    evaluation_episodes: int = 10
    """Episodes of the mean action per evaluation, on validation seeds."""
    goal: float = math.inf
    """Mean return that three evaluations in a row must reach to end the training."""
    confirmation_episodes: int = 100
    """Further episodes, on other validation seeds, in which the best weights must then reach the goal."""
    checkpoint_every: int = 20_000
    """Steps between snapshots; every lane begins a new episode there, so that no simulator need be stored."""


PRESETS: dict[str, Config] = {
    "fast": Config(capacity=200_000),  # its learning rate is that of Tianshou's runs, 1e-3
    "paper": Config(
        agent="sac-paper",
        steps=1_000_000,
        learning_rate=3e-4,
        learning_rate_end=3e-4,
    ),
}

COUNTS = (
    *("threads", "lanes", "steps", "capacity", "warmup", "batch", "updates", "actor_every"),
    *("evaluate_every", "evaluation_episodes", "checkpoint_every", "confirmation_episodes"),
)


def check(config: Config) -> None:
    """UserError for a setting that makes no sense, naming it."""
    checks.seed(config.seed)
    checks.gamma(config.gamma)
    for name in ("learning_rate", "learning_rate_end", "reward_scale", "temperature", "tau"):
        checks.positive(name, getattr(config, name))
    checks.probability("tau", config.tau)
    checks.nonnegative("temperature_learning_rate", config.temperature_learning_rate)
    for name in COUNTS:
        checks.count(name, getattr(config, name))
    for width in config.hidden:
        checks.count("hidden", width)
    if config.capacity < max(config.warmup, config.lanes):
        raise UserError(f"capacity={config.capacity} must hold warmup={config.warmup} and lanes={config.lanes}")
