"""Go boards as text, written and read: `X` Black, `O` White, `.` empty, `+` an empty star point.

       A B C D E
     5 . . . . . 5
     4 . . X . . 4
     3 . .(O). . 3      the last move stands in parentheses
     2 . . . . . 2
     1 . . . . . 1
       A B C D E

Stones are int8[m, n], 1 for Black, -1 for White, row 0 on top.
"""

from __future__ import annotations

import itertools
import re
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rlbench.envs.go.coordinates import GTP_COLUMNS, Point
from rlbench.errors import ArgumentError, shortened

Stones = NDArray[np.int8]

EMPTY, STAR, BLACK, WHITE = ".+XO"
VALUES = {EMPTY: 0, STAR: 0, BLACK: 1, WHITE: -1}


class DrawnBoard(NamedTuple):
    """What was read from a drawing."""

    stones: Stones
    last: Point | None  # the point in parentheses


def draw_board(stones: Stones, last: Point | None = None) -> str:
    """The board with its coordinates, lines without an end of line after the last.

    Args:
        stones: int8[m, n], 1 for Black, -1 for White.
        last: The point that is put into parentheses.
    """
    rows, columns = stones.shape
    wide = len(str(rows))
    letters = f"{'':{wide}} {' '.join(map(column_name, range(columns)))}"
    lines = [_row(stones, row, last, wide) for row in range(rows)]
    return "\n".join([letters, *lines, letters])


def _row(stones: Stones, row: int, last: Point | None, wide: int) -> str:
    rows, columns = stones.shape
    stars = star_points((rows, columns))
    letters = [_letter(int(stone), (row, column) in stars) for column, stone in enumerate(stones[row])]
    gaps = [" "] * (columns + 1)
    if last is not None and last[0] == row:
        gaps[last[1]], gaps[last[1] + 1] = "()"
    drawn = "".join(gap + letter for gap, letter in zip(gaps, letters, strict=False)) + gaps[-1]
    return f"{rows - row:{wide}}{drawn}{rows - row}"


def _letter(stone: int, is_star: bool) -> str:
    if stone == 0:
        return STAR if is_star else EMPTY
    return BLACK if stone > 0 else WHITE


def read_board(drawing: str) -> DrawnBoard:
    """The stones of a drawing, with coordinates or without, its points with spaces between them or without.

    Where lines of column letters stand above and below the board, all other lines outside of them are left out.

    Args:
        drawing: The text.

    Raises:
        ArgumentError: It has no rows, rows of several lengths, an unknown letter, or several last moves.
    """
    lines = [line.strip() for line in drawing.splitlines() if line.strip()]
    borders = [i for i, line in enumerate(lines) if line.startswith("A")]
    if len(borders) == 2:
        lines = lines[borders[0] + 1 : borders[1]]
    rows = [re.sub(r"^\d+|\d+$|\s", "", line) for line in lines]
    if unknown := sorted(set("".join(rows)) - {*VALUES, *"()"}):
        raise ArgumentError(f"unknown letters {shortened(unknown)} in the board; it takes 'X', 'O', '.', '+' and ( )")
    last = _last_of(rows)
    rows = [re.sub(r"[()]", "", row) for row in rows]
    if not rows or not rows[0] or len({*map(len, rows)}) > 1:
        raise ArgumentError(f"a board has rows of one length, got lengths {shortened([*map(len, rows)])}")
    return DrawnBoard(np.array([[VALUES[letter] for letter in row] for row in rows], np.int8), last)


def _last_of(rows: list[str]) -> Point | None:
    """The point in parentheses; ArgumentError where they enclose several points, or none."""
    marks = [(i, row) for i, row in enumerate(rows) if set(row) & set("()")]
    if not marks:
        return None
    match = re.fullmatch(r"([^()]*)\([^()]\)[^()]*", marks[0][1])
    if len(marks) > 1 or match is None:
        raise ArgumentError("one point of a board may stand in parentheses, the last move; got other parentheses")
    return marks[0][0], len(match[1])


def column_name(column: int) -> str:
    """The letter of a column, as in GTP; `?` beyond Z."""
    return GTP_COLUMNS[column] if column < len(GTP_COLUMNS) else "?"


def star_points(shape: tuple[int, int]) -> frozenset[Point]:
    """The points that are marked on a printed board.

    Four near the corners from 7x7 on, the middle of an odd board from 9x9 on and of 5x5, and the middles of the edges
    from 15x15 on.

    Args:
        shape: Rows and columns.
    """
    size = min(shape)
    edges = [(2, side - 3) if side < 12 else (3, side - 4) for side in shape]
    middles = [(side // 2,) if side % 2 else () for side in shape]
    centre = itertools.product(*middles) if size >= 9 or size == 5 else ()
    corners = itertools.product(*edges) if size >= 7 else ()
    sides = (*itertools.product(edges[0], middles[1]), *itertools.product(middles[0], edges[1]))
    return frozenset((*corners, *centre, *(sides if size >= 15 else ())))
