"""Examples that answer readers' questions at the top of the page, from the results of the tasks most asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rlbench.harness.ranking.cells import PUBLISHED, budget, decimal, digits_of, interval, label, with_deviation
from rlbench.harness.ranking.certainty import AgentOrder, interval_of, is_safe, order_of_two
from rlbench.harness.ranking.contenders import Contender, as_shown, contenders
from rlbench.harness.ranking.costs import (
    Commands,
    CurveLink,
    curves_of,
    of_all_seeds,
    times,
    without_curve,
)
from rlbench.harness.ranking.matrix import counted_seeds, our_number, published_reference
from rlbench.harness.ranking.reference_lines import ReferenceLine
from rlbench.harness.ranking.rows import Budget, Rankings, TaskRow
from rlbench.harness.tasks.task import Task

ASKED_FOR = ("half-cheetah-gymnasium@1", "pong@1")
"""The tasks that examples are taken from where they can be, the most asked for first."""

MAX_SEEDS_SHOWN = 5


@dataclass(frozen=True)
class Reach:
    """What an algorithm reaches on a task: here, and as others have published it for the same budget."""

    task: Task
    row: TaskRow
    algorithm: str
    steps: str  # the budget; empty where it has no bound
    here: str  # mean return and its interval
    each_seed: str  # their means, where an interval stands for several
    published: tuple[str, ...]  # the highest mean return and what counts as solved, and who published them
    twins: tuple[str, ...]  # what other tasks of the same environment pay, and what the agent reaches there
    interval: str  # of ours; the mean where it has none
    against: str  # the highest published mean and what is known of its spread
    sure: bool  # whether the order of these two is safe


@dataclass(frozen=True)
class Best:
    """The highest mean of two or more within a budget of a task."""

    task: Task
    budget: str
    agent: str
    number: str  # with the published deviation
    ours: str  # where that is published: the best that was scored here within the budget; else empty
    sure: AgentOrder  # with the next best of the budget


@dataclass(frozen=True)
class Remake:
    """What training an agent on a task took, and how it is done again."""

    task: Task
    agent: str
    seeds: int
    time: str  # of a seed; empty where it is not recorded
    total: str  # of all seeds
    without: str  # the seeds that have no time and no curve; empty where all have them
    curves: str  # how many seeds have a curve, where not all do
    command: str


def reach(tasks: Sequence[Task], rankings: Rankings) -> Reach | None:
    """The agent of ours of whose algorithm most scores are published on its task and budget; None where none are."""
    found = [
        (task, row, lines)
        for task in asked_for_first(tasks)
        for row in rankings.tasks[task.key]
        if (lines := published_of(task, row, rankings)) and not task.is_game
    ]
    if not found:
        return None
    task, row, lines = max(found, key=lambda each: (each[0].key == ASKED_FOR[0], len(each[2])))
    return Reach(
        task,
        row,
        lines[0].agent.partition(" (")[0],
        budget(row.budget) if row.budget else "",
        " ".join(filter(None, our_number(row, digits_of(task)))),
        each_seed(row, task),
        tuple(with_source(line, task, rankings) for line in told(lines, task, rankings)),
        twins(task, row, tasks, rankings),
        interval(row.return_low, row.return_high, digits_of(task))
        if row.return_low is not None and row.return_high is not None
        else "(no interval)",
        against(lines[0], task),
        is_safe(row, lines[0]),
    )


def told(lines: Sequence[ReferenceLine], task: Task, rankings: Rankings) -> list[ReferenceLine]:
    """Of the published scores of an algorithm, the highest first, that one and what counts as solved, else the next."""
    solves = published_reference(task, rankings)
    return [lines[0], *(line for line in lines[1:] if line == solves or solves not in lines[1:])][:2]


def against(line: ReferenceLine, task: Task) -> str:
    """A published mean and its interval: `1,443 [1,329, 1,557]`, `3,516, which has no interval`."""
    known, digits = interval_of(line), digits_of(task)
    spread = f" {interval(known.low, known.high, digits)}" if known else ", which has no interval"
    return decimal(line.mean_return, digits) + spread


def each_seed(row: TaskRow, task: Task) -> str:
    """`6,558, 3,590 and 4,284`, where the mean has an interval and the seeds are few enough to be told."""
    if row.return_low is None or len(row.seed_means) > MAX_SEEDS_SHOWN:
        return ""
    *others, last = (decimal(mean, digits_of(task)) for mean in row.seed_means)
    return f"{', '.join(others)} and {last}"


def twins(task: Task, row: TaskRow, tasks: Sequence[Task], rankings: Rankings) -> tuple[str, ...]:
    """The other tasks of the same environment, each with what the same agent reaches there, if it was scored."""
    found = []
    for other in (other for other in tasks if other.env_id == task.env_id and other.key != task.key):
        same = next((each for each in rankings.tasks[other.key] if each.agent == row.agent), None)
        if same and same.training_seeds:
            reached = decimal(same.mean_return, digits_of(other))
            seeds = counted_seeds(str(same.training_seeds))
            found.append(f"{other.key} has another reward: {reached} there ({seeds})")
        else:
            found.append(f"{other.key} has another reward")
    return tuple(found)


def published_of(task: Task, row: TaskRow, rankings: Rankings) -> list[ReferenceLine]:
    """The published scores of the algorithm by which an agent of ours is named, for its budget; the highest first."""
    lines = (entry.of for entry in contenders(task, rankings) if entry.budget == row.budget)
    return [
        line for line in lines if isinstance(line, ReferenceLine) and line.agent.partition(" (")[0].lower() == row.agent
    ]


def with_source(line: ReferenceLine, task: Task, rankings: Rankings) -> str:
    """A published mean, who published it, and whether it is what counts as solved: `1,443 (CleanRL †)`."""
    _, bracket, name = line.agent.partition(" (")
    repositories = (source.partition("@")[0].rpartition("/")[2] for source in line.source.split("; "))
    who = name.rstrip(")") if bracket else ", ".join(repositories)
    solves = line == published_reference(task, rankings) and task.threshold == task.reference
    rest = "; a seed that reaches it has solved the task" if solves else ""
    return f"{decimal(line.mean_return, digits_of(task))} ({who} {PUBLISHED}{rest})"


def best(tasks: Sequence[Task], rankings: Rankings) -> Best | None:
    """The best agent of the smallest budget that has one; with a published deviation, where there is such a task."""
    found = []
    for task in asked_for_first(tasks):
        pair = best_two(task, rankings)
        if pair is None:
            continue
        first, of, digits = pair[0], pair[0].of, digits_of(task)
        number = decimal(of.mean_return, digits) if isinstance(of, TaskRow) else with_deviation(of, digits)
        sure = order_of_two(task, of, pair[1].of)
        ours = "" if isinstance(of, TaskRow) else best_of_ours(task, first.budget, rankings)
        found.append(Best(task, budget(first.budget), first.name, number, ours, sure))
    return max(found, key=lambda each: ("±" in each.number, each.task.key == ASKED_FOR[1]), default=None)


def best_of_ours(task: Task, within: Budget, rankings: Rankings) -> str:
    """The highest mean that was scored here within a budget, with its agent; empty where none was."""
    rows = [row for row in rankings.tasks[task.key] if row.budget == within and row.training_seeds]
    top = max(rows, key=lambda row: row.mean_return, default=None)
    return f"{label(top)}, {decimal(top.mean_return, digits_of(task))}" if top else ""


def best_two(task: Task, rankings: Rankings) -> tuple[Contender, Contender] | None:
    """The best of the smallest budget that has one, and the next of a lower mean; where all tie, any other."""
    entries = contenders(task, rankings)
    first = next((each for each in entries if each.best and each.budget), None)
    if first is None:
        return None
    others = [each for each in entries if each.budget == first.budget and each is not first]
    return first, next((each for each in others if as_shown(each.of, task) < as_shown(first.of, task)), others[0])


def remake(
    tasks: Sequence[Task],
    rankings: Rankings,
    curves: Sequence[CurveLink],
    commands: Commands,
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
        Remake(
            task,
            label(row),
            row.training_seeds,
            times(mine) if (mine := curves_of(row, curves)) else "",
            of_all_seeds(row, mine) if mine else "",
            without_curve(row, mine),
            f"{len(mine)} of {counted_seeds(str(row.training_seeds))}" if len(mine) < row.training_seeds else "",
            *lines,
        )
        for task, row in sorted(rows, key=lambda each: each[1] is not like)
        if len(lines := commands.get((row.agent, row.task), ())) == 1 and row.training_seeds
    ]
    return max(found, key=lambda each: bool(each.time), default=None)


def asked_for_first(tasks: Sequence[Task]) -> list[Task]:
    """The tasks, those most asked for first."""
    return sorted(tasks, key=lambda task: ASKED_FOR.index(task.key) if task.key in ASKED_FOR else len(ASKED_FOR))
