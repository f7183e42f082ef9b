"""The board against the rules as they read: legality, stones and score, turn by turn, on boards of many shapes."""

import random

import numpy as np
import pytest

from rlbench.envs.go.game import Game
from tests.envs.go.naive import Naive


@pytest.mark.parametrize("suicide", [False, True])
@pytest.mark.parametrize("shape", [(1, 2), (1, 5), (2, 2), (2, 3), (3, 2), (3, 3), (4, 4), (5, 3), (5, 5), (7, 7)])
def test_random_games_follow_the_rules(shape, suicide):
    draw = random.Random(f"{shape} {suicide}")
    for _ in range(3):
        game, naive = Game(shape, 0.5, suicide), Naive(*shape, suicide)
        while not game.is_over and len(game.moves) < 2 * game.pass_action + 20:
            legal = naive.legal(game.to_play)
            assert np.flatnonzero(game.legal_mask()).tolist() == legal
            action = draw.choice(legal)
            naive.play(action, game.to_play)
            game.play(action)
            assert game.board.tolist() == naive.board()
        assert game.score() == naive.area() - 0.5
        assert game.is_over == (naive.passes >= 2)
