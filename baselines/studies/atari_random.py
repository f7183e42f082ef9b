"""The random agent's scores on Atari games beside published ones: `python -m baselines.studies.atari_random`.

Ours are recomputed from the episodes in `results/`, which `rlbench evaluate random --suite atari-7` (and `atari-5`)
records. The published ones, in `published/atari.csv`, are those of Mnih et al. (2013), table 1, and Wang et al. (2016).
"""

from __future__ import annotations

import importlib.resources
import sys
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from baselines.studies.report import command
from rlbench.harness.ranking.agent_results import RANDOM, AgentResult, collect_results, collect_runs
from rlbench.harness.ranking.cells import decimal, interval
from rlbench.harness.ranking.intervals import mean_interval
from rlbench.harness.ranking.markdown import markdown
from rlbench.harness.ranking.tables import TextTable
from rlbench.harness.results import record
from rlbench.harness.tasks.suite import SUITES, TASKS

GAMES = tuple(dict.fromkeys(task.key for name in ("atari-7", "atari-5") for task in SUITES[name]))
COLUMNS = ("task", "our mean", "95 % interval", "Mnih et al. (2013)", "Wang et al. (2016)")


@dataclass(frozen=True)
class AtariRandom:
    """Print the random agent's scores on Atari games."""

    results: Path = Path("results")
    """Folder with the recorded episodes."""


def published() -> pd.DataFrame:
    """Published scores by game, in ale-py's spelling; empty where a paper does not play it."""
    file = importlib.resources.files("baselines.studies").joinpath("published/atari.csv")
    with importlib.resources.as_file(file) as path:
        return pd.read_csv(path, index_col="game")


def random_results(results: Path) -> list[AgentResult]:
    """The random agent's result on each game; games that it has not completed are left out."""
    frame = record.load(results)
    found, _ = collect_results(collect_runs(frame[frame["agent"] == RANDOM]), TASKS)
    return [result for key in GAMES for result in found.get(key, ())]


def table(results: Path) -> TextTable:
    """A game a row: our mean return with its interval over episodes, and the published means."""
    known = published()
    cells = []
    for result in random_results(results):
        game = result.task.env_id.removeprefix("rlbench/Atari").removesuffix("-v0")
        low_high = mean_interval(result.moments) if result.moments else (None, None)
        papers = [known.loc[game, column] for column in ("dqn2013_random", "random_hns")]
        shown = [decimal(None if pd.isna(score) else float(score)) for score in papers]
        cells.append((result.task.key, decimal(float(result.returns[0])), interval(*low_high), *shown))
    return TextTable("Random agent", COLUMNS, tuple(cells))


def main(options: AtariRandom) -> int:
    """Print the table."""
    sys.stdout.write(f"{markdown(table(options.results))}\n")
    return 0


if __name__ == "__main__":
    command(main, AtariRandom)
