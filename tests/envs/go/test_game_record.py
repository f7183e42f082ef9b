"""Games of Go from records and back: setups, illegal moves, results."""

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies as st

from rlbench.envs.go.coordinates import from_gtp
from rlbench.envs.go.game import Game
from rlbench.envs.go.game_record import GameRecord, play_record, record_of
from rlbench.envs.go.sgf import format_sgf, parse_sgf
from rlbench.envs.go.text import read_board
from rlbench.errors import ArgumentError, UserError

SETUP = """
. X O . .
X . X O .
. X O . .
. . . . .
. . . . .
"""


def stones_of(drawing):
    """(action, colour) of a drawn board."""
    flat = read_board(drawing).stones.ravel()
    return tuple((int(action), int(flat[action])) for action in np.flatnonzero(flat))


def at(vertex):
    return from_gtp(vertex, (5, 5))


def test_a_game_goes_on_from_a_drawn_board():
    game = Game(5, setup=stones_of(SETUP), first=-1)
    np.testing.assert_array_equal(game.board, read_board(SETUP).stones)
    assert game.to_play == -1
    game.play(at("B4"))  # takes the stone on C4
    assert game.board[1].tolist() == [1, -1, 0, -1, 0]
    assert game.illegal_because(at("C4")).startswith("superko")  # Black would make the setup again
    game.undo()
    np.testing.assert_array_equal(game.board, read_board(SETUP).stones)
    assert game.to_play == -1
    assert game.copy().setup == game.setup


@pytest.mark.parametrize(
    ("setup", "message"),
    [
        (((25, 1),), "action 25, which is taken or off the board"),
        (((-1, 1),), "off the board"),
        (((3, 1), (3, -1)), "taken"),
        (stones_of("XO...\nO....\n.....\n.....\n....."), "without a liberty"),
    ],
)
def test_what_is_no_setup(setup, message):
    with pytest.raises(ArgumentError, match=message):
        Game(5, setup=setup)


@hypothesis.given(st.integers(2, 7), st.integers(2, 7), st.booleans(), st.data())
def test_a_random_game_comes_back_from_its_file(rows, columns, suicide, data):
    game = Game((rows, columns), 0.5, suicide)
    for _ in range(data.draw(st.integers(0, 30))):
        if game.is_over:
            break
        game.play(data.draw(st.sampled_from(np.flatnonzero(game.legal_mask()).tolist())))
    record = record_of(game, "a [person]", "mcts:100")
    again = play_record(parse_sgf(format_sgf(record)))
    assert (again.moves, again.komi, again.suicide) == (game.moves, 0.5, suicide)
    np.testing.assert_array_equal(again.board, game.board)
    assert record_of(again, "a [person]", "mcts:100") == record
    assert bool(record.result) == game.is_over


@pytest.mark.parametrize(
    ("moves", "wanted"),
    [("C3 pass pass", "B+0.5"), ("pass pass", "W+24.5"), ("C3", ""), ("C3 A1", "")],
)
def test_results(moves, wanted):
    game = Game(5, 24.5)
    for move in moves.split():
        game.play(at(move))
    assert record_of(game).result == wanted


def test_a_draw_is_0():
    game = Game(5, 0.0)
    game.play(25), game.play(25)
    assert record_of(game).result == "0"


def test_illegal_moves_are_named():
    moves = ((at("C3"), 1), (25, -1), (at("C3"), 1))
    with pytest.raises(UserError, match=r"^move 3 of the game, Black C3, is illegal: occupied$"):
        play_record(GameRecord((5, 5), moves))


def test_the_rules_of_the_file_say_whether_suicide_is_legal():
    moves = ((at("A4"), 1), (at("E1"), -1), (at("B5"), 1), (at("E2"), -1), (at("B4"), 1), (at("A5"), -1))
    with pytest.raises(UserError, match=r"move 6 of the game, White A5, is illegal: suicide$"):
        play_record(GameRecord((5, 5), moves, rules="Chinese"))
    twice = (*moves[:-1], (25, -1))
    assert play_record(GameRecord((5, 5), twice, rules="NZ")).suicide
    assert not play_record(GameRecord((5, 5), twice)).suicide


def test_komi_is_the_files_the_callers_or_the_usual_one():
    assert play_record(GameRecord((5, 5))).komi == 24.5
    assert play_record(GameRecord((19, 19), komi=6.5)).komi == 6.5
    assert play_record(GameRecord((9, 9), komi=6.5), komi=7.5).komi == 7.5


def test_a_colour_may_move_twice_and_white_first():
    record = GameRecord((5, 5), ((at("C3"), -1), (at("C4"), -1), (at("A1"), 1)))
    assert play_record(record).board.sum() == -1
