"""The committed leaderboard holds every number that the committed results give, and no other."""

from pathlib import Path

from rlbench.commands import leaderboard
from rlbench.harness.ranking.agent_results import collect_runs
from rlbench.harness.ranking.rankings import compute_rankings
from rlbench.harness.results import record
from rlbench.harness.tasks.suite import SUITES, TASKS

ROOT = Path(__file__).parents[3]


def test_the_committed_pages_are_what_the_committed_results_give():
    results, page = ROOT / "results", ROOT / "leaderboard.md"
    ranked = compute_rankings(collect_runs(record.load(results)), TASKS, SUITES)
    expected = leaderboard.pages(ranked, results, page)
    assert len(expected) == 1 + len(ranked.tasks)
    for path, text in expected.items():
        assert path.read_text(encoding="utf-8") == text
    assert leaderboard.difference(ranked, results, page) is None
