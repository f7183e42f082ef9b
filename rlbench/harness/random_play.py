"""Random play, measured: what defines the failure return and the score 0 of a task."""

from __future__ import annotations

import dataclasses
import importlib
import math
from collections.abc import Callable
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


def measure_random_agent(task: Task, episodes: int = 1_000) -> tuple[float, float]:
    """Lowest and mean return of so many random episodes: `failure_return` and `random` of a task."""
    played = random_episodes(task, episodes, episodes)
    return min(e.return_ for e in played), math.fsum(e.return_ for e in played) / episodes


def random_episodes(
    task: Task,
    episodes: int,
    num_envs: int,
    show: Callable[[int], None] = lambda done: None,
    max_steps: float = math.inf,
) -> list[EpisodeResult]:
    """Episodes of a task that the agent plays which acts at random there.

    Args:
        task: What is played.
        episodes: How many.
        num_envs: How many at once.
        show: Is told how many episodes are done.
        max_steps: The longest that an episode may take.

    Raises:
        UserError: An episode takes longer.
    """
    agent: Any = importlib.import_module(f"rlbench.harness.builtin.{task.random_agent}.agent")
    batch = dataclasses.replace(task, episodes=episodes, num_envs=num_envs)
    played: list[EpisodeResult] = []
    for number in range(batch.blocks):
        show(len(played))
        indices = batch.block(number)
        env = make_env(batch, len(indices), indices)
        try:
            player = agent.load(task_info(task, len(indices)), Spaces(*describe_spaces(env)), seed=number)
            played += play(env, _bounded(in_process(player, env), task, max_steps), batch, indices)[0]
        finally:
            env.close()
    return played


def _bounded(act: Act, task: Task, max_steps: float) -> Act:
    """The same agent, which refuses to go on after so many steps."""
    steps = 0

    def bounded(observation: Any, first: NDArray[Any]) -> list[space_tree.Array]:
        nonlocal steps
        steps += 1
        if steps > max_steps:
            raise UserError(
                f"{task.env_id}: an episode of random play has not ended after {max_steps:,.0f} steps; give a time "
                "limit with --set max_episode_steps=N"
            )
        return act(observation, first)

    return bounded
