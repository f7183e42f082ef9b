"""Go programs as opponents: GNU Go, any engine that speaks GTP, and submissions.

| opponent             | program                                                         |
| ---                  | ---                                                             |
| `gnugo:<level>`      | GNU Go, seeded, by rules like ours                              |
| `gtp:<command>`      | any program that speaks GTP, by its command line                |
| `submission:<folder>`| `rlbench gtp <folder>`: a submission behind the process boundary|

Each game has a process of its own, so that it depends on its seed and moves alone, whatever was played before. GNU Go
plays until it has captured all dead stones, as its manual says for Tromp-Taylor scoring (section 3.5), which counts
every stone on the board as alive.
"""

from __future__ import annotations

import functools
import os
import re
import shlex
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from gymnasium.error import DependencyNotInstalled

from rlbench.children import call_after_fork, search_path
from rlbench.envs.go.coordinates import CoordinateError, from_gtp, to_gtp
from rlbench.envs.go.gtp_client import EngineFault, GtpProcess
from rlbench.errors import ArgumentError, printable, shortened

RESIGN = -1
"""What `genmove` returns where the engine gives up."""

BLACK, WHITE = 1, -1
COLOURS = {BLACK: "black", WHITE: "white"}

SECONDS = 30.0
"""For a command that asks for no move."""

SECONDS_TO_START = 120.0
"""For the first answer: a submission imports torch, others load a network."""

SECONDS_TO_MOVE = 120.0

MAX_LEVEL = 20
GAMES_FOLDERS = ("/usr/games", "/usr/local/games")  # where Debian puts games, outside of many a PATH

GNU_GO = ("--mode", "gtp", "--quiet", "--chinese-rules", "--positional-superko", "--capture-all-dead")

BOOT = "import sys; sys.path[:] = {path!a}; from rlbench.cli import main; sys.exit(main(['gtp', *sys.argv[1:]]))"


class Engine(Protocol):
    """An opponent that plays one game after the other. Colours are +1 for Black, -1 for White; actions are flat."""

    version: str
    """Name and version, such as `gnugo 3.8`."""

    def start(self, seed: int) -> None:
        """Begin a game."""

    def play(self, colour: int, action: int) -> None:
        """A move by either side."""

    def genmove(self, colour: int) -> int:
        """The engine's move, which it has then played; RESIGN where it gives up. EngineFault where it fails."""

    def close(self) -> None:
        """End the program."""


@dataclass(frozen=True)
class Program:
    """A Go program on this machine: what was asked for, and the command that starts it."""

    opponent: str
    command: tuple[str, ...]

    @property
    def is_gnugo(self) -> bool:
        """Whether it is GNU Go, by its level."""
        return self.opponent.startswith("gnugo:")


def is_program(opponent: object) -> bool:
    """Whether an opponent is a program of its own, by its name alone."""
    return isinstance(opponent, str) and opponent.partition(":")[0] in FINDERS


def find_program(opponent: str, suicide: bool = False) -> Program:
    """The program that an opponent stands for.

    Args:
        opponent: `gnugo:<level>`, `gtp:<command>` or `submission:<folder>`.
        suicide: Whether the rules allow suicide, which GNU Go must know.

    Raises:
        ArgumentError: It stands for none.
        DependencyNotInstalled: GNU Go is not installed.
    """
    if not is_program(opponent):
        raise ArgumentError(f"opponent={shortened(opponent)} is no program: give {' or '.join(FORMS)}")
    kind, _, given = opponent.partition(":")
    return Program(opponent, FINDERS[kind](given, suicide))


def _gnugo(level: str, suicide: bool) -> tuple[str, ...]:
    if not re.fullmatch("[0-9]{1,2}", level) or not 1 <= int(level) <= MAX_LEVEL:
        raise ArgumentError(f"opponent='gnugo:<level>' takes a level from 1 to {MAX_LEVEL}, got {shortened(level)}")
    path = _which("gnugo")
    if path is None:
        raise DependencyNotInstalled(f"opponent='gnugo:{level}' is GNU Go, which is not installed: apt install gnugo")
    return (path, *GNU_GO, "--allow-all-suicide" if suicide else "--forbid-suicide", "--level", level)


def _which(name: str) -> str | None:
    return shutil.which(name, path=os.pathsep.join([os.environ.get("PATH", os.defpath), *GAMES_FOLDERS]))


def _command(words: str, suicide: bool) -> tuple[str, ...]:
    """The words of a command line as a shell would split them; there is no shell."""
    try:
        command = shlex.split(words)
    except ValueError as error:  # an open quotation
        raise ArgumentError(f"opponent='gtp:<command>' is no command line ({error}): {shortened(words)}") from None
    path = _which(command[0]) if command else None
    if path is None:
        named = shortened(command[0]) if command else "nothing"
        raise ArgumentError(f"opponent='gtp:<command>' names a program that is not there: {named}; give its path")
    return (path, *command[1:])


def _submission(folder: str, suicide: bool) -> tuple[str, ...]:
    path = Path(folder).absolute() if "/" in folder or os.path.isdir(folder) else folder
    options = ["--suicide"] if suicide else []
    # The prefix goes with it: `random` alone would be the built-in player, and no submission.
    return (sys.executable, "-c", BOOT.format(path=search_path()), *options, f"submission:{path}")


FINDERS = {"gnugo": _gnugo, "gtp": _command, "submission": _submission}
FORMS = ("gnugo:<level>", "gtp:<command>", "submission:<folder>")


class GtpEngine:
    """A Go program as an opponent.

    Args:
        program: The program.
        size: Rows and columns of the board.
        komi: What White gets for moving second.
        seconds: How long a move may take; by default SECONDS_TO_MOVE.

    Raises:
        ArgumentError: It is not there, or does not speak GTP, or plays no such board or komi. What it does wrong from
            then on is an EngineFault.
    """

    def __init__(self, program: Program, size: int, komi: float, seconds: float | None = None) -> None:
        self._program, self._shape, self._komi = program, (size, size), komi
        self._seconds = SECONDS_TO_MOVE if seconds is None else seconds
        self.version = version(program, size, komi)
        self._seed = 0
        self._moves: list[tuple[int, int]] = []
        self._told = 0  # of the moves
        self._process: GtpProcess | None = None
        call_after_fork(self)

    def start(self, seed: int) -> None:
        """Begin a game. The program starts when it is asked for its first move.

        Args:
            seed: Seeds the program, where it can be seeded.
        """
        self.close()
        self._seed, self._moves = seed, []

    def play(self, colour: int, action: int) -> None:
        """A move by either side, which the program is told before its own next move."""
        self._moves.append((colour, action))

    def genmove(self, colour: int) -> int:
        """The program's move, which it has then played.

        Returns:
            A flat action, legal or not, or RESIGN.

        Raises:
            EngineFault: It fails, and is of no further use in this game.
        """
        process = self._running()
        for colour_played, action in self._moves[self._told :]:
            process.ask(f"play {COLOURS[colour_played]} {to_gtp(action, self._shape)}", SECONDS)
            self._told += 1
        if self._program.is_gnugo:  # else a copy of the game, whose program has thought less, could go on otherwise
            process.ask("clear_cache", SECONDS)
            process.ask(f"set_random_seed {(self._seed + len(self._moves)) % 2**31}", SECONDS)
        answer = process.ask(f"genmove {COLOURS[colour]}", self._seconds)
        if answer.lower() == "resign":
            return RESIGN
        try:
            action = from_gtp(answer, self._shape)
        except CoordinateError as error:
            self.close()
            raise EngineFault("protocol", f"its move is none: {error}") from None
        self._moves.append((colour, action))
        self._told = len(self._moves)
        return action

    def _running(self) -> GtpProcess:
        """The program at the beginning of this game, or where it was left."""
        if self._process is None:
            self._process, self._told = _started(self._program, self._seed, self._shape[0], self._komi), 0
        return self._process

    def close(self) -> None:
        """End the program."""
        if self._process is not None:
            self._process.close()
            self._process = None

    def after_fork(self) -> None:
        """In a fork: the program is the parent's; the next move starts another, and tells it the moves so far."""
        self._process = None

    def __getstate__(self) -> dict[str, object]:
        """A copy or a pickle starts a program of its own, and tells it the moves so far."""
        return {**self.__dict__, "_process": None}

    def __setstate__(self, state: dict[str, object]) -> None:
        self.__dict__.update(state)
        call_after_fork(self)


def _started(program: Program, seed: int, size: int, komi: float) -> GtpProcess:
    """A program at the beginning of a game; an EngineFault where it will not play it."""
    process = GtpProcess(program.command)
    try:
        if process.ask("known_command set_random_seed", SECONDS_TO_START) == "true":
            process.ask(f"set_random_seed {seed}", SECONDS)
        process.ask(f"boardsize {size}", SECONDS_TO_START)
        process.ask("clear_board", SECONDS)
        process.ask(f"komi {komi:g}", SECONDS)
    except BaseException:
        process.close()
        raise
    return process


@functools.lru_cache(maxsize=64)
def version(program: Program, size: int, komi: float) -> str:
    """Name and version of a program, which is started once to see whether it plays this board and komi.

    Raises:
        ArgumentError: It does not; the message says why.
    """
    process = None
    try:
        process = _started(program, 0, size, komi)
        name = "gnugo" if program.is_gnugo else process.ask("name", SECONDS)
        return shortened(f"{printable(name)} {printable(process.ask('version', SECONDS))}".strip())[1:-1]
    except EngineFault as fault:
        raise ArgumentError(
            f"opponent={shortened(program.opponent)} plays no {size}x{size} with komi {komi:g}: {fault.message}"
        ) from None
    finally:
        if process is not None:
            process.close()


def missing(opponent: str) -> str | None:
    """What this machine lacks to play against an opponent, as a sentence; None where it lacks nothing."""
    try:
        find_program(opponent)
    except DependencyNotInstalled as error:
        return str(error)
    return None
