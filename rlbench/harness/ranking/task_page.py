"""The page of a task: its agents by budget, one row with all there is of each; curves, commands, sources."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rlbench import environments
from rlbench.harness.ranking.cells import (
    ALONE,
    DASH,
    budget,
    decimal,
    digits_of,
    elo_interval,
    integer,
    interval,
    line_label,
    of_all,
    rank_of,
    rivals_of,
    solved,
    steps_of,
    with_deviation,
)
from rlbench.harness.ranking.cells import elo as elo_of
from rlbench.harness.ranking.contenders import Contender, contenders
from rlbench.harness.ranking.costs import Commands, CurveLink, curve_cell, curve_files, curves_of, time_of, times
from rlbench.harness.ranking.families import sources, words_of
from rlbench.harness.ranking.markdown import BREAK, lines_of, pick, strong
from rlbench.harness.ranking.matrix import published_reference, published_steps
from rlbench.harness.ranking.reference_lines import ReferenceLine, own_reference
from rlbench.harness.ranking.rows import Budget, Rankings, TaskRow
from rlbench.harness.ranking.tables import CONTESTED, TextTable, games_table, proof_table, runs_table
from rlbench.harness.tasks.suite import catalogue
from rlbench.harness.tasks.task import Task

TIME = "time a seed"
"""The column of the time that training one seed took."""

CURVE = "curve"
"""The column of the learning curve."""

OPTIONAL = ("rank", "solved", "each seed", "failed", TIME, CURVE)
"""Columns that a table goes without where they hold nothing."""

FEW = 3
"""Seeds up to which the mean of each is shown; beyond, the lowest and the highest."""


def task_section(task: Task, rankings: Rankings, curves: Sequence[CurveLink], commands: Commands) -> dict[str, Any]:
    """What the page of a task shows.

    Args:
        task: The task.
        rankings: Of everybody.
        curves: The kept learning curves, their paths as seen from this page.
        commands: What trains and scores an agent on a task again, by their names; none for agents of others.
    """
    mine = [curve for curve in curves if curve.task == task.key]
    published = published_reference(task, rankings)
    known = catalogue()
    words = words_of(known.family.get(task.key, ""))
    return {
        "task": task,
        "kwargs": task.kwargs(range(task.episodes)),
        "digits": digits_of(task),
        "family": words.title,
        "acts": words.acts,
        "about_curves": words.curves,
        "twins": twins(task),
        "own_reference": own_reference(task),
        "own_environment": environments.is_own(task.env_id),
        "reference": line_label(published) if published else "",
        "tables": budget_tables(task, rankings, mine),
        "budgets": [budget(steps) for steps in known.budgets(task.key)],
        "runs": runs_table(task.key, rankings.runs[task.key]) if task.key in rankings.runs else None,
        "games": games_table(task.key, rankings.games[task.key]) if task.key in rankings.games else None,
        "proofs": without_empty(proof_table(task.key, rankings.proofs[task.key]), CONTESTED),
        "sources": sources(rankings.lines[task.key]),
        "curves": curve_files(mine, rankings.tasks[task.key]),
        "commands": again(rankings.tasks[task.key], mine, commands),
    }


def twins(task: Task) -> list[str]:
    """The keys of the other tasks on the same environment; of one of rlbench's own those of rlbench alone."""
    known = catalogue()
    seen = (other for key, other in known.tasks.items() if task.key in known.sources or key not in known.sources)
    return [other.key for other in seen if other.env_id == task.env_id and other.key != task.key]


def budget_tables(task: Task, rankings: Rankings, curves: Sequence[CurveLink]) -> list[dict[str, Any]]:
    """A heading and a table per budget of training steps, the smallest first."""
    found = contenders(task, rankings)
    rivals = rivals_of(rankings.tasks[task.key])
    tables = []
    lower = lower_budgets(task)
    for of in dict.fromkeys(entry.budget for entry in found):
        rows = tuple(cells(entry, task, curves, rivals) for entry in found if entry.budget == of)
        table = TextTable(task.key, columns(task), rows)
        for name in OPTIONAL:
            table = without_empty(table, name)
        tables.append({"title": within(of, lower[of]), "table": table})
    return tables


def within(of: Budget, lower: Budget) -> str:
    """The heading of a budget, which says from where on the one below it has the agents."""
    if of is None:
        return f"More than {budget(lower)} training steps" if lower else "Any number of training steps"
    return (
        f"More than {budget(lower)}, up to {budget(of)} training steps"
        if lower
        else f"Up to {budget(of)} training steps"
    )


def lower_budgets(task: Task) -> dict[Budget, Budget]:
    """The next smaller budget of a task's family to each; none to the smallest."""
    budgets = catalogue().budgets(task.key)
    return dict(zip((*budgets, None), (None, *budgets), strict=True))


def columns(task: Task) -> tuple[str, ...]:
    """The columns of a task's tables."""
    mean = lines_of("mean return", "95 % interval")
    elo = ("Elo",) if task.ratings else ()
    return ("rank", "agent", mean, *elo, "seeds", "solved", "each seed", "failed", "steps", TIME, CURVE)


def cells(entry: Contender, task: Task, curves: Sequence[CurveLink], rivals: Mapping[Budget, int]) -> tuple[str, ...]:
    """All there is of an agent on a task."""
    of, digits = entry.of, digits_of(task)
    if isinstance(of, ReferenceLine):
        number, _, deviation = with_deviation(of, digits).partition(" ")
        mean = lines_of(*filter(None, (strong(number) if entry.best else number, deviation)))
        steps = published_steps(of) or DASH
        elo = (DASH,) if task.ratings else ()
        return (DASH, entry.name, mean, *elo, of.seeds or DASH, DASH, DASH, DASH, steps, DASH, DASH)
    number, mine = decimal(of.mean_return, digits), curves_of(of, curves)
    return (
        in_place(of, rivals),
        entry.name,
        lines_of(strong(number) if entry.best else number, *interval_or_words(of, digits)),
        *((lines_of(elo_of(of), elo_interval(of).replace(": ", f":{BREAK}")),) if task.ratings else ()),
        integer(of.training_seeds) if of.training_seeds else "not trained",
        DASH if task.is_game else solved(of),
        each_seed(of, digits),
        of_all(of.failed_episodes, of.episodes),
        in_two_lines(steps_of(of)),
        time_of(of, mine),
        curve_cell(of, mine, "#learning-curves"),
    )


def in_place(row: TaskRow, rivals: Mapping[Budget, int]) -> str:
    """The rank of an agent; of the only one that was scored here within its budget, these words."""
    rank = rank_of(row, rivals)
    return lines_of(rank, "scored here") if rank == ALONE else rank


def in_two_lines(text: str) -> str:
    """A number, and its range in parentheses below it."""
    number, bracket, rest = text.partition(" (")
    return lines_of(number, f"({rest}") if bracket else text


def interval_or_words(row: TaskRow, digits: int) -> list[str]:
    """The interval of a mean; of a single run that of its episodes, by that name; of two seeds that there is none."""
    if row.return_low is not None:
        return [interval(row.return_low, row.return_high, digits)]
    spread = [interval(row.episodes_low, row.episodes_high, digits)] if row.episodes_low is not None else []
    return ["no interval", *(["its episodes:"] if spread else []), *spread]


def each_seed(row: TaskRow, digits: int) -> str:
    """The mean return of each training seed; of many, the lowest and the highest."""
    if row.training_seeds <= 1:
        return DASH
    if row.training_seeds <= FEW:
        return lines_of(*(decimal(mean, digits) for mean in row.seed_means))
    low, high = decimal(row.worst_seed, digits), decimal(row.best_seed, digits)
    return low if low == high else lines_of(low, f"to {high}")


def without_empty(table: TextTable, name: str) -> TextTable:
    """A table without the column of this name where it holds nothing but zeros and dashes."""
    if name not in table.columns:
        return table
    j = table.columns.index(name)
    empty = {row[j] for row in table.rows} <= {"0", DASH}
    return pick(table, [i for i in range(len(table.columns)) if i != j]) if empty else table


def again(rows: Sequence[TaskRow], curves: Sequence[CurveLink], commands: Commands) -> list[dict[str, str]]:
    """The commands that train and score the reference agents of a task again, each with what its runs took."""
    found = []
    for row in rows:
        lines, mine = commands.get((row.agent, row.task), ()), curves_of(row, curves)
        unknown = "not timed" if row.training_seeds else "no training"
        notes = [f"{times(mine)} a seed" if mine else unknown, *("score it" for _ in lines[1:])]
        found += [{"command": line, "note": note} for line, note in zip(lines, notes, strict=False)]
    return found
