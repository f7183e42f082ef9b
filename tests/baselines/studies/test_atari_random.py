"""The table of the random agent's scores: what the records say, and what the page shows."""

import json
import statistics
from pathlib import Path

import rlbench
from baselines.studies.atari_random import GAMES, random_results, table
from rlbench.harness.ranking.markdown import markdown

RESULTS = Path(__file__).parents[3] / "results"


def test_means_are_those_of_the_recorded_episodes():
    found = {result.task.key: float(result.returns[0]) for result in random_results(RESULTS)}
    assert found
    assert set(found) <= set(GAMES)
    for task, mean in found.items():
        (file,) = (RESULTS / task).glob("random@*.jsonl")
        lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
        returns = [line["return"] for line in lines if line["kind"] == "episode"]
        assert len(returns) == 100
        assert abs(statistics.fmean(returns) - mean) < 1e-9


def test_the_page_shows_the_table():
    page = Path(rlbench.__file__).parent / "envs/atari/README.md"
    assert markdown(table(RESULTS)) in page.read_text(encoding="utf-8")
