"""Drawn positions: ko, cycles that superko forbids, snapback, seki, suicide. X is Black, O White, row 0 on top."""

import pytest

from rlbench.envs.go.game import Game, IllegalMoveError


def drawn(text, **kwargs):
    """A game in which the stones of a drawing have been put one after the other."""
    rows = [line.split() for line in text.strip().splitlines()]
    game = Game((len(rows), len(rows[0])), **kwargs)
    for action, letter in enumerate(letter for row in rows for letter in row):
        if letter != ".":
            game.play(action, 1 if letter == "X" else -1)
    assert picture(game) == [" ".join(row) for row in rows], "the drawing has a chain without liberties"
    return game


def picture(game):
    return [" ".join(".XO"[stone] for stone in row) for row in game.board.tolist()]


def at(game, row, column):
    return row * game.columns + column


def play(game, *moves):
    """Moves as (colour, row, column), or None for the pass of whoever is to play."""
    for move in moves:
        if move is None:
            game.play(game.pass_action)
        else:
            game.play(at(game, *move[1:]), {"X": 1, "O": -1}[move[0]])


def reason(game, colour, row, column):
    why = game.illegal_because(at(game, row, column), {"X": 1, "O": -1}[colour])
    return why and why.split(",")[0]


KO = """
. X O .
X O . O
. X O .
. . . .
"""


def test_ko():
    game = drawn(KO)
    play(game, ("X", 1, 2))
    assert picture(game)[1] == "X . X O"
    assert reason(game, "O", 1, 1) == "superko"
    with pytest.raises(IllegalMoveError, match="action 5 is illegal: superko"):
        game.play(5)
    play(game, ("O", 3, 0), ("X", 3, 3))  # a threat and its answer
    assert reason(game, "O", 1, 1) is None
    play(game, ("O", 1, 1))
    assert reason(game, "X", 1, 2) == "superko"


SEND_TWO = """
. X . O .
X O O O .
X . . . .
"""


def test_send_two_return_one():
    """Black makes it two, White takes both, and Black may not take one back: that was the position before."""
    game = drawn(SEND_TWO)
    play(game, ("X", 0, 2), ("O", 0, 0))
    assert picture(game)[0] == "O . . O ."
    assert reason(game, "X", 0, 1) == "superko"
    play(game, ("X", 2, 4), ("O", 2, 3))
    assert reason(game, "X", 0, 1) is None


TRIPLE_KO = """
O . O X O . O X O X . X
O O X X O O X X O O X X
. . . . . . . . . . . .
"""


def test_triple_ko():
    """Both take a ko in turn, six times around; the sixth time repeats the start, and no time before does."""
    game = drawn(TRIPLE_KO)
    play(game, ("X", 0, 1), ("O", 0, 10), ("X", 0, 5), ("O", 0, 2), ("X", 0, 9))
    assert picture(game)[0] == "O . O X O X . X O X . X"
    assert reason(game, "O", 0, 6) == "superko"


def test_passes_do_not_lift_superko():
    game = drawn(KO)
    play(game, ("X", 1, 2), None)
    assert reason(game, "O", 1, 1) == "superko"


SNAPBACK = """
X O . . X
X O O O X
. X X X .
"""


def test_snapback():
    game = drawn(SNAPBACK)
    play(game, ("X", 0, 2), ("O", 0, 3))
    assert picture(game)[0] == "X O . O X"
    play(game, ("X", 0, 2))
    assert picture(game)[:2] == ["X . X . X", "X . . . X"]


SEKI = """
. O X . O X .
O O X . O X X
. O X . O X .
"""


def test_seki():
    """Two chains without eyes share three liberties: nobody's points, and whoever fills two of them is lost."""
    game = drawn(SEKI, komi=0.0)
    assert game.score() == 0
    assert all(reason(game, colour, row, 3) is None for colour in "XO" for row in range(3))
    play(game, ("O", 0, 3), ("O", 1, 3), ("X", 2, 3))
    assert picture(game) == [". O X . . X .", "O O X . . X X", ". O X X . X ."]


SUICIDE = """
. X . .
X . X .
. X O .
. . . .
"""


def test_suicide_of_a_single_stone_is_never_legal():
    assert reason(drawn(SUICIDE), "O", 1, 1) == "suicide"
    assert reason(drawn(SUICIDE, suicide=True), "O", 1, 1) == "superko"
    assert reason(drawn(SUICIDE), "X", 1, 1) is None


TWO_STONES = """
O . X .
X X X .
. . . .
"""


def test_suicide_of_two_stones_is_an_option():
    assert reason(drawn(TWO_STONES), "O", 0, 1) == "suicide"
    game = drawn(TWO_STONES, suicide=True)
    play(game, ("O", 0, 1))
    assert picture(game)[0] == ". . X ."
    assert game.moves[-1] == (1, -1)
