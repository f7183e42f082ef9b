"""Five estimators of the policy gradient on three tasks: what REINFORCE reaches with each, all else being equal.

    python -m baselines.studies.estimators

trains five seeds of each estimator on each of `TASKS` for as many environment steps, writes a line per run to
`results/estimators.csv` and prints a Markdown table. `mean` is the area under the learning curve by its steps, the mean
return during training; `last` is that of the last three evaluations. Settings are those of `reinforce --preset fast`,
with Adam, so that the scale of an estimator does not matter; of a task differ the steps, and what brings its numbers
near 1.

* cart-pole: a reward of 1 per step, 500 steps at most: what comes later matters less, so a discount helps;
* grid world: -1 per step until the exit, the start drawn from 14 cells, of which each has another value;
* hopper (MuJoCo): 1 per step while it is upright, and its forward speed; continuous actions, episodes of any length.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, get_args

import pandas as pd

from baselines import checks
from baselines.algorithms import reinforce
from baselines.algorithms.reinforce import Estimator, ReinforceSettings
from baselines.files import check_folder, write
from baselines.studies.report import command, markdown_table
from baselines.training.events import Evaluated
from rlbench.errors import unknown
from rlbench.harness.ranking.intervals import mean_interval, moments
from rlbench.harness.tasks.suite import get_task

ESTIMATORS: tuple[Estimator, ...] = get_args(Estimator)
LAST = 3
"""Evaluations at the end of a run that are averaged."""
FIGURES = ("mean", "last")

TASKS: dict[str, dict[str, Any]] = {
    "cart-pole@1": {"total_env_steps": 60_000},
    "grid-world@1": {"total_env_steps": 40_000, "observation_scale": (), "reward_scale": 0.1},
    "hopper@1": {
        **{"total_env_steps": 60_000, "observation_scale": (), "normalize_observations": True},
        **{"evaluation_episodes": 10, "deviation": 0.6},  # the deviation of PPO's preset
    },
}
"""Settings of each task that differ from those of the preset."""


@dataclass(frozen=True)
class Estimators:
    """Train REINFORCE with each of the lecture's estimators on three tasks."""

    tasks: tuple[str, ...] = tuple(TASKS)
    """Which."""
    seeds: int = 5
    """Training seeds of each estimator on each task."""
    results: Path = Path("results")
    """Folder for the table."""


def settings_of(task: str, estimator: Estimator, seed: int) -> ReinforceSettings:
    """The settings of a run, which ends when its steps are spent."""
    changes: dict[str, Any] = {"estimator": estimator, "goal": math.inf, **TASKS[task]}
    return replace(reinforce.PRESETS["fast"], task=task, seed=seed, **changes)


def area(curve: list[tuple[int, float]]) -> float:
    """The mean return over a learning curve of (steps, return), each of which stands for the steps before it."""
    ends = [0, *(steps for steps, _ in curve)]
    weighted = sum((end - begin) * value for begin, (end, value) in zip(ends, curve, strict=False))
    return weighted / ends[-1]


def training_runs(options: Estimators) -> Iterator[dict[str, Any]]:
    """A row per run."""
    for task in options.tasks:
        for estimator in ESTIMATORS:
            for seed in range(options.seeds):
                events = reinforce.train(settings_of(task, estimator, seed))
                curve = [(event.steps, event.mean) for event in events if isinstance(event, Evaluated)]
                last = [value for _, value in curve[-LAST:]]
                found = {"steps": curve[-1][0], "mean": area(curve), "last": sum(last) / len(last)}
                yield {"task": task, "estimator": estimator, "seed": seed, **found}


def figure(values: pd.Series[float], task: str) -> str:
    """A mean over seeds with what of its 95 % interval is possible on a task; alone where seeds are missing."""
    of = moments(values)
    if of is None:
        return f"{values.mean():,.1f}"
    low, high = map(get_task(task).within, mean_interval(of))
    return f"{of.mean:,.1f} [{low:,.1f}, {high:,.1f}]"


def markdown(frame: pd.DataFrame) -> str:
    """The table for people to read: a row per estimator, for each task the two figures."""
    tasks = list(dict.fromkeys(frame["task"]))
    head = ("estimator", *(f"{task}: {name}" for task in tasks for name in FIGURES))
    lines = []
    for estimator, runs in frame.groupby("estimator", sort=False):
        of_task = {task: runs[runs["task"] == task] for task in tasks}
        lines.append((str(estimator), *(figure(of[name], task) for task, of in of_task.items() for name in FIGURES)))
    return markdown_table(head, lines)


def main(options: Estimators) -> int:
    """Train, write, print."""
    checks.count("seeds", options.seeds)
    for task in options.tasks:
        if task not in TASKS:
            raise unknown("task", task, TASKS)
    check_folder(options.results, "write into")
    rows = []
    for row in training_runs(options):
        rows.append(row)
        sys.stderr.write(f"{row['task']}, {row['estimator']}, seed {row['seed']}: {row['mean']:.1f}\n")
    frame = pd.DataFrame(rows)
    write(options.results / "estimators.csv", frame.to_csv(index=False, float_format="%.6g").encode())
    sys.stdout.write(markdown(frame))
    return 0


if __name__ == "__main__":
    command(main, Estimators)
