"""Rankings as tables of text, for a terminal and for the parts of the pages that are the same there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from rlbench.harness.ranking.cells import (
    ALONE,
    DASH,
    NEEDS_SEEDS,
    PUBLISHED,
    budget,
    decimal,
    digits_of,
    elo,
    elo_interval,
    integer,
    interval,
    interval_or_reason,
    label,
    line_label,
    of_all,
    rank_of,
    rivals_of,
    solved,
    up_to,
    with_deviation,
)
from rlbench.harness.ranking.games import GamesWon
from rlbench.harness.ranking.intervals import FEWEST_SEEDS
from rlbench.harness.ranking.proofs import ProofRow
from rlbench.harness.ranking.reference_lines import ReferenceLine
from rlbench.harness.ranking.rows import Rankings, RunRow, SuiteRow, TaskRow, UnrankedRow
from rlbench.harness.tasks.task import Task

SELF_REPORTED = "self-reported"
"""What is known of runs of which nobody has published that they came out the same."""

CONTESTED = "contested"
"""The column of runs of which somebody has published that episodes came out otherwise."""

FEWEST_AGENTS = 3
"""Agents that must have played all tasks of a suite for a table of their mean scores."""


@dataclass(frozen=True)
class TextTable:
    """Rows of cells as they are shown; `title` is for a terminal, where there is no heading."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    @property
    def note(self) -> str:
        """What stands for intervals or ranks, for a terminal, where there is no introduction; empty if nothing does."""
        cells = " | ".join(cell for row in self.rows for cell in row)
        notes = {
            NEEDS_SEEDS: f"under {FEWEST_SEEDS} training seeds there is neither interval nor rank",
            ALONE: "no other agent is ranked within this budget of training steps",
            PUBLISHED: "published by others; `rlbench leaderboard --csv` tells the source",
        }
        return "\n".join(f"{words}: {note}" for words, note in notes.items() if words in cells)


def tables(rankings: Rankings, suites: Mapping[str, Sequence[Task]]) -> list[TextTable]:
    """All tables: of suites of several tasks, of tasks, of the runs of classification tasks, of what is not ranked."""
    tasks = {task.key: task for suite in suites.values() for task in suite}
    several = (name for name, suite in suites.items() if len(suite) > 1 and is_shared(rankings.suites[name]))
    shown = [suite_table(f"Suite {name}", rankings.suites[name]) for name in several]
    for key, rows in rankings.tasks.items():
        shown.append(task_table(tasks[key], rows, rankings.lines[key]))
        shown += [runs_table(key, rankings.runs[key])] if key in rankings.runs else []
        shown += [games_table(key, rankings.games[key])] if key in rankings.games else []
    return [*shown, unranked_table(rankings.unranked)] if rankings.unranked else shown


def is_shared(rows: Iterable[SuiteRow]) -> bool:
    """Whether enough agents have played all of a suite for a table of their mean scores."""
    return sum(row.tasks == row.of_tasks for row in rows) >= FEWEST_AGENTS


def task_table(task: Task, rows: Iterable[TaskRow], lines: Iterable[ReferenceLine] = ()) -> TextTable:
    """Columns and cells that are shown of one task: the ranked agents, then the lines of reference."""
    digits = digits_of(task)
    columns = (
        *("rank", "agent", "budget", "seeds", "mean return", "95 % interval"),
        *(("Elo", "Elo, 95 %") if task.ratings else ("solved", "worst seed")),
        *("failed", "steps"),
    )
    rows = tuple(rows)
    rivals = rivals_of(rows)
    cells = [
        *(
            (
                rank_of(row, rivals),
                label(row),
                up_to(row.budget),
                integer(row.training_seeds) if row.training_seeds else DASH,
                decimal(row.mean_return, digits),
                interval_or_reason(row, digits),
                *((elo(row), elo_interval(row)) if task.ratings else (solved(row), decimal(row.worst_seed, digits))),
                of_all(row.failed_episodes, row.episodes),
                budget(row.training_steps) if row.training_steps is not None else DASH,
            )
            for row in rows
        ),
        *(
            (
                DASH,
                line_label(line),
                DASH,
                line.seeds or DASH,
                with_deviation(line, digits),
                *(DASH,) * 4,
                budget(line.training_steps) if line.training_steps else DASH,
            )
            for line in lines
        ),
    ]
    return TextTable(f"Task {task.key}", columns, tuple(cells))


def runs_table(key: str, rows: Iterable[RunRow]) -> TextTable:
    """Columns and cells that are shown of the runs of a classification task."""
    cells = [
        (
            label(row),
            str(row.training_seed) if row.training_seed >= 0 else DASH,
            integer(row.errors),
            decimal(row.error_percent),
            interval(row.error_low, row.error_high),
        )
        for row in rows
    ]
    return TextTable(f"Errors on {key}", ("agent", "seed", "errors", "error, %", "exact 95 % interval"), tuple(cells))


def games_table(key: str, rows: Iterable[GamesWon]) -> TextTable:
    """Columns and cells that are shown of the games won by agents, an opponent a column with its Elo rating."""
    rows = tuple(rows)
    opponents = {row.opponent: f"{row.opponent} ({decimal(row.opponent_elo, 0)})" for row in rows}
    cells: dict[str, dict[str, str]] = {}
    for row in rows:
        cells.setdefault(label(row), {})[row.opponent] = f"{row.won:,} of {row.games:,}"
    return TextTable(
        f"Games won on {key}",
        ("agent", *opponents.values()),
        tuple((agent, *(of.get(name, DASH) for name in opponents)) for agent, of in cells.items()),
    )


def suite_table(title: str, rows: Iterable[SuiteRow]) -> TextTable:
    """Columns and cells that are shown of one suite."""
    rows = tuple(rows)
    rivals = rivals_of(rows)
    cells = [
        (
            rank_of(row, rivals),
            label(row),
            up_to(row.budget),
            f"{row.tasks} of {row.of_tasks}",
            decimal(row.score, 3),
            interval(row.score_low, row.score_high, 3) if row.score_low is not None else NEEDS_SEEDS,
            decimal(row.iqm, 3),
            decimal(row.optimality_gap, 3),
            of_all(row.failed_episodes, row.episodes),
        )
        for row in rows
    ]
    columns = ("rank", "agent", "budget", "tasks", "mean score", "95 % interval", "IQM", "optimality gap", "failed")
    return TextTable(title, columns, tuple(cells))


def proof_table(key: str, rows: Iterable[ProofRow]) -> TextTable:
    """Columns and cells that are shown of what is published about the runs of agents."""
    cells = [
        (
            label(row),
            integer(row.recorded),
            f"{row.verified:,} of {row.recorded:,}" if row.verified else SELF_REPORTED,
            "; ".join(row.verified_by) or DASH,
            f"{row.contested:,}, by {'; '.join(row.contested_by)}" if row.contested else DASH,
        )
        for row in rows
    ]
    return TextTable(f"Proofs on {key}", ("agent", "runs", "verified", "by", CONTESTED), tuple(cells))


def unranked_table(rows: Iterable[UnrankedRow]) -> TextTable:
    """Columns and cells that are shown of the runs that were set aside."""
    cells = [
        (
            row.task,
            label(row),
            str(row.training_seed) if row.training_seed >= 0 else DASH,
            row.digest[:12],
            row.reason,
        )
        for row in rows
    ]
    return TextTable("Not ranked", ("task", "agent", "seed", "digest", "reason"), tuple(cells))
