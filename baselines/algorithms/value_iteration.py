"""Value iteration: the optimal action values of a known model, by sweeps of Q_{i+1} = E[r + gamma max Q_i].

Bellman (1957); Sutton & Barto (2018), section 4.4. Nothing in it is random and no episode is played: its training
seed is 0, it takes no environment steps, and there is one run.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

import gymnasium
import numpy as np

from baselines import checks
from baselines.data.rollout import env_id
from baselines.maths.dynamic_programming import ExactModel, as_model
from baselines.maths.equations import bellman_optimality_backup
from baselines.templates.agent_template import Table
from baselines.training.events import Event, Finished, Progress, Snapshot, Stopwatch, Tree
from rlbench.errors import UserError


@dataclass(frozen=True)
class Config:
    """Settings of value iteration."""

    task: str = "grid-world@1"
    """Task or Gymnasium id to solve; its environment must have an exact model, `env.unwrapped.P`."""
    agent: str = "value-iteration"
    """Name under which the solution is submitted."""
    seed: int = 0
    """Always 0: nothing is random."""
    device: Literal["auto", "cpu"] = "auto"
    """Always the CPU."""
    gamma: float = 1.0
    """Discount."""
    sweeps: int = 10_000
    """Budget: sweeps, at most."""
    tolerance: float = 1e-12
    """Largest change of a value in the last sweep."""


PRESETS: dict[str, Config] = {"lecture": Config()}


def check(config: Config) -> None:
    """UserError for a setting that makes no sense, naming it."""
    checks.gamma(config.gamma)
    checks.count("sweeps", config.sweeps)
    checks.positive("tolerance", config.tolerance)
    if checks.seed(config.seed) != 0:
        raise UserError(f"value iteration has no randomness: its seed is 0, not {config.seed}")
    if config.device not in ("auto", "cpu"):
        raise UserError(f"value iteration runs on the CPU, not on device={config.device}")


def exact_model(task: str) -> ExactModel:
    """The environment's P[s][a]; UserError for an environment without one."""
    name, kwargs = env_id(task)
    env: Any = gymnasium.make(name, **kwargs)
    try:
        model: ExactModel = env.unwrapped.P
    except AttributeError:
        raise UserError(f"{name} has no exact model P; grid worlds and Gymnasium's toy-text have") from None
    finally:
        env.close()
    return model


def train(
    config: Config, *, resume: Tree | None = None, clock: Callable[[], float] = time.perf_counter
) -> Iterator[Event]:
    """Sweep until nothing changes; yields what happens and ends with Finished. `resume` as in `dqn`."""
    check(config)
    watch = Stopwatch(clock)
    model = as_model(exact_model(config.task))
    start: Tree = {"Q": np.zeros(model.p.shape[:2]), "sweeps": 0, "change": np.inf}
    Q, i, change = ((resume or start)[name] for name in start)

    def state() -> Tree:
        return {"Q": Q, "sweeps": i, "change": change}

    yield Snapshot(i, 0, watch.seconds, state)
    while i < config.sweeps and change > config.tolerance:
        Q_i, Q, i = Q, bellman_optimality_backup(Q, model, config.gamma), i + 1
        change = float(np.abs(Q - Q_i).max())
        yield Progress(i, 0, watch.seconds, i / config.sweeps, {"largest change": change})
    reason = "converged" if change <= config.tolerance else "budget spent"
    yield Finished(i, 0, watch.seconds, Table(Q), reason, state)
