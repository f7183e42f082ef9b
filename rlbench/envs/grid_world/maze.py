"""Mazes drawn as text: `#` wall, `T` terminal, `S` start, `.` or space free."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rlbench.core import arguments
from rlbench.errors import ArgumentError, nearest, shortened

LETTERS = "#TS. "
BYTES_PER_CELL = 30  # of the parameters, while they are made


def cells_of(maze: Any, known: Mapping[str, str]) -> NDArray[np.uint8]:
    """The letters of a maze as their codes, uint8[H, W].

    Args:
        maze: The name of one of `known`, or its text, rows separated by newlines or `|`. Empty rows are left out, and
            so is the byte order mark with which some editors begin a file.
        known: Mazes by name.

    Raises:
        ArgumentError: The maze is no text, has rows of several lengths, an unknown letter, no terminal cell or no
            start.
    """
    if not isinstance(maze, str):
        raise ArgumentError(f"maze is a name or text, got {shortened(maze)}")
    arguments.check_memory(f"a maze of {len(maze):,} letters", BYTES_PER_CELL * len(maze))
    text = known.get(maze, maze).removeprefix("\ufeff").replace("\r\n", "\n").replace("|", "\n")
    rows = _rows(text)
    letters = "".join(rows)
    if unknown := sorted(set(letters) - set(LETTERS)):
        name = f"; of those by name, {nearest(maze, known)}" if len(rows) == 1 else ""
        raise ArgumentError(
            f"unknown letters {shortened(unknown)} in the maze; it takes '#', 'T', 'S', '.' and space{name}"
        )
    if len({len(row) for row in rows}) != 1:
        lengths = shortened([len(row) for row in rows])
        raise ArgumentError(f"a maze has equally long rows, got lengths {lengths}; pad with '#'")
    if "T" not in letters or not set(letters) & set("S. "):
        raise ArgumentError("the maze needs at least one terminal cell 'T' and one free cell")
    return np.frombuffer(letters.encode("ascii"), np.uint8).reshape(len(rows), -1)


def _rows(text: str) -> list[str]:
    """The rows that are not empty; one of spaces alone is a row of free cells if it is as long as the others."""
    rows = text.split("\n")
    width = max((len(row) for row in rows if row.strip()), default=0)
    return [row for row in rows if row.strip() or (row and len(row) == width)]
