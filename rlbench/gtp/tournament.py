"""Round robins: who plays whom from which opening, and a CSV file of the games, in which a tournament goes on."""

from __future__ import annotations

import csv
import dataclasses
import hashlib
import io
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rlbench.appended_files import AppendedFile
from rlbench.errors import UserError
from rlbench.text_files import read_text


@dataclass(frozen=True)
class Fixture:
    """A game to be played: who has which colour, from which opening, with which seed."""

    size: int
    komi: float
    black: str
    white: str
    opening: int
    seed: int


@dataclass(frozen=True)
class GameRow(Fixture):
    """A game that was played: a line of the file."""

    winner: str  # black, white or nobody
    score: str  # Black's area less White's and komi; empty where the board was not scored
    turns: int
    ending: str
    black_version: str
    white_version: str

    @property
    def fixture(self) -> Fixture:
        """The game as it was to be played."""
        return Fixture(*(getattr(self, field.name) for field in dataclasses.fields(Fixture)))


COLUMNS = tuple(field.name for field in dataclasses.fields(GameRow))
WINNERS = {1: "black", -1: "white", 0: "nobody"}
POINTS = {"black": 1.0, "nobody": 0.5, "white": 0.0}
"""Points of Black by winner; White has the rest."""


def pairs_of(players: Sequence[str], gauntlet: bool) -> list[tuple[str, str]]:
    """Who meets whom: every pair, or in a gauntlet the first player all others."""
    return [(players[0], other) for other in players[1:]] if gauntlet else list(itertools.combinations(players, 2))


def fixtures(
    players: Sequence[str], games: int, openings: int, size: int, komi: float, seed: int, gauntlet: bool = False
) -> Iterator[Fixture]:
    """So many games of each pair, a game of every pair before the next.

    Two games in a row of a pair are the same with colours changed; then comes the next opening.

    Args:
        players: Names of the players.
        games: Games of each pair.
        openings: Number of openings, the first of which is the empty board.
        size: Rows and columns of the board.
        komi: Points for White.
        seed: Of all games. A game of a pair is the same whoever else plays.
        gauntlet: Whether the first player alone meets the others.
    """
    for number in range(games):
        for pair in pairs_of(players, gauntlet):
            black, white = pair if number % 2 == 0 else pair[::-1]
            text = "\0".join((str(seed), str(size), black, white, str(number)))
            own = int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big") >> 2
            yield Fixture(size, komi, black, white, number // 2 % openings, own)


def points_table(rows: Sequence[GameRow], players: Sequence[str]) -> NDArray[np.float64]:
    """Points that each player took from each other, [P, P]; a draw is half a point for both."""
    points = np.zeros((len(players), len(players)))
    place = {name: i for i, name in enumerate(players)}
    for row in rows:
        black, white = place[row.black], place[row.white]
        points[black, white] += POINTS[row.winner]
        points[white, black] += 1 - POINTS[row.winner]
    return points


def read_games(path: Path) -> list[GameRow]:
    """The games in a file, without a last line that was not written whole; none where there is no file.

    Raises:
        UserError: It cannot be read, or holds something else.
    """
    if not path.exists():
        return []
    lines = read_text(path, "file of games").splitlines(keepends=True)
    whole = [line for line in lines if line.endswith("\n")]
    reader = csv.DictReader(io.StringIO("".join(whole)))
    if whole and tuple(reader.fieldnames or ()) != COLUMNS:
        raise UserError(f"{path} is no file of games: its columns are not {', '.join(COLUMNS)}; give another --output")
    return [_row(path, number, line) for number, line in enumerate(reader, start=2)]


def _row(path: Path, number: int, line: dict[str, str]) -> GameRow:
    """A line of the file."""
    kinds = {field.name: field.type for field in dataclasses.fields(GameRow)}
    convert = {"int": int, "float": float, "str": str}
    try:
        row = GameRow(**{name: convert[str(kinds[name])](line[name]) for name in COLUMNS})
        POINTS[row.winner]
    except (KeyError, TypeError, ValueError):
        raise UserError(f"{path}, line {number}: no game; restore the file or give another --output") from None
    return row


class GamesFile(AppendedFile):
    """Appends games to a CSV file, each as soon as it is played; a context.

    Raises:
        UserError: Another match has it open, it holds something else, or it cannot be written.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path, "match", "give another --output")
        try:
            self.rows = read_games(path)
            self.cut(path.read_bytes().rfind(b"\n") + 1)  # without a line that was not written whole
            if not self.size:
                self._append(COLUMNS)
        except BaseException:
            self.close()
            raise

    def add(self, row: GameRow) -> None:
        """Append a game."""
        self._append(dataclasses.astuple(row))
        self.rows.append(row)

    def _append(self, cells: Sequence[object]) -> None:
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerow(cells)
        self.write(text.getvalue().encode(), "the games before are safe")

    def __enter__(self) -> GamesFile:
        return self
