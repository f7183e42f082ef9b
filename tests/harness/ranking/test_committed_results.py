"""The committed leaderboard: it holds every number that the committed results give, and no other."""

import dataclasses
import re

import pandas as pd
import pytest

from rlbench.commands.shared import pages
from rlbench.commands.shared.runs import load_runs
from rlbench.harness.ranking.agent_results import collect_runs
from rlbench.harness.ranking.leaderboard import MISSES
from rlbench.harness.ranking.leaderboard import page as page_of_runs
from rlbench.harness.ranking.markdown import anchor
from rlbench.harness.ranking.rankings import compute_rankings
from rlbench.harness.results import record
from rlbench.harness.tasks.suite import BUDGETS, FAMILIES, FAMILY, SUITES, TASKS
from tests.docs.pages import ROOT


@pytest.fixture(scope="module")
def committed():
    return collect_runs(record.load(ROOT / "results"))


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


def test_no_reference_is_ranked_and_no_table_holds_random_play_alone(committed):
    board = compute_rankings(committed, TASKS, SUITES)
    rows = [row for of in (board.tasks, board.suites) for some in of.values() for row in some]
    assert not [row for row in rows if row.agent == "random"]
    assert all(board.tasks.values())
    assert {line.kind for lines in board.lines.values() for line in lines} == {"random", "reference", "published"}


def test_a_task_whose_reference_is_ours_has_no_score_and_its_suites_have_none(committed):
    board = compute_rankings(committed, TASKS, SUITES)
    (row,) = board.tasks["humanoid@1"]
    assert (row.score, row.solved, row.solved_low) == (None, None, None)
    assert {name: board.suites[name] for name in ("locomotion", "robots", "lecture")} == dict.fromkeys(
        ("locomotion", "robots", "lecture"), ()
    )


def test_the_exact_optimum_has_no_interval_of_width(committed):
    rows = compute_rankings(committed, TASKS, SUITES).tasks["grid-world@1"]
    (row,) = (row for row in rows if row.agent == "value-iteration")
    assert (row.mean_return, row.return_low, row.return_high) == (-2, -2, -2)


def flat_lines(runs):
    return [line for lines in compute_rankings(runs, TASKS, SUITES).lines.values() for line in lines]


def test_a_reference_of_ours_is_marked(committed):
    own = [task for task in TASKS.values() if task.reference_source.startswith("ours")]
    assert [task.name for task in own] == ["half-cheetah", "hopper", "walker2d", "ant", "humanoid"]
    for task in own:
        assert "version" in next(line for line in flat_lines(committed) if line.task == task.key).source


def test_what_ppo_should_reach_on_half_cheetah_stands_in_the_first_matrix_of_the_robots(committed):
    text = page_of_runs(committed, TASKS, SUITES)
    robots = text[text.index("## Robots: Gymnasium") :]
    head, _, *rows = robots[robots.index("\n|") + 1 :].split("\n\n")[0].splitlines()
    agents = [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]
    assert "[half-cheetah-gymnasium@1](results/tasks/half-cheetah-gymnasium@1.md)" in head
    assert ["PPO\N{NO-BREAK SPACE}†", "1M", "5–10", "3,516", "3,392", "1,620"] in agents


def test_every_link_of_the_pages_leads_somewhere(committed_pages):
    for name, text in committed_pages.items():
        folder = ROOT if name == "leaderboard.md" else ROOT / "results" / "tasks"
        for target in re.findall(r"\]\(([^)]*)\)", text):
            if "://" not in target:
                path, _, fragment = target.partition("#")
                assert not path or (folder / path).exists(), (name, target)
                there = text if not path else (folder / path).read_text(encoding="utf-8") if fragment else ""
                headings = {anchor(line.lstrip("# ")) for line in there.splitlines() if line.startswith("#")}
                assert not fragment or fragment in headings, (name, target)


def test_what_the_page_says_of_failures_and_ceilings_is_what_the_study_measured():
    table = pd.read_csv(ROOT / "results" / "interval_coverage.csv")
    table = table[(table["of"] == "mean") & (table["method"] == "leaderboard")].set_index("scores")["coverage"]
    for name, of in (("failing", "one failed seed in ten"), ("ceiling", "70 % of seeds at the ceiling")):
        a, b, c = (f"{percent:.0f}" for percent in table.loc[of])
        assert MISSES[name] == f"{a}, {b} and {c} %"
    for of in ("normal", "exponential", "lognormal, sigma 0.9"):
        assert (table.loc[of].iloc[1:] >= 90).all()  # from five seeds on


def test_every_task_is_in_one_family():
    assert [task for name in FAMILIES for task in SUITES[name]] == sorted(
        TASKS.values(), key=lambda task: FAMILIES.index(FAMILY[task.key])
    )
    assert BUDGETS.keys() == set(FAMILIES)
