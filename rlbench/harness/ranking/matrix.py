"""The matrix of a family: tasks by agents, ours and published, in one table of text."""

from __future__ import annotations

from collections.abc import Sequence

from rlbench.harness.ranking.rankings import Rankings, TaskRow
from rlbench.harness.ranking.reference_lines import ReferenceLine
from rlbench.harness.ranking.tables import (
    DASH,
    TextTable,
    budget,
    decimal,
    digits_of,
    interval_or_reason,
    with_deviation,
)
from rlbench.harness.tasks.task import Task

BREAK = "<br>"
"""Ends a line in a cell, in Markdown."""

FEW_TASKS = 3
"""Below so many tasks agents are rows and tasks columns, so that the page stays narrow."""


def family_matrix(title: str, suite: Sequence[Task], rankings: Rankings) -> TextTable | None:
    """Mean, interval, seeds and budget of every agent on every task, the lines of reference among the agents.

    None where nobody has completed one of the tasks.
    """
    if not any(task.key in rankings.tasks for task in suite):
        return None
    cells: dict[str, dict[str, str]] = {}  # of each agent, by task; agents in the order in which they are shown
    for kind in ("random", "ours", "reference", "published"):
        for task in suite:
            for agent, cell in entries(kind, task, rankings):
                cells.setdefault(agent, {})[task.key] = cell
    keys = [task.key for task in suite]
    if len(suite) < FEW_TASKS:
        rows = [(agent, *(of.get(key, DASH) for key in keys)) for agent, of in cells.items()]
        return TextTable(
            title, ("agent", *keys), tuple(tuple(each.replace(BREAK, ", ") for each in row) for row in rows)
        )
    return TextTable(
        title, ("task", *cells), tuple((key, *(of.get(key, DASH) for of in cells.values())) for key in keys)
    )


def entries(kind: str, task: Task, rankings: Rankings) -> list[tuple[str, str]]:
    """Heading and cell of every agent of a kind on a task."""
    digits = digits_of(task)
    if kind == "ours":
        rows = sorted(rankings.tasks.get(task.key, ()), key=lambda row: (row.agent, row.version))
        return [(f"{row.agent} {row.version}", our_cell(row, digits)) for row in rows]
    lines = [line for line in rankings.lines[task.key] if line.kind == kind]
    return [(heading(line), line_cell(line, digits)) for line in lines]


def heading(line: ReferenceLine) -> str:
    """Heading of a line of reference: its name, and of a published score its budget."""
    if line.kind != "published":
        return line.agent
    steps = [budget(line.training_steps)] if line.training_steps else []
    return BREAK.join((line.agent, *steps, "published"))


def our_cell(row: TaskRow, digits: int) -> str:
    """Mean, interval, seeds and median training steps."""
    seeds = "not trained" if not row.training_seeds else f"{row.training_seeds} seeds" if row.rank else ""
    steps = budget(row.training_steps) if row.training_steps else ""
    last = ", ".join(filter(None, (seeds, steps)))
    return BREAK.join((decimal(row.mean_return, digits), interval_or_reason(row, digits), last))


def line_cell(line: ReferenceLine, digits: int) -> str:
    """Mean and deviation; a reference that is an agent of ours is marked."""
    if line.kind == "reference" and line.source.startswith("ours"):
        return f"{decimal(line.mean_return, digits)} (ours)"
    return with_deviation(line, digits)
