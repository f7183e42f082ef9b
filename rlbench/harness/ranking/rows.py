"""The rows of the rankings: what every table, page and export is made of. Data alone, unrounded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from rlbench.harness.ranking.games import GamesWon
from rlbench.harness.ranking.proofs import ProofRow
from rlbench.harness.ranking.reference_lines import ReferenceLine

Budget: TypeAlias = "int | None"
"""Training steps up to which agents are ranked together; None beyond the last budget of a family."""


@dataclass(frozen=True)
class TaskRow:
    """One agent on one task."""

    task: str
    budget: Budget
    rank: int | None  # within the budget; None where seeds are missing
    rank_low: int | None
    rank_high: int | None
    agent: str
    version: str
    training_seeds: int  # 0: not trained
    mean_return: float
    return_low: float | None  # 95 % interval; None where seeds are missing
    return_high: float | None
    score: float | None  # None, like `solved`, where the task has no independent reference
    score_low: float | None
    score_high: float | None
    solved: int | None  # training seeds that solved the task
    solved_low: float | None  # the exact 95 % interval of the chance that a seed solves it, Clopper & Pearson
    solved_high: float | None
    worst_seed: float  # the lowest mean return of a training seed
    best_seed: float
    episodes_low: float | None  # of a single run: 95 % interval over its episodes alone
    episodes_high: float | None
    failed_episodes: int
    episodes: int
    training_steps: int | None  # median over the seeds
    fewest_steps: int | None  # of a seed
    most_steps: int | None
    seed_means: tuple[float, ...]  # mean return of each training seed, in their order
    seed_numbers: tuple[int, ...]  # which seeds these are; none where it was not trained
    elo: float | None = None  # of games; None where all were won, or none, and for other tasks
    elo_low: float | None = None  # None where no game was won
    elo_high: float | None = None  # None where all were


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
    """One agent on one suite: the mean of its scores on the tasks that it has."""

    suite: str
    budget: Budget  # the largest of its tasks
    rank: int | None  # None where a task or seeds are missing
    rank_low: int | None
    rank_high: int | None
    agent: str
    version: str
    tasks: int  # that it has a score on
    of_tasks: int  # in the suite
    score: float
    score_low: float | None
    score_high: float | None
    iqm: float  # of the scores of all seeds: the mean of their middle half
    optimality_gap: float  # mean shortfall of the scores from 1
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

    suites: Mapping[str, tuple[SuiteRow, ...]]  # none where a task has no independent reference
    tasks: Mapping[str, tuple[TaskRow, ...]]
    runs: Mapping[str, tuple[RunRow, ...]]  # of classification tasks
    games: Mapping[str, tuple[GamesWon, ...]]  # of tasks that are games against a pool
    lines: Mapping[str, tuple[ReferenceLine, ...]]  # of all tasks
    unranked: tuple[UnrankedRow, ...]
    proofs: Mapping[str, tuple[ProofRow, ...]] = field(default_factory=dict)  # what is published, of all tasks
    states: Mapping[str, int] = field(default_factory=dict)  # of the runs that count, how many are proved, and how
