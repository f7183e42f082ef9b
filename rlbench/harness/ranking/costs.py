"""What training costs: the learning curves that are kept beside the results, with seconds and device."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from posixpath import dirname
from statistics import median

from rlbench.harness.ranking.markdown import escape, link
from rlbench.harness.ranking.rankings import Rankings, TaskRow
from rlbench.harness.ranking.tables import TextTable, budget, decimal, label
from rlbench.harness.tasks.task import Task


@dataclass(frozen=True)
class CurveLink:
    """The learning curve of a training run: where its file is, from the page, and what the run cost."""

    task: str
    agent: str
    seed: int
    path: str
    seconds: float
    device: str


@dataclass(frozen=True)
class Costs:
    """What is known of the cost of the trained agents: a row for each that has curves, and the names of the others."""

    table: TextTable | None
    links: Mapping[str, str]  # folders of curves, by the text of their cell
    recorded: int  # agents on tasks that have curves
    trained: int  # agents on tasks
    missing: str  # those without curves, by agent; empty where all have some


def costs(tasks: Sequence[Task], rankings: Rankings, curves: Sequence[CurveLink]) -> Costs:
    """Gather what is known of the cost of every trained agent on the page.

    Args:
        tasks: In the order of the page.
        rankings: Of everybody.
        curves: The kept learning curves.
    """
    trained = [row for task in tasks for row in rankings.tasks.get(task.key, ()) if row.training_seeds]
    of_row = {row: [curve for curve in curves if (curve.task, curve.agent) == (row.task, row.agent)] for row in trained}
    recorded = [row for row in trained if of_row[row]]
    missing: dict[str, list[str]] = {}
    for row in trained:
        if not of_row[row]:
            missing.setdefault(label(row), []).append(row.task)
    folders = {dirname(curve.path) for curve in curves}
    columns = ("task", "agent", "steps", "seconds", "device", "learning curves")
    cells = tuple(cost(row, of_row[row]) for row in recorded)
    return Costs(
        TextTable("Cost", columns, cells) if cells else None,
        {folder: folder for folder in folders},
        len(recorded),
        len(trained),
        "; ".join(f"{escape(agent)} on {', '.join(keys)}" for agent, keys in missing.items()),
    )


def cost(row: TaskRow, curves: Sequence[CurveLink]) -> tuple[str, ...]:
    """The cells of an agent: median steps, median seconds and their range, devices, the folder of the curves."""
    steps = budget(row.training_steps) if row.training_steps else ""
    return (row.task, label(row), steps, seconds(curves), devices(curves), dirname(curves[0].path))


def seconds(curves: Sequence[CurveLink]) -> str:
    """Median seconds of training runs, with the shortest and the longest where they differ."""
    times = [curve.seconds for curve in curves]
    digits = 0 if median(times) >= 100 else 1
    low, middle, high = (decimal(value, digits) for value in (min(times), median(times), max(times)))
    return middle if low == high else f"{middle} ({low}–{high})"


def devices(curves: Sequence[CurveLink]) -> str:
    """The devices of training runs."""
    return ", ".join(sorted({curve.device for curve in curves} - {""})) or "unknown"


def curve_links(curves: Sequence[CurveLink]) -> list[str]:
    """A line per agent of a task: its learning curves by seed, and what a run took; empty where none is kept."""
    agents = {agent: [c for c in curves if c.agent == agent] for agent in dict.fromkeys(c.agent for c in curves)}
    return [
        f"{escape(agent)}: seed {' '.join(link(str(curve.seed), curve.path) for curve in of_agent)}; "
        f"{seconds(of_agent)} s on {escape(devices(of_agent))}"
        for agent, of_agent in agents.items()
    ]
