"""Tables of agents, on a task and on a suite: means, intervals, ranks, from episode lines that are made up."""

import json
import math

import numpy as np
import pytest

from rlbench.harness.ranking.agent_results import collect_runs
from rlbench.harness.ranking.cells import budget
from rlbench.harness.ranking.flat import flat
from rlbench.harness.ranking.rankings import compute_rankings
from rlbench.harness.ranking.tables import tables
from rlbench.harness.tasks.suite import BUDGETS, FAMILY
from rlbench.harness.tasks.task import Task
from tests.harness.ranking.episode_lines import HILL, LAKE, MADE_UP_SUITES, frame, noisy, ranked, run


def test_a_task_table_by_hand():
    rows = ranked(
        *(run("flat", seed, returns, steps=5 + seed) for seed, returns in enumerate([[8] * 4, [7, 8, 8, 9], [8] * 4])),
        *(run("good", seed, [9 + seed] * 4, failed=seed) for seed in range(3)),
        run("random", -1, [0, 0, 0, 4], steps=0),
    ).tasks["hill@1"]
    assert [(row.rank, row.agent, row.mean_return, row.score) for row in rows] == [
        (1, "good", 10, 1.0),
        (2, "flat", 8, 0.8),
    ]
    good, flat_ = rows
    margin = 4.303 / math.sqrt(3)  # Student's, of deviation 1
    assert (good.return_low, good.return_high) == pytest.approx((10 - margin, 10 + margin), abs=1e-3)
    assert (good.score_low, good.score_high) == pytest.approx((1 - margin / 10, 1 + margin / 10), abs=1e-4)
    assert (good.rank_low, good.rank_high, good.failed_episodes, good.episodes) == (1, 2, 3, 12)
    assert (good.solved, good.solved_low, good.solved_high) == pytest.approx((2, 0.0943, 0.9916), abs=1e-4)
    assert (flat_.training_seeds, flat_.training_steps, flat_.worst_seed) == (3, 6, 8)
    assert (flat_.return_low, flat_.return_high) == (8, 8)  # the seeds agree


def test_under_three_seeds_there_is_neither_interval_nor_rank():
    rows = ranked(run("one", 0, [1, 2, 3, 4]), *(run("two", s, [5 + s] * 4) for s in range(2))).tasks["hill@1"]
    assert [(row.agent, row.rank, row.rank_low, row.return_low, row.score_high) for row in rows] == [
        ("two", None, None, None, None),
        ("one", None, None, None, None),
    ]
    two, one = rows
    assert (two.episodes_low, two.episodes_high) == (None, None)  # their spread would say nothing of the seeds
    assert one.episodes_low < 2.5 < one.episodes_high


def test_an_agent_that_was_not_trained_has_the_interval_of_its_episodes():
    """It is the same in every run: there is no luck of training."""
    (row,) = ranked(run("by-hand", -1, [1, 2, 3, 4], steps=-1)).tasks["hill@1"]
    assert (row.training_seeds, row.rank) == (0, 1)
    assert row.return_low < 2.5 < row.return_high


def test_starts_that_a_task_enumerates_are_no_chance():
    starts = Task(
        "starts", 1, "test/S-v0", episodes=6, num_envs=6, options=({"s": 1}, {"s": 2}), random=0.0, reference=10.0
    )
    lines = frame(run("planner", 0, [-1, -9] * 3, starts, steps=0))
    (row,) = compute_rankings(collect_runs(lines), {starts.key: starts}, {}).tasks[starts.key]
    assert (row.mean_return, row.return_low, row.return_high) == (-5, -5, -5)


def test_no_interval_leaves_the_range_of_possible_returns():
    capped = Task("cap", 1, "test/C-v0", episodes=2, random=0.0, reference=10.0, min_return=0.0, max_return=10.0)
    runs = [run("a", seed, [g, g], capped) for seed, g in enumerate((10, 10, 9, 1))]
    board = compute_rankings(collect_runs(frame(*runs)), {capped.key: capped}, {"all": (capped,)})
    for row in (*board.tasks[capped.key],):
        assert (row.return_high, row.score_high) == (10, 1)
        assert row.return_low >= 0
    assert board.suites["all"][0].score_high == 1


def test_agents_rank_within_their_budget(monkeypatch):
    monkeypatch.setitem(FAMILY, HILL.key, "hills")
    monkeypatch.setitem(BUDGETS, "hills", (100, 1000))
    fast = [run("fast", s, [5 + s] * 4, steps=104) for s in range(3)]  # a batch does not stop on a round number
    slow = [run("slow", s, [50 + s] * 4, steps=1000 * (s + 1)) for s in range(3)]  # 2,000 in the median
    rows = ranked(*fast, *slow, run("quiet", 0, [1] * 4, steps=-1)).tasks["hill@1"]
    assert [(row.agent, row.budget, row.rank, row.rank_high) for row in rows] == [
        ("fast", 100, 1, 1),
        ("slow", None, 1, 1),
        ("quiet", None, None, None),
    ]
    assert [budget(b) for b in (100, 400_000, 1_001_424, None)] == ["0.1k", "400k", "1M", "any"]


def test_a_newcomer_changes_no_other_interval():
    before = ranked(noisy("dqn", 5), noisy("q", 4))
    after = ranked(noisy("dqn", 5), noisy("q", 4), noisy("new", 9))
    intervals = [{row.agent: (row.return_low, row.return_high) for row in s.tasks["hill@1"]} for s in (before, after)]
    assert intervals[0].items() <= intervals[1].items()
    assert [row.agent for row in after.tasks["hill@1"]] == ["new", "dqn", "q"]


def test_ties_share_a_rank_and_are_listed_by_name():
    rows = ranked(*(run(name, s, [g] * 4) for name, g in (("b", 2), ("a", 2), ("c", 1)) for s in range(3)))
    assert [(row.rank, row.agent) for row in rows.tasks["hill@1"]] == [(1, "a"), (1, "b"), (3, "c")]


def test_undecided_agents_get_a_range_of_ranks():
    rows = ranked(noisy("aa", 5.0), noisy("bbb", 5.1), noisy("cccc", 50)).tasks["hill@1"]
    assert [(row.rank_low, row.rank_high) for row in rows] == [(1, 1), (2, 3), (2, 3)]


def test_versions_of_an_agent_are_different_rows():
    rows = ranked(run("a", 0, [1] * 4), run("a", 0, [2] * 4, version="2")).tasks["hill@1"]
    assert [(row.version, row.mean_return) for row in rows] == [("2", 2), ("1", 1)]


def test_a_suite_ranks_by_the_mean_of_the_normalised_scores():
    """Two tasks that weigh alike, whatever their numbers of seeds."""
    on_hill, on_lake = [2.0, 4.0, 6.0, 9.0], [1.1, 1.2, 2.5]
    both = [run("a", s, [g] * 4) for s, g in enumerate(on_hill)]
    both += [run("a", s, [g] * 2, LAKE) for s, g in enumerate(on_lake)]
    row = ranked(*both, *(run("b", s, [9] * 4) for s in range(3))).suites["both"][0]
    x, y = np.array(on_hill) / 10, np.array(on_lake) - 1
    assert row.score == pytest.approx((x.mean() + y.mean()) / 2)
    assert row.optimality_gap == pytest.approx((np.maximum(1 - x, 0).mean() + np.maximum(1 - y, 0).mean()) / 2)
    assert row.score_low < row.score < row.score_high
    assert (row.rank, row.tasks, row.of_tasks) == (1, 2, 2)


def test_an_agent_without_a_task_of_the_suite_says_which_part_it_has_and_has_no_rank():
    suite = ranked(noisy("all", 5), noisy("all", 1.5, task=LAKE), noisy("half", 9)).suites["both"]
    assert [(row.agent, row.rank, row.tasks) for row in suite] == [("all", 1, 2), ("half", None, 1)]
    assert suite[1].score > 0.8  # of the task that it has


def test_one_run_on_a_task_of_the_suite_leaves_its_interval_out():
    (row,) = ranked(noisy("a", 5), run("a", 0, [1.0, 1.5], LAKE)).suites["both"]
    assert (row.rank, row.score_low) == (None, None)


def test_a_suite_has_a_table_where_three_agents_have_played_all_of_it():
    both = [noisy(name, mean, task=task) for name in ("a", "b") for task, mean in ((HILL, 5), (LAKE, 1.5))]
    titles = [table.title for table in tables(ranked(*both, noisy("c", 4)), MADE_UP_SUITES)]
    assert titles == ["Task hill@1", "Task lake@2"]
    assert [t.title for t in tables(ranked(*both, noisy("c", 4), noisy("c", 1, task=LAKE)), MADE_UP_SUITES)] == [
        *("Suite both", "Task hill@1", "Task lake@2")
    ]


def test_the_flat_table_holds_every_row_with_whole_ranks():
    board = ranked(noisy("dqn", 5), run("x", 0, [1]))
    table = flat(board)
    scales = ["random", "reference"] * 2
    assert table["table"].tolist() == ["suite", "suite", "task", *scales, "proof", "unranked"]
    assert [len(means.split()) for means in table["seed_means"] if means] == [5]
    assert table["rank"].tolist() == [None, 1, 1, *[None] * 6]
    assert json.loads(json.dumps(table["training_seeds"].tolist())) == [None, None, 5, *[None] * 6]
    assert [t.title for t in tables(board, MADE_UP_SUITES)] == ["Task hill@1", "Not ranked"]
