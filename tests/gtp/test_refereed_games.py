"""One game between two players: moves, endings, and what becomes of a player who breaks the rules."""

import pytest

from rlbench.envs.go.coordinates import from_gtp
from rlbench.envs.go.game import Game
from rlbench.gtp.referee import RESIGN, referee
from rlbench.gtp.server import PlayerFault

SHAPE = (3, 3)


class Scripted:
    """Plays vertices in order, then passes; a fault where one is written `!`."""

    version = "1"

    def __init__(self, *vertices):
        self.name, self._vertices = "scripted", vertices
        self.seeds, self.begun = [], []

    def seed(self, seed):
        self.seeds.append(seed)

    def begin(self, size):
        self.begun.append(size)
        self._left = list(self._vertices)

    def choose(self, game, colour):
        assert game.to_play == colour
        vertex = self._left.pop(0) if self._left else "pass"
        if vertex == "!":
            raise PlayerFault("scripted: crash")
        return RESIGN if vertex == "resign" else from_gtp(vertex, SHAPE)


def play(black, white, opening=(), max_turns=18, komi=0.0):
    return referee(Game(3, komi), {1: Scripted(*black), -1: Scripted(*white)}, opening, 5, max_turns)


def test_two_passes_end_a_game_which_is_scored_by_area():
    end = play(["B2"], ["pass"])
    assert (end.winner, end.score, end.ending, end.result) == (1, 9.0, "passes", "B+9")
    assert end.moves == ((4, 1), (9, -1), (9, 1))


def test_a_draw_is_nobodys():
    end = play(["B2"], [], komi=9.0)
    assert (end.winner, end.score, end.result) == (0, 0.0, "0")


def test_an_opening_stands_before_the_first_turn():
    end = play([], [], opening=[0, 8])
    assert end.moves[:2] == ((0, 1), (8, -1))
    assert (end.score, end.result) == (0.0, "0")


def test_the_limit_counts_turns_after_the_opening():
    end = play(["A1"], ["A3"], opening=[4, 8], max_turns=2)
    assert (len(end.moves), end.ending) == (4, "limit")


@pytest.mark.parametrize(
    ("black", "white", "winner", "ending", "result", "fault"),
    [
        (["B2", "resign"], ["A1"], -1, "resignation", "W+R", ""),
        (["B2"], ["B2"], 1, "illegal", "B+F", "scripted: action 4 is illegal: occupied"),
        (["B2"], ["!"], 1, "forfeit", "B+F", "scripted: crash"),
    ],
)
def test_who_resigns_breaks_the_rules_or_fails_has_lost(black, white, winner, ending, result, fault):
    end = play(black, white)
    assert (end.winner, end.score, end.ending, end.result, end.fault) == (winner, None, ending, result, fault)


def test_each_player_is_seeded_once_a_game_and_differently():
    players = {1: Scripted(), -1: Scripted()}
    for seed in (5, 6):
        referee(Game(3), players, (), seed, 18)
    assert (players[1].seeds, players[-1].seeds) == ([10, 12], [11, 13])
    assert players[1].begun == [3, 3]
