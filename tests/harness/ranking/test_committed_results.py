"""The committed leaderboard holds every number that the committed results give, and no other."""

from pathlib import Path

from rlbench.harness.ranking.agent_results import collect_runs
from rlbench.harness.ranking.leaderboard import page
from rlbench.harness.results import record
from rlbench.harness.tasks.suite import SUITES, TASKS

ROOT = Path(__file__).parents[3]


def test_the_committed_page_is_what_the_committed_results_give():
    expected = page(collect_runs(record.load(ROOT / "results")), TASKS, SUITES)
    assert (ROOT / "leaderboard.md").read_text(encoding="utf-8") == expected
