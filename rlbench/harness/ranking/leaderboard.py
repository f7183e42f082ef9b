"""The leaderboard: rankings as a Markdown page, `leaderboard.md`.

The page is a pure function of the results: it holds no date and nothing of the machine, and its rows are sorted.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from importlib import resources
from typing import TYPE_CHECKING

from rlbench.harness.ranking.rankings import Rankings, compute_rankings
from rlbench.harness.ranking.scores import SUITE_AGGREGATE
from rlbench.harness.ranking.tables import (
    TextTable,
    decimal,
    integer,
    runs_table,
    suite_sections,
    task_table,
    unranked_table,
)
from rlbench.harness.tasks.task import Task

if TYPE_CHECKING:
    import pandas

TEXT_COLUMNS = frozenset({"agent", "task", "reason", "digest"})  # flush left; all others hold numbers


def page(frame: pandas.DataFrame, tasks: Mapping[str, Task], suites: Mapping[str, Sequence[Task]]) -> str:
    """Text of `leaderboard.md`.

    Args:
        frame: One row per episode (`record.load`).
        tasks: The tasks to show, by key.
        suites: The suites to show, by name.
    """
    return render(compute_rankings(frame, tasks, suites), tasks, suites)


def render(rankings: Rankings, tasks: Mapping[str, Task], suites: Mapping[str, Sequence[Task]]) -> str:
    """Rankings as a Markdown page that is also readable as plain text; arguments as for `page`."""
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
        suites=suite_sections(rankings, suites),
        tasks=[
            {
                "task": tasks[key],
                "table": task_table(key, rows),
                "runs": runs_table(key, rankings.runs[key]) if key in rankings.runs else None,
            }
            for key, rows in rankings.tasks.items()
        ],
        aggregate=SUITE_AGGREGATE,
        unranked=unranked_table(rankings.unranked) if rankings.unranked else None,
    )
    return text.rstrip("\n") + "\n"


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

    Underscores inside a word are left alone: they mean nothing there, and the plain text stays readable.
    """
    printable = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
    escaped = "".join(f"\\{c}" if c in "\\|`*<~&" else c for c in printable).replace("](", "]\\(")
    return re.sub(r"(?<![^\W_])_+|_+(?![^\W_])", lambda found: r"\_" * len(found[0]), escaped)


def width(text: str) -> int:
    """Columns that a text takes in a terminal: wide characters take two, combining ones none."""
    return sum(0 if unicodedata.combining(c) else 1 + (unicodedata.east_asian_width(c) in "WF") for c in text)


def pad(text: str, to: int, left: bool) -> str:
    """Text filled with blanks to a width."""
    blanks = " " * (to - width(text))
    return text + blanks if left else blanks + text
