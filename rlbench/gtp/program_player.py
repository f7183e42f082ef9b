"""Go programs as players of matches."""

from __future__ import annotations

from rlbench.envs.go.engines import GtpEngine, Program
from rlbench.envs.go.game import Game
from rlbench.envs.go.gtp_client import EngineFault
from rlbench.gtp.server import PlayerFault


class ProgramPlayer:
    """A program that speaks GTP, such as GNU Go.

    Args:
        program: The program.
        size: Rows and columns of the board.
        komi: Points for White.

    Raises:
        ArgumentError: It is not there, or plays no such board or komi.
    """

    def __init__(self, program: Program, size: int, komi: float) -> None:
        self._engine = GtpEngine(program, size, komi)
        self.name, self.version = program.opponent, self._engine.version
        self._size, self._seed, self._known = size, 0, 0

    def plays(self, size: int) -> str | None:
        """Why it plays no board of that size: it was started for another."""
        return None if size == self._size else f"it was started for boards of {self._size} points a side"

    def seed(self, seed: int) -> None:
        """Seed it for the next game."""
        self._seed = seed

    def begin(self, size: int) -> None:
        """Begin a game."""
        self._engine.start(self._seed)
        self._known = 0

    def choose(self, game: Game, colour: int) -> int:
        """Its action, or -1 where it resigns; PlayerFault where it fails."""
        for action, mover in game.moves[self._known :]:
            self._engine.play(mover, action)
        try:
            action = self._engine.genmove(colour)
        except EngineFault as fault:
            raise PlayerFault(f"{self.name}: {fault}") from None
        self._known = len(game.moves) + 1  # with the move that it has just made
        return action

    def close(self) -> None:
        """End the program."""
        self._engine.close()
