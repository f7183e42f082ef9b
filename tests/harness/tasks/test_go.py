"""The schedule of the Go tasks: who plays whom, in which colour and from which opening."""

from collections import Counter
from itertools import product
from pathlib import Path

import pytest

from rlbench.errors import UserError
from rlbench.gtp.tournament import points_table, read_games
from rlbench.harness.ranking import elo
from rlbench.harness.results import record
from rlbench.harness.tasks.go import BUILT_IN, PROGRAMS, RATINGS
from rlbench.harness.tasks.suite import get_task
from rlbench.harness.tasks.task import GameSchedule, Supplement, Task

RESULTS = Path(__file__).parents[3] / "results"
GO = ["go5@1", "go9@1"]


def games(task, indices):
    return [tuple(task.episode(i)[1].values()) for i in indices]


@pytest.mark.parametrize("key", GO)
def test_every_opponent_plays_both_colours_from_every_opening_once(key):
    task = get_task(key)
    assert task.episode(0)[1].keys() == {"opponent", "colour", "opening"}
    all_games = product(range(6), range(2), range(task.options.openings))
    assert sorted(games(task, range(task.episodes))) == sorted(all_games)


@pytest.mark.parametrize(("key", "episodes", "num_envs"), [("go5@1", 240, 16), ("go9@1", 120, 8)])
def test_a_block_sees_opponents_and_colours_equally_often(key, episodes, num_envs):
    task = get_task(key)
    assert (task.episodes, task.num_envs) == (episodes, num_envs)
    orders = set()
    for block in range(task.blocks):
        played = games(task, task.block(block))
        counts = Counter((opponent, colour) for opponent, colour, _ in played)
        opponents = range(4, 6) if task.is_supplement(block) else range(4)
        assert counts == dict.fromkeys(product(opponents, range(2)), num_envs // 2 // len(opponents))
        orders.add(tuple(opponent for opponent, _, _ in played))
    assert len(orders) > task.blocks / 2  # the place in a block does not tell who the opponent is


@pytest.mark.parametrize("key", GO)
def test_games_against_gnu_go_come_last_in_blocks_of_their_own(key):
    task = get_task(key)
    first = task.supplement.first
    assert first % task.num_envs == 0
    assert first == task.episodes * 4 // 6
    for i in range(task.episodes):
        opponents = task.kwargs([i])["opponents"]
        assert opponents == (BUILT_IN if i < first else (*BUILT_IN, *PROGRAMS))
        assert (task.episode(i)[1]["opponent"] >= len(BUILT_IN)) == (i >= first)


def test_the_order_is_the_same_on_every_machine():
    schedule = GameSchedule(built_in=2, others=1, openings=2, num_envs=4, key="drawn")
    assert [tuple(each.values()) for each in schedule] == [
        *((1, 1, 0), (0, 1, 0), (0, 0, 0), (1, 0, 0)),
        *((1, 1, 1), (1, 0, 1), (0, 0, 1), (0, 1, 1)),
        *((2, 0, 0), (2, 1, 1), (2, 0, 1), (2, 1, 0)),
    ]


@pytest.mark.parametrize("opponents", ["gtp:gnugo --mode gtp", ("random", "submission:agents/best")])
def test_a_task_runs_no_command_of_one_machine(opponents):
    name = "opponent" if isinstance(opponents, str) else "opponents"
    for fields in ({"env_kwargs": {name: opponents}}, {"supplement": Supplement(0, {name: opponents})}):
        with pytest.raises(UserError, match=r"^mine@1: this runs no command of one machine, got '(gtp|submission):"):
            Task("mine", 1, "rlbench/Go9x9-v0", **fields)


@pytest.mark.parametrize("size", RATINGS)
def test_the_frozen_ratings_are_those_of_the_recorded_games(size):
    rows = [row for row in read_games(RESULTS / "go_pool.csv") if row.size == size]
    players = list(dict.fromkeys(["random", *(name for row in rows for name in (row.black, row.white))]))
    rated = dict(zip(players, elo.rate_pool(points_table(rows, players), players), strict=True))
    assert tuple(round(rated[name].value) for name in (*BUILT_IN, *PROGRAMS)) == RATINGS[size]
    assert get_task(f"go{size}").ratings == RATINGS[size]


@pytest.mark.parametrize("size", RATINGS)
def test_both_colours_were_played_equally_often_from_every_opening(size):
    rows = [row for row in read_games(RESULTS / "go_pool.csv") if row.size == size]
    games = Counter((*sorted((row.black, row.white)), row.opening, row.black) for row in rows)
    for (one, other, opening, black), count in games.items():
        assert games[one, other, opening, other if black == one else one] == count


@pytest.mark.parametrize("size", [5, 9])
def test_the_random_score_is_that_of_the_recorded_games(size):
    task = get_task(f"go{size}")
    (path,) = (RESULTS / task.key).glob("random-legal@*.jsonl")
    run = record.read(path)
    assert run.complete
    assert sum(line["return"] for line in run.episodes) / task.episodes == pytest.approx(task.random)
    assert {line["extra"].get("engine") for line in run.episodes[task.supplement.first :]} == {"gnugo 3.8"}
