"""Learning curves: the mean validation return over training seeds, with an interval, against steps or seconds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from rlbench.charts import literal
from rlbench.commands.plotting.style import legend, looks, panels, unit
from rlbench.commands.shared.agents import learning_curves
from rlbench.drawing.shapes import GREY, INK
from rlbench.harness.ranking.agent_results import generator
from rlbench.harness.ranking.bootstrap import resample, widening
from rlbench.harness.ranking.intervals import FEWEST_SEEDS
from rlbench.harness.results import curves as kept_curves
from rlbench.harness.results.record import is_hidden
from rlbench.harness.tasks.suite import TASKS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

CURVE = "curve.jsonl"
KEPT = f"{kept_curves.FOLDER}/*/*.csv"
Axis = Literal["steps", "seconds"]
UNITS = {"steps": "environment steps", "seconds": "seconds of the training run"}
MAX_LINEAR = 12  # longest training run over shortest; beyond this the axis is logarithmic
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Curve:
    """One training run: its mean validation returns, and when they were measured."""

    task: str
    agent: str
    seed: int
    at: Floats  # [K], steps or seconds, ascending
    mean: Floats  # [K]


@dataclass(frozen=True)
class Band:
    """Several seeds of an agent at the same steps or seconds: their mean, and a 95 % interval from three seeds on."""

    at: Floats  # [X]
    mean: Floats
    low: Floats | None
    high: Floats | None
    seeds: int


def find(paths: Iterable[Path]) -> list[Path]:
    """The files of learning curves among these paths and in these folders, without hidden ones."""
    found = []
    for path in paths:
        below = [*path.rglob(CURVE), *path.rglob(KEPT)] if path.is_dir() else [path]
        shown = (curve for curve in below if curve == path or not is_hidden(curve, path))
        found += sorted(curve for curve in shown if curve.name == CURVE or curve.match(KEPT))
    return list({path.resolve(): path for path in found}.values())


def read(path: Path, axis: Axis) -> Curve | None:
    """Read the curve of a training run.

    Args:
        path: its file.
        axis: what evaluations are placed by.

    Returns:
        the curve, None before the first evaluation.

    Raises:
        UserError: the file is no learning curve.
    """
    if path.name == CURVE:
        head, *entries = learning_curves().read(path)
        whose = head["task"], head["agent"], head["seed"]
        points = [(entry[axis], entry["mean"]) for entry in entries if entry["event"] == "evaluated"]
    else:
        whose, evaluations = kept_curves.read(path)
        points = [(getattr(each, axis), each.mean_return) for each in evaluations]
    at, mean = np.array(points, dtype=float).reshape(-1, 2).T
    order = np.argsort(at, kind="stable")
    return Curve(*whose, at[order], mean[order]) if points else None


def read_all(paths: Iterable[Path], axis: Axis) -> list[Curve]:
    """The curves in these files that hold an evaluation; a copy beside results only where its training run is not."""
    found = [(path.name == CURVE, curve) for path in paths if (curve := read(path, axis))]
    there = {(curve.task, curve.agent, curve.seed) for is_original, curve in found if is_original}
    return [curve for is_original, curve in found if is_original or (curve.task, curve.agent, curve.seed) not in there]


def band(curves: Sequence[Curve]) -> Band:
    """The mean of several seeds and its interval, at every point where one of them was evaluated.

    It begins when all seeds have been evaluated. A seed's value between two evaluations is interpolated; after its
    training run it is the last one. The interval is a bootstrap over whole curves.
    """
    begin = max(curve.at[0] for curve in curves)
    at = np.unique(np.concatenate([curve.at for curve in curves]))
    at = at[at >= begin]
    Y = np.stack([np.interp(at, curve.at, curve.mean) for curve in curves])  # [seeds, X]
    mean, n = Y.mean(axis=0), len(curves)
    if n < FEWEST_SEEDS:
        return Band(at, mean, None, None, n)
    drawn = resample(np.arange(n), generator(curves[0].task, curves[0].agent)).astype(np.int64)  # [B, seeds]
    weights = np.stack([(drawn == i).mean(axis=1) for i in range(n)], axis=1)  # [B, seeds]
    replicates = mean + widening([n]) * (weights @ Y - mean)
    low, high = np.quantile(replicates, [0.025, 0.975], axis=0)
    return Band(at, mean, low, high, n)


def draw(curves: Sequence[Curve], axis: Axis) -> Figure:
    """The figure: a panel per task, a line per agent.

    Args:
        curves: one per training run.
        axis: what they are drawn against.
    """
    tasks = list(dict.fromkeys(curve.task for curve in curves))
    agents = sorted({curve.agent for curve in curves})
    of_agent = looks(agents)
    figure, axes = panels(len(tasks), 5.6 if len(tasks) == 1 else 4.6, 3.6, columns=2)
    for task, panel in zip(tasks, axes, strict=True):
        ends, means = [], []
        for agent in agents:
            mine = [curve for curve in curves if (curve.task, curve.agent) == (task, agent)]
            if mine:
                shown = band(mine)
                line(panel, shown, agent, of_agent[agent])
                ends.append(shown.at[-1])
                means += [shown.mean.min(), shown.mean.max()]
        frame(panel, task, axis, ends, means)
    legend(figure, axes)
    return figure


def line(panel: Axes, shown: Band, name: str, look: dict[str, Any]) -> None:
    """One agent: its mean, its interval, a dot where its longest training run ended.

    Args:
        panel: where to draw.
        shown: mean and interval.
        name: for the legend.
        look: colour and dashes.
    """
    panel.plot(shown.at, shown.mean, label=literal(name), **look)
    panel.plot(shown.at[-1:], shown.mean[-1:], "o", ms=4, color=look["color"])
    if shown.low is not None and shown.high is not None:
        panel.fill_between(
            shown.at, shown.low, shown.high, color=look["color"], alpha=0.16, lw=0
        )  # fmt: skip


def frame(panel: Axes, task: str, axis: Axis, ends: Sequence[float], means: Sequence[float]) -> None:
    """Title, axes, and the returns that are scored 0 and 1. The axes fit the means; intervals may be cut off.

    Args:
        panel: where to draw.
        task: its title.
        axis: what curves are drawn against.
        ends: last step or second of each agent.
        means: lowest and highest mean of each agent.
    """
    panel.set_title(literal(task))
    panel.set_xlabel(UNITS[axis])
    panel.set_ylabel("validation return")
    if max(ends) > MAX_LINEAR * min(ends):
        panel.set_xscale("log")
    elif axis == "steps":
        panel.xaxis.set_major_formatter(
            lambda x, _: f"{x / 1e6:g} M" if x >= 1e6 else f"{x / 1e3:g} k" if x >= 1e3 else f"{x:g}"
        )
    known = TASKS.get(task)
    reference_lines = {"reference": known.reference, "random": known.random} if known else {}
    low, high = min(*means, *reference_lines.values()), max(*means, *reference_lines.values())
    panel.set_ylim(low - 0.1 * (high - low or 1), high + 0.1 * (high - low or 1))
    for name, value in reference_lines.items():
        panel.axhline(value, color=unit(GREY), lw=0.8, ls=(0, (2, 3)), zorder=0)
        above = name == "reference"
        place: Any = {"xycoords": panel.get_yaxis_transform(), "textcoords": "offset points", "ha": "right"}
        place |= {"va": "bottom" if above else "top", "size": 7.5, "color": unit(GREY)}
        panel.annotate(name, (0.995, value), (0, 3 if above else -3), **place)
    panel.tick_params(length=0)
    panel.title.set_color(unit(INK))
