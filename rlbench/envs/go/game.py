"""A game of Go move by move, for people, files and other programs: any m x n, in plain Python."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rlbench.core import arguments
from rlbench.envs.go.board import BLACK, EMPTY, WHITE, Board, area_score, clear, is_legal, play, point_of, put, remember
from rlbench.envs.go.keys import zobrist_keys
from rlbench.errors import ArgumentError

FIRST_CAPACITY = 512  # of the table of positions, which grows


class IllegalMoveError(ArgumentError):
    """A move that the rules forbid; nothing has changed. `reason` says why, in one word where there is one."""

    def __init__(self, action: int, reason: str) -> None:
        super().__init__(f"action {action} is illegal: {reason}")
        self.action, self.reason = action, reason


OFF_THE_BOARD, OVER, OCCUPIED = "off the board", "the game is over", "occupied"
SUICIDE, SUPERKO = "suicide", "superko, it repeats an earlier position"


class Game:
    """A game under the rules of Tromp and Taylor. Colours are 1 Black, -1 White, 0 nobody.

    Args:
        size: The side of a square board, or (rows, columns).
        komi: Points for White.
        suicide: Whether it is legal.
        setup: Stones that stand before the first move, (action, colour).
        first: Whose turn it is then.

    Raises:
        ArgumentError: The setup is no position of this board.
    """

    def __init__(
        self,
        size: int | tuple[int, int] = 9,
        komi: float = 7.0,
        suicide: bool = False,
        setup: Sequence[tuple[int, int]] = (),
        first: int = 1,
    ) -> None:
        rows, columns = size if isinstance(size, tuple) else (size, size)
        self.rows, self.columns = arguments.integer("rows", rows, 1), arguments.integer("columns", columns, 1)
        self.komi, self.suicide = arguments.number("komi", komi), arguments.flag("suicide", suicide)
        self.setup, self.first = tuple(setup), first
        self.pass_action = self.rows * self.columns
        self._begin()

    def _begin(self) -> None:
        self.moves: list[tuple[int, int]] = []
        self.to_play, self.passes = self.first, 0
        self._board = _list_board(self.rows, self.columns)
        if self.setup:
            self._set_up()

    def _set_up(self) -> None:
        """Put up the stones of the setup, the first position of the game."""
        board = self._board
        for action, colour in self.setup:
            if not 0 <= action < self.pass_action or board.stones[point_of(board, action)] != EMPTY:
                raise ArgumentError(f"the setup puts a stone on action {action}, which is taken or off the board")
            put(board, point_of(board, action), _code(colour))
        if any(board.liberties[board.head[point_of(board, action)]] == 0 for action, _ in self.setup):
            raise ArgumentError("the setup has stones without a liberty")
        board.positions[:] = [0] * len(board.positions)
        remember(board.positions, board.key[0])

    def play(self, action: int, colour: int | None = None) -> None:
        """Move or pass.

        Args:
            action: The point, counted row by row from the top left, or `pass_action`.
            colour: Of the player, 1 or -1; by default whose turn it is. Either may play, as in GTP and SGF.

        Raises:
            IllegalMoveError: The rules forbid it.
        """
        colour = self.to_play if colour is None else colour
        if reason := self.illegal_because(action, colour):
            raise IllegalMoveError(action, reason)
        self.passes = self.passes + 1 if action == self.pass_action else 0
        if action != self.pass_action:
            self._board = _with_room(self._board, len(self.moves))
            play(self._board, point_of(self._board, action), _code(colour))
        self.moves.append((action, colour))
        self.to_play = -colour

    def illegal_because(self, action: int, colour: int | None = None) -> str | None:
        """Why the rules forbid an action; None for a legal one."""
        code = _code(self.to_play if colour is None else colour)
        if not 0 <= action <= self.pass_action:
            return OFF_THE_BOARD
        if self.is_over:
            return OVER
        if action == self.pass_action:
            return None
        p = point_of(self._board, action)
        if is_legal(self._board, p, code, self.suicide):
            return None
        if self._board.stones[p] != EMPTY:
            return OCCUPIED
        # With suicide a single stone that dies repeats the position; without it, its own word says more.
        return SUPERKO if self.suicide or self._survives(p, code) else SUICIDE

    def _survives(self, p: int, code: int) -> bool:
        """Whether a stone on an empty point would have a liberty, whether or not it repeats a position."""
        forgetful = _copied(self._board)
        for slot in range(len(forgetful.positions)):
            forgetful.positions[slot] = 0
        return is_legal(forgetful, p, code, False)

    def is_legal(self, action: int, colour: int | None = None) -> bool:
        """Whether the rules allow an action."""
        return self.illegal_because(action, colour) is None

    def legal_mask(self, colour: int | None = None) -> NDArray[np.int8]:
        """Which actions are legal, int8[m n + 1] of 0 and 1."""
        actions = range(self.pass_action + 1)
        return np.array([self.is_legal(action, colour) for action in actions], np.int8)

    def undo(self) -> None:
        """Take the last turn back; ArgumentError where there is none."""
        if not self.moves:
            raise ArgumentError("there is no move to take back")
        moves = self.moves[:-1]
        self._begin()
        for action, colour in moves:
            self.play(action, colour)

    @property
    def board(self) -> NDArray[np.int8]:
        """The stones, int8[m, n]: 1 Black, -1 White, 0 empty."""
        colours = np.array([0, 1, -1, 0], np.int8)
        rows = np.array(self._board.stones).reshape(self.rows + 2, self.columns + 1)
        inside: NDArray[np.int8] = colours[rows[1:-1, 1:]]
        return inside

    def score(self) -> float:
        """Black's area less White's and komi, of the board as it stands."""
        points = len(self._board.stones)
        return area_score(self._board, [0] * points, [0] * points) - self.komi

    @property
    def is_over(self) -> bool:
        """Whether both have passed in a row."""
        return self.passes >= 2

    @property
    def winner(self) -> int:
        """1 Black, -1 White, 0 nobody: in a draw, or as long as the game goes on."""
        score = self.score() if self.is_over else 0.0
        return (score > 0) - (score < 0)

    def copy(self) -> Game:
        """A game that goes on from here by itself."""
        other = Game((self.rows, self.columns), self.komi, self.suicide, self.setup, self.first)
        other.moves, other.to_play, other.passes = list(self.moves), self.to_play, self.passes
        other._board = _copied(self._board)
        return other


def _code(colour: int) -> int:
    """The board's own name of a colour."""
    if colour not in (1, -1):
        raise ArgumentError(f"a colour is 1 for Black or -1 for White, got {colour!r}")
    return BLACK if colour == 1 else WHITE


def _list_board(rows: int, columns: int) -> Board:
    """An empty board of lists, which plain Python reads faster than arrays."""
    keys: Any = zobrist_keys(rows, columns).tolist()
    points = len(keys[0])
    board = Board._make([rows, columns, keys, *([0] * points for _ in range(8)), [0], [0] * FIRST_CAPACITY])
    clear(board)
    return board


def _with_room(board: Board, moves: int) -> Board:
    """The same board, whose table of positions is less than half full."""
    if 2 * (moves + 2) <= len(board.positions):
        return board
    larger = [0] * (2 * len(board.positions))
    for key in board.positions:
        if key != 0:
            remember(larger, key)
    return board._replace(positions=larger)


def _copied(board: Board) -> Board:
    return Board._make([*board[:3], *(list(values) for values in board[3:])])
