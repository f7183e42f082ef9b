"""Searches with enough simulations against exact values, enumerated by naive rules or published."""

import numpy as np
import pytest

from rlbench.search.batch import Search
from rlbench.search.settings import SearchSettings
from tests.search.naive import NaiveGame
from tests.search.positions import after, by_stones, moves_to, no_opinion, random_games, self_play


def exact(game, low=-1, high=1):
    """The value of a game for the player to move with best play of both, by alpha-beta search to all ends."""
    if game.ended:
        return game.z
    for action in game.legal():
        low = max(low, -exact(game.after(action), -high, -low))
        if low >= high:
            break
    return low


def check(size, komi, moves, states, params, settings, **how):
    """The move searched for keeps the exact value of each position, and its value is near."""
    result = Search(params, len(moves), settings).run(states, no_opinion)
    for i, actions in enumerate(moves):
        game = NaiveGame(size, komi, **how)
        for action in actions:
            game = game.after(action)
        if game.ended:
            assert result.value[i] == game.z
            continue
        value, action = exact(game), int(result.action[i])
        assert -exact(game.after(action)) == value
        assert abs(result.q[i, action] - value) < 0.3
    return result


@pytest.mark.parametrize("algorithm", ["puct", "gumbel"])
@pytest.mark.parametrize("komi", [-1.5, 0.5, 2.0])
def test_the_whole_game_on_2x2(algorithm, komi):
    params, states, moves = random_games(2, (0, 1, 2, 3, 5), 0, komi=komi)
    check(2, komi, moves, states, params, SearchSettings(algorithm, 3_000))


@pytest.mark.parametrize("algorithm", ["puct", "gumbel"])
def test_the_last_moves_on_3x3(algorithm):
    turns, how = (5, 5, 6, 6, 7, 7, 8, 9), {"suicide": True, "max_moves": 10}
    params, states, moves = random_games(3, turns, 2, komi=1.5, **how)
    check(3, 1.5, moves, states, params, SearchSettings(algorithm, 3_000), **how)


DRAWN = [
    # board, who is to move, komi, and the only action that wins, for Black 1 or White -1; 9 passes
    (("XXX", ".O.", "OX."), 1, 2.5, 3),
    (("X.X", "OX.", ".OO"), 1, 4.5, 6),
    (("OO.", "...", "X.X"), 1, 4.5, 4),
    (("O.O", "O.X", ".O."), 1, 0.5, 4),
    (("OOO", "OX.", "..."), 1, -1.5, 5),
    (("..X", "XOX", "X.X"), -1, 4.5, 1),
    (("XX.", "O..", "OX."), -1, 4.5, 5),
    (("XO.", "X..", ".XO"), -1, 0.5, 5),
    (("..O", "XX.", "O.."), -1, 0.5, 9),
]


@pytest.mark.parametrize("algorithm", ["puct", "gumbel"])
@pytest.mark.parametrize(
    ("board", "to_move", "komi", "best"), DRAWN, ids=lambda each: "".join(each) if type(each) is tuple else None
)
def test_the_only_move_that_wins_a_drawn_position(board, to_move, komi, best, algorithm):
    """Five moves before the limit: enumerated, and found by the search."""
    moves = moves_to(board, to_move)
    how = {"komi": komi, "max_moves": len(moves) + 5}
    game = NaiveGame(3, **how)
    for action in moves:
        game = game.after(action)
    assert tuple("".join(".XO"[cell] for cell in row) for row in game.game.board()) == board
    assert [action for action in game.legal() if exact(game.after(action)) == -1] == [best]
    params, states = after(3, moves, **how)
    result = Search(params, 1, SearchSettings(algorithm, 3_000)).run(states, no_opinion)
    assert result.action[0] == best
    assert result.q[0, best] > 0.7


@pytest.mark.parametrize("algorithm", ["puct", "gumbel"])
@pytest.mark.parametrize("board", [("X.", ".O"), ("XO", ".."), ("XO", ".X"), ("X.", "X."), ("O.", "OX")], ids="".join)
def test_the_value_of_drawn_positions_on_2x2(board, algorithm):
    """Whoever is to move, and for three komis."""
    for to_move in (1, -1):
        for komi in (-2.5, 0.5, 1.0):
            moves = moves_to(board, to_move)
            params, states = after(2, moves, komi=komi)
            check(2, komi, [moves], states, params, SearchSettings(algorithm, 2_000))


def test_black_takes_all_of_3x3_from_the_centre_and_only_from_there():
    """van der Werf & Winands (2009), Solving Go for rectangular boards: Black wins by 9 points."""
    envs = self_play(3, 1, komi=8.5)
    search = Search(envs.unwrapped.params, 1, SearchSettings(simulations=40_000))
    result = search.run(envs.unwrapped.state, by_stones)
    assert result.action[0] == 4
    assert result.q[0, 4] > 0.5
    assert (np.delete(result.q[0], 4) < 0.2).all()
