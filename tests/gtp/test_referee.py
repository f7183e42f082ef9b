"""`rlbench gtp` against GNU Go, with GNU Go as the referee: all three play the same game and agree on its result."""

import sys

import pytest

from rlbench.envs.go import engines
from tests.gtp import referee

needs_gnugo = pytest.mark.skipif(engines.missing("gnugo:1") is not None, reason=str(engines.missing("gnugo:1")))


def play(player, size, seed, komi=7.5):
    """A game of our player, which has Black in even games, against GNU Go at level 1."""
    gnugo = engines.find_program("gnugo:1").command
    ours = [sys.executable, "-m", "rlbench", "gtp", player, "--seed", str(seed)]
    theirs = [*gnugo, "--seed", str(seed)]
    black, white = (ours, theirs) if seed % 2 == 0 else (theirs, ours)
    with referee.engines({"black": black, "white": white, "referee": gnugo}) as running:
        return referee.play(running, size, komi, max_moves=3 * size * size)


def agreed(game):
    """The one result that all three have."""
    assert len(set(game.results.values())) == 1, game
    return game.results["referee"]


@needs_gnugo
def test_a_short_game():
    assert agreed(play("mcts:50", 5, seed=0))[0] in "BW"


@needs_gnugo
@pytest.mark.slow
@pytest.mark.parametrize("seed", range(10))
def test_ten_games_on_9x9_against_a_search(seed):
    assert agreed(play("mcts:1000", 9, seed))[0] in "BW"


@needs_gnugo
@pytest.mark.slow
@pytest.mark.parametrize(("size", "seed"), [(2, 0), (2, 1), (3, 0), (4, 1), (7, 0), (7, 1), (8, 0), (13, 1), (19, 0)])
def test_boards_of_other_sizes(size, seed):
    agreed(play("mcts:20", size, seed))
