"""A search commutes with the symmetries of the board: that of a turned game is the turned search."""

import numpy as np
import pytest

from baselines.data.symmetries import SYMMETRIES, board_symmetries, transformed
from rlbench.search.batch import Search
from rlbench.search.settings import SearchSettings
from tests.search.positions import after, by_hash, random_games

TURNS = (0, 3, 7, 12)


@pytest.mark.parametrize("symmetry", range(1, SYMMETRIES))
@pytest.mark.parametrize("algorithm", ["puct", "gumbel"])
def test_a_turned_game_is_searched_as_the_turned_one(algorithm, symmetry):
    """The network of the turned board turns it back first, so that it says the same of both."""
    _, _, games = random_games(4, TURNS, 6, komi=2.5)
    table = np.append(board_symmetries(4)[symmetry], 16)  # which action comes to lie on each
    place, back = np.argsort(table), inverse(symmetry)

    def turned_network(planes, mask):
        original, _ = transformed(planes, mask, np.full(len(planes), back))
        logits, values = by_hash(original, mask)
        return logits[:, table], values

    for moves in games:
        params, plain = after(4, moves, komi=2.5)
        _, turned = after(4, [int(place[action]) for action in moves], komi=2.5)
        search = Search(params, 1, SearchSettings(algorithm, 60))
        one, other = search.run(plain, by_hash), search.run(turned, turned_network)
        assert other.action[0] == place[one.action[0]]
        np.testing.assert_array_equal(other.visits[0], one.visits[0, table])
        np.testing.assert_allclose(other.q[0], one.q[0, table], atol=1e-6)
        np.testing.assert_allclose(other.pi[0], one.pi[0, table], atol=1e-5)
        assert other.value[0] == pytest.approx(one.value[0], abs=1e-6)


def inverse(symmetry):
    """The symmetry that takes this one back."""
    table = board_symmetries(4)
    return next(k for k in range(SYMMETRIES) if (table[symmetry][table[k]] == np.arange(16)).all())
