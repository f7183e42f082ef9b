"""The leaderboard: rankings as text tables, as a Markdown page, and as one flat table for machines.

The page is a pure function of the results: it holds no date and nothing of the machine, rows are sorted, and numbers
are rounded to nine decimals before they are rounded to the shown ones, so that the last bit of a sum, which depends on
the machine, does not show.
"""

from __future__ import annotations

import dataclasses
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING, Any

from rlbench.harness.ranking.agent_results import EPISODES
from rlbench.harness.ranking.rankings import Rankings, RunRow, SuiteRow, TaskRow, UnrankedRow, compute_rankings
from rlbench.harness.tasks.task import Task

if TYPE_CHECKING:
    import pandas

DASH = "—"
TEXT_COLUMNS = frozenset({"agent", "task", "reason", "digest"})  # flush left; all others hold numbers


@dataclass(frozen=True)
class TextTable:
    """Rows of cells as they are shown; `title` is for a terminal, where there is no heading."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def page(frame: pandas.DataFrame, tasks: Mapping[str, Task], suites: Mapping[str, Sequence[Task]]) -> str:
    """Text of `leaderboard.md` for these episodes (`record.load`)."""
    return render(compute_rankings(frame, tasks, suites), tasks, suites)


def render(rankings: Rankings, tasks: Mapping[str, Task], suites: Mapping[str, Sequence[Task]]) -> str:
    """Rankings as a Markdown page that reads well as plain text too."""
    import jinja2

    environment = jinja2.Environment(
        trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True, undefined=jinja2.StrictUndefined
    )
    environment.filters |= {"markdown": markdown, "code": code, "decimal": decimal, "integer": integer}
    template = environment.from_string(
        resources.files("rlbench.harness.ranking").joinpath("leaderboard.md.j2").read_text(encoding="utf-8")
    )
    text = template.render(
        rankings=rankings,
        suites=_suite_sections(rankings, suites),
        tasks=[
            {
                "task": tasks[key],
                "table": task_table(key, rows),
                "runs": runs_table(key, rankings.runs[key]) if key in rankings.runs else None,
            }
            for key, rows in rankings.tasks.items()
        ],
        unranked=unranked_table(rankings.unranked) if rankings.unranked else None,
    )
    return text.rstrip("\n") + "\n"


def tables(rankings: Rankings, suites: Mapping[str, Sequence[Task]]) -> list[TextTable]:
    """Tables of the page in its order, for a terminal."""
    shown = [section["table"] for section in _suite_sections(rankings, suites) if section["table"]]
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
    # Objects, because a pandas integer column with a gap would turn ranks into floats.
    return pd.DataFrame(cells, columns=columns, dtype=object)


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
            decimal(row.iqm, 3),
            interval(row.iqm_low, row.iqm_high, 3, row.interval_over),
            decimal(row.optimality_gap, 3),
            of_all(row.failed_episodes, row.episodes),
        )
        for row in rows
    ]
    columns = ("rank", "agent", "tasks", "IQM", "95 % interval", "optimality gap", "failed")
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


def _suite_sections(rankings: Rankings, suites: Mapping[str, Sequence[Task]]) -> list[dict[str, Any]]:
    """One section per distinct list of tasks, since two suites may be the same; none without any result.

    A section has its table once an agent has completed all the tasks.
    """
    names: dict[tuple[str, ...], list[str]] = {}
    for name, suite in suites.items():
        names.setdefault(tuple(task.key for task in suite), []).append(name)
    sections = []
    for keys, same in names.items():
        rows = rankings.suites[same[0]]
        complete = any(row.rank is not None for row in rows)
        table = (
            suite_table(f"Suite{'s' if len(same) > 1 else ''} {', '.join(same)}", len(keys), rows) if complete else None
        )
        sections.append({"names": same, "tasks": keys, "table": table})
    return sections if rankings.tasks else []


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
    return f"[{decimal(low, digits)}, {decimal(high, digits)}]{'†' if over == EPISODES else ''}"


def span_of_ranks(row: TaskRow | SuiteRow) -> str:
    """Rank with the range it could be: `1 (1-2)`; the range is left out where it is that one rank."""
    if row.rank is None:
        return DASH
    return f"{row.rank}" if row.rank_low == row.rank_high else f"{row.rank} ({row.rank_low}–{row.rank_high})"


def of_all(part: int, whole: int) -> str:
    """How many of how many: `3 of 1,000`; plain `0` for none."""
    return f"{part:,} of {whole:,}" if part else "0"


def code(text: str) -> str:
    """Text between backticks, where Markdown leaves it alone."""
    return f"`{text}`"


def markdown(table: TextTable) -> str:
    """Table whose columns also line up as plain text."""
    rows = [table.columns, *(tuple(escape(cell) for cell in row) for row in table.rows)]
    widths = [max(width(row[j]) for row in rows) for j in range(len(table.columns))]
    left = [name in TEXT_COLUMNS for name in table.columns]
    lines = [[pad(*cell) for cell in zip(row, widths, left, strict=True)] for row in rows]
    rule = [":" + "-" * (w - 1) if flush else "-" * (w - 1) + ":" for w, flush in zip(widths, left, strict=True)]
    return "\n".join(f"| {' | '.join(line)} |" for line in (lines[0], rule, *lines[1:]))


def escape(text: str) -> str:
    """Cell that Markdown shows as it is: names come from strangers' files.

    Underscores are left alone: inside a word they mean nothing, and the plain text stays readable.
    """
    printable = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
    return "".join(f"\\{c}" if c in "\\|`*<" else c for c in printable)


def width(text: str) -> int:
    """Columns that a text takes in a terminal: wide characters take two, combining ones none."""
    return sum(0 if unicodedata.combining(c) else 1 + (unicodedata.east_asian_width(c) in "WF") for c in text)


def pad(text: str, to: int, left: bool) -> str:
    """Text filled with blanks to a width."""
    blanks = " " * (to - width(text))
    return text + blanks if left else blanks + text
