"""Coverage of confidence intervals: how often each holds the true mean over training seeds, and how wide it is.

    python -m baselines.studies.interval_coverage

draws the scores of 3, 5 and 10 training seeds 2,000 times from distributions whose mean is known, writes
`results/interval_coverage.csv` and prints a Markdown table. The methods: the leaderboard's interval
(`intervals.mean_interval`), Student's, the percentile bootstrap and BCa (Efron 1987), as they are and widened for few
seeds (`bootstrap.widening`). The leaderboard takes the narrowest that covers at least 90 % for the normal and both
skewed distributions from five seeds on. The last rows are the ranks of four agents whose means are equal, or half a
deviation apart.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special

from baselines import checks
from baselines.files import check_folder, write
from baselines.studies.report import command, markdown_table
from rlbench.harness.ranking.bootstrap import percentile_interval, resample, widening
from rlbench.harness.ranking.comparisons import rank_ranges
from rlbench.harness.ranking.intervals import LEVEL, Interval, MeanEstimate, mean_interval, moments

Floats = NDArray[np.float64]

SEEDS = (3, 5, 10)
BOOTSTRAP_SAMPLES = 1_000
AGENTS = 4
GAPS = {"four equal agents": 0.0, "four agents half a deviation apart": 0.5}


@dataclass(frozen=True)
class IntervalCoverage:
    """Measure how often intervals and ranks hold the truth."""

    simulations: int = 2_000
    """Draws of each kind."""
    results: Path = Path("results")
    """Folder for the table."""


DISTRIBUTIONS: dict[str, tuple[Callable[[np.random.Generator, int], Floats], float]] = {
    "normal": (lambda rng, n: rng.normal(size=n), 0.0),
    "exponential": (lambda rng, n: rng.exponential(size=n), 1.0),
    "lognormal, sigma 0.9": (lambda rng, n: rng.lognormal(0.0, 0.9, n), float(np.exp(0.9**2 / 2))),
    "one failed seed in ten": (lambda rng, n: np.where(rng.random(n) < 0.1, 0.0, rng.normal(1.0, 0.05, n)), 0.9),
    "70 % of seeds at the ceiling": (lambda rng, n: np.where(rng.random(n) < 0.7, 1.0, rng.random(n)), 0.85),
}
"""Name -> the scores of n seeds, and their true mean."""


def ours(x: Floats, rng: np.random.Generator) -> Interval:
    """The leaderboard's interval."""
    return mean_interval(known(moments(x)))


def student(x: Floats, rng: np.random.Generator) -> Interval:
    """Student's interval: the leaderboard's, with the skewness left out."""
    return mean_interval(known(moments(x))._replace(third=0.0))


def widened(x: Floats, rng: np.random.Generator) -> Interval:
    """The percentile bootstrap, its deviations widened for few seeds."""
    means = resample(x, rng, BOOTSTRAP_SAMPLES).mean(axis=-1)
    return percentile_interval(x.mean() + widening([x.size]) * (means - x.mean()))


def bca(x: Floats, rng: np.random.Generator, factor: float = 1.0) -> Interval:
    """The bias-corrected and accelerated bootstrap, its deviations times a factor.

    Source: Efron 1987, Better bootstrap confidence intervals.
    """
    means = resample(x, rng, BOOTSTRAP_SAMPLES).mean(axis=-1)
    below = np.mean(means < x.mean()) + np.mean(means == x.mean()) / 2
    z_0 = special.ndtri(np.clip(below, 1 / BOOTSTRAP_SAMPLES, 1 - 1 / BOOTSTRAP_SAMPLES))
    d = x - x.mean()  # n - 1 times the jackknife's deviations
    a = np.sum(d**3) / (6 * np.sum(d**2) ** 1.5) if np.ptp(x) > 0 else 0.0
    z = special.ndtri((1 + LEVEL) / 2)
    ends = [special.ndtr(z_0 + (z_0 + side * z) / (1 - a * (z_0 + side * z))) for side in (-1, 1)]
    low, high = np.quantile(x.mean() + factor * (means - x.mean()), ends)
    return Interval(float(low), float(high))


def widened_bca(x: Floats, rng: np.random.Generator) -> Interval:
    """BCa, its deviations widened for few seeds."""
    return bca(x, rng, widening([x.size]))


METHODS = {
    "leaderboard": ours,
    "Student": student,
    "widened bootstrap": widened,
    "BCa": bca,
    "widened BCa": widened_bca,
}


def known(of: MeanEstimate | None) -> MeanEstimate:
    """MeanEstimate that exist, as there are enough seeds."""
    if of is None:
        raise ValueError("too few seeds for an interval")
    return of


def mean_coverage(simulations: int) -> Iterator[dict[str, Any]]:
    """A row per distribution, number of seeds and method."""
    for name, (draw, mean) in DISTRIBUTIONS.items():
        for n in SEEDS:
            rng = np.random.default_rng([n, *name.encode()])
            drawn = [draw(rng, n) for _ in range(simulations)]
            for method, interval in METHODS.items():
                ends = np.array([interval(x, rng) for x in drawn])
                held = (ends[:, 0] <= mean + 1e-12) & (ends[:, 1] >= mean - 1e-12)
                width = float(np.mean(ends[:, 1] - ends[:, 0]))
                yield row("mean", name, n, method, float(held.mean()), width)


def rank_coverage(simulations: int) -> Iterator[dict[str, Any]]:
    """A row per spacing of the agents and number of seeds."""
    for name, gap in GAPS.items():
        true_ranks = np.arange(1, AGENTS + 1) if gap else np.ones(AGENTS, int)
        for n in SEEDS:
            rng = np.random.default_rng([n, *name.encode()])
            scores = rng.normal(size=(simulations, AGENTS, n)) - gap * np.arange(AGENTS)[:, None]
            ends = np.array([rank_ranges([known(moments(x)) for x in agents]) for agents in scores])
            held = (ends[..., 0] <= true_ranks) & (true_ranks <= ends[..., 1])
            width = float(np.mean(ends[..., 1] - ends[..., 0] + 1))
            yield row("rank", name, n, "leaderboard", float(held.mean()), width)


def row(of: str, scores: str, seeds: int, method: str, coverage: float, width: float) -> dict[str, Any]:
    """A line of the table; the width of a rank's interval is the number of ranks in it."""
    percent = round(100 * coverage, 1)
    return {"of": of, "scores": scores, "seeds": seeds, "method": method, "coverage": percent, "width": round(width, 3)}


def main(settings: IntervalCoverage) -> int:
    """Write and print the table."""
    checks.count("simulations", settings.simulations)
    check_folder(settings.results, "write into")
    table = pd.DataFrame([*mean_coverage(settings.simulations), *rank_coverage(settings.simulations)])
    write(settings.results / "interval_coverage.csv", table.to_csv(index=False, lineterminator="\n").encode())
    sys.stdout.write(report(table))
    return 0


def report(table: pd.DataFrame) -> str:
    """The table as Markdown: coverage in per cent and width, at each number of seeds."""
    lines = []
    for (of, scores, method), rows in table.groupby(["of", "scores", "method"], sort=False):
        cells = [f"{each.coverage:.0f} % ({each.width:.2f})" for each in rows.itertuples()]
        lines.append((f"{of}: {scores}", str(method), *cells))
    return markdown_table(("scores", "method", *(f"{n} seeds" for n in SEEDS)), lines, left=2)


if __name__ == "__main__":
    command(main, IntervalCoverage)
