"""Sample efficiency: environment steps until each algorithm of the lecture holds a mean return of 475 on cart-pole.

    python -m baselines.studies.sample_efficiency

trains ten seeds of each agent, writes a line per seed to `results/sample_efficiency.csv` and prints a Markdown table.

A seed is through at the last of three evaluations in a row, of 20 greedy episodes each on validation seeds, that
average 475 or more; evaluations come every 1,000 to 2,000 steps, or with every update where updates take longer, and do
not count as steps. A seed that is not through when its budget is spent counts as more than any other. The interval of
the median lies between two of the sorted seeds: the narrowest such pair that covers it with at least 95 %, whatever the
distribution (the second and the ninth of ten: 97.9 %).

Q-learning has a table and sees cart-pole through 432 boxes (`binned_cart_pole`). The others have networks.
`fast` settings are chosen for seconds, not for steps: DQN's 128 environments cost it steps that one would not take.
"""

from __future__ import annotations

import importlib
import math
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from baselines import ALGORITHMS, checks
from baselines.files import check_folder, write
from baselines.studies import binned_cart_pole
from baselines.studies.report import command, markdown_table
from baselines.training.events import Evaluated
from baselines.training.validation import PATIENCE
from rlbench.errors import unknown

GOAL = 475.0
EVALUATIONS: dict[str, dict[str, Any]] = {
    "q-learning lecture": {
        **{"task": binned_cart_pole.ID, "agent": "q-learning-binned", "gamma": 0.99, "epsilon": 0.05},
        **{"total_env_steps": 1_600_000, "learning_rate": 0.5, "learning_rate_end": 0.02},
        **{"eval_every_env_steps": 1_600},
    },
    "dqn lecture": {"eval_every_env_steps": 1_000},
    "dqn fast": {"eval_every_env_steps": 1_280},
    "reinforce lecture": {"eval_every_updates": 1},
    "reinforce fast": {"eval_every_updates": 1},
    "actor-critic lecture": {"eval_every_updates": 1},
    "actor-critic fast": {"eval_every_updates": 1},
}
"""Algorithm and preset -> settings that differ here: more evaluations, and for a table a task that it can hold."""


@dataclass(frozen=True)
class SampleEfficiency:
    """Measure the environment steps until cart-pole is held."""

    agents: tuple[str, ...] = tuple(EVALUATIONS)
    """Which: algorithm and preset, as in "dqn fast"."""
    seeds: int = 10
    """Training seeds of each."""
    results: Path = Path("results")
    """Folder for the table."""


def settings_of(agent: str, seed: int) -> Any:
    """The settings of a contender."""
    algorithm, preset = agent.split()
    changes = EVALUATIONS[agent]
    known = importlib.import_module(ALGORITHMS[algorithm]).PRESETS[preset]
    unending = {"goal": math.inf} if hasattr(known, "goal") else {}
    return replace(known, seed=seed, **{**changes, **unending})


def training_runs(agent: str, seeds: int) -> Iterator[dict[str, Any]]:
    """A row per seed: how many steps it took, and whether it got there."""
    module = importlib.import_module(ALGORITHMS[agent.split()[0]])
    for seed in range(seeds):
        event, streak = None, 0
        for event in module.train(settings_of(agent, seed)):
            if isinstance(event, Evaluated):
                streak = streak + 1 if event.mean >= GOAL else 0
                if streak == PATIENCE:
                    break
        if event is None:
            raise RuntimeError(f"the training of {agent} with seed {seed} had no events")
        yield {"agent": agent, "seed": seed, "held": streak == PATIENCE, "steps": event.steps, "updates": event.update}


def median_interval(values: list[float], level: float = 0.95) -> tuple[float, float] | None:
    """Ends of an interval of the median: the k-th smallest and the k-th largest value; None for too few values.

    The median lies below the k-th of n sorted values with probability P(Binomial(n, 1/2) < k), whatever the
    distribution. David & Nagaraja (2003), section 7.1.
    """
    n, k, below = len(values), 0, 0.0
    while (below := below + math.comb(n, k) / 2**n) <= (1 - level) / 2:
        k += 1
    ordered = sorted(values)
    return (ordered[k - 1], ordered[n - k]) if k else None


def summary(frame: pd.DataFrame) -> pd.DataFrame:
    """A row per agent: seeds that held, and the median of the steps they took; infinite for those that did not."""
    rows = []
    for agent, runs in frame.groupby("agent", sort=False):
        steps = [float(row.steps) if row.held else math.inf for row in runs.itertuples()]
        low, high = median_interval(steps) or (math.nan, math.nan)
        middle = (sorted(steps)[(len(steps) - 1) // 2] + sorted(steps)[len(steps) // 2]) / 2
        ends = {"median_steps": middle, "low": low, "high": high, "best": min(steps), "worst": max(steps)}
        rows.append({"agent": agent, "seeds": len(runs), "held": int(runs["held"].sum()), **ends})
    return pd.DataFrame(rows)


def shown(steps: float) -> str:
    """Steps with thousands separated; what never came about as a word."""
    return "—" if math.isnan(steps) else "never" if math.isinf(steps) else f"{steps:,.0f}"


def markdown(frame: pd.DataFrame) -> str:
    """The table for people to read."""
    lines = []
    for row in summary(frame).to_dict("records"):
        interval = "—" if math.isnan(row["low"]) else f"{shown(row['low'])} to {shown(row['high'])}"
        median, best, worst = (shown(row[name]) for name in ("median_steps", "best", "worst"))
        lines.append((row["agent"], f"{row['held']} of {row['seeds']}", median, interval, best, worst))
    head = ("agent", "seeds that hold 475", "median steps", "95 % interval", "best", "worst")
    return markdown_table(head, lines)


def main(options: SampleEfficiency) -> int:
    """Train, write, print."""
    checks.count("seeds", options.seeds)
    for agent in options.agents:
        if agent not in EVALUATIONS:
            raise unknown("agent", agent, EVALUATIONS)
    check_folder(options.results, "write into")
    binned_cart_pole.register()
    rows = []
    for agent in options.agents:
        for row in training_runs(agent, options.seeds):
            rows.append(row)
            sys.stderr.write(
                f"{agent}, seed {row['seed']}: {row['steps']:,} steps{'' if row['held'] else ', not held'}\n"
            )
    frame = pd.DataFrame(rows)
    write(options.results / "sample_efficiency.csv", frame.to_csv(index=False).encode())
    sys.stdout.write(markdown(frame))
    return 0


if __name__ == "__main__":
    command(main, SampleEfficiency)
