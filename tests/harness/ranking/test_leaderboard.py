"""The leaderboard page and its numbers, from episode lines that are made up here."""

import json
import math
import re
import statistics

import numpy as np
import pandas as pd
import pytest

from rlbench.errors import UserError
from rlbench.harness.ranking.leaderboard import escape, page
from rlbench.harness.ranking.rankings import compute_rankings
from rlbench.harness.ranking.tables import decimal, flat, tables
from rlbench.harness.tasks.task import Task

HILL = Task("hill", 1, "test/Hill-v0", episodes=4, lanes=2, failure_return=-5.0, random=0.0, reference=10.0)
LAKE = Task("lake", 2, "test/Lake-v0", episodes=2, lanes=2, failure_return=0.0, random=1.0, reference=2.0)
TASKS = {task.key: task for task in (HILL, LAKE)}
SUITES = {"both": (HILL, LAKE), "dry": (HILL,)}


def run(agent, seed, returns, task=HILL, version="1", steps=100, complete=True, failed=0, digest=None, dynamics=""):
    """The lines of one run, as `record.load` gives them."""
    return [
        {
            "task": task.key,
            "agent": agent,
            "version": version,
            "digest": digest or f"{agent}-{version}-{seed}".ljust(64, "0"),
            "dynamics": dynamics,
            "training_seed": seed,
            "training_steps": steps,
            "episode": i,
            "return": float(g),
            "status": "crash" if i < failed else "ok",
            "complete": complete,
        }
        for i, g in enumerate(returns)
    ]


def frame(*runs):
    columns = list(run("x", 0, [0])[0])
    return pd.DataFrame([line for lines in runs for line in lines], columns=columns)


def ranked(*runs):
    return compute_rankings(frame(*runs), TASKS, SUITES)


def noisy(agent, mean, seeds=range(5), task=HILL, **kwargs):
    rng = np.random.default_rng(len(agent))
    return [line for s in seeds for line in run(agent, s, rng.normal(mean, 1, task.episodes), task, **kwargs)]


def test_a_task_table_by_hand():
    rows = ranked(
        run("flat", 0, [8, 8, 8, 8], steps=5),
        run("flat", 1, [7, 8, 8, 9], steps=1500),
        run("good", 3, [9, 10, 10, 11]),
        run("good", 4, [10, 10, 10, 10], failed=1),
        run("random", -1, [0, 0, 0, 4], steps=0),
    ).tasks["hill@1"]
    assert [(row.rank, row.agent, row.mean_return, row.score) for row in rows] == [
        (1, "good", 10, 1.0),
        (2, "flat", 8, 0.8),
        (3, "random", 1, 0.1),
    ]
    good, flat_, random = rows
    assert (good.return_low, good.return_high, good.interval_over) == (10, 10, "seeds")  # both seeds agree
    assert (good.rank_low, good.rank_high, good.failed_episodes, good.episodes) == (1, 1, 1, 8)
    assert (flat_.training_seeds, flat_.training_steps, flat_.worst_seed) == (2, 1500, 8)
    assert (good.beats_next, random.beats_next) == (1.0, None)
    assert (random.training_seeds, random.interval_over) == (0, "episodes")
    assert random.return_low < 1 < random.return_high


def test_the_page_draws_that_table():
    text = page(frame(run("good", 3, [10] * 4), run("good", 4, [10] * 4), run("bad", 0, [1] * 4)), TASKS, SUITES)
    assert (
        """
## Task `hill@1`

`test/Hill-v0`, 4 episodes per training seed. Random agent 0.00, reference 10.00, failure return -5.00.

| rank | agent  | seeds | mean return |  95 % interval | score | worst seed | beats next | failed | training steps |
| ---: | :----- | ----: | ----------: | -------------: | ----: | ---------: | ---------: | -----: | -------------: |
|    1 | good 1 |     2 |       10.00 | [10.00, 10.00] | 1.000 |      10.00 |       1.00 |      0 |            100 |
|    2 | bad 1  |     1 |        1.00 |  [1.00, 1.00]† | 0.100 |       1.00 |          — |      0 |            100 |
"""
        in text
    )


def test_every_table_of_the_page_lines_up():
    text = page(
        frame(
            noisy("dqn", 5), noisy("an-agent-with-a-long-name", 1234), run("日本語|", 0, [1, 2], LAKE), run("x", 0, [1])
        ),
        TASKS,
        SUITES,
    )
    blocks = re.findall(r"(?:^\|.*\n)+", text, flags=re.MULTILINE)
    assert len(blocks) == 4  # a suite, two tasks, not ranked
    for block in blocks:
        lines = block.replace("日本語", "......").splitlines()
        assert len({len(line) for line in lines}) == 1
        assert len({tuple(m.start() for m in re.finditer(r"(?<!\\)\|", line)) for line in lines}) == 1


def test_the_page_is_a_pure_function_of_the_lines_in_any_order():
    lines = frame(noisy("dqn", 5), noisy("q", 4), run("random", -1, [0, 1, 2, 3]), noisy("dqn", 1.5, task=LAKE))
    shuffled = lines.sample(frac=1, random_state=4)
    assert page(lines, TASKS, SUITES) == page(shuffled, TASKS, SUITES)
    assert not re.search(r"20\d\d-", page(lines, TASKS, SUITES))


def test_a_newcomer_changes_no_other_interval():
    before = ranked(noisy("dqn", 5), noisy("q", 4))
    after = ranked(noisy("dqn", 5), noisy("q", 4), noisy("new", 9))
    intervals = [{row.agent: (row.return_low, row.return_high) for row in s.tasks["hill@1"]} for s in (before, after)]
    assert intervals[0].items() <= intervals[1].items()
    assert [row.agent for row in after.tasks["hill@1"]] == ["new", "dqn", "q"]


def test_ties_share_a_rank_and_are_listed_by_name():
    rows = ranked(run("b", 0, [2] * 4), run("a", 0, [2] * 4), run("c", 0, [1] * 4)).tasks["hill@1"]
    assert [(row.rank, row.agent) for row in rows] == [(1, "a"), (1, "b"), (3, "c")]


def test_undecided_agents_get_a_range_of_ranks():
    rows = ranked(noisy("aa", 5.0), noisy("bbb", 5.1), noisy("cccc", 50)).tasks["hill@1"]
    assert [(row.rank_low, row.rank_high) for row in rows] == [(1, 1), (2, 3), (2, 3)]


def test_agents_with_the_same_scores_are_resampled_independently():
    twins = [run(name, seed, [seed] * 4) for name in "ab" for seed in range(5)]
    rows = ranked(*twins).tasks["hill@1"]
    assert [(row.rank, row.rank_low, row.rank_high) for row in rows] == [(1, 1, 2), (1, 1, 2)]
    assert rows[0].beats_next == 0.5


def test_the_last_bit_of_a_number_does_not_show():
    for value in (0.285, 2.675, 1234.565):
        assert len({decimal(math.nextafter(value, to)) for to in (-math.inf, value, math.inf)}) == 1
    assert [decimal(x) for x in (-0.0, -0.001, -1234.5, None)] == ["0.00", "0.00", "-1,234.50", "—"]


def test_a_suite_ranks_by_the_iqm_of_the_normalised_scores():
    on_hill, on_lake = [2.0, 4.0, 6.0, 9.0], [1.1, 1.2, 1.9, 2.5]
    both = [run("a", s, [g] * 4) for s, g in enumerate(on_hill)]
    both += [run("a", s, [g] * 2, LAKE) for s, g in enumerate(on_lake)]
    row = ranked(*both).suites["both"][0]
    scores = sorted([g / 10 for g in on_hill] + [g - 1 for g in on_lake])
    assert row.aggregate == pytest.approx(statistics.fmean(scores[2:-2]))
    assert row.optimality_gap == pytest.approx(statistics.fmean(max(1 - x, 0) for x in scores))
    assert row.aggregate_low < row.aggregate < row.aggregate_high
    assert (row.rank, row.tasks, row.interval_over) == (1, 2, "seeds")


def test_an_agent_without_a_task_of_the_suite_has_a_dash_and_no_rank():
    runs = [noisy("all", 5), noisy("all", 1.5, task=LAKE), noisy("half", 9)]
    suite = ranked(*runs).suites["both"]
    assert [(row.agent, row.rank, row.aggregate, row.tasks) for row in suite[1:]] == [("half", None, None, 1)]
    line = next(line for line in page(frame(*runs), TASKS, SUITES).splitlines() if "| half 1" in line)
    assert [cell.strip() for cell in line.split("|")[1:-1]] == ["—", "half 1", "1 of 2", "—", "—", "—", "0"]


def test_a_suite_that_nobody_completed_says_so_instead_of_a_table():
    text = page(frame(noisy("half", 9)), TASKS, SUITES)
    assert "## Suite `both`\n\nTasks: `hill@1`, `lake@2`.\n\nNo agent has completed all of them yet.\n" in text
    assert "## Suite `dry`\n\nTasks: `hill@1`.\n\n| rank" in text


def test_suites_of_the_same_tasks_share_a_section():
    text = page(frame(noisy("a", 9)), TASKS, {"quick": (HILL,), "lecture": (HILL,)})
    assert "## Suites `quick`, `lecture`\n" in text


def test_one_run_in_a_suite_makes_its_interval_one_over_episodes():
    row = ranked(noisy("a", 5), run("a", 0, [1.0, 1.5], LAKE)).suites["both"][0]
    assert row.interval_over == "episodes"


def test_a_run_of_a_single_episode_has_no_interval():
    once = Task("once", 1, "test/Once-v0", episodes=1, lanes=1, random=0.0, reference=1.0)
    board = compute_rankings(frame(run("a", 0, [0.5], once)), {once.key: once}, {"one": (once,)})
    (row,) = board.tasks["once@1"]
    assert (row.return_low, row.return_high, row.score_low, row.interval_over) == (None, None, None, "none")
    assert "        0.50 |             — | 0.500 |" in page(
        frame(run("a", 0, [0.5], once)), {once.key: once}, {"one": (once,)}
    )


def test_incomplete_and_foreign_runs_are_listed_and_not_ranked():
    gone = Task("gone", 9, "test/Gone-v0")
    board = ranked(
        run("a", 0, [1] * 4),
        run("a", 1, [9] * 2, complete=False),
        run("b", 0, [9] * 3),
        run("c", 7, [9] * 4, gone),
    )
    assert [(row.agent, row.training_seeds, row.mean_return) for row in board.tasks["hill@1"]] == [("a", 1, 1)]
    assert [(row.agent, row.training_seed, row.reason) for row in board.unranked] == [
        ("c", 7, "this rlbench has no such task"),
        ("a", 1, "incomplete: 2 of 4 episodes"),
        ("b", 0, "incomplete: 3 of 4 episodes"),
    ]


def test_versions_of_an_agent_are_different_rows():
    rows = ranked(run("a", 0, [1] * 4), run("a", 0, [2] * 4, version="2")).tasks["hill@1"]
    assert [(row.version, row.rank) for row in rows] == [("2", 1), ("1", 2)]


def test_two_runs_of_one_training_seed_are_refused_by_name():
    with pytest.raises(UserError, match=r"hill@1/a@1{12}\.jsonl and hill@1/a@2{12}\.jsonl"):
        ranked(run("a", 0, [1] * 4, digest="1" * 64), run("a", 0, [2] * 4, digest="2" * 64))


@pytest.mark.parametrize("returns", [[1, 2, np.nan, 4], [1, 2, np.inf, 4]])
def test_a_return_that_is_no_number_is_refused(returns):
    with pytest.raises(UserError, match="no number"):
        ranked(run("a", 0, returns))


def test_an_episode_twice_is_refused():
    with pytest.raises(UserError, match="twice"):
        ranked(run("a", 0, [1] * 4), run("a", 0, [1] * 4))


def test_without_results_the_page_says_how_to_get_some():
    text = page(frame(), TASKS, SUITES)
    assert "rlbench run quick" in text
    assert "|" not in text
    assert text.endswith("\n")


def test_names_cannot_break_the_table():
    assert escape("a|b`<i>*\n\x1b[31m") == "a\\|b\\`\\<i>\\*��[31m"
    assert escape("value_iteration 1.0") == "value_iteration 1.0"
    assert escape("_a_ __b__ _") == r"\_a\_ \_\_b\_\_ \_"
    assert escape("[x](http://y) &amp; ~~z~~") == r"[x]\(http://y) \&amp; \~\~z\~\~"
    assert escape('Ünï, "quoted"') == 'Ünï, "quoted"'


def test_the_flat_table_holds_every_row_with_whole_ranks():
    board = ranked(noisy("dqn", 5), run("x", 0, [1]))
    table = flat(board)
    assert table["table"].tolist() == ["suite", "suite", "task", "unranked"]
    assert table["rank"].tolist() == [None, 1, 1, None]
    assert json.loads(json.dumps(table["training_seeds"].tolist())) == [None, None, 5, None]
    assert [t.title for t in tables(board, SUITES)] == ["Suite dry", "Task hill@1", "Not ranked"]


def test_runs_under_different_dynamics_never_share_a_table():
    """Most complete runs of the hill have the dynamics `old`; the lake has its own."""
    board = ranked(
        run("a", 0, [1] * 4, dynamics="old"),
        run("b", 0, [2] * 4, dynamics="old"),
        run("c", 0, [9] * 4, dynamics="new"),
        run("d", 0, [9], complete=False, dynamics="new"),
        run("e", 0, [9], complete=False, dynamics="new"),
        run("a", 0, [1] * 2, task=LAKE, dynamics="new"),
    )
    assert [row.agent for row in board.tasks[HILL.key]] == ["b", "a"]
    assert [row.agent for row in board.tasks[LAKE.key]] == ["a"]
    reasons = {row.agent: row.reason for row in board.unranked}
    assert reasons["c"] == "played under other dynamics: new, not old"
    assert reasons["d"].startswith("incomplete")
