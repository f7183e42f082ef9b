"""Ablation of XQC: what each of its three parts buys, beside all of them, none of them, and soft actor-critic.

    python -m baselines.studies.xqc_ablation

trains each of `VARIANTS` for the same number of steps, writes the evaluations to `results/xqc_ablation.csv`, draws
`results/xqc_ablation.png` and prints a Markdown table. Run again after an interruption, even kill -9, it resumes the
last training run from its checkpoint, and what is trained is not trained again.

`without any` still has XQC's other settings: rewards in units of the deviation of their sum, three updates of the
critics for one of the actor, a low target of the entropy. `sac` has its own. In the table, `mean` is that of all
evaluations of a run, the area under its learning curve; `best` and `last` are single evaluations. All are means over
the seeds.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from baselines import checks
from baselines.algorithms import soft_actor_critic, xqc
from baselines.files import check_folder, write
from baselines.studies.report import command, markdown_table
from baselines.training import curve, runner
from rlbench.charts import matplotlib_settings
from rlbench.errors import unknown
from rlbench.whole_files import replacing

PARTS = ("batch_norm", "weight_norm", "categorical")
VARIANTS: dict[str, dict[str, bool] | None] = {
    "xqc": {},
    **{f"without {part}": {part: False} for part in PARTS},
    "without any": dict.fromkeys(PARTS, False),
    "sac": None,
}
"""Settings of XQC that differ; None for soft actor-critic."""

Row = dict[str, Any]


@dataclass(frozen=True)
class XQCAblation:
    """Compare XQC with itself without its parts, and with soft actor-critic."""

    variants: tuple[str, ...] = tuple(VARIANTS)
    """Which."""
    task: str = "half-cheetah-gymnasium@1"
    """Task or Gymnasium id with continuous actions."""
    steps: int = 200_000
    """Environment steps of each training run."""
    evaluations: int = 20
    """Evaluations of each training run, equally far apart."""
    seeds: int = 1
    """Training seeds of each variant."""
    out: Path = Path("runs/xqc_ablation")
    """Folder for the training runs."""
    results: Path = Path("results")
    """Folder for table and picture."""


def training_run(name: str, seed: int, options: XQCAblation) -> tuple[str, Any, Path]:
    """Algorithm, settings and folder of a training run."""
    changes, agent = VARIANTS[name], name.replace(" ", "-").replace("_", "-")
    if changes is None:
        algorithm, preset = "soft-actor-critic", soft_actor_critic.PRESETS["fast"]
    else:
        algorithm, preset = "xqc", replace(xqc.PRESETS["fast"], **changes)
    lengths = {"total_env_steps": options.steps, "eval_every_env_steps": max(1, options.steps // options.evaluations)}
    settings = replace(preset, task=options.task, agent=agent, seed=seed, **lengths)
    return algorithm, settings, options.out / f"{options.task.replace('/', '-')}-{agent}-s{seed}"


def rows(options: XQCAblation) -> Iterator[Row]:
    """The evaluations of every variant and seed, trained where they are not yet."""
    for name in options.variants:
        for seed in range(options.seeds):
            algorithm, settings, folder = training_run(name, seed, options)
            runner.run(algorithm, settings, folder)
            for entry in curve.read(folder / curve.CURVE):
                if entry["event"] == "evaluated":
                    found = {"steps": entry["steps"], "mean_return": entry["mean"], "seconds": entry["seconds"]}
                    yield {"task": options.task, "variant": name, "seed": seed, **found}


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


def markdown(frame: pd.DataFrame) -> str:
    """The table for people to read."""
    lines = []
    for name, row in summary(frame).iterrows():
        returns = (f"{row[each]:,.0f}" for each in ("mean", "best", "last"))
        lines.append((str(name), f"{row['seeds']:.0f}", *returns, f"{row['seconds'] / 60:,.1f}"))
    return markdown_table(("variant", "seeds", "mean", "best", "last", "minutes of training"), lines)


@matplotlib_settings()
def draw(frame: pd.DataFrame, path: Path) -> None:
    """Learning curves: the mean over the seeds, and the range of them."""
    from matplotlib.figure import Figure

    picture = Figure(figsize=(7, 4.5), layout="constrained")
    axes = picture.subplots()
    for name, group in frame.groupby("variant", sort=False):
        points = group.groupby(group.groupby("seed").cumcount())  # the k-th evaluations, which episodes set a bit apart
        steps, returns = points["steps"].mean(), points["mean_return"]
        axes.plot(steps, returns.mean(), label=name)
        axes.fill_between(steps, returns.min(), returns.max(), alpha=0.2)
    axes.set(xlabel="environment steps", ylabel="mean return of the evaluation", title=str(frame["task"].iloc[0]))
    axes.legend(fontsize="small")
    with replacing(path) as whole:
        picture.savefig(whole, dpi=120, format="png", metadata={"Software": None})


def main(options: XQCAblation) -> int:
    """Train, write, draw, print."""
    for name in ("steps", "evaluations", "seeds"):
        checks.count(name, getattr(options, name))
    for name in options.variants:
        if name not in VARIANTS:
            raise unknown("variant", name, VARIANTS)
    check_folder(options.results, "write into")
    frame = pd.DataFrame(rows(options))
    write(options.results / "xqc_ablation.csv", frame.to_csv(index=False).encode())
    draw(frame, options.results / "xqc_ablation.png")
    sys.stdout.write(markdown(frame))
    return 0


if __name__ == "__main__":
    command(main, XQCAblation)
