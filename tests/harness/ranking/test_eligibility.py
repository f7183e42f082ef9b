"""Which runs count, and what is said of the others."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from rlbench.errors import UserError
from rlbench.harness.ranking.agent_results import collect_runs
from rlbench.harness.ranking.rankings import compute_rankings
from rlbench.harness.tasks.task import Task
from tests.harness.ranking.episode_lines import HILL, LAKE, MADE_UP, MADE_UP_SUITES, frame, ranked, run


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
        ("c", 7, "no definition of gone@9 is known here: put its file on RLBENCH_PATH, or install its package"),
        ("a", 1, "incomplete: 2 of 4 episodes"),
        ("b", 0, "incomplete: 3 of 4 episodes"),
    ]


def test_runs_without_walls_are_not_ranked():
    lines = [*run("a", 0, [1] * 4), *run("b", 0, [9] * 4)]
    walled = pd.DataFrame([{**line, "walled": line["agent"] == "a"} for line in lines])
    board = compute_rankings(collect_runs(walled), MADE_UP, MADE_UP_SUITES)
    assert [row.agent for row in board.tasks["hill@1"]] == ["a"]
    assert [(row.agent, row.reason.partition(":")[0]) for row in board.unranked] == [
        ("b", "played with isolation=process")
    ]


def test_of_two_runs_of_one_training_seed_neither_counts_and_the_others_do():
    some = [run("a", 0, [1] * 4, digest="1" * 64), run("a", 0, [2] * 4, digest="2" * 64), run("a", 1, [3] * 4)]
    board = ranked(*some)
    assert [(row.agent, row.seed_means) for row in board.tasks["hill@1"]] == [("a", (3.0,))]
    assert [row.digest[:1] for row in board.unranked] == ["1", "2"]
    for row, other in zip(board.unranked, "21", strict=True):
        assert f"hill@1/a@{other * 12}.jsonl has training seed 0, too, so that neither counts" in row.reason


def test_the_same_contents_under_several_training_seeds_count_once():
    made = [run("a", seed, [seed] * 4, digest=str(seed) * 64, contents="c" * 64) for seed in (3, 1, 2)]
    board = ranked(*made, run("a", 4, [9] * 4, contents="d" * 64))
    assert [row.seed_means for row in board.tasks["hill@1"]] == [(1.0, 9.0)]
    assert [row.training_seed for row in board.unranked] == [2, 3]
    assert all("the same contents as hill@1/a@111111111111.jsonl, which count once" in r.reason for r in board.unranked)


def test_runs_of_several_owners_are_several_agents():
    mine = [run("a", seed, [1] * 4, owner="rlbench") for seed in range(2)]
    theirs = [run("a", seed, [9] * 4, owner="Eve", digest=f"{seed}" * 64) for seed in range(2, 4)]
    rows = ranked(*mine, *theirs, run("b", 0, [5] * 4, owner="Eve")).tasks["hill@1"]
    assert [(row.agent, row.training_seeds, row.mean_return) for row in rows] == [
        ("a of Eve", 2, 9.0),
        ("b", 1, 5.0),
        ("a", 2, 1.0),
    ]


def test_runs_under_different_dynamics_never_share_a_table():
    """The hill is ranked under the dynamics `old`, which are the task's, though more runs have others."""
    runs = [
        run("a", 0, [1] * 4, dynamics="old"),
        *(run(name, 0, [9] * 4, dynamics="new") for name in "bcd"),
        run("e", 0, [9], complete=False, dynamics="old"),
        run("a", 0, [1] * 2, task=LAKE),
    ]
    tasks = {**MADE_UP, HILL.key: dataclasses.replace(HILL, dynamics="old")}
    board = compute_rankings(collect_runs(frame(*runs)), tasks, MADE_UP_SUITES)
    assert [row.agent for row in board.tasks[HILL.key]] == ["a"]
    assert [row.agent for row in board.tasks[LAKE.key]] == ["a"]
    reasons = {row.agent: row.reason for row in board.unranked}
    assert [reasons[name] for name in "bcd"] == ["played under other dynamics: new, not old"] * 3
    assert reasons["e"].startswith("incomplete")


@pytest.mark.parametrize("returns", [[1, 2, np.nan, 4], [1, 2, np.inf, 4]])
def test_a_return_that_is_no_number_is_refused(returns):
    with pytest.raises(UserError, match="no number"):
        ranked(run("a", 0, returns))


def test_an_episode_twice_is_refused():
    with pytest.raises(UserError, match="twice"):
        ranked(run("a", 0, [1] * 4), run("a", 0, [1] * 4))
