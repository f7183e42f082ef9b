"""The matrix of a family: tasks by agents, ours and published, as one table of text or as many as fit the page.

Tasks are rows or columns, whichever takes fewer tables. What all cells of an agent have in common, steps and seeds,
stands beside its name.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from rlbench.harness.ranking.games import opponents_of
from rlbench.harness.ranking.markdown import BREAK, missing_pixels, split
from rlbench.harness.ranking.rankings import Rankings, TaskRow
from rlbench.harness.ranking.reference_lines import ReferenceLine
from rlbench.harness.ranking.tables import (
    DASH,
    PUBLISHED,
    TextTable,
    both_seeds,
    budget,
    decimal,
    digits_of,
    elo,
    elo_interval,
    interval,
    label,
    line_label,
    own_reference,
)
from rlbench.harness.tasks.task import Task


@dataclass(frozen=True)
class Cell:
    """One agent on one task: the lines of the cell, and its steps and seeds, empty where they are not told."""

    lines: tuple[str, ...]
    steps: str = ""
    seeds: str = ""


@dataclass(frozen=True)
class AgentColumn:
    """One agent on a family: its cells by task, and the steps and seeds that they have in common."""

    name: str
    cells: dict[str, Cell]
    steps: str
    seeds: str

    @classmethod
    def of(cls, name: str, cells: dict[str, Cell]) -> AgentColumn:
        """Gather the cells of an agent."""
        return cls(name, cells, common(cell.steps for cell in cells.values()), common(c.seeds for c in cells.values()))

    @property
    def number(self) -> str:
        """The number of seeds."""
        return self.seeds.removesuffix("s").removesuffix(" seed")

    def text(self, task: str, line_end: str) -> str:
        """The cell of a task, with what is not common to all; a dash where there is none."""
        if task not in self.cells:
            return DASH
        cell = self.cells[task]
        own = [cell.seeds if cell.seeds != self.seeds else "", cell.steps if cell.steps != self.steps else ""]
        return f"{',' if line_end == ' ' else ''}{line_end}".join(
            filter(None, (line_end.join(cell.lines), ", ".join(filter(None, own))))
        )


def family_matrix(title: str, suite: Sequence[Task], rankings: Rankings) -> list[TextTable]:
    """Mean, interval, seeds and steps of every agent on every task, the lines of reference among the agents.

    Args:
        title: For the tables.
        suite: The tasks of the family.
        rankings: Of everybody.

    Returns:
        One table, several where one would be cut off; none where nobody has completed a task of the family.
    """
    if not any(task.key in rankings.tasks for task in suite):
        return []
    columns = agents(suite, rankings)
    keys = [task.key for task in suite]
    forms = [
        split(form(title, keys, columns, line_end), fixed)
        for form, fixed in ((tasks_as_rows, 1), (agents_as_rows, 3))
        for line_end in (" ", BREAK)
    ]
    return min(forms, key=lambda parts: (len(parts), max(map(missing_pixels, parts))))


def tasks_as_rows(title: str, keys: Sequence[str], columns: Sequence[AgentColumn], line_end: str) -> TextTable:
    """A row per task, a column per agent; steps and seeds below its name."""
    headings = (heading(column) for column in columns)
    rows = tuple((key, *(column.text(key, line_end) for column in columns)) for key in keys)
    return TextTable(title, ("task", *headings), rows)


def heading(column: AgentColumn) -> str:
    """Name, steps and seeds of an agent on a line each; what stands in parentheses in the name on its own, too."""
    name, bracket, rest = column.name.partition(" (")
    lines = [column.name]
    if bracket:
        mark = f" {PUBLISHED}" if rest.endswith(f" {PUBLISHED}") else ""
        lines = [name + mark, f"({rest.removesuffix(mark)}"]
    return BREAK.join(filter(None, (*lines, column.steps, column.seeds)))


def agents_as_rows(title: str, keys: Sequence[str], columns: Sequence[AgentColumn], line_end: str) -> TextTable:
    """A row per agent, a column per task; steps and seeds in columns of their own."""
    rows = tuple(
        (column.name, column.steps or DASH, column.number or DASH, *(column.text(key, line_end) for key in keys))
        for column in columns
    )
    return TextTable(title, ("agent", "steps", "seeds", *keys), rows)


def agents(suite: Sequence[Task], rankings: Rankings) -> list[AgentColumn]:
    """Every agent of a family: random, ours in the order of their ranks, published ones by steps, the reference.

    The reference is left out where it is one of the published scores on every task.
    """
    sources: list[Callable[[Task, Rankings], list[tuple[str, Cell]]]] = [random, ours, published, opponents]
    if not all(published_reference(task, rankings) for task in suite):
        sources.append(reference)
    found: list[AgentColumn] = []
    for source in sources:
        cells: dict[tuple[str, str], dict[str, Cell]] = {}
        for task in suite:
            for name, cell in source(task, rankings):
                # Others publish one agent at several steps; what differs in ours is said in the cells.
                steps = cell.steps if source is published else ""
                cells.setdefault((name, steps), {})[task.key] = cell
        found += [AgentColumn.of(name, of) for (name, _), of in cells.items()]
    return found


def random(task: Task, rankings: Rankings) -> list[tuple[str, Cell]]:
    """The random agent on a task."""
    return of_kind("random", task, rankings)


def reference(task: Task, rankings: Rankings) -> list[tuple[str, Cell]]:
    """The reference of a task; marked where it is an agent of ours."""
    return of_kind("reference", task, rankings)


def opponents(task: Task, rankings: Rankings) -> list[tuple[str, Cell]]:
    """The opponents of a task that is games, with their Elo ratings."""
    return [
        (name, Cell((decimal(rating, 0),)))
        for name, rating in zip(opponents_of(task) if task.ratings else (), task.ratings, strict=True)
    ]


def of_kind(kind: str, task: Task, rankings: Rankings) -> list[tuple[str, Cell]]:
    """The line of one end of a task's scale; none for games, whose scale is that of their opponents' ratings."""
    if task.is_game:
        return []
    lines = (line for line in rankings.lines[task.key] if line.kind == kind)
    own = " (ours)" if kind == "reference" and own_reference(task) else ""
    return [(line.agent, Cell((decimal(line.mean_return, digits_of(task)) + own,))) for line in lines]


def published(task: Task, rankings: Rankings) -> list[tuple[str, Cell]]:
    """What others have published on a task, by steps."""
    lines = (line for line in rankings.lines[task.key] if line.kind == "published")
    by_steps = sorted(lines, key=lambda line: line.training_steps or math.inf)
    return [(line_label(line), published_cell(line, digits_of(task))) for line in by_steps]


def published_cell(line: ReferenceLine, digits: int) -> Cell:
    """Mean of a published agent; its deviation stands in the section of the task."""
    steps = budget(line.training_steps) if line.training_steps else ""
    return Cell((decimal(line.mean_return, digits),), steps, counted_seeds(line.seeds) if line.seeds else "")


def published_reference(task: Task, rankings: Rankings) -> ReferenceLine | None:
    """The published score that is the reference of a task; None if none is, or several agree with it by chance."""
    same = [line for line in rankings.lines[task.key] if (line.kind, line.mean_return) == ("published", task.reference)]
    return same[0] if len(same) == 1 else None


def ours(task: Task, rankings: Rankings) -> list[tuple[str, Cell]]:
    """The ranked agents on a task, by budget, best first."""
    digits = digits_of(task)
    return [(label(row), our_cell(row, digits)) for row in rankings.tasks.get(task.key, ())]


def our_cell(row: TaskRow, digits: int) -> Cell:
    """Mean and interval of an agent, of two seeds both means; for games Elo rating and interval."""
    mean = decimal(row.mean_return, digits)
    steps = budget(row.training_steps) if row.training_steps else ""
    seeds = counted_seeds(str(row.training_seeds)) if row.training_seeds else "not trained"
    if row.elo_low is not None or row.elo_high is not None:
        return Cell((elo(row), elo_interval(row)), steps, seeds)
    if row.return_low is not None:
        return Cell((mean, interval(row.return_low, row.return_high, digits)), steps, seeds)
    return Cell((mean, f"({both_seeds(row, digits)})") if row.training_seeds == 2 else (mean,), steps, seeds)


def counted_seeds(n: str) -> str:
    """`1 seed`, `3 seeds`, `5–10 seeds`."""
    return f"{n} seed" if n == "1" else f"{n} seeds"


def common(values: Iterable[str]) -> str:
    """What all values are; empty where they differ."""
    found = set(values)
    return found.pop() if len(found) == 1 else ""
