"""Searches in many games at once: budgets, noise, independence of each other, and bad input."""

import dataclasses
import re

import numpy as np
import pytest

from rlbench.errors import ArgumentError, TooLargeError
from rlbench.search.batch import Search
from rlbench.search.settings import SearchSettings
from tests.search.positions import by_hash, no_opinion, random_games, self_play

TURNS = (0, 2, 5, 8, 12, 16, 20, 24)
ALGORITHMS = pytest.mark.parametrize("algorithm", ["puct", "gumbel"])


@pytest.fixture(scope="module")
def games():
    return random_games(5, TURNS, 4)


def of(states, rows):
    return type(states)(*(field[rows] for field in states))


def same(one, other):
    for a, b in zip(one, other, strict=True):
        np.testing.assert_array_equal(a, b)


@ALGORITHMS
@pytest.mark.parametrize("random", [False, True])
def test_every_budget_is_spent_exactly(games, algorithm, random):
    params, states, _ = games
    search = Search(params, len(TURNS), SearchSettings(algorithm, 50))
    for budget in (1, 2, 15, 16, 17, 50, np.arange(1, 9), np.array([50, 1, 7, 33, 2, 50, 49, 16])):
        result = search.run(states, by_hash, np.random.default_rng(0) if random else None, budget)
        over = states.ending != 0
        assert (result.visits.sum(axis=1) == np.where(over, 0, budget)).all()
        np.testing.assert_allclose(result.pi.sum(axis=1), 1, rtol=1e-5)
        assert (result.pi[states.legal == 0] == 0).all()
        assert (result.visits[states.legal == 0] == 0).all()
        assert (np.isnan(result.q) == (result.visits == 0)).all()
        assert states.legal[np.arange(len(TURNS)), result.action].all()


@ALGORITHMS
def test_a_game_is_searched_alike_alone_and_among_others(games, algorithm):
    params, states, _ = games
    settings = SearchSettings(algorithm, 40)
    together = Search(params, len(TURNS), settings).run(states, by_hash)
    alone = Search(params, 1, settings)
    for i in range(len(TURNS)):
        same(alone.run(of(states, slice(i, i + 1)), by_hash), (field[i : i + 1] for field in together))


@ALGORITHMS
def test_searches_repeat_themselves_and_write_to_no_state(games, algorithm):
    params, states, _ = games
    before = [np.array(field) for field in states]
    search = Search(params, len(TURNS), SearchSettings(algorithm, 30))
    first, again = (search.run(states, by_hash, np.random.default_rng(3)) for _ in range(2))
    same(first, again)
    same(states, before)
    other = search.run(states, by_hash, np.random.default_rng(4))
    assert (first.visits != other.visits).any()


@ALGORITHMS
def test_noise_is_where_there_is_exploration(games, algorithm):
    params, states, _ = games
    search, explore = Search(params, len(TURNS), SearchSettings(algorithm, 30)), np.arange(len(TURNS)) % 2 == 0
    mixed, random = search.run(states, by_hash, np.random.default_rng(3), explore=explore), np.random.default_rng(3)
    noisy, plain = search.run(states, by_hash, random), search.run(states, by_hash)
    for some, whole in ((explore, noisy), (~explore, plain)):
        same((field[some] for field in mixed), (field[some] for field in whole))


def test_the_stream_of_random_numbers_does_not_depend_on_the_budget(games):
    params, states, _ = games
    search, left = Search(params, len(TURNS), SearchSettings(simulations=20)), []
    for budget, explore in ((20, None), (3, np.zeros(len(TURNS), np.bool_))):
        random = np.random.default_rng(0)
        search.run(states, no_opinion, random, budget, explore)
        left.append(random.random())
    assert left[0] == left[1]


def test_games_that_have_ended_are_not_evaluated():
    envs = self_play(3, 3)
    for actions in ([9, 9, 0], [9, 0, 1]):
        envs.step(np.array(actions))
    states, asked = envs.unwrapped.state, []

    def evaluate(planes, mask):
        asked.append(len(planes))
        return no_opinion(planes, mask)

    assert states.ending.tolist() == [1, 0, 0]
    result = Search(envs.unwrapped.params, 3, SearchSettings(simulations=5)).run(states, evaluate)
    assert max(asked) == 2
    assert (result.action[0], result.value[0], result.pi[0].argmax()) == (9, -1.0, 9)  # Black lost by komi
    assert result.visits.sum(axis=1).tolist() == [0, 5, 5]
    asked.clear()
    alone = Search(envs.unwrapped.params, 1, SearchSettings(simulations=5))
    alone.run(of(states, slice(0, 1)), evaluate)
    assert asked == []


def test_values_beyond_their_bounds_are_cut(games):
    params, states, _ = games

    def overflows(planes, mask):
        logits, values = by_hash(planes, mask)
        logits[:, ::3], values[::2] = np.inf, np.nan
        return logits, 5 * values

    result = Search(params, len(TURNS), SearchSettings(simulations=30)).run(states, overflows)
    assert np.isfinite(result.pi).all()
    assert (np.abs(result.value) <= 1).all()
    assert (np.abs(result.q[result.visits > 0]) <= 1).all()


@ALGORITHMS
def test_a_tree_can_be_looked_at(games, algorithm):
    params, states, _ = games
    search = Search(params, len(TURNS), SearchSettings(algorithm, 60))
    result = search.run(states, by_hash)
    for i in (0, 3):
        nodes = search.tree(i)
        assert all(node.parent < number for number, node in enumerate(nodes))
        assert (nodes[0].N, np.float32(nodes[0].Q)) == (60, result.value[i])
        for node in (each for each in nodes if each.parent == 0):
            assert (node.N, np.float32(node.Q)) == (result.visits[i, node.action], result.q[i, node.action])
        for number, node in enumerate(nodes[1:], start=1):
            below = [each for each in nodes if each.parent == number]
            if not node.ended:
                assert 1 + sum(each.N for each in below) == node.N
            total = node.v * (node.N if node.ended else 1) + sum(each.N * each.Q for each in below)
            assert pytest.approx(-total / node.N, abs=1e-9) == node.Q


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ({"simulations": 0}, "simulations are integers 1 to 20, one or 8, got 0"),
        ({"simulations": 21}, "simulations are integers 1 to 20, one or 8, got 21"),
        ({"simulations": 2.5}, "simulations are integers 1 to 20, one or 8, got 2.5"),
        ({"simulations": np.ones(3, int)}, "simulations are integers 1 to 20, one or 8, got"),
        (
            {"evaluate": lambda planes, mask: (mask[:, :3], mask[:, 0])},
            "evaluate returned logits (8, 3) and values (8,)",
        ),
        ({"evaluate": lambda planes, mask: (mask, mask)}, "evaluate returned logits (8, 26) and values (8, 26)"),
        ({"states": (1, 2)}, "states of a search are a State of rlbench.envs.go.rules, got (1, 2)"),
    ],
)
def test_what_cannot_be_searched_is_refused(games, call, message):
    params, states, _ = games
    search = Search(params, len(TURNS), SearchSettings(simulations=20))
    with pytest.raises(ArgumentError, match=re.escape(message)):
        search.run(**{"states": states, "evaluate": no_opinion, **call})


def test_another_board_is_refused(games):
    _, states, _ = games
    nine = self_play(9, 1).unwrapped
    search = Search(nine.params, len(TURNS), SearchSettings(simulations=4))
    with pytest.raises(
        ArgumentError, match=r"field 'stones' of the states has shape \(8, 42\); this search takes \(8, 110\)"
    ):
        search.run(states, no_opinion)
    with pytest.raises(ArgumentError, match=r"has shape \(1, 110\); this search takes \(8, 110\)"):
        search.run(nine.state, no_opinion)


def test_searches_of_impossible_sizes_are_refused(games):
    params = games[0]
    with pytest.raises(ArgumentError, match="num_envs of a search is a positive integer, got 0"):
        Search(params, 0)
    with pytest.raises(TooLargeError, match="num_envs=1000000 with 1,000,000 simulations"):
        Search(params, 1_000_000, SearchSettings(simulations=1_000_000))


WRONG = {
    "algorithm": ("mcts", "algorithm of a search is gumbel or puct, got 'mcts'"),
    "simulations": (0, "simulations is an integer 1 to 1000000, got 0"),
    "considered": (2.0, "considered is an integer 1 to 1000000, got 2.0"),
    "c_init": (-1.0, "c_init is a number 0 to 1e+06, got -1.0"),
    "noise": (float("nan"), "noise is a number 0 to 1, got nan"),
}


@pytest.mark.parametrize("name", WRONG)
def test_settings_that_cannot_be_are_refused(name):
    value, message = WRONG[name]
    with pytest.raises(ArgumentError, match=re.escape(message)):
        dataclasses.replace(SearchSettings(), **{name: value})
