"""Value iteration: the optimal action values of a known model, by sweeps of Q_{i+1} = E[r + gamma max Q_i].

Bellman (1957); Sutton & Barto (2018), section 4.4. Nothing in it is random and no episode is played: its training
seed is 0, it takes no environment steps, and there is one training run.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import gymnasium
import numpy as np

from baselines.data.rollout import env_id
from baselines.maths.dynamic_programming import ExactModel, as_model
from baselines.maths.equations import bellman_optimality_backup
from baselines.templates.agent_template import Table
from baselines.training.events import Event
from baselines.training.loop import Every, Learner, RunSettings, loop
from baselines.types import Clock, Count, Discount, Positive, Seed, TaskName, Tree
from rlbench.errors import UnfitError, UserError


@dataclass(frozen=True)
class ValueIterationSettings(RunSettings):
    """Settings of value iteration."""

    task: TaskName = "grid-world@1"
    """Task or Gymnasium id to solve; its environment must have an exact model, `env.unwrapped.P`."""
    agent: str = "value-iteration"
    seed: Seed = 0
    """Always 0: nothing is random."""
    device: Literal["auto", "cpu"] = "auto"  # type: ignore[assignment]  # fewer than the base allows
    """Always the CPU."""
    gamma: Discount = 1.0
    """Discount."""
    sweeps: Count = 10_000
    """Budget: sweeps, at most."""
    tolerance: Positive = 1e-12
    """Largest change of a value in the last sweep."""

    def check(self) -> None:
        """UserError for a setting that makes no sense, naming it."""
        if self.device not in ("auto", "cpu"):
            raise UserError(f"value iteration runs on the CPU, not on device={self.device}")
        super().check()
        if self.seed != 0:
            raise UserError(f"value iteration has no randomness: its seed is 0, not {self.seed}")

    def every(self) -> Every:
        """A report of every sweep, and one snapshot, at the beginning."""
        return Every(evaluation=1, snapshot=sys.maxsize)


class ValueIteration(Learner):
    """Q[S, A] after some sweeps, and by how much the last one changed it."""

    CHECKPOINTED: ClassVar[tuple[str, ...]] = ("Q", "updates", "change")
    validation = None  # the fixed point is unique
    env_steps = 0  # type: ignore[assignment]  # it plays no episode

    def iterate(self) -> None:
        """One sweep: Q_{i+1} from Q_i."""
        Q_i, self.Q = self.Q, bellman_optimality_backup(self.Q, self.model, self.settings.gamma)
        self.updates += 1
        self.change = float(np.abs(self.Q - Q_i).max())

    def converged(self) -> bool:
        """Whether the last sweep changed no value by more than the tolerance."""
        return self.change <= self.settings.tolerance

    def clock(self) -> int:
        """Sweeps."""
        return self.updates

    def progress(self) -> float:
        """The part of the budget that is spent."""
        return self.updates / self.settings.sweeps

    def metrics(self) -> dict[str, float]:
        """The largest change of a value in the last sweep."""
        return {"largest change": self.change}

    def final_policy(self) -> Table:
        """The greedy policy."""
        return Table(self.Q)

    def begin_episodes(self) -> None:
        """There are none."""

    def close(self) -> None:
        """The environment was closed when its model was read."""

    def __init__(self, settings: ValueIterationSettings) -> None:
        self.settings = settings
        self.model = as_model(exact_model(settings.task))
        self.Q = np.zeros(self.model.p.shape[:2])
        self.updates, self.change = 0, float("inf")


def exact_model(task: str) -> ExactModel:
    """The environment's P[s][a]; UserError for an environment without one."""
    name, kwargs = env_id(task)
    env: Any = gymnasium.make(name, **kwargs)
    try:
        model: ExactModel = env.unwrapped.P
    except AttributeError:
        raise UnfitError(f"{name} has no exact model P; grid worlds and Gymnasium's toy-text have") from None
    finally:
        env.close()
    return model


def train(
    settings: ValueIterationSettings, *, resume: Tree | None = None, clock: Clock = time.perf_counter
) -> Iterator[Event]:
    """Sweep until nothing changes; yields events and ends with Finished. `resume` is an earlier Snapshot's state."""
    yield from loop(ValueIteration, settings, resume, clock)


PRESETS: dict[str, ValueIterationSettings] = {"lecture": ValueIterationSettings()}
