"""The compiled search against a naive recursion over naive rules: the same numbers, to the bit."""

import numpy as np
import pytest

from rlbench.search.batch import Search
from rlbench.search.settings import SearchSettings
from tests.search.naive import NaiveGame, improved, search_gumbel, search_puct
from tests.search.positions import by_hash, random_games

TURNS = (0, 1, 3, 4, 6, 9)


def naive_games(size, komi, moves, **how):
    for actions in moves:
        game = NaiveGame(size, komi, **how)
        for action in actions:
            game = game.after(action)
        yield game


def check(result, i, root, action):
    A = result.visits.shape[1]
    visits, values = np.zeros(A, np.int32), np.full(A, np.nan, np.float32)
    for a in root.N:
        visits[a] = root.N[a]
        if root.N[a]:
            values[a] = root.Q(a)
    np.testing.assert_array_equal(result.visits[i], visits)
    np.testing.assert_array_equal(result.q[i], values)
    total = root.v
    for a in root.W:
        total += root.W[a]
    assert result.value[i] == np.float32(total / (1 + sum(root.N.values())))
    assert result.action[i] == action == result.pv[i, 0]


@pytest.mark.parametrize(("size", "komi", "suicide"), [(2, 0.5, False), (3, 8.5, False), (3, 2.0, True)])
@pytest.mark.parametrize("algorithm", ["puct", "gumbel"])
def test_visits_values_and_policies_are_those_of_a_recursion(algorithm, size, komi, suicide):
    params, states, moves = random_games(size, TURNS, 1, komi=komi, suicide=suicide)
    N, A = len(TURNS), size * size + 1
    budget = np.array([50, 7, 1, 33, 64, 16])
    random = np.random.default_rng(5) if algorithm == "gumbel" else None
    search = Search(params, N, SearchSettings(algorithm=algorithm, simulations=64))
    result = search.run(states, by_hash, random, budget)
    gumbel = np.random.default_rng(5).gumbel(size=(N, A))
    for i, game in enumerate(naive_games(size, komi, moves, suicide=suicide)):
        if game.ended:
            assert result.action[i] == A - 1
            assert result.visits[i].sum() == 0
            assert result.value[i] == game.z
            continue
        if algorithm == "puct":
            root, action = search_puct(game, by_hash, budget[i])
            policy = {a: root.N[a] / budget[i] for a in root.N}
        else:
            root, action = search_gumbel(game, by_hash, budget[i], gumbel[i])
            policy = improved(root)
        check(result, i, root, action)
        expected = np.zeros(A, np.float32)
        expected[list(policy)] = list(policy.values())
        np.testing.assert_array_equal(result.pi[i], expected)


@pytest.mark.parametrize("considered", [1, 2, 3, 5, 7, 40])
def test_odd_budgets_and_numbers_of_considered_actions(considered):
    """More than there are legal actions, too: a board of 2 x 2 has five at most."""
    params, states, moves = random_games(2, TURNS, 3, komi=0.5)
    N, A, budget = len(TURNS), 5, np.array([51, 7, 1, 33, 63, 13])
    settings = SearchSettings("gumbel", 63, considered)
    result = Search(params, N, settings).run(states, by_hash, np.random.default_rng(2), budget)
    gumbel = np.random.default_rng(2).gumbel(size=(N, A))
    for i, game in enumerate(naive_games(2, 0.5, moves)):
        if not game.ended:
            check(result, i, *search_gumbel(game, by_hash, budget[i], gumbel[i], considered))
            assert result.visits[i].sum() == budget[i]
            tried = np.count_nonzero(result.visits[i])
            assert tried == min(considered, len(game.legal()), budget[i])


@pytest.mark.parametrize("constants", [{}, {"c_base": 50.0, "c_init": 3.0}], ids=["usual", "others"])
def test_noise_at_the_root_and_its_constants(constants):
    params, states, moves = random_games(3, TURNS, 1, komi=8.5)
    N, A, epsilon = len(TURNS), 10, 0.4
    settings = SearchSettings("puct", 41, alpha=0.3, noise=epsilon, **constants)
    result = Search(params, N, settings).run(states, by_hash, np.random.default_rng(7))
    gamma = np.random.default_rng(7).standard_gamma(np.full((N, A), 0.3))
    for i, game in enumerate(naive_games(3, 8.5, moves)):
        if not game.ended:
            check(result, i, *search_puct(game, by_hash, 41, gamma[i], epsilon, **constants))
