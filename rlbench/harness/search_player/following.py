"""A game of Go followed through an agent's observations: the state that its search begins with.

An observation does not tell which positions were there before, and these may not come again. So the game is repeated by
the last moves that the observations show, and compared with each. Where they disagree, as after a handicap or a move
that was taken back, the board is set up as it is seen, with its legal actions, and its past is forgotten.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from rlbench.envs.go import rules
from rlbench.envs.go.board import BLACK, EMPTY, WHITE, board_of, clear, point_of, put, remember

MAX_REPEATED = 4
"""Stones on the board of a first observation up to which their order is guessed."""


class FollowedGame:
    """One game; `state` is a State of the rules, whose arrays later observations write to.

    Args:
        params: Params of the rules, without opponents.
    """

    def __init__(self, params: rules.Params) -> None:
        self._params = params
        self._pass = params.rows * params.columns
        self._scratch = rules.scratch(params)
        self._blank = rules.blank(params)
        self.state = self._empty()

    def see(self, planes: NDArray[np.uint8], mask: NDArray[np.int8], first: bool) -> None:
        """Bring the state up to date with an observation.

        Args:
            planes: uint8[5, m, n], as the environment shows them.
            mask: int8[m n + 1].
            first: Whether a game begins.
        """
        last, before = _only_point(planes[2]), _only_point(planes[3])
        tries = self._openings(planes, before, last) if first else self._replies(last)
        if not any(self._shows(planes, mask) for _ in tries):
            self._set_up(planes, mask, (before, last), passed=not first and last < 0)

    def play(self, action: int) -> None:
        """The agent's own action."""
        self.state = rules.turn(self.state, action, self._params, self._scratch)

    def _replies(self, last: int) -> Iterator[None]:
        """The opponent's move, or its pass."""
        self.play(last if last >= 0 else self._pass)
        yield

    def _openings(self, planes: NDArray[np.uint8], before: int, last: int) -> Iterator[None]:
        """Repeat the few moves that may have been played before a first observation, in the orders to try."""
        black, white = (planes[0], planes[1]) if planes[4].any() else (planes[1], planes[0])
        others = [p for stones in (black, white) for p in np.flatnonzero(stones).tolist() if p not in (before, last)]
        moves = [*others, *(p for p in (before, last) if p >= 0)]
        if len(moves) <= MAX_REPEATED:
            for actions in (moves, [*moves, self._pass]):
                self.state = self._empty()
                for action in actions:
                    self.play(action)
                yield

    def _empty(self) -> rules.State:
        """The empty board."""
        alone = self._params._replace(opponents=np.empty(0, np.int64))
        return rules.initial((0.0, 0.0), alone, rules.Options(), self._blank, self._scratch)

    def _shows(self, planes: NDArray[np.uint8], mask: NDArray[np.int8]) -> bool:
        """Whether the state looks like this."""
        seen = rules.Observation(np.empty_like(planes), np.empty_like(mask))
        rules.observe(self.state, self._params, seen, self._scratch)
        return bool((seen.planes == planes).all() and (seen.action_mask == mask).all())

    def _set_up(
        self, planes: NDArray[np.uint8], mask: NDArray[np.int8], actions: tuple[int, int], passed: bool
    ) -> None:
        """The board as it is seen."""
        to_move = BLACK if planes[4].any() else WHITE
        board = board_of(self._blank, self._params)
        clear(board)
        for plane, colour in ((planes[0], to_move), (planes[1], 3 - to_move)):
            for action in np.flatnonzero(plane).tolist():
                put(board, point_of(board, action), colour)
        board.positions[:] = 0
        remember(board.positions, board.key[0])
        self._blank.legal[:] = mask
        self.state = self._blank._replace(
            to_move=to_move, passes=int(passed), before_last=actions[0], last=actions[1], agent=EMPTY
        )


def _only_point(plane: NDArray[np.uint8]) -> int:
    """The action of the one point of a plane; -1 where there is none."""
    return int(plane.argmax()) if plane.any() else -1
