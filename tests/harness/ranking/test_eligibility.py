"""Which runs count, and what is said of the others."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from rlbench.errors import UserError
from rlbench.harness.ranking.agent_results import collect_runs
from rlbench.harness.ranking.rankings import compute_rankings
from rlbench.harness.ranking.recorded_runs import Statement
from rlbench.harness.tasks.task import Task
from tests.harness.ranking.episode_lines import HILL, LAKE, MADE_UP, MADE_UP_SUITES, frame, ranked, run
from tests.harness.ranking.results import runs


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


def test_changed_copies_of_an_agent_that_was_not_trained_are_no_seeds_of_it():
    made = [dataclasses.replace(each, training_steps=0) for each in runs("a", MADE_UP["hill@1"], [1.0, 2.0, 3.0])]
    board = compute_rankings(made, MADE_UP, MADE_UP_SUITES)
    assert "hill@1" not in board.tasks
    assert len(board.unranked) == 3
    assert all("was not trained, either, so that neither counts" in row.reason for row in board.unranked)
    (row,) = compute_rankings(made[:1], MADE_UP, MADE_UP_SUITES).tasks["hill@1"]
    assert (row.training_seeds, len(row.seed_means)) == (0, 1)


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


def test_only_runs_that_count_decide_whether_a_name_needs_its_owner():
    stub = run("a", 0, [9] * 2, complete=False, owner="Eve", digest="e" * 64)
    board = ranked(run("a", 0, [1] * 4, owner="Ada"), run("a", 0, [2] * 2, LAKE, owner="Ada"), stub)
    assert [row.agent for row in board.tasks["hill@1"]] == ["a"]
    assert [(row.agent, row.reason) for row in board.unranked] == [("a of Eve", "incomplete: 2 of 4 episodes")]


def test_reasons_name_files_as_they_are():
    """Also where the owner is in the name of the row."""
    theirs = [run("a", 0, [9] * 4, owner="Eve", digest=digit * 64) for digit in "12"]
    board = ranked(run("a", 0, [1] * 4, owner="Ada"), run("a", 3, [1] * 4, owner="Eve"), *theirs)
    assert sorted(row.agent for row in board.tasks["hill@1"]) == ["a of Ada", "a of Eve"]
    assert [row.reason.partition(" has")[0] for row in board.unranked] == [f"hill@1/a@{d * 12}.jsonl" for d in "21"]


YES = Statement("Ada", "verified", "played", HILL.blocks, "2026-11-30", "a CPU")
NO = YES._replace(who="Eve", verdict="different")
PROVED = {
    "by a check": ({"statements": (YES,)}, {}),
    "here": ({"state": "verified"}, {"statements": (YES._replace(who="Eve"),)}),
    "here, and contested": ({"state": "verified", "statements": (NO,)}, {"statements": (YES,)}),
    "by a check that none contests": ({"statements": (YES,)}, {"statements": (YES, NO)}),
    "by a check of all blocks": ({"statements": (YES,)}, {"statements": (YES._replace(blocks=1),)}),
}


@pytest.mark.parametrize("shared", ["contents", "training_seed"])
@pytest.mark.parametrize(("mine", "forged"), PROVED.values(), ids=PROVED)
def test_what_is_verified_gives_way_to_nothing_that_is_not(mine, forged, shared):
    """Whatever digest and training seed a record has that claims to be the same run."""
    made = collect_runs(frame(*(run("a", seed, [9] * 4, digest=str(seed + 1) * 64) for seed in range(3))))
    made = [dataclasses.replace(each, contents=f"c{each.training_seed}") for each in made]
    real = dataclasses.replace(made[2], **mine)
    same = {"contents": real.contents, "training_seed": 0} if shared == "contents" else {"training_seed": 2}
    fake = dataclasses.replace(made[2], **{"contents": "f", "digest": "0" * 64, "returns": np.ones(4)} | same | forged)
    board = compute_rankings([made[1], fake, real], MADE_UP, MADE_UP_SUITES)
    assert [row.seed_means for row in board.tasks["hill@1"]] == [(9.0, 9.0)]
    assert [row.digest for row in board.unranked] == ["0" * 64]


def test_of_runs_proved_alike_the_rules_are_those_of_runs_that_nobody_has_proved():
    made = collect_runs(frame(*(run("a", 0, [9] * 4, digest=digit * 64) for digit in "12")))
    board = compute_rankings([dataclasses.replace(each, statements=(YES,)) for each in made], MADE_UP, MADE_UP_SUITES)
    assert [row.digest[:1] for row in board.unranked] == ["1", "2"]


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
