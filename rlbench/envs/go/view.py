"""A game of Go as people see it: what its text, its picture and its controls show, from a state or a `Game`."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rlbench.envs.go import rules
from rlbench.envs.go.board import BLACK, WHITE
from rlbench.envs.go.coordinates import Point, Shape, to_gtp, to_point

NAMES = {1: "Black", -1: "White"}


class GameView(NamedTuple):
    """A position and how it came about; colours are 1 for Black, -1 for White, 0 for nobody."""

    stones: NDArray[np.int8]  # int8[m, n]
    to_move: int
    turns: int  # moves and passes so far
    last: int  # the last turn's action; -1 where there was none
    before_last: int  # that of the turn before
    agent: int  # colour of the agent; 0 where it plays both
    ending: int  # one of the rules' PLAYING to FORFEIT
    winner: int
    score: float  # Black's area less White's and komi, where it was counted

    @classmethod
    def of(cls, state: rules.State, params: rules.Params) -> GameView:
        """The view of a state."""
        inside = state.stones.reshape(params.rows + 2, params.columns + 1)[1:-1, 1:]
        stones = (inside == BLACK).astype(np.int8) - (inside == WHITE)
        turn = (state.turns, state.last, state.before_last)
        end = (state.ending, state.winner, state.score)
        return cls(stones.astype(np.int8), _sign(state.to_move), *turn, _sign(state.agent), *end)

    @property
    def shape(self) -> Shape:
        """Rows and columns."""
        rows, columns = self.stones.shape
        return rows, columns

    @property
    def last_point(self) -> Point | None:
        """Where the last move was; None for a pass, or no move."""
        return self.point(self.last)

    def point(self, action: int) -> Point | None:
        """Row and column of an action; None for a pass, or for -1."""
        return None if action < 0 else to_point(action, self.shape)


def _sign(colour: int) -> int:
    """1 for the board's BLACK, -1 for WHITE, 0 for nobody."""
    return {BLACK: 1, WHITE: -1}.get(colour, 0)


def last_turn(view: GameView) -> str:
    """The last turn in words, such as `White C3`; empty before the first."""
    if view.last < 0:
        return ""
    name = NAMES[-view.to_move]
    return f"{name} passes" if view.point(view.last) is None else f"{name} {to_gtp(view.last, view.shape)}"


def status(view: GameView) -> str:
    """Whose turn it is, or how the game ended, in one line."""
    if view.ending == rules.PLAYING:
        return f"{NAMES[view.to_move]} to play"
    if view.winner == 0:
        return "a draw"
    winner, loser = NAMES[view.winner], NAMES[-view.winner]
    if view.ending in REASONS:
        return f"{winner} wins: {REASONS[view.ending].format(loser)}"
    limit = f" at the limit of {view.turns} turns" if view.ending == rules.LIMIT else ""
    return f"{winner} wins by {abs(view.score):g}{limit}"


REASONS: dict[int, Any] = {
    rules.ILLEGAL: "{}'s move was illegal",
    rules.RESIGNED: "{} resigned",
    rules.FORFEIT: "{} forfeited",
}
"""Endings without a score, with the loser's name to fill in."""
