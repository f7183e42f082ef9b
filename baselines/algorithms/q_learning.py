"""Tabular Q-learning: optimal action values from the episodes of an epsilon-greedy policy.

Watkins (1989), "Learning from Delayed Rewards"; Watkins & Dayan (1992), equation 1. Departures: several environments
are stepped together; of those that take the same action in the same state at the same moment, one is learned from.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import gymnasium
import numpy as np

from baselines.data.rollout import Rollout, epsilon_greedy, make_envs
from baselines.maths.equations import q_learning_target, q_learning_update
from baselines.templates.agent_template import Table
from baselines.training.events import Event
from baselines.training.loop import Learner, OffPolicySettings, loop
from baselines.types import Clock, Count, Discount, Floats, Positive, Probability, TaskName, Tree
from rlbench.errors import UnfitError, UserError


@dataclass(frozen=True)
class QLearningSettings(OffPolicySettings):
    """Settings of a Q-learning training run."""

    task: TaskName = "grid-world@1"
    """Task or Gymnasium id to learn; its observations and actions must be Discrete."""
    agent: str = "q-learning"
    device: Literal["auto", "cpu"] = "auto"  # type: ignore[assignment]  # a table knows only the CPU
    """Always the CPU."""
    num_envs: Count = 16
    total_env_steps: Count = 32_000
    gamma: Discount = 1.0
    learning_rate: Positive = 0.5
    """Alpha at the start."""
    learning_rate_end: Positive = 0.05
    """Alpha at the end of the budget, reached on a line."""
    epsilon: Probability = 0.2
    """Probability of an action at random."""
    eval_every_env_steps: Count = 1_600
    checkpoint_every_env_steps: Count = 16_000

    def check(self) -> None:
        """UserError for a setting that makes no sense, naming it."""
        if self.device not in ("auto", "cpu"):
            raise UserError(f"Q-learning with a table runs on the CPU, not on device={self.device}")
        super().check()


class QLearning(Learner):
    """The table Q[S, A], and the environments that it is learned in."""

    CHECKPOINTED: ClassVar[tuple[str, ...]] = ("Q", "updates", "rng", "rollout", "validation")

    def iterate(self) -> None:
        """Act epsilon-greedily in every environment, then move Q(s, a) towards r + gamma max_a' Q(s', a')."""
        Q, settings, alpha = self.Q, self.settings, self.learning_rate()
        best = Q[self.rollout.s_tm1].argmax(axis=1)
        played = self.rollout.step(epsilon_greedy(best, settings.epsilon, Q.shape[1], self.rng))
        discount_t = settings.gamma * ~played.terminated
        at = played.s_tm1[played.valid], played.a_tm1[played.valid]
        with np.errstate(over="ignore", invalid="ignore"):  # values that diverge are reported with their update
            target_tm1 = q_learning_target(played.r_t, discount_t, Q[played.s_t].max(axis=1))
            self.error = float(np.abs(target_tm1[played.valid] - Q[at]).sum() / len(played.valid))
            Q[at] = q_learning_update(Q[at], target_tm1[played.valid], alpha)
        self.updates += 1
        if not math.isfinite(self.error):
            raise UserError(f"the error became {self.error} at update {self.updates}; try a lower learning rate")

    def policy(self) -> Table:
        """The greedy policy."""
        return Table(self.Q)

    def final_policy(self) -> Table:
        """That of the last table: Q converges, and a better validation mean would only be due to easier starts."""
        return Table(self.Q)

    def metrics(self) -> dict[str, float]:
        """The mean temporal-difference error of the last iteration."""
        return {"temporal-difference error": self.error}

    def __init__(self, settings: QLearningSettings) -> None:
        super().__init__(settings)
        env = make_envs(settings.task, settings.num_envs)
        self.Q, self.error = table(env), 0.0
        self.rollout = Rollout(env, encode=lambda state: state)


def table(env: gymnasium.vector.VectorEnv[Any, Any, Any]) -> Floats:
    """Q[S, A] = 0; UserError for an environment whose states and actions are not numbered from 0."""
    spaces = env.single_observation_space, env.single_action_space
    for name, space in zip(("observations", "actions"), spaces, strict=True):
        if not isinstance(space, gymnasium.spaces.Discrete) or space.start != 0:
            raise UnfitError(f"Q-learning with a table takes Discrete {name} from 0, not {space}")
    return np.zeros([int(space.n) for space in spaces])  # type: ignore[attr-defined]  # checked above


def train(
    settings: QLearningSettings, *, resume: Tree | None = None, clock: Clock = time.perf_counter
) -> Iterator[Event]:
    """Learn; yields events and ends with Finished. `resume` is the state of an earlier Snapshot."""
    yield from loop(QLearning, settings, resume, clock)


PRESETS: dict[str, QLearningSettings] = {"lecture": QLearningSettings()}
