"""A player behind GTP: the commands of a game of Go, by the rules of Tromp and Taylor.

Source: G. Farnebäck, "Specification of the Go Text Protocol, version 2, draft 2" (2002), section 6. Beyond it the
commands are those of GNU Go that controllers ask for: `query_boardsize`, `get_komi`, `get_random_seed`,
`set_random_seed`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from rlbench.envs.go.config import LARGEST, SMALLEST, checked_komi
from rlbench.envs.go.coordinates import CoordinateError, from_gtp, to_gtp, to_point
from rlbench.envs.go.game import Game, IllegalMoveError
from rlbench.envs.go.game_record import GameRecord
from rlbench.envs.go.sgf import read_sgf
from rlbench.envs.go.text import draw_board
from rlbench.errors import UserError, printable
from rlbench.gtp import handicap
from rlbench.gtp.protocol import SYNTAX_ERROR, GtpError, Handler, number, whole_number

BLACK, WHITE = 1, -1
COLOURS = {"b": BLACK, "black": BLACK, "w": WHITE, "white": WHITE}
UNACCEPTABLE_SIZE = "unacceptable size"
INVALID_STONES = "invalid number of stones"
RESIGN = "resign"


class PlayerFault(Exception):  # noqa: N818  # an outcome of a game, not an error of the program
    """What a player did wrong, in one line; it resigns the rest of its game."""


class LoadFault(PlayerFault):
    """Why a player could not be started; it has lost no game thereby."""


class GoPlayer(Protocol):
    """Who plays."""

    name: str
    version: str

    def plays(self, size: int) -> str | None:
        """Why it plays no board of that size; None where it does."""

    def begin(self, size: int) -> None:
        """Begin a game."""

    def seed(self, seed: int) -> None:
        """Seed it anew for the next game."""

    def choose(self, game: Game, colour: int) -> int:
        """Its action in a game that is not over; PlayerFault where it fails."""


class GoServer:
    """One board, and a player.

    Args:
        player: Who plays.
        size: Rows and columns of the board to begin with.
        suicide: Whether it is legal.
    """

    def __init__(self, player: GoPlayer, size: int, suicide: bool = False) -> None:
        self._player, self._suicide, self._seed = player, suicide, 0
        self._game = Game(size, checked_komi(None, size), suicide)
        self._has_failed = False
        self._begin()

    def handlers(self) -> dict[str, Handler]:
        """The commands by name: the methods of this class whose names begin with `gtp_`."""
        names = [name for name in dir(self) if name.startswith("gtp_")]
        return {name.removeprefix("gtp_"): getattr(self, name) for name in names}

    @property
    def _size(self) -> int:
        return self._game.rows

    def _begin(self, size: int | None = None) -> None:
        """An empty board, and a player who has not failed on it."""
        self._game = Game(self._size if size is None else size, self._game.komi, self._suicide)
        self._has_failed = False
        self._player.begin(self._size)

    def gtp_name(self, arguments: Sequence[str]) -> str:
        """The player's name."""
        return self._player.name

    def gtp_version(self, arguments: Sequence[str]) -> str:
        """The player's version."""
        return self._player.version

    def gtp_boardsize(self, arguments: Sequence[str]) -> str:
        """Another board, empty; the player may refuse it."""
        size = whole_number(arguments)
        if not SMALLEST <= size <= LARGEST:
            raise GtpError(UNACCEPTABLE_SIZE)
        if (reason := self._player.plays(size)) is not None:
            raise GtpError(printable(f"{UNACCEPTABLE_SIZE}: {reason}"))
        self._begin(size)
        return ""

    def gtp_query_boardsize(self, arguments: Sequence[str]) -> str:
        """Rows and columns of the board."""
        return str(self._size)

    def gtp_clear_board(self, arguments: Sequence[str]) -> str:
        """A new game."""
        self._begin()
        return ""

    def gtp_komi(self, arguments: Sequence[str]) -> str:
        """What White gets for moving second."""
        self._game.komi = number(arguments)
        return ""

    def gtp_get_komi(self, arguments: Sequence[str]) -> str:
        """The komi."""
        return f"{self._game.komi:g}"

    def gtp_set_random_seed(self, arguments: Sequence[str]) -> str:
        """Seed the player for the next game."""
        self._seed = whole_number(arguments)
        if self._seed < 0:
            raise GtpError(SYNTAX_ERROR)
        self._player.seed(self._seed)
        return ""

    def gtp_get_random_seed(self, arguments: Sequence[str]) -> str:
        """The seed."""
        return str(self._seed)

    def gtp_play(self, arguments: Sequence[str]) -> str:
        """A move of either colour, also twice in a row."""
        colour = _colour(arguments)
        try:
            self._game.play(self._vertex(arguments[1:]), colour)
        except IllegalMoveError:
            raise GtpError("illegal move") from None
        return ""

    def gtp_genmove(self, arguments: Sequence[str]) -> str:
        """The player's move, which is played; a pass once the game is over."""
        colour = _colour(arguments)
        chosen = self._chosen(colour)
        if isinstance(chosen, str):
            return chosen
        if not self._game.is_over:
            self._game.play(chosen, colour)
        return to_gtp(chosen, self._shape)

    def gtp_reg_genmove(self, arguments: Sequence[str]) -> str:
        """The player's move, which is not played."""
        chosen = self._chosen(_colour(arguments))
        return chosen if isinstance(chosen, str) else to_gtp(chosen, self._shape)

    def _chosen(self, colour: int) -> int | str:
        """The player's action, or the word that it resigns."""
        if self._has_failed:
            return RESIGN
        if self._game.is_over:
            return self._game.pass_action
        try:
            action = self._player.choose(self._game, colour)
            if (reason := self._game.illegal_because(action, colour)) is not None:
                raise PlayerFault(
                    f"{self._player.name} plays {to_gtp(action, self._shape)}, which is illegal: {reason}"
                )
        except PlayerFault as fault:
            self._has_failed = True
            raise GtpError(printable(str(fault))) from None
        return action

    def gtp_undo(self, arguments: Sequence[str]) -> str:
        """Take the last move back."""
        if not self._game.moves:
            raise GtpError("cannot undo")
        self._game.undo()
        return ""

    def gtp_fixed_handicap(self, arguments: Sequence[str]) -> str:
        """Put handicap stones where they stand by custom."""
        return self._handicap(whole_number(arguments))

    def gtp_place_free_handicap(self, arguments: Sequence[str]) -> str:
        """Put handicap stones where the player likes: where they stand by custom, and as many as find room."""
        return self._handicap(min(whole_number(arguments), handicap.max_stones(self._size)))

    def _handicap(self, stones: int) -> str:
        if self._game.moves:
            raise GtpError("board not empty")
        if not 2 <= stones <= handicap.max_stones(self._size):
            raise GtpError(INVALID_STONES)
        return self._place(handicap.points(self._size, stones))

    def gtp_set_free_handicap(self, arguments: Sequence[str]) -> str:
        """Put handicap stones on given points."""
        if self._game.moves:
            raise GtpError("board not empty")
        actions = [self._vertex([word], "bad vertex list") for word in arguments]
        if len(actions) < 2 or len(set(actions)) < len(actions) or self._game.pass_action in actions:
            raise GtpError("bad vertex list")
        self._place(actions)
        return ""

    def _place(self, actions: Sequence[int]) -> str:
        for action in actions:
            self._game.play(action, BLACK)
        return " ".join(to_gtp(action, self._shape) for action in actions)

    def gtp_final_score(self, arguments: Sequence[str]) -> str:
        """The score of the board as it stands; every stone on it counts as alive."""
        score = self._game.score()
        return f"{'B' if score > 0 else 'W'}+{abs(score):g}" if score else "0"

    def gtp_final_status_list(self, arguments: Sequence[str]) -> str:
        """The stones of a status: all are alive."""
        if len(arguments) != 1 or arguments[0] not in ("alive", "dead", "seki"):
            raise GtpError(SYNTAX_ERROR)
        stones = self._game.board.ravel().nonzero()[0] if arguments[0] == "alive" else ()
        return "\n".join(to_gtp(int(action), self._shape) for action in stones)

    def gtp_showboard(self, arguments: Sequence[str]) -> str:
        """The board as text, the last move in parentheses."""
        last = to_point(self._game.moves[-1][0], self._shape) if self._game.moves else None
        return f"\n{draw_board(self._game.board, last)}"

    def gtp_time_settings(self, arguments: Sequence[str]) -> str:
        """Accepted; the player has time limits of its own."""
        for position in range(3):
            whole_number(arguments, position)
        return ""

    def gtp_time_left(self, arguments: Sequence[str]) -> str:
        """Accepted; the player has time limits of its own."""
        _colour(arguments)
        for position in (1, 2):
            whole_number(arguments, position)
        return ""

    def gtp_loadsgf(self, arguments: Sequence[str]) -> str:
        """The position of a file before its n-th move, or at its end; a setup is played as moves."""
        has_number = len(arguments) > 1 and re.fullmatch("[0-9]{1,9}", arguments[-1])
        *name, last = arguments if has_number else (*arguments, "")
        try:
            self._load(read_sgf(Path(" ".join(name))), max(int(last) - 1, 0) if last else None)
        except (UserError, OSError):
            raise GtpError("cannot load file") from None
        return ""

    def _load(self, record: GameRecord, moves: int | None) -> None:
        rows, columns = record.shape
        if rows != columns or not SMALLEST <= rows <= LARGEST or self._player.plays(rows) is not None:
            raise GtpError("cannot load file")
        game = Game(rows, self._game.komi if record.komi is None else record.komi, self._suicide)
        for action, colour in (*record.setup, *record.moves[:moves]):
            game.play(action, colour)
        self._begin(rows)
        self._game = game

    @property
    def _shape(self) -> tuple[int, int]:
        return self._game.rows, self._game.columns

    def _vertex(self, words: Sequence[str], complaint: str = SYNTAX_ERROR) -> int:
        try:
            return from_gtp(words[0] if words else "", self._shape)
        except CoordinateError:
            raise GtpError(complaint) from None


def _colour(words: Sequence[str]) -> int:
    """The colour that the first argument names."""
    colour = COLOURS.get(words[0].lower()) if words else None
    if colour is None:
        raise GtpError(SYNTAX_ERROR)
    return colour
