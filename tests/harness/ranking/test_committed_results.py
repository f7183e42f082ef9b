"""The committed leaderboard holds every number that the committed results give, and no other."""

import dataclasses
from pathlib import Path

from rlbench.commands.shared import pages
from rlbench.commands.shared.runs import load_runs
from rlbench.harness.ranking.agent_results import collect_runs
from rlbench.harness.ranking.rankings import compute_rankings
from rlbench.harness.results import record
from rlbench.harness.tasks.suite import SUITES, TASKS

ROOT = Path(__file__).parents[3]


def test_the_committed_pages_are_what_the_committed_results_give():
    results, page = ROOT / "results", ROOT / "leaderboard.md"
    published = {run.file: run.statements for run in load_runs(results)}
    played = [dataclasses.replace(run, statements=published[run.file]) for run in collect_runs(record.load(results))]
    ranked = compute_rankings(played, TASKS, SUITES)
    expected = pages.pages(ranked, results, page)
    assert len(expected) == 1 + len(ranked.tasks)
    for path, text in expected.items():
        assert path.read_text(encoding="utf-8") == text
    assert pages.difference(ranked, results, page) is None
