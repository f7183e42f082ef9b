"""Rankings as tables: text cells for people, and one flat table of unrounded numbers for machines.

Shown numbers are rounded to nine decimals before they are rounded to the shown ones, so that the last bit of a sum,
which depends on the machine, does not show.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rlbench.harness.ranking.agent_results import EPISODES
from rlbench.harness.ranking.rankings import Rankings, RunRow, SuiteRow, TaskRow, UnrankedRow
from rlbench.harness.ranking.scores import SUITE_AGGREGATE
from rlbench.harness.tasks.task import Task

if TYPE_CHECKING:
    import pandas

DASH = "—"
SINGLE_RUN = "†"
"""Marks an interval over the episodes of a single run."""


@dataclass(frozen=True)
class TextTable:
    """Rows of cells as they are shown; `title` is for a terminal, where there is no heading."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    @property
    def note(self) -> str:
        """What a sign in the cells means, for a terminal, where there is no introduction; empty without one."""
        marked = any(SINGLE_RUN in cell for row in self.rows for cell in row)
        return f"{SINGLE_RUN} a single run: its interval says nothing about other training seeds" if marked else ""


@dataclass(frozen=True)
class SuiteSection:
    """What is shown of suites that have the same tasks."""

    names: tuple[str, ...]
    tasks: tuple[str, ...]
    table: TextTable | None
    """None until an agent has completed all the tasks."""


def tables(rankings: Rankings, suites: Mapping[str, Sequence[Task]]) -> list[TextTable]:
    """All tables in the order of the page."""
    shown = [section.table for section in suite_sections(rankings, suites) if section.table]
    for key, rows in rankings.tasks.items():
        shown += [task_table(key, rows), *([runs_table(key, rankings.runs[key])] if key in rankings.runs else [])]
    return [*shown, unranked_table(rankings.unranked)] if rankings.unranked else shown


def flat(rankings: Rankings) -> pandas.DataFrame:
    """Every row of every table, unrounded, in one table; a column that a row does not have is None."""
    import pandas as pd

    rows = (
        *(("suite", row) for of_suite in rankings.suites.values() for row in of_suite),
        *(("task", row) for of_task in rankings.tasks.values() for row in of_task),
        *(("run", row) for of_task in rankings.runs.values() for row in of_task),
        *(("unranked", row) for row in rankings.unranked),
    )
    fields = (field.name for row in (SuiteRow, TaskRow, RunRow, UnrankedRow) for field in dataclasses.fields(row))
    columns = ["table", *dict.fromkeys(fields)]
    cells = [[kind, *(getattr(row, name, None) for name in columns[1:])] for kind, row in rows]
    columns = [name.replace("aggregate", SUITE_AGGREGATE.name.lower()) for name in columns]
    # Objects, because a pandas integer column with a gap would turn ranks into floats.
    return pd.DataFrame(cells, columns=columns, dtype=object)


def suite_sections(rankings: Rankings, suites: Mapping[str, Sequence[Task]]) -> list[SuiteSection]:
    """One section per distinct list of tasks, as suites may have the same; none without any result."""
    names: dict[tuple[str, ...], list[str]] = {}
    for name, suite in suites.items():
        names.setdefault(tuple(task.key for task in suite), []).append(name)
    sections = []
    for keys, same in names.items():
        rows = rankings.suites[same[0]]
        complete = any(row.rank is not None for row in rows)
        title = f"Suite{'s' if len(same) > 1 else ''} {', '.join(same)}"
        sections.append(SuiteSection(tuple(same), keys, suite_table(title, len(keys), rows) if complete else None))
    return sections if rankings.tasks else []


def task_table(key: str, rows: Iterable[TaskRow]) -> TextTable:
    """Columns and cells that are shown of one task."""
    columns = (
        *("rank", "agent", "seeds", "mean return", "95 % interval", "score"),
        *("worst seed", "beats next", "failed", "training steps"),
    )
    cells = [
        (
            span_of_ranks(row),
            f"{row.agent} {row.version}",
            integer(row.training_seeds) if row.training_seeds else DASH,
            decimal(row.mean_return),
            interval(row.return_low, row.return_high, 2, row.interval_over),
            decimal(row.score, 3),
            decimal(row.worst_seed),
            decimal(row.beats_next),
            of_all(row.failed_episodes, row.episodes),
            integer(row.training_steps) if row.training_steps >= 0 else DASH,
        )
        for row in rows
    ]
    return TextTable(f"Task {key}", columns, tuple(cells))


def runs_table(key: str, rows: Iterable[RunRow]) -> TextTable:
    """Columns and cells that are shown of the runs of a classification task."""
    cells = [
        (
            f"{row.agent} {row.version}",
            integer(row.training_seed) if row.training_seed >= 0 else DASH,
            integer(row.errors),
            decimal(row.error_percent),
            interval(row.error_low, row.error_high, 2, ""),
        )
        for row in rows
    ]
    return TextTable(f"Errors on {key}", ("agent", "seed", "errors", "error, %", "exact 95 % interval"), tuple(cells))


def suite_table(title: str, tasks: int, rows: Iterable[SuiteRow]) -> TextTable:
    """Columns and cells that are shown of one suite."""
    cells = [
        (
            span_of_ranks(row),
            f"{row.agent} {row.version}",
            f"{row.tasks} of {tasks}",
            decimal(row.aggregate, 3),
            interval(row.aggregate_low, row.aggregate_high, 3, row.interval_over),
            decimal(row.optimality_gap, 3),
            of_all(row.failed_episodes, row.episodes),
        )
        for row in rows
    ]
    columns = ("rank", "agent", "tasks", SUITE_AGGREGATE.name, "95 % interval", "optimality gap", "failed")
    return TextTable(title, columns, tuple(cells))


def unranked_table(rows: Iterable[UnrankedRow]) -> TextTable:
    """Columns and cells that are shown of the runs that were set aside."""
    cells = [
        (
            row.task,
            f"{row.agent} {row.version}",
            integer(row.training_seed) if row.training_seed >= 0 else DASH,
            row.digest[:12],
            row.reason,
        )
        for row in rows
    ]
    return TextTable("Not ranked", ("task", "agent", "seed", "digest", "reason"), tuple(cells))


def decimal(value: float | None, digits: int = 2) -> str:
    """Decimal with thousands separated: `1,234.50`; a dash for None."""
    if value is None:
        return DASH
    text = f"{round(value, 9):,.{digits}f}"
    return text.lstrip("-") if not text.strip("-0.") else text


def integer(value: int) -> str:
    """Whole number with thousands separated: `1,234`."""
    return f"{value:,}"


def interval(low: float | None, high: float | None, digits: int, over: str) -> str:
    """Both ends in brackets, with a dagger where episodes were resampled for want of training seeds."""
    if low is None:
        return DASH
    return f"[{decimal(low, digits)}, {decimal(high, digits)}]{SINGLE_RUN if over == EPISODES else ''}"


def span_of_ranks(row: TaskRow | SuiteRow) -> str:
    """Rank with the range it could be: `1 (1-2)`; the range is left out where it is that one rank."""
    if row.rank is None:
        return DASH
    return f"{row.rank}" if row.rank_low == row.rank_high else f"{row.rank} ({row.rank_low}–{row.rank_high})"


def of_all(part: int, whole: int) -> str:
    """How many of how many: `3 of 1,000`; plain `0` for none."""
    return f"{part:,} of {whole:,}" if part else "0"
