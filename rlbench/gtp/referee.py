"""One game of Go between two players: the referee keeps the board, and whoever breaks the rules loses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rlbench.envs.go.game import Game
from rlbench.gtp.server import BLACK, GoPlayer, LoadFault, PlayerFault

PASSES, LIMIT, RESIGNATION, ILLEGAL, FORFEIT = "passes", "limit", "resignation", "illegal", "forfeit"
"""How a game ends: by two passes, by the limit of turns, or by a player who resigns, breaks the rules or fails."""

RESIGN = -1
"""What a player chooses who gives up."""


@dataclass(frozen=True)
class RefereedGame:
    """A game that was played to its end."""

    moves: tuple[tuple[int, int], ...]
    """(action, colour) from the empty board, the opening included."""

    winner: int
    """1 Black, -1 White, 0 for a draw."""

    score: float | None
    """Black's area less White's and komi; None where the board was not scored."""

    ending: str
    fault: str = ""
    """What the player did who lost by `illegal` or `forfeit`."""

    @property
    def result(self) -> str:
        """As SGF writes it: `B+3.5`, `W+R`, `W+F`, `0`."""
        if not self.winner:
            return "0"
        how = {RESIGNATION: "R", ILLEGAL: "F", FORFEIT: "F"}.get(self.ending, f"{abs(self.score or 0):g}")
        return f"{'B' if self.winner == BLACK else 'W'}+{how}"


def referee(
    game: Game, players: Mapping[int, GoPlayer], opening: Sequence[int], seed: int, max_turns: int
) -> RefereedGame:
    """Play a game to its end.

    Args:
        game: The board at its beginning.
        players: The players by colour.
        opening: Actions that are played for Black and White in turn.
        seed: Below 2**30; Black gets twice that number, White the next.
        max_turns: Turns after the opening until the board is scored as it stands.

    Raises:
        LoadFault: A player could not be started, for which it loses nothing.
    """
    for colour, player in players.items():
        player.seed(2 * seed + (colour != BLACK))
        player.begin(game.rows)
    for action in opening:
        game.play(action)
    for _ in range(max_turns):
        if game.is_over:
            break
        colour = game.to_play
        try:
            action = players[colour].choose(game, colour)
        except LoadFault:
            raise
        except PlayerFault as fault:
            return RefereedGame(tuple(game.moves), -colour, None, FORFEIT, str(fault))
        if action == RESIGN:
            return RefereedGame(tuple(game.moves), -colour, None, RESIGNATION)
        if reason := game.illegal_because(action):
            what = f"{players[colour].name}: action {action} is illegal: {reason}"
            return RefereedGame(tuple(game.moves), -colour, None, ILLEGAL, what)
        game.play(action)
    score = game.score()
    return RefereedGame(tuple(game.moves), (score > 0) - (score < 0), score, PASSES if game.is_over else LIMIT)
