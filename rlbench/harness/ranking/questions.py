"""Examples that answer readers' questions at the top of the page, from the results of the tasks most asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rlbench.harness.ranking.contenders import contenders
from rlbench.harness.ranking.costs import CurveLink, curves_of, times
from rlbench.harness.ranking.matrix import our_number
from rlbench.harness.ranking.rankings import Rankings, TaskRow
from rlbench.harness.ranking.reference_lines import ReferenceLine
from rlbench.harness.ranking.tables import budget, decimal, digits_of, label, with_deviation
from rlbench.harness.tasks.task import Task

ASKED_FOR = ("half-cheetah-gymnasium@1", "pong@1")
"""The tasks that examples are taken from where they can be, the most asked for first."""


@dataclass(frozen=True)
class Reach:
    """What an algorithm reaches on a task: here, and as others have published it for the same budget."""

    task: Task
    row: TaskRow
    algorithm: str
    here: str  # mean return
    interval: str  # empty where seeds are missing
    published: tuple[str, ...]  # mean returns, the highest first
    twins: tuple[str, ...]  # tasks of the same environment on the page


@dataclass(frozen=True)
class Best:
    """The highest mean of two or more within a budget of a task."""

    task: Task
    budget: str
    agent: str
    number: str  # with the published deviation
    deviation: str  # that, alone; empty where there is none


@dataclass(frozen=True)
class Remake:
    """What training an agent on a task took, and how it is done again."""

    task: Task
    agent: str
    time: str  # of a seed; empty where it is not recorded
    seeds: int
    command: str


def reach(tasks: Sequence[Task], rankings: Rankings) -> Reach | None:
    """The agent of ours of whose algorithm most scores are published on its task and budget; None where none are."""
    found = [
        Reach(
            task,
            row,
            lines[0].agent.partition(" (")[0],
            *our_number(row, digits_of(task)),
            numbers(task, lines),
            twins(task, tasks),
        )
        for task in asked_for_first(tasks)
        for row in rankings.tasks[task.key]
        if (lines := published_of(task, row, rankings)) and not task.is_game
    ]
    return max(found, key=lambda each: (each.task.key == ASKED_FOR[0], len(each.published)), default=None)


def twins(task: Task, tasks: Sequence[Task]) -> tuple[str, ...]:
    """The other tasks of the same environment."""
    return tuple(other.key for other in tasks if other.env_id == task.env_id and other.key != task.key)


def published_of(task: Task, row: TaskRow, rankings: Rankings) -> list[ReferenceLine]:
    """The published scores of the algorithm by which an agent of ours is named, for its budget; the highest first."""
    lines = (entry.of for entry in contenders(task, rankings) if entry.budget == row.budget)
    return [
        line for line in lines if isinstance(line, ReferenceLine) and line.agent.partition(" (")[0].lower() == row.agent
    ]


def numbers(task: Task, lines: Sequence[ReferenceLine]) -> tuple[str, ...]:
    """The mean returns of published scores."""
    return tuple(decimal(line.mean_return, digits_of(task)) for line in lines)


def best(tasks: Sequence[Task], rankings: Rankings) -> Best | None:
    """The best agent of the smallest budget that has one; with a published deviation, where there is such a task."""
    found = []
    for task in asked_for_first(tasks):
        first = next((each for each in contenders(task, rankings) if each.best and each.budget), None)
        if first is None:
            continue
        of, digits = first.of, digits_of(task)
        number = decimal(of.mean_return, digits) if isinstance(of, TaskRow) else with_deviation(of, digits)
        found.append(Best(task, budget(first.budget), first.name, number, number.partition("± ")[2]))
    return max(found, key=lambda each: (bool(each.deviation), each.task.key == ASKED_FOR[1]), default=None)


def remake(
    tasks: Sequence[Task],
    rankings: Rankings,
    curves: Sequence[CurveLink],
    commands: Mapping[tuple[str, str], str],
    like: TaskRow | None,
) -> Remake | None:
    """How an agent is trained again, the one of another example if it can be; None where none can.

    Args:
        tasks: The tasks on the page.
        rankings: Of everybody.
        curves: The kept learning curves.
        commands: What trains and scores an agent on a task again, by their names.
        like: The agent of the other example.
    """
    rows = [(task, row) for task in asked_for_first(tasks) for row in rankings.tasks[task.key]]
    found = [
        Remake(task, label(row), times(mine) if (mine := curves_of(row, curves)) else "", row.training_seeds, command)
        for task, row in sorted(rows, key=lambda each: each[1] is not like)
        if (command := commands.get((row.agent, row.task), "")) and row.training_seeds
    ]
    return max(found, key=lambda each: bool(each.time), default=None)


def asked_for_first(tasks: Sequence[Task]) -> list[Task]:
    """The tasks, those most asked for first."""
    return sorted(tasks, key=lambda task: ASKED_FOR.index(task.key) if task.key in ASKED_FOR else len(ASKED_FOR))
