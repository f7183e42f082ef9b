"""The committed leaderboard holds every number that the committed results give, and no other."""

from pathlib import Path

from rlbench.commands import leaderboard

ROOT = Path(__file__).parents[3]


def test_the_committed_page_is_what_the_committed_results_give():
    results, page = ROOT / "results", ROOT / "leaderboard.md"
    assert page.read_text(encoding="utf-8") == leaderboard.text(leaderboard.load(results), results, page)
