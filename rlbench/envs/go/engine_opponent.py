"""Go programs as the opponents of one environment: whose turn it is, and what becomes of a game in which one fails.

A program that resigns has lost. One that crashes, hangs, answers what is no GTP, refuses a move or makes an illegal one
loses its game by forfeit; the next game starts it anew.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from rlbench.envs.go.coordinates import to_gtp
from rlbench.envs.go.engines import RESIGN, Engine, GtpEngine, find_program, is_program
from rlbench.envs.go.gtp_client import EngineFault
from rlbench.envs.go.rules import FORFEIT, PLAYING, RESIGNED, Params, State


class Answer(NamedTuple):
    """What a program does in its turn."""

    action: int
    """Its move, if the game goes on."""

    ending: int = PLAYING
    """PLAYING, RESIGNED or FORFEIT."""

    reason: str = ""
    """Why it forfeits the game, in one line."""


class EngineGame(NamedTuple):
    """What a program must be told to go on with a game."""

    seed: int
    moves: tuple[tuple[int, int], ...]
    """All so far, (colour, action)."""

    failed: Answer | None
    """Its first turn, where it has ended the game by it."""


class EngineState(State):
    """The state of a game against a program, with its moves in the attribute `game`."""

    game: EngineGame

    @classmethod
    def of(cls, state: State, game: EngineGame) -> EngineState:
        """A state with its game."""
        made = cls(*state)
        made.game = game
        return made


class EngineOpponents:
    """The programs among the opponents of an environment, and the game with one of them.

    Args:
        names: The opponents, programs or not.
        params: Of the rules.

    Raises:
        ArgumentError: A program is not there, speaks no GTP, or plays no such board.
        DependencyNotInstalled: GNU Go is not installed.
    """

    def __init__(self, names: Sequence[str], params: Params) -> None:
        self._engines: Mapping[int, Engine] = {
            number: GtpEngine(find_program(name, params.suicide), params.rows, params.komi)
            for number, name in enumerate(names)
            if is_program(name)
        }
        self._shape = params.rows, params.columns
        self._playing: Engine | None = None
        self._seed, self._moves = 0, list[tuple[int, int]]()

    def __bool__(self) -> bool:
        """Whether there is a program among the opponents."""
        return bool(self._engines)

    def begin(self, number: int, seed: int, moves: Sequence[tuple[int, int]]) -> None:
        """Begin a game.

        Args:
            number: Of the opponent.
            seed: Seeds it, if it is a program.
            moves: The opening, or all moves of a game to go on with, (colour, action).
        """
        self.close()
        self._playing = self._engines.get(number)
        self._seed, self._moves = seed, []
        if self._playing is not None:
            self._playing.start(seed)
            for colour, action in moves:
                self._play(colour, action)

    def _play(self, colour: int, action: int) -> None:
        """Tell the program that plays of a move."""
        if self._playing is not None:
            self._playing.play(colour, action)
            self._moves.append((colour, action))

    def is_one(self, number: int) -> bool:
        """Whether the opponent of that number is a program."""
        return number in self._engines

    def game(self, failed: Answer | None) -> EngineGame:
        """The game so far."""
        return EngineGame(self._seed, tuple(self._moves), failed)

    @property
    def version(self) -> str | None:
        """Name and version of the program that plays; None where the opponent is none."""
        return None if self._playing is None else self._playing.version

    def answer(self, colour: int, legal: Any, last: int | None = None) -> Answer:
        """The program's turn.

        Args:
            colour: Its own.
            legal: [m n + 1], 1 for what is legal.
            last: The agent's action that it answers to, if any.
        """
        if self._playing is None:
            raise RuntimeError("no program plays")
        if last is not None:
            self._play(-colour, last)
        try:
            action = self._playing.genmove(colour)
        except EngineFault as fault:
            return Answer(-1, FORFEIT, str(fault))
        if action == RESIGN:
            return Answer(-1, RESIGNED)
        if not legal[action]:
            return Answer(-1, FORFEIT, f"illegal: {self._playing.version} plays {to_gtp(action, self._shape)}")
        self._moves.append((colour, action))
        return Answer(action)

    def close(self) -> None:
        """End the program."""
        if self._playing is not None:
            self._playing.close()
