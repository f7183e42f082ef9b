"""Ablations: an algorithm with and without its parts, trained for several seeds, as a CSV file, a picture and a table.

What is trained is not trained again, and a training run that was interrupted, even by kill -9, goes on from its
checkpoint. In the table, `mean` is that of all evaluations of a run, the area under its learning curve; `best` and
`last` are single evaluations. All are means over the seeds.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from baselines.files import check_folder, write
from baselines.studies.report import markdown_table
from baselines.training import curve, runner
from rlbench.charts import matplotlib_settings
from rlbench.whole_files import replacing

Row = dict[str, Any]


class TrainingRun(NamedTuple):
    """A training run of a variant."""

    variant: str
    algorithm: str
    settings: Any
    folder: Path


class Axes(NamedTuple):
    """The columns that learning curves are drawn of, and what they are called."""

    x: str
    xlabel: str
    ylabel: str


def trained(runs: Iterable[TrainingRun], results: Path) -> pd.DataFrame:
    """The evaluations of all training runs, in order.

    Args:
        runs: the training runs, of one task.
        results: folder that `report` will write into; UserError before any work where nobody can.
    """
    check_folder(results, "write into")
    return pd.DataFrame(rows(runs))


def report(frame: pd.DataFrame, results: Path, name: str, axes: Axes, digits: int = 0) -> None:
    """Write `name`.csv and `name`.png into `results`, and print the table, returns with so many digits."""
    write(results / f"{name}.csv", frame.to_csv(index=False).encode())
    draw(frame, results / f"{name}.png", axes)
    sys.stdout.write(markdown(frame, digits))


def rows(runs: Iterable[TrainingRun]) -> Iterator[Row]:
    """The evaluations of every training run, which is trained where it is not yet."""
    for run in runs:
        runner.run(run.algorithm, run.settings, run.folder)
        for entry in curve.read(run.folder / curve.CURVE):
            if entry["event"] == "evaluated":
                found = {"steps": entry["steps"], "mean_return": entry["mean"], "seconds": entry["seconds"]}
                yield {"task": run.settings.task, "variant": run.variant, "seed": run.settings.seed, **found}


def summary(frame: pd.DataFrame) -> pd.DataFrame:
    """A row per variant: the mean, best and last evaluation of a run, and its seconds, as means over the seeds."""
    runs = frame.groupby(["variant", "seed"], sort=False)
    found = pd.DataFrame(
        {
            "mean": runs["mean_return"].mean(),
            "best": runs["mean_return"].max(),
            "last": runs["mean_return"].last(),
            "seconds": runs["seconds"].last(),
        }
    )
    return found.groupby("variant", sort=False).mean().assign(seeds=runs.size().groupby("variant", sort=False).size())


def markdown(frame: pd.DataFrame, digits: int = 0) -> str:
    """The table for people to read."""
    lines = []
    for name, row in summary(frame).iterrows():
        returns = (f"{row[each]:,.{digits}f}" for each in ("mean", "best", "last"))
        lines.append((str(name), f"{row['seeds']:.0f}", *returns, f"{row['seconds'] / 60:,.1f}"))
    return markdown_table(("variant", "seeds", "mean", "best", "last", "minutes of training"), lines)


@matplotlib_settings()
def draw(frame: pd.DataFrame, path: Path, axes: Axes) -> None:
    """Learning curves: the mean over the seeds, and the range of them."""
    from matplotlib.figure import Figure

    picture = Figure(figsize=(7, 4.5), layout="constrained")
    plot = picture.subplots()
    for name, group in frame.groupby("variant", sort=False):
        points = group.groupby(group.groupby("seed").cumcount())  # the k-th evaluations, which episodes set a bit apart
        x, returns = points[axes.x].mean(), points["mean_return"]
        plot.plot(x, returns.mean(), label=name)
        plot.fill_between(x, returns.min(), returns.max(), alpha=0.2)
    plot.set(xlabel=axes.xlabel, ylabel=axes.ylabel, title=str(frame["task"].iloc[0]))
    plot.legend(fontsize="small")
    with replacing(path) as whole:
        picture.savefig(whole, dpi=120, format="png", metadata={"Software": None})
