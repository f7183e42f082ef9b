"""The record of a game of Go, as files hold it, and the game that it is of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from rlbench.envs.go.config import checked_komi
from rlbench.envs.go.coordinates import Shape, to_gtp
from rlbench.envs.go.game import Game
from rlbench.errors import UserError

WITH_SUICIDE, WITHOUT_SUICIDE = "Tromp-Taylor", "Tromp-Taylor without suicide"
RULES_WITH_SUICIDE = frozenset((WITH_SUICIDE.lower(), "nz", "new zealand", "goe", "ing"))
"""Names of rules, in lower case, under which suicide is legal; under all others it is not."""

NAMES = {1: "Black", -1: "White"}


@dataclass(frozen=True)
class GameRecord:
    """The main line of a game. Actions are flat; colours are 1 for Black and -1 for White."""

    shape: Shape
    moves: tuple[tuple[int, int], ...] = ()
    """(action, colour) in their order."""
    setup: tuple[tuple[int, int], ...] = ()
    """(action, colour) of stones that stand before the first move, in the order of actions."""
    komi: float | None = None
    to_play: int | None = None
    """Whose turn the file says it is; None where it says nothing."""
    black: str = ""
    """Name of the player."""
    white: str = ""
    result: str = ""
    """As SGF has it: B+3.5, W+R for resignation, W+F for forfeit, 0 for a draw, ? for unknown."""
    rules: str = ""
    comments: Mapping[int, str] = field(default_factory=dict)
    """Words about moves, by their index; they are written, but not read."""


def play_record(record: GameRecord, komi: float | None = None, suicide: bool | None = None) -> Game:
    """The game after the last move of its record.

    A colour may move twice in a row, as in files that leave passes out.

    Args:
        record: The record.
        komi: Points for White; by default what the record says, or what is usual for its size.
        suicide: Whether it is legal; by default what the rules named in the record say.

    Raises:
        UserError: A move is illegal, or the setup is no position; it names the first such move.
    """
    if komi is None:
        komi = checked_komi(None, max(record.shape)) if record.komi is None else record.komi
    legal = record.rules.strip().lower() in RULES_WITH_SUICIDE if suicide is None else suicide
    game = Game(record.shape, komi, legal, record.setup, record.to_play or 1)
    for number, (action, colour) in enumerate(record.moves, start=1):
        if reason := game.illegal_because(action, colour):
            move = f"move {number} of the game, {NAMES[colour]} {to_gtp(action, record.shape)}"
            raise UserError(f"{move}, is illegal: {reason}")
        game.play(action, colour)
    return game


def record_of(game: Game, black: str = "", white: str = "", result: str = "") -> GameRecord:
    """The record of a game.

    Args:
        game: The game.
        black: Name of the player.
        white: Name of the player.
        result: As SGF has it; by default the score where the game is over, else nothing.
    """
    first = game.first if game.setup or game.first != 1 else None
    return GameRecord(
        shape=(game.rows, game.columns),
        moves=tuple(game.moves),
        setup=tuple(sorted(game.setup)),
        komi=game.komi,
        to_play=first,
        black=black,
        white=white,
        result=result or (result_by_score(game.score()) if game.is_over else ""),
        rules=WITH_SUICIDE if game.suicide else WITHOUT_SUICIDE,
    )


def result_by_score(score: float) -> str:
    """A result as SGF has it, such as B+3.5; 0 for a draw.

    Args:
        score: Black's area less White's and komi.
    """
    return f"{'B' if score > 0 else 'W'}+{abs(score):g}" if score else "0"
