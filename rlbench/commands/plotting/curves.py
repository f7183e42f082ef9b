"""Learning curves: the mean validation return over training seeds, with an interval, against steps or seconds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rlbench.charts import literal
from rlbench.commands.plotting.style import panels, unit
from rlbench.commands.shared.agents import learning_curves
from rlbench.drawing.shapes import BLUE, GREY, INK, MIST
from rlbench.harness.ranking.agent_results import generator
from rlbench.harness.ranking.bootstrap import resample, widening
from rlbench.harness.ranking.intervals import FEWEST_SEEDS
from rlbench.harness.ranking.reference_lines import own_reference
from rlbench.harness.results import curves as kept_curves
from rlbench.harness.results.record import is_hidden
from rlbench.harness.tasks.suite import catalogue

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

CURVE = "curve.jsonl"
KEPT = f"{kept_curves.FOLDER}/*/*.csv"
Axis = Literal["steps", "seconds"]
UNITS = {"steps": "validation return over environment steps", "seconds": "validation return over seconds of training"}
FEWEST_FOR_BANDS = 5  # seeds from which an interval says more than their curves
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
    """The figure: a panel per task and agent, with the other agents of the task in grey behind it.

    Lines of all agents in one panel cannot be told apart from six agents on. Those of games stand alone: each agent is
    validated against an opponent of its own, and scored against others.

    Args:
        curves: one per training run.
        axis: what they are drawn against.
    """
    seeds: dict[str, dict[str, list[Curve]]] = {}
    for curve in sorted(curves, key=lambda curve: (curve.task, curve.agent, curve.seed)):
        seeds.setdefault(curve.task, {}).setdefault(curve.agent, []).append(curve)
    shown = {task: {agent: band(of) for agent, of in agents.items()} for task, agents in seeds.items()}
    figure, axes = panels(sum(map(len, seeds.values())), 3.6, 2.6)
    free = iter(axes)
    for task, agents in seeds.items():
        for agent, of_seeds in agents.items():
            panel = next(free)
            for other in agents.keys() - {agent} if compare(task) else ():
                panel.plot(shown[task][other].at, shown[task][other].mean, color=unit(MIST), lw=1.2, zorder=1)
            line(panel, shown[task][agent], of_seeds, agent)
            frame(panel, task, f"{agent}  ({len(of_seeds)})", axis, extent(shown[task].values(), agents.values()))
    return figure


def compare(task: str) -> bool:
    """Whether the curves of a task compare with each other and with its scores: not those of games."""
    known = catalogue().tasks.get(task)
    return known is None or not known.is_game


def line(panel: Axes, shown: Band, seeds: Sequence[Curve], name: str) -> None:
    """One agent: its mean, its interval or the curves of its seeds, a dot where its longest training run ended.

    Args:
        panel: where to draw.
        shown: mean and interval.
        seeds: the curve of each seed.
        name: of the agent.
    """
    blue = unit(BLUE)
    if shown.low is not None and shown.high is not None and not has_lines(shown.seeds):
        panel.fill_between(shown.at, shown.low, shown.high, color=blue, alpha=0.16, lw=0)
    if has_lines(shown.seeds):
        for curve in seeds:
            panel.plot(curve.at, curve.mean, color=blue, lw=0.7, alpha=0.55)
    panel.plot(shown.at, shown.mean, label=literal(name), color=blue)
    panel.plot(shown.at[-1:], shown.mean[-1:], "o", ms=4, color=blue)


def has_lines(seeds: int) -> bool:
    """Whether the curve of each of so many seeds is drawn, in place of an interval."""
    return 1 < seeds < FEWEST_FOR_BANDS


class Extent(NamedTuple):
    """What the curves of a task take: first and last of where they end, lowest and highest return, where they begin."""

    begin: float
    first_end: float
    last_end: float
    low: float
    high: float


def extent(bands: Iterable[Band], seeds: Iterable[Sequence[Curve]]) -> Extent:
    """The extent of the lines of all agents of a task; intervals may be cut off."""
    bands, lines = list(bands), [curve.mean for of in seeds if has_lines(len(of)) for curve in of]
    returns = np.concatenate([*(shown.mean for shown in bands), *lines])
    ends = [float(shown.at[-1]) for shown in bands]
    begin = min(float(shown.at[0]) for shown in bands)
    return Extent(begin, min(ends), max(ends), float(returns.min()), float(returns.max()))


def frame(panel: Axes, task: str, agent: str, axis: Axis, of: Extent) -> None:
    """Title, axes, and the returns of random play and of the reference. All panels of a task have the same axes.

    Args:
        panel: where to draw.
        task: the first line of its title.
        agent: the second line.
        axis: what curves are drawn against.
        of: the extent of the task's lines.
    """
    panel.set_title(f"{literal(task)}\n{literal(agent)}")
    panel.set_xlabel(UNITS[axis])
    if of.begin > 0 and of.last_end > MAX_LINEAR * of.first_end:
        panel.set_xscale("log")
        panel.set_xlim(0.8 * of.begin, 1.25 * of.last_end)
    else:
        panel.set_xlim(0, 1.04 * of.last_end or 1)
        panel.locator_params(axis="x", nbins=4)
        if axis == "steps":
            panel.xaxis.set_major_formatter(
                lambda x, _: f"{x / 1e6:g} M" if x >= 1e6 else f"{x / 1e3:g} k" if x >= 1e3 else f"{x:g}"
            )
    known = catalogue().tasks.get(task) if compare(task) else None
    reference_lines = {"random": known.random} if known else {}
    if known and not own_reference(known):
        reference_lines["reference"] = known.reference
    heights = (of.low, of.high, *reference_lines.values())
    low, high = min(heights), max(heights)
    panel.set_ylim(low - 0.1 * (high - low or 1), high + 0.1 * (high - low or 1))
    for name, value in reference_lines.items():
        panel.axhline(value, color=unit(GREY), lw=0.8, ls=(0, (2, 3)), zorder=0)
        above = name == "reference"
        place: Any = {"xycoords": panel.get_yaxis_transform(), "textcoords": "offset points", "ha": "right"}
        place |= {"va": "bottom" if above else "top", "size": 7.5, "color": unit(GREY)}
        panel.annotate(name, (0.995, value), (0, 3 if above else -3), **place)
    panel.tick_params(length=0)
    panel.title.set_color(unit(INK))
