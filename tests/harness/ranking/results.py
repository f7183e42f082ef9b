"""Results that are made up for the tests of the page: runs of agents on tasks, as rankings take them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rlbench.harness.ranking import leaderboard
from rlbench.harness.ranking.costs import Commands, CurveLink
from rlbench.harness.ranking.rankings import compute_rankings
from rlbench.harness.ranking.recorded_runs import AgentVersion, RecordedRun
from rlbench.harness.tasks.suite import SUITES, TASKS
from rlbench.harness.tasks.task import Task


def all_pages(
    played: list[RecordedRun], curves: Sequence[CurveLink] = (), commands: Commands | None = None
) -> dict[str, str]:
    """The page of all tasks and those of each that these runs give, by where they are."""
    around = leaderboard.Surroundings(curves, commands=commands or {})
    return leaderboard.pages(compute_rankings(played, TASKS, SUITES), TASKS, SUITES, around)


def runs(agent: str, task: Task, means: list[float], steps: int = 1_000_000) -> list[RecordedRun]:
    """A run per training seed, whose episodes all have the mean of that seed."""
    return [
        RecordedRun(
            task=task.key,
            agent=AgentVersion(agent, "1"),
            digest=f"{agent}-{task.name}-{seed}".ljust(64, "0"),
            dynamics=task.dynamics,
            training_seed=seed if steps else -1,
            training_steps=steps,
            returns=np.full(task.episodes, float(mean)),
            failed=0,
            complete=True,
        )
        for seed, mean in enumerate(means)
    ]


def crowd(tasks: list[Task], agents: int) -> list[RecordedRun]:
    """So many agents with long names on all tasks, with five seeds each: their means lie around the reference."""
    return [
        run
        for i in range(agents)
        for task in tasks
        for run in runs(
            f"actor-critic-with-a-long-name-{i}",
            task,
            [task.reference + (task.reference - task.random) * (0.08 * i - 0.5 + 0.02 * seed) for seed in range(5)],
            steps=(400_000, 1_000_000)[i % 2],
        )
    ]
