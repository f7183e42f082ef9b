"""Random play, measured: what defines the failure return and the score 0 of a task."""

from __future__ import annotations

import dataclasses
import importlib
import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from rlbench import space_tree
from rlbench.errors import UserError
from rlbench.harness.blocks import describe_spaces
from rlbench.harness.isolation.agent import Act, Spaces
from rlbench.harness.isolation.agent_process import task_info
from rlbench.harness.play import in_process, make_env, play
from rlbench.harness.results.record import EpisodeResult
from rlbench.harness.tasks.task import Task

STEPS_BETWEEN_PICTURES = 16  # of the bar


def measure_random_agent(task: Task, episodes: int = 1_000) -> tuple[float, float]:
    """Lowest and mean return of so many random episodes: `failure_return` and `random` of a task."""
    played = random_episodes(task, episodes, episodes)
    return min(e.return_ for e in played), math.fsum(e.return_ for e in played) / episodes


class UnendingError(UserError):
    """An episode of random play takes longer than it may."""


def random_episodes(
    task: Task,
    episodes: int,
    num_envs: int,
    show: Callable[[float], None] = lambda done: None,
    limit: int | None = None,
    patience: float = math.inf,
) -> list[EpisodeResult]:
    """Episodes of a task that the agent plays which acts at random there.

    Args:
        task: What is played.
        episodes: How many.
        num_envs: How many at once.
        show: Is told how many episodes are done; those that are being played count by how far they are.
        limit: The time limit of the environment, in steps; None for none.
        patience: Steps that an episode may take where there is none.

    Raises:
        UnendingError: There is no time limit, and an episode takes longer.
    """
    agent: Any = importlib.import_module(f"rlbench.harness.builtin.{task.random_agent}.agent")
    batch = dataclasses.replace(task, episodes=episodes, num_envs=num_envs)
    played: list[EpisodeResult] = []
    for number in range(batch.blocks):
        indices = batch.block(number)
        env = make_env(batch, len(indices), indices)
        try:
            player = agent.load(task_info(task, len(indices)), Spaces(*describe_spaces(env)), seed=number)
            begin = _Begin(show, len(played), len(indices), task.env_id, limit, patience)
            played += play(env, _counted(in_process(player, env), begin), batch, indices)[0]
        finally:
            env.close()
    return played


@dataclass(frozen=True)
class _Begin:
    """What happens before each step of a block: it is shown how much is done."""

    show: Callable[[float], None]
    before: int
    """Episodes that were done before this block."""

    playing: int
    """Episodes in it."""

    env_id: str
    limit: int | None
    patience: float

    def __call__(self, step: int) -> None:
        """Before a step, counted from 0; UnendingError where it is one too many."""
        if self.limit is None and step >= self.patience:
            raise UnendingError(
                f"{self.env_id} has no time limit, and random play has not ended after {self.patience:,.0f} steps"
            )
        if step % STEPS_BETWEEN_PICTURES == 0:
            self.show(self.before + self.playing * min(1.0, step / (self.limit or self.patience)))


def _counted(act: Act, begin: Callable[[int], None]) -> Act:
    """The same agent, which first calls `begin` with the number of the step, from 0."""
    steps = itertools.count()

    def counted(observation: Any, first: NDArray[Any]) -> list[space_tree.Array]:
        begin(next(steps))
        return act(observation, first)

    return counted
