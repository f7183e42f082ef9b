"""Ablation of XQC: what each of its three parts buys, beside all of them, none of them, and soft actor-critic.

    python -m baselines.studies.xqc_ablation

trains each of `VARIANTS` for the same number of steps, writes the evaluations to `results/xqc_ablation.csv`, draws
`results/xqc_ablation.png` and prints a Markdown table, as all of `baselines.studies.ablation` do.

`without any` still has XQC's other settings: rewards in units of the deviation of their sum, three updates of the
critics for one of the actor, a low target of the entropy. `sac` has its own.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from baselines import checks
from baselines.algorithms import soft_actor_critic, xqc
from baselines.studies.ablation import Axes, TrainingRun, report, trained
from baselines.studies.report import command
from rlbench.errors import unknown

PARTS = ("batch_norm", "weight_norm", "categorical")
VARIANTS: dict[str, dict[str, bool] | None] = {
    "xqc": {},
    **{f"without {part}": {part: False} for part in PARTS},
    "without any": dict.fromkeys(PARTS, False),
    "sac": None,
}
"""Settings of XQC that differ; None for soft actor-critic."""

AXES = Axes("steps", "environment steps", "mean return of the evaluation")


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


def training_run(name: str, seed: int, options: XQCAblation) -> TrainingRun:
    """A training run of a variant."""
    changes, agent = VARIANTS[name], name.replace(" ", "-").replace("_", "-")
    if changes is None:
        algorithm, preset = "soft-actor-critic", soft_actor_critic.PRESETS["fast"]
    else:
        algorithm, preset = "xqc", replace(xqc.PRESETS["fast"], **changes)
    lengths = {"total_env_steps": options.steps, "eval_every_env_steps": max(1, options.steps // options.evaluations)}
    settings = replace(preset, task=options.task, agent=agent, seed=seed, **lengths)
    folder = options.out / f"{options.task.replace('/', '-')}-{agent}-s{seed}"
    return TrainingRun(name, algorithm, settings, folder)


def main(options: XQCAblation) -> int:
    """Train, write, draw, print."""
    for name in ("steps", "evaluations", "seeds"):
        checks.count(name, getattr(options, name))
    for name in options.variants:
        if name not in VARIANTS:
            raise unknown("variant", name, VARIANTS)
    runs = (training_run(name, seed, options) for name in options.variants for seed in range(options.seeds))
    report(trained(runs, options.results), options.results, "xqc_ablation", AXES)
    return 0


if __name__ == "__main__":
    command(main, XQCAblation)
