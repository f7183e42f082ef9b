"""Rankings: who ranks where on each task and suite, by mean return and by mean score.

Training seeds decide: an agent with fewer than `FEWEST_SEEDS` of them has neither an interval nor a rank. Agents rank
within a budget of training steps. The random agent and published scores are lines of reference, in no ranking.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from rlbench.harness.ranking import scores
from rlbench.harness.ranking.agent_results import RANDOM, AgentResult, collect_results
from rlbench.harness.ranking.comparisons import rank_ranges
from rlbench.harness.ranking.elo import Rating
from rlbench.harness.ranking.games import elo_rating, finite, games_won
from rlbench.harness.ranking.intervals import (
    Interval,
    MeanEstimate,
    average,
    clopper_pearson,
    error_count,
    mean_interval,
)
from rlbench.harness.ranking.proofs import proof_rows
from rlbench.harness.ranking.recorded_runs import AgentVersion, RecordedRun
from rlbench.harness.ranking.reference_lines import own_reference, reference_lines
from rlbench.harness.ranking.rows import Budget, Rankings, RunRow, SuiteRow, TaskRow, UnrankedRow
from rlbench.harness.tasks.suite import catalogue
from rlbench.harness.tasks.task import Task

BUDGET_TOLERANCE = 1.05
"""A training run may end this much beyond its budget: batches do not stop on a round number."""


def compute_rankings(
    runs: Sequence[RecordedRun],
    tasks: Mapping[str, Task],
    suites: Mapping[str, Sequence[Task]],
    rate: Callable[[AgentResult], Rating | None] = elo_rating,
) -> Rankings:
    """Rank all agents on all tasks and suites.

    Args:
        runs: The runs, in any order.
        tasks: The tasks to rank, by key.
        suites: The suites to rank, by name.
        rate: Gives Elo ratings.
    """
    results, unranked = collect_results(runs, tasks)
    at_random = {RANDOM, *(task.random_agent for task in tasks.values())}
    counted = [run for some in results.values() for result in some for run in result.runs]
    contenders = {key: [each for each in some if each.agent.name not in at_random] for key, some in results.items()}
    return Rankings(
        suites={
            name: () if any(map(own_reference, suite)) else suite_rows(name, [contenders.get(t.key, []) for t in suite])
            for name, suite in suites.items()
        },
        tasks={key: task_rows(some, rate) for key, some in contenders.items() if some},
        runs={key: run_rows(some) for key, some in contenders.items() if some and tasks[key].classification},
        games={key: games_won(some) for key, some in contenders.items() if some and tasks[key].ratings},
        lines={key: reference_lines(task) for key, task in tasks.items()},
        proofs={key: proof_rows(tasks[key], [each.runs for each in some]) for key, some in contenders.items() if some},
        unranked=tuple(
            UnrankedRow(run.task, *run.agent, run.training_seed, run.digest, len(run.returns), reason)
            for run, reason in unranked
        ),
        states=Counter(run.state for run in counted),
    )


def budget_of(result: AgentResult) -> Budget:
    """The smallest budget of the task's family that the agent's training steps keep to."""
    return budget_within(result.task, result.steps)


def budget_within(task: Task, steps: int | None) -> Budget:
    """The smallest budget of the task's family that so many training steps keep to."""
    budgets = catalogue().budgets(task.key)
    return next((b for b in budgets if steps is not None and steps <= BUDGET_TOLERANCE * b), None)


@dataclass(frozen=True)
class Place:
    """The rank of an agent within its budget, with the ends of the rank's 95 % interval."""

    rank: int | None = None
    low: int | None = None
    high: int | None = None


def places(estimates: Sequence[tuple[Budget, MeanEstimate | None]]) -> list[Place]:
    """The place of each agent among those of its budget; an empty one where there are no moments."""
    found = [Place()] * len(estimates)
    for budget in {budget for budget, _ in estimates}:
        members = [(i, of) for i, (b, of) in enumerate(estimates) if b == budget and of is not None]
        ranks = scores.ranks([of.mean for _, of in members]).tolist()
        for (i, _), rank, (low, high) in zip(members, ranks, rank_ranges([of for _, of in members]), strict=True):
            found[i] = Place(rank, min(rank, low), max(rank, high))
    return found


def order(budget: Budget, mean: float, agent: AgentVersion) -> tuple[float, float, AgentVersion]:
    """Sort key of rows: by budget, best first, by name."""
    return (float("inf") if budget is None else budget, -round(mean, 9), agent)


def task_rows(results: Sequence[AgentResult], rate: Callable[[AgentResult], Rating | None]) -> tuple[TaskRow, ...]:
    """Table of one task: by budget, best first."""
    found = places([(budget_of(result), result.moments) for result in results])
    rows = [_task_row(result, place, rate(result)) for result, place in zip(results, found, strict=True)]
    return tuple(sorted(rows, key=lambda row: order(row.budget, row.mean_return, AgentVersion(row.agent, row.version))))


def _task_row(result: AgentResult, place: Place, rating: Rating | None) -> TaskRow:
    task, of = result.task, result.moments
    low, high = (None, None) if of is None else possible(mean_interval(of), task)
    of_episodes = None if of else result.episode_moments
    episodes_low, episodes_high = (None, None) if of_episodes is None else possible(mean_interval(of_episodes), task)
    elo, elo_low, elo_high = finite(rating)
    scored = not own_reference(task)
    solved = clopper_pearson(result.solved, len(result.runs))
    steps = [run.training_steps for run in result.runs]
    return TaskRow(
        task.key,
        budget_of(result),
        place.rank,
        place.low,
        place.high,
        *result.agent,
        training_seeds=len(result.runs) if result.trained else 0,
        mean_return=scores.exact_mean(result.returns),
        return_low=low,
        return_high=high,
        score=round(float(result.scores.mean()), 12) if scored else None,
        score_low=task.score(low) if scored and low is not None else None,
        score_high=task.score(high) if scored and high is not None else None,
        solved=result.solved if scored else None,
        solved_low=solved.low if scored else None,
        solved_high=solved.high if scored else None,
        worst_seed=float(result.returns.min()),
        best_seed=float(result.returns.max()),
        episodes_low=episodes_low,
        episodes_high=episodes_high,
        failed_episodes=sum(run.failed for run in result.runs),
        episodes=sum(len(run.returns) for run in result.runs),
        training_steps=result.steps,
        fewest_steps=None if result.steps is None else min(steps),
        most_steps=None if result.steps is None else max(steps),
        seed_means=tuple(map(float, result.returns)),
        seed_numbers=tuple(run.training_seed for run in result.runs) if result.trained else (),
        elo=elo,
        elo_low=elo_low,
        elo_high=elo_high,
    )


def possible(interval: Interval, task: Task) -> Interval:
    """The part of an interval of mean returns that is possible on a task."""
    return Interval(task.within(interval.low), task.within(interval.high))


def run_rows(results: Sequence[AgentResult]) -> tuple[RunRow, ...]:
    """The runs of a classification task, fewest errors first."""
    rows = (_run_row(run) for result in results for run in result.runs)
    return tuple(sorted(rows, key=lambda row: (row.errors, row.agent, row.version, row.training_seed)))


def _run_row(run: RecordedRun) -> RunRow:
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
    """Table of one suite: agents with most tasks first, by budget, best first. `by_task` holds each task's results."""
    by_agent: dict[AgentVersion, list[AgentResult]] = {}
    for result in (result for results in by_task for result in results):
        by_agent.setdefault(result.agent, []).append(result)
    complete = {agent: results if len(results) == len(by_task) else [] for agent, results in by_agent.items()}
    found = places([(largest_budget(of), score_moments(complete[agent])) for agent, of in by_agent.items()])
    rows = [
        _suite_row(suite, len(by_task), results, place) for results, place in zip(by_agent.values(), found, strict=True)
    ]
    key = {row: order(row.budget, row.score, AgentVersion(row.agent, row.version)) for row in rows}
    return tuple(sorted(rows, key=lambda row: (-row.tasks, key[row])))


def largest_budget(results: Sequence[AgentResult]) -> Budget:
    """The largest budget of an agent's results."""
    budgets = [budget_of(result) for result in results]
    return None if None in budgets else max(b for b in budgets if b is not None)


def score_moments(results: Sequence[AgentResult]) -> MeanEstimate | None:
    """Mean score over tasks; None where there is no task, or seeds are missing on one."""
    parts = [result.moments and normalised(result.moments, result.task) for result in results]
    there = [part for part in parts if part is not None]
    return average(there) if there and len(there) == len(parts) else None


def normalised(of: MeanEstimate, task: Task) -> MeanEstimate:
    """A mean return as a normalised score."""
    span = task.reference - task.random
    return MeanEstimate(task.score(of.mean), of.variance / span**2, of.freedom, of.third / span**3)


def _suite_row(suite: str, of_tasks: int, results: Sequence[AgentResult], place: Place) -> SuiteRow:
    of, strata = score_moments(results), [result.scores for result in results]
    low, high = (None, None) if of is None else possible_score(mean_interval(of), [result.task for result in results])
    runs = [run for result in results for run in result.runs]
    return SuiteRow(
        suite,
        largest_budget(results),
        place.rank,
        place.low,
        place.high,
        *results[0].agent,
        tasks=len(results),
        of_tasks=of_tasks,
        score=round(float(scores.mean(strata)), 12),
        score_low=low,
        score_high=high,
        iqm=round(float(scores.iqm(strata)), 12),
        optimality_gap=round(float(scores.optimality_gap(strata)), 12),
        failed_episodes=sum(run.failed for run in runs),
        episodes=sum(len(run.returns) for run in runs),
    )


def possible_score(interval: Interval, tasks: Sequence[Task]) -> Interval:
    """The part of an interval of a mean score that is possible on the tasks together."""
    low, high = (sum(task.score(task.within(end)) for task in tasks) / len(tasks) for end in (-math.inf, math.inf))
    return Interval(max(interval.low, low), min(interval.high, high))
