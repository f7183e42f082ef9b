"""Rankings: who ranks where on each task and suite.

A task ranks by mean return, a suite by `scores.SUITE_AGGREGATE` of the normalised scores on its tasks. Intervals come
from the training seeds; where there is only one run they come from its episodes, and the row says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from rlbench.harness.ranking import scores
from rlbench.harness.ranking.agent_results import (
    EPISODES,
    NONE,
    SEEDS,
    AgentResult,
    AgentVersion,
    Run,
    Unit,
    collect_results,
)
from rlbench.harness.ranking.intervals import (
    clopper_pearson,
    error_count,
    percentile_interval,
    rank_intervals,
    widened,
)
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
    """One agent on one suite; rank, aggregate and gap are None where it lacks a task."""

    suite: str
    rank: int | None
    rank_low: int | None
    rank_high: int | None
    agent: str
    version: str
    tasks: int  # that it has a score on
    aggregate: float | None
    aggregate_low: float | None
    aggregate_high: float | None
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
    """All tables, in the order of suites and tasks; a task that nobody has completed is absent."""

    suites: Mapping[str, tuple[SuiteRow, ...]]
    tasks: Mapping[str, tuple[TaskRow, ...]]
    runs: Mapping[str, tuple[RunRow, ...]]  # of classification tasks
    unranked: tuple[UnrankedRow, ...]


def compute_rankings(
    frame: pandas.DataFrame, tasks: Mapping[str, Task], suites: Mapping[str, Sequence[Task]]
) -> Rankings:
    """Rank all agents on all tasks and suites.

    Args:
        frame: One row per episode (`record.load`), in any order.
        tasks: The tasks to rank, by key.
        suites: The suites to rank, by name.

    Raises:
        UserError: Two runs of one agent and version have the same training seed, or a run is malformed.
    """
    results, unranked = collect_results(frame, tasks)
    return Rankings(
        suites={name: suite_rows(name, [results.get(t.key, []) for t in suite]) for name, suite in suites.items()},
        tasks={key: task_rows(of_task) for key, of_task in results.items()},
        runs={key: run_rows(of_task) for key, of_task in results.items() if tasks[key].classification},
        unranked=tuple(
            UnrankedRow(run.task, *run.agent, run.training_seed, run.digest, len(run.returns), reason)
            for run, reason in unranked
        ),
    )


@dataclass(frozen=True)
class Estimate:
    """A statistic of one agent's results: point, bootstrap replicates `[B]`, and what was resampled."""

    point: float
    replicates: scores.Floats
    unit: Unit

    @classmethod
    def of(cls, statistic: scores.Statistic, results: Sequence[AgentResult]) -> Estimate:
        """Evaluate a statistic on the results, one stratum each; with nothing to resample, replicates are the point."""
        point = round(float(statistic([result.scores for result in results])), 12)
        samples = statistic([result.samples for result in results])
        unit = weakest([result.unit for result in results])
        if unit == NONE:
            return cls(point, np.full(samples.shape, point), unit)
        return cls(point, widened(samples, point, [result.count for result in results]), unit)

    @property
    def interval(self) -> tuple[float, float] | tuple[None, None]:
        """Ends of the 95 % interval; None where there was nothing to resample."""
        return (None, None) if self.unit == NONE else percentile_interval(self.replicates)


def weakest(units: Iterable[Unit]) -> Unit:
    """What an interval over several tasks may claim to resample: seeds only if it is seeds on every task."""
    return max(units, key=(SEEDS, EPISODES, NONE).index)


def ranked(estimates: Sequence[Estimate]) -> list[tuple[int, int, int]]:
    """Rank of each estimate, and the ends of the 95 % interval of its rank."""
    if not estimates:
        return []
    points = scores.ranks([estimate.point for estimate in estimates]).tolist()
    ends = rank_intervals([estimate.replicates for estimate in estimates])
    return [(rank, min(rank, low), max(rank, high)) for rank, (low, high) in zip(points, ends, strict=True)]


def task_rows(results: Sequence[AgentResult]) -> tuple[TaskRow, ...]:
    """Table of one task, best first."""
    estimates = [Estimate.of(scores.mean, [result]) for result in results]
    ranks = ranked(estimates)
    order = sorted(range(len(results)), key=lambda i: (ranks[i][0], results[i].agent))
    following = [*(results[i] for i in order[1:]), None]
    return tuple(
        _task_row(results[i], estimates[i], ranks[i], other) for i, other in zip(order, following, strict=True)
    )


def _task_row(
    result: AgentResult, estimate: Estimate, rank: tuple[int, int, int], following: AgentResult | None
) -> TaskRow:
    low, high = estimate.interval
    random, span = result.task.random, result.task.reference - result.task.random
    return TaskRow(
        result.task.key,
        *rank,
        *result.agent,
        training_seeds=len(result.runs) if any(run.training_seed >= 0 for run in result.runs) else 0,
        mean_return=scores.exact_mean(result.returns),
        return_low=None if low is None else random + span * low,
        return_high=None if high is None else random + span * high,
        score=estimate.point,
        score_low=low,
        score_high=high,
        interval_over=estimate.unit,
        beats_next=scores.probability_of_improvement([result.scores], [following.scores]) if following else None,
        worst_seed=float(result.returns.min()),
        training_steps=max(run.training_steps for run in result.runs),
        failed_episodes=sum(run.failed for run in result.runs),
        episodes=sum(len(run.returns) for run in result.runs),
    )


def run_rows(results: Sequence[AgentResult]) -> tuple[RunRow, ...]:
    """The runs of a classification task, fewest errors first."""
    rows = (_run_row(run) for result in results for run in result.runs)
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
    """Table of one suite: agents with all its tasks, best first, then agents that lack a task.

    `by_task` holds the results on each task.
    """
    by_agent: dict[AgentVersion, list[AgentResult]] = {}
    for result in (result for results in by_task for result in results):
        by_agent.setdefault(result.agent, []).append(result)
    full = {agent: results for agent, results in by_agent.items() if len(results) == len(by_task)}
    estimates = {agent: Estimate.of(scores.SUITE_AGGREGATE.statistic, results) for agent, results in full.items()}
    ranks = dict(zip(full, ranked(list(estimates.values())), strict=True))
    lacking = by_agent.keys() - full.keys()
    return (
        *(_suite_row(suite, a, full[a], estimates[a], ranks[a]) for a in sorted(full, key=lambda a: (ranks[a][0], a))),
        *(_suite_row(suite, a, by_agent[a]) for a in sorted(lacking, key=lambda a: (-len(by_agent[a]), a))),
    )


def _suite_row(
    suite: str,
    agent: AgentVersion,
    results: Sequence[AgentResult],
    estimate: Estimate | None = None,
    rank: tuple[int | None, int | None, int | None] = (None, None, None),
) -> SuiteRow:
    low, high = estimate.interval if estimate else (None, None)
    runs = [run for result in results for run in result.runs]
    return SuiteRow(
        suite,
        *rank,
        *agent,
        tasks=len(results),
        aggregate=estimate.point if estimate else None,
        aggregate_low=low,
        aggregate_high=high,
        interval_over=estimate.unit if estimate else NONE,
        optimality_gap=float(scores.optimality_gap([result.scores for result in results])) if estimate else None,
        failed_episodes=sum(run.failed for run in runs),
        episodes=sum(len(run.returns) for run in runs),
    )
