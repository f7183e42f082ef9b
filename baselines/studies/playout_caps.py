"""What playout cap randomization buys AlphaZero: Wu (2019), "Accelerating self-play learning in Go", section 3.1.

    python -m baselines.studies.playout_caps

trains each of `VARIANTS`, writes the evaluations to `results/playout_caps.csv`, draws `results/playout_caps.png` and
prints a Markdown table, as all of `baselines.studies.ablation` do. Returns are shares of validation games won.

All variants have the same budget of simulations in self-play. `caps` searches a quarter of the turns with 40 of them
and learns from these alone; the other turns have 8. `40 in all turns` has targets as good, but two fifths of the games;
`16 in all turns` has as many games as `caps`, with worse targets. Each position is learned from four times, as in
the presets, so `caps` with its quarter of the positions takes a quarter of the updates, and the least time.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from baselines import checks
from baselines.algorithms.alphazero import PRESETS, AlphaZeroSettings
from baselines.studies.ablation import Axes, TrainingRun, report, trained
from baselines.studies.report import command
from rlbench.errors import unknown

VARIANTS: dict[str, dict[str, int]] = {
    "16 in all turns": {"simulations": 16},
    "40 in all turns": {"simulations": 40},
    "caps: 40 or 8": {"simulations": 40, "fast_simulations": 8},
}
"""Settings that differ."""

AXES = Axes("simulations", "simulations in self-play", "share of validation games won")


@dataclass(frozen=True)
class PlayoutCaps:
    """Compare AlphaZero with and without playout cap randomization."""

    variants: tuple[str, ...] = tuple(VARIANTS)
    """Which."""
    task: str = "go5@1"
    """Task or Gymnasium id of a game."""
    iterations: int = 200
    """The budget of each training run, as iterations of 16 simulations a turn: these take 17 minutes of a core."""
    evaluations: int = 10
    """Evaluations of each training run, equally far apart."""
    seeds: int = 3
    """Training seeds of each variant."""
    out: Path = Path("runs/playout_caps")
    """Folder for the training runs."""
    results: Path = Path("results")
    """Folder for table and picture."""


def mean_simulations(settings: AlphaZeroSettings) -> float:
    """Simulations of a turn in self-play, on average."""
    if not settings.fast_simulations:
        return float(settings.simulations)
    share = settings.full_share
    return share * settings.simulations + (1 - share) * settings.fast_simulations


def training_run(name: str, seed: int, options: PlayoutCaps) -> TrainingRun:
    """A training run of a variant, with as many iterations as its share of the budget pays for."""
    preset = PRESETS["go5"]
    agent = "alphazero-" + "-".join(word.strip(":") for word in name.split())
    changed = replace(preset, task=options.task, agent=agent, seed=seed, **VARIANTS[name])
    iterations = max(1, round(options.iterations * mean_simulations(preset) / mean_simulations(changed)))
    every = max(1, iterations // options.evaluations)
    settings = replace(changed, iterations=iterations, eval_every_iterations=every)
    return TrainingRun(name, "alphazero", settings, options.out / f"{options.task.replace('/', '-')}-{agent}-s{seed}")


def main(options: PlayoutCaps) -> int:
    """Train, write, draw, print."""
    for name in ("iterations", "evaluations", "seeds"):
        checks.count(name, getattr(options, name))
    for name in options.variants:
        if name not in VARIANTS:
            raise unknown("variant", name, VARIANTS)
    runs = [training_run(name, seed, options) for name in options.variants for seed in range(options.seeds)]
    frame = trained(runs, options.results)
    of_a_turn = {run.variant: mean_simulations(run.settings) for run in runs}
    frame["simulations"] = (frame["steps"] * frame["variant"].map(of_a_turn)).astype(int)
    report(frame, options.results, "playout_caps", AXES, digits=2)
    return 0


if __name__ == "__main__":
    command(main, PlayoutCaps)
