"""What training costs: the learning curves that are kept beside the results, with seconds and device."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any, TypeAlias

from rlbench.errors import counted
from rlbench.harness.ranking.cells import DASH, budget, decimal, label
from rlbench.harness.ranking.markdown import Marked, code, escape, lines_of, link
from rlbench.harness.ranking.rankings import BUDGET_TOLERANCE
from rlbench.harness.ranking.rows import Rankings, TaskRow
from rlbench.harness.ranking.tables import TextTable
from rlbench.harness.tasks.suite import catalogue

Commands: TypeAlias = Mapping[tuple[str, str], tuple[str, ...]]
"""(agent, task) -> the command, or the commands in order, that train the agent and score it again."""

UNITS = (("s", 1.0), ("min", 60.0), ("h", 3600.0))
"""Units of time with their seconds; from 100 of a unit on, the next one is used."""


@dataclass(frozen=True)
class CurveLink:
    """The learning curve of a training run: where its file is, from the page, and what the run cost."""

    task: str
    agent: str
    seed: int
    path: str
    steps: int  # at its end, without those in which an environment was only reset
    seconds: float
    device: str


@dataclass(frozen=True)
class CostRow:
    """What training one agent on one task took: seconds of wall clock of a training run, without validation."""

    task: str
    agent: str
    version: str
    training_seeds: int
    recorded: int  # training runs whose time is known
    seconds: float  # median over these
    seconds_low: float
    seconds_high: float
    device: str


@dataclass(frozen=True)
class FamilyCosts:
    """What is known of the cost of the trained agents of a family."""

    title: str
    command: str  # trains all agents of its plan; empty where its tasks are of others, for which there is none
    time: str  # how many training runs these are, and what the recorded ones of them took
    table: TextTable  # a row for each agent on a task


@dataclass(frozen=True)
class Costs:
    """What is known of the cost of all trained agents."""

    families: tuple[FamilyCosts, ...]
    devices: str
    recorded: int  # training runs that have a curve
    trained: int  # training runs


def costs(
    families: Sequence[Mapping[str, Any]],
    rankings: Rankings,
    curves: Sequence[CurveLink],
    pages: Mapping[str, str],
    commands: Commands,
    runs: Mapping[str, int],
) -> Costs:
    """Gather what is known of the cost of every trained agent on the page.

    Args:
        families: Name, title and tasks of each, in the order of the page.
        rankings: Of everybody.
        curves: The kept learning curves.
        pages: Where the page of each task is, by its key.
        commands: What trains and scores an agent on a task again, by their names.
        runs: How many training runs the plan of a family has, by its name.
    """
    found = []
    for family in families:
        trained = [row for key in family["tasks"] for row in rankings.tasks.get(key, ()) if row.training_seeds]
        agents = list(dict.fromkeys(row.agent for row in trained))
        rows = sorted(trained, key=lambda row: agents.index(row.agent))
        cells = tuple(cost(row, curves_of(row, curves), pages, commands) for row in rows)
        if cells:
            table = TextTable("Cost", ("agent", "task", "time a seed", "curve", "command"), cells)
            known = together(rows, curves, runs.get(family["name"], 0))
            command = "" if catalogue().sources.keys() & set(family["tasks"]) else f"rlbench run {family['name']}"
            found.append(FamilyCosts(family["title"], command, known, table))
    everything = [row for of in rankings.tasks.values() for row in of if row.training_seeds]
    recorded = [curve for row in everything for curve in curves_of(row, curves)]
    return Costs(tuple(found), devices(recorded), len(recorded), sum(row.training_seeds for row in everything))


def cost_rows(rankings: Rankings, curves: Sequence[CurveLink]) -> list[CostRow]:
    """A row for each agent on a task of whose training runs one has a curve."""
    rows = [row for of_task in rankings.tasks.values() for row in of_task]
    found = []
    for row in rows:
        seconds = [curve.seconds for curve in curves_of(row, curves)]
        if seconds:
            known = (median(seconds), min(seconds), max(seconds), devices(curves_of(row, curves)))
            found.append(CostRow(row.task, row.agent, row.version, row.training_seeds, len(seconds), *known))
    return found


def cost_table(rows: Sequence[CostRow]) -> TextTable:
    """Columns and cells that are shown of what training took."""
    cells = [
        (row.task, label(row), f"{row.recorded} of {row.training_seeds}", duration(row.seconds), row.device)
        for row in rows
    ]
    return TextTable("Time of training", ("task", "agent", "seeds", "time per seed", "device"), tuple(cells))


def curves_of(row: TaskRow, curves: Sequence[CurveLink]) -> list[CurveLink]:
    """The curves of the training runs of an agent on a task."""
    return [curve for curve in curves if (curve.task, curve.agent) == (row.task, row.agent)]


def cost(row: TaskRow, curves: Sequence[CurveLink], pages: Mapping[str, str], commands: Commands) -> tuple[str, ...]:
    """The cells of an agent on a task: the time of a seed, its learning curve, the command that trains it again."""
    page, lines = pages.get(row.task, ""), commands.get((row.agent, row.task), ())
    return (
        label(row),
        Marked.of(row.task, link(row.task, page)) if page else row.task,
        time_of(row, curves),
        curve_cell(row, curves, f"{page}#learning-curves"),
        lines_of(*(Marked.of(line, code(line)) for line in lines)) if lines else DASH,
    )


def time_of(row: TaskRow, curves: Sequence[CurveLink]) -> str:
    """The median time of an agent's training runs on a task, with its unit; in words where it is not known."""
    if curves:
        return duration(median(curve.seconds for curve in curves))
    return "not recorded" if row.training_seeds else DASH


def curve_cell(row: TaskRow, curves: Sequence[CurveLink], target: str) -> str:
    """A link to the learning curves of an agent on a task, and of how many of its seeds they are, where not of all."""
    if not curves:
        return "no curve" if row.training_seeds else DASH
    some = f" ({len(curves)} of {row.training_seeds} seeds)" if len(curves) < row.training_seeds else ""
    return Marked.of(f"curve{some}", f"{link('curve', target)}{some}")


def times(curves: Sequence[CurveLink]) -> str:
    """Median time of training runs, with the shortest and the longest where they differ: `4.1 min (3.7–6.8)`."""
    seconds = [curve.seconds for curve in curves]
    middle, unit = in_unit(median(seconds), median(seconds))
    low, high = (in_unit(value, median(seconds))[0] for value in (min(seconds), max(seconds)))
    return f"{middle} {unit}" if low == high else f"{middle} {unit} ({low}–{high})"


def of_all_seeds(row: TaskRow, curves: Sequence[CurveLink], threads: int = 1) -> str:
    """The time of all training runs of an agent on a task, one after the other; about, where some have no curve.

    Args:
        row: The agent.
        curves: Of its training runs, one at least; the others are taken to have lasted as long as their median.
        threads: With how many each computed, for the time of a single core.
    """
    seconds = [threads * curve.seconds for curve in curves]
    missing = max(row.training_seeds - len(curves), 0)
    return f"{'about ' if missing else ''}{duration(sum(seconds) + missing * median(seconds))}"


def without_curve(row: TaskRow, curves: Sequence[CurveLink]) -> str:
    """The training runs of an agent on a task that have no curve: `seed 2`, `seeds 0 and 2`; empty if all have one."""
    return seeds_in_words(set(row.seed_numbers) - {curve.seed for curve in curves})


def seeds_in_words(seeds: Iterable[int]) -> str:
    """Training seeds by their numbers: `seed 2`, `seeds 0 and 2`, `seeds 0, 1 and 2`; empty for none."""
    *others, last = [str(seed) for seed in sorted(seeds)] or [""]
    return f"seeds {', '.join(others)} and {last}" if others else f"seed {last}" if last else ""


def together(rows: Sequence[TaskRow], curves: Sequence[CurveLink], planned: int = 0) -> str:
    """How many training runs the agents of a plan take, and the time of those that have a curve.

    Args:
        rows: The agents.
        curves: The kept learning curves.
        planned: Training runs of the plan; 0 for as many as the agents have.
    """
    runs = planned or sum(row.training_seeds for row in rows)
    recorded = [curve for row in rows for curve in curves_of(row, curves)]
    if not recorded:
        return f"{counted(runs, 'run')}, time not recorded"
    of = "" if len(recorded) == runs else f" for {len(recorded):,} of them"
    return f"{counted(runs, 'run')}, {duration(sum(curve.seconds for curve in recorded))}{of}"


def duration(seconds: float) -> str:
    """A time in the unit that suits it: `9.5 s`, `4.1 min`, `1.7 h`."""
    return " ".join(in_unit(seconds, seconds))


def in_unit(seconds: float, like: float) -> tuple[str, str]:
    """A time in the unit that suits another one, and that unit."""
    name, size = next(((name, size) for name, size in UNITS if like < 100 * size), UNITS[-1])
    return decimal(seconds / size, 0 if like >= 9.95 * size else 1), name


def devices(curves: Sequence[CurveLink]) -> str:
    """The devices of training runs."""
    return ", ".join(sorted({curve.device for curve in curves} - {""})) or "unknown"


def curve_files(curves: Sequence[CurveLink], rows: Sequence[TaskRow] = ()) -> list[str]:
    """A line per agent of a task: its learning curves by seed, and what a run took; empty where none is kept."""
    agents = {agent: [c for c in curves if c.agent == agent] for agent in dict.fromkeys(c.agent for c in curves)}
    of = {row.agent: row for row in rows}
    return [
        f"{escape(agent)}: seed {' '.join(link(str(curve.seed), curve.path) for curve in of_agent)}; "
        f"{times(of_agent)} on {escape(devices(of_agent))}{exceptions(of[agent], of_agent) if agent in of else ''}"
        for agent, of_agent in agents.items()
    ]


def exceptions(row: TaskRow, curves: Sequence[CurveLink]) -> str:
    """What an agent's curves lack: seeds, and the steps that its records count besides; empty where it is nothing."""
    missing = without_curve(row, curves)
    lacking = f"; {missing} {'have' if ' and ' in missing else 'has'} neither time nor curve" if missing else ""
    steps, recorded = int(median(curve.steps for curve in curves)), row.training_steps or 0
    if recorded > BUDGET_TOLERANCE * steps:
        counted = f"the {budget(recorded)} of the records count resets, too"
        lacking += f"; half of the curves end by {budget(steps)} steps; {counted}"
    return lacking
