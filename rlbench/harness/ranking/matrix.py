"""The matrix of a family: tasks by agents, ours and published, as one table of text or as many as fit the page.

Tasks are rows or columns, whichever takes fewer tables. What all cells of an agent have in common, steps and seeds,
stands beside its name. Agents are sorted by budget of training steps, then by their scores.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from rlbench.harness.ranking.cells import (
    DASH,
    PUBLISHED,
    both_seeds,
    budget,
    decimal,
    digits_of,
    elo,
    elo_interval,
    interval,
    line_label,
    steps_of,
    with_deviation,
)
from rlbench.harness.ranking.contenders import Contender, as_shown, compared, contenders, fewest_first, order
from rlbench.harness.ranking.games import opponents_of
from rlbench.harness.ranking.markdown import BREAK, Marked, missing_pixels, shown, split, strong
from rlbench.harness.ranking.reference_lines import ReferenceLine, own_reference
from rlbench.harness.ranking.rows import Rankings, TaskRow
from rlbench.harness.ranking.tables import TextTable
from rlbench.harness.tasks.task import Task


@dataclass(frozen=True)
class Cell:
    """One agent on one task: its number, what stands beside it, its steps and seeds; empty where they are not known."""

    number: str
    beside: str = ""
    steps: str = ""
    seeds: str = ""


@dataclass(frozen=True)
class AgentColumn:
    """One agent on a family: its cells by task, and the steps and seeds that they have in common."""

    name: str
    cells: Mapping[str, Cell]
    steps: str
    seeds: str

    @classmethod
    def of(cls, name: str, cells: Mapping[str, Cell]) -> AgentColumn:
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
        rest = [cell.beside, ", ".join(filter(None, own))]
        comma = f"{',' if line_end == ' ' else ''}{line_end}"
        plain = comma.join(filter(None, (line_end.join(filter(None, (cell.number, rest[0]))), rest[1])))
        if not isinstance(cell.number, Marked):
            return plain
        return Marked.of(plain, shown(cell.number, {}) + plain.removeprefix(cell.number))


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
        [without_empty_rows(part, fixed) for part in split(form(title, keys, columns, line_end), fixed)]
        for form, fixed in ((tasks_as_rows, 1), (agents_as_rows, 3))
        for line_end in (" ", BREAK)
    ]
    return min(forms, key=lambda parts: (len(parts), max(map(missing_pixels, parts))))


def without_empty_rows(table: TextTable, fixed: int) -> TextTable:
    """A part of a table without the rows of which it shows nothing but the fixed columns."""
    rows = tuple(row for row in table.rows if set(row[fixed:]) != {DASH})
    return TextTable(table.title, table.columns, rows or table.rows)


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
    steps = f"{column.steps} steps" if column.steps else ""
    return BREAK.join(filter(None, (*lines, steps, column.seeds)))


def agents_as_rows(title: str, keys: Sequence[str], columns: Sequence[AgentColumn], line_end: str) -> TextTable:
    """A row per agent, a column per task; steps and seeds in columns of their own."""
    rows = tuple(
        (column.name, column.steps or DASH, column.number or DASH, *(column.text(key, line_end) for key in keys))
        for column in columns
    )
    return TextTable(title, ("agent", "steps", "seeds", *keys), rows)


def agents(suite: Sequence[Task], rankings: Rankings) -> list[AgentColumn]:
    """Every agent of a family: random, ours and published ones by budget, the opponents, the reference.

    The reference is left out where every task's is a published score, our own, or the highest return there is.
    """
    seen = [
        own_reference(task) or task.reference == task.max_return or published_reference(task, rankings)
        for task in suite
    ]
    return [
        *ends_of_scale(suite, rankings, "random"),
        *agent_columns(suite, rankings),
        *opponents(suite),
        *([] if all(seen) else ends_of_scale(suite, rankings, "reference")),
    ]


def agent_columns(suite: Sequence[Task], rankings: Rankings) -> list[AgentColumn]:
    """The agents that are compared, ours and published, by budget, then by mean score from the highest, then by steps.

    Others publish one agent at several steps, each a column of its own; what differs in ours is said in the cells. A
    published agent that is compared on one task is shown on all.
    """
    cells: dict[tuple[str, str], dict[str, tuple[Task, Contender]]] = {}
    shown = set()
    for task in suite:
        found = contenders(task, rankings)
        shown |= {name_and_steps(entry) for entry in compared(found)}
        for entry in found:
            cells.setdefault(name_and_steps(entry), {})[task.key] = (task, entry)

    def place(of: Mapping[str, tuple[Task, Contender]]) -> tuple[float, float, tuple[float, str]]:
        scores = [task.score(as_shown(entry.of, task)) for task, entry in of.values()]
        budget = max(order(entry.budget) for _, entry in of.values())
        return budget, -round(sum(scores) / len(scores), 9), max(fewest_first(entry) for _, entry in of.values())

    return [
        AgentColumn.of(name, {key: cell(task, entry) for key, (task, entry) in of.items()})
        for (name, steps), of in sorted(cells.items(), key=lambda each: (place(each[1]), each[0]))
        if (name, steps) in shown
    ]


def left_out(suite: Sequence[Task], rankings: Rankings) -> int:
    """How many published agents of a family its matrix does not show."""
    shown = {(column.name, column.steps) for column in agent_columns(suite, rankings)}
    published = (e for task in suite for e in contenders(task, rankings) if isinstance(e.of, ReferenceLine))
    return len({name_and_steps(entry) for entry in published} - shown)


def name_and_steps(entry: Contender) -> tuple[str, str]:
    """What makes a column of its own: the agent, and of a published one the steps at which it was measured."""
    return entry.name, "" if isinstance(entry.of, TaskRow) else published_steps(entry.of)


def ends_of_scale(suite: Sequence[Task], rankings: Rankings, kind: str) -> list[AgentColumn]:
    """The line of one end of the tasks' scales; none for games, whose scale is that of their opponents' ratings."""
    cells: dict[str, dict[str, Cell]] = {}
    for task in (task for task in suite if not task.is_game):
        for line in rankings.lines[task.key]:
            if line.kind == kind:
                number = Cell(decimal(line.mean_return, digits_of(task)))
                cells.setdefault(line_label(line), {})[task.key] = number
    return [AgentColumn.of(name, of) for name, of in cells.items()]


def opponents(suite: Sequence[Task]) -> list[AgentColumn]:
    """The opponents of tasks that are games, with their Elo ratings; where these are unsettled, the scale's 0 alone."""
    cells: dict[str, dict[str, Cell]] = {}
    for task in (task for task in suite if task.is_game):
        for name, rating in zip(opponents_of(task), task.ratings or (0,), strict=bool(task.ratings)):
            cells.setdefault(name, {})[task.key] = Cell(decimal(rating, 0))
    return [AgentColumn.of(name, of) for name, of in cells.items()]


def published_reference(task: Task, rankings: Rankings) -> ReferenceLine | None:
    """The published score that is the reference of a task; None if none is, or several agree with it by chance."""
    same = [line for line in rankings.lines[task.key] if (line.kind, line.mean_return) == ("published", task.reference)]
    return same[0] if len(same) == 1 else None


def published_steps(line: ReferenceLine) -> str:
    """Training steps of a published agent; empty where they are not published."""
    return budget(line.training_steps) if line.training_steps else ""


def cell(task: Task, entry: Contender) -> Cell:
    """Mean and interval of an agent, of two seeds both means; for games Elo rating and interval. Best ones are bold."""
    digits, of = digits_of(task), entry.of
    if isinstance(of, ReferenceLine):
        number, _, deviation = with_deviation(of, digits).partition(" ")
        made = Cell(number, deviation, published_steps(of), counted_seeds(of.seeds) if of.seeds else "")
    else:
        seeds = counted_seeds(str(of.training_seeds)) if of.training_seeds else "not trained"
        made = Cell(*our_number(of, digits), steps_of(of) if of.training_steps else "", seeds)
    return Cell(strong(made.number), made.beside, made.steps, made.seeds) if entry.best else made


def our_number(row: TaskRow, digits: int) -> tuple[str, str]:
    """The number of an agent of ours, and its interval; of two seeds both means."""
    if row.elo_low is not None or row.elo_high is not None:
        return elo(row), elo_interval(row)
    mean = decimal(row.mean_return, digits)
    if row.return_low is not None:
        return mean, interval(row.return_low, row.return_high, digits)
    return mean, f"({both_seeds(row, digits)})" if row.training_seeds == 2 else ""


def counted_seeds(n: str) -> str:
    """`1 seed`, `3 seeds`, `5–10 seeds`."""
    return f"{n} seed" if n == "1" else f"{n} seeds"


def common(values: Iterable[str]) -> str:
    """What all values are; empty where they differ."""
    found = set(values)
    return found.pop() if len(found) == 1 else ""
