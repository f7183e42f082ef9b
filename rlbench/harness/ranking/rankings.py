"""Rankings: who ranks where on which task and suite.

A task ranks by mean return, a suite by the interquartile mean (IQM) of the normalised scores on its tasks.
Intervals come from the training seeds; where there is only one run they come from its episodes, and the row
says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from rlbench.harness.ranking import scores as score
from rlbench.harness.ranking.agent_results import (
    EPISODES,
    NONE,
    SEEDS,
    Agent,
    AgentResult,
    Run,
    Unit,
    collect,
    grouped,
    prevailing_dynamics,
    require_distinct_seeds,
    why_unranked,
)
from rlbench.harness.ranking.intervals import clopper_pearson, error_count
from rlbench.harness.tasks.task import Task

if TYPE_CHECKING:
    import pandas


@dataclass(frozen=True)
class TaskRow:
    """One agent on one task."""

    task: str
    rank: int
    rank_low: int
    rank_high: int
    agent: str
    version: str
    training_seeds: int  # 0: not trained
    mean_return: float
    return_low: float | None
    return_high: float | None
    score: float
    score_low: float | None
    score_high: float | None
    interval_over: Unit
    beats_next: float | None  # probability of improvement over the agent in the next row
    worst_seed: float  # the lowest mean return of a training seed
    failed_episodes: int
    episodes: int
    training_steps: int  # of the seed that took most; -1: unknown


@dataclass(frozen=True)
class RunRow:
    """One run of a classification task: its errors, and what they say about the chance of one."""

    task: str
    agent: str
    version: str
    training_seed: int  # -1: not trained
    digest: str
    errors: int
    episodes: int
    error_percent: float
    error_low: float  # the exact 95 % interval, Clopper & Pearson
    error_high: float


@dataclass(frozen=True)
class SuiteRow:
    """One agent on one suite; rank, IQM and gap are None where it lacks a task."""

    suite: str
    rank: int | None
    rank_low: int | None
    rank_high: int | None
    agent: str
    version: str
    tasks: int  # that it has a score on
    iqm: float | None
    iqm_low: float | None
    iqm_high: float | None
    interval_over: Unit
    optimality_gap: float | None
    failed_episodes: int
    episodes: int


@dataclass(frozen=True)
class UnrankedRow:
    """One run that is listed without a rank, and why."""

    task: str
    agent: str
    version: str
    training_seed: int  # -1: not trained
    digest: str
    episodes: int
    reason: str


@dataclass(frozen=True)
class Rankings:
    """All tables, in the order of the suites and tasks given; a task that nobody completed is absent."""

    suites: Mapping[str, tuple[SuiteRow, ...]]
    tasks: Mapping[str, tuple[TaskRow, ...]]
    runs: Mapping[str, tuple[RunRow, ...]]  # of classification tasks
    unranked: tuple[UnrankedRow, ...]


def compute_rankings(
    frame: pandas.DataFrame, tasks: Mapping[str, Task], suites: Mapping[str, Sequence[Task]]
) -> Rankings:
    """Rank everybody on everything. `frame` has one row per episode (`record.load`), in any order.

    Raises UserError where two runs of one agent and version claim the same training seed, and for malformed
    runs.
    """
    runs = collect(frame)
    require_distinct_seeds(runs)
    dynamics = prevailing_dynamics(runs)
    reasons = [why_unranked(run, tasks, dynamics) for run in runs]
    entries: dict[str, list[AgentResult]] = {key: [] for key in tasks}
    fit = (run for run, reason in zip(runs, reasons, strict=True) if reason is None)
    for (task, _), members in grouped(fit).items():
        entries[task].append(AgentResult.of(members, tasks[task]))
    return Rankings(
        suites={name: suite_rows(name, [entries[task.key] for task in suite]) for name, suite in suites.items()},
        tasks={key: task_rows(of_task) for key, of_task in entries.items() if of_task},
        runs={key: run_rows(of_task) for key, of_task in entries.items() if of_task and tasks[key].classification},
        unranked=tuple(
            UnrankedRow(run.task, *run.agent, run.training_seed, run.digest, len(run.returns), reason)
            for run, reason in zip(runs, reasons, strict=True)
            if reason is not None
        ),
    )


@dataclass(frozen=True)
class Estimate:
    """A statistic of one agent's entries: point, bootstrap replicates `[B]`, and what was resampled."""

    point: float
    replicates: score.Floats
    unit: Unit

    @classmethod
    def of(cls, statistic: score.Statistic, entries: Sequence[AgentResult]) -> Estimate:
        """Evaluate a statistic on the entries, a stratum each; with nothing to resample they stand still."""
        point = round(float(statistic([entry.scores for entry in entries])), 12)
        samples = statistic([entry.samples for entry in entries])
        unit = weakest([entry.unit for entry in entries])
        if unit == NONE:
            return cls(point, np.full(samples.shape, point), unit)
        return cls(point, score.widened(samples, point, [entry.count for entry in entries]), unit)

    @property
    def interval(self) -> tuple[float, float] | tuple[None, None]:
        """Ends of the 95 % interval; None where there was nothing to resample."""
        return (None, None) if self.unit == NONE else score.percentile_interval(self.replicates)


def weakest(units: Iterable[Unit]) -> Unit:
    """Strongest claim that an interval over several tasks may make: seeds only if it is seeds everywhere."""
    return max(units, key=(SEEDS, EPISODES, NONE).index)


def ranked(estimates: Sequence[Estimate]) -> list[tuple[int, int, int]]:
    """Rank of each estimate, and the lowest and highest number of its 95 % interval."""
    if not estimates:
        return []
    points = score.ranks([estimate.point for estimate in estimates]).tolist()
    ends = score.rank_intervals([estimate.replicates for estimate in estimates])
    return [(rank, min(rank, low), max(rank, high)) for rank, (low, high) in zip(points, ends, strict=True)]


def task_rows(entries: Sequence[AgentResult]) -> tuple[TaskRow, ...]:
    """Table of one task, best first."""
    estimates = [Estimate.of(score.mean, [entry]) for entry in entries]
    ranks = ranked(estimates)
    order = sorted(range(len(entries)), key=lambda i: (ranks[i][0], entries[i].agent))
    following = [*(entries[i] for i in order[1:]), None]
    return tuple(
        _task_row(entries[i], estimates[i], ranks[i], other) for i, other in zip(order, following, strict=True)
    )


def _task_row(entry: AgentResult, estimate: Estimate, rank: tuple[int, int, int], other: AgentResult | None) -> TaskRow:
    low, high = estimate.interval
    random, span = entry.task.random, entry.task.reference - entry.task.random
    return TaskRow(
        entry.task.key,
        *rank,
        *entry.agent,
        training_seeds=len(entry.runs) if any(run.training_seed >= 0 for run in entry.runs) else 0,
        mean_return=score.exact_mean(entry.returns),
        return_low=None if low is None else random + span * low,
        return_high=None if high is None else random + span * high,
        score=estimate.point,
        score_low=low,
        score_high=high,
        interval_over=estimate.unit,
        beats_next=score.probability_of_improvement([entry.scores], [other.scores]) if other else None,
        worst_seed=float(entry.returns.min()),
        training_steps=max(run.training_steps for run in entry.runs),
        failed_episodes=sum(run.failed for run in entry.runs),
        episodes=sum(len(run.returns) for run in entry.runs),
    )


def run_rows(entries: Sequence[AgentResult]) -> tuple[RunRow, ...]:
    """The runs of a classification task, fewest errors first."""
    rows = (_run_row(run) for entry in entries for run in entry.runs)
    return tuple(sorted(rows, key=lambda row: (row.errors, row.agent, row.version, row.training_seed)))


def _run_row(run: Run) -> RunRow:
    errors, episodes = error_count(run.returns), len(run.returns)
    low, high = clopper_pearson(errors, episodes)
    return RunRow(
        run.task,
        *run.agent,
        training_seed=run.training_seed,
        digest=run.digest,
        errors=errors,
        episodes=episodes,
        error_percent=100 * errors / episodes,
        error_low=100 * low,
        error_high=100 * high,
    )


def suite_rows(suite: str, by_task: Sequence[Sequence[AgentResult]]) -> tuple[SuiteRow, ...]:
    """Table of one suite: agents with all its tasks, best first, then those who lack one.

    `by_task` holds the entries of each task.
    """
    by_agent: dict[Agent, list[AgentResult]] = {}
    for entry in (entry for entries in by_task for entry in entries):
        by_agent.setdefault(entry.agent, []).append(entry)
    full = {agent: entries for agent, entries in by_agent.items() if len(entries) == len(by_task)}
    estimates = {agent: Estimate.of(score.iqm, entries) for agent, entries in full.items()}
    ranks = dict(zip(full, ranked(list(estimates.values())), strict=True))
    lacking = by_agent.keys() - full.keys()
    return (
        *(_suite_row(suite, a, full[a], estimates[a], ranks[a]) for a in sorted(full, key=lambda a: (ranks[a][0], a))),
        *(_suite_row(suite, a, by_agent[a]) for a in sorted(lacking, key=lambda a: (-len(by_agent[a]), a))),
    )


def _suite_row(
    suite: str,
    agent: Agent,
    entries: Sequence[AgentResult],
    estimate: Estimate | None = None,
    rank: tuple[int | None, int | None, int | None] = (None, None, None),
) -> SuiteRow:
    low, high = estimate.interval if estimate else (None, None)
    runs = [run for entry in entries for run in entry.runs]
    return SuiteRow(
        suite,
        *rank,
        *agent,
        tasks=len(entries),
        iqm=estimate.point if estimate else None,
        iqm_low=low,
        iqm_high=high,
        interval_over=estimate.unit if estimate else NONE,
        optimality_gap=float(score.optimality_gap([entry.scores for entry in entries])) if estimate else None,
        failed_episodes=sum(run.failed for run in runs),
        episodes=sum(len(run.returns) for run in runs),
    )
