"""Points of a Go board in four notations, and all conversions between them; flat actions stand in the middle.

A board has m rows and n columns. Row 0 is on top, column 0 at the left.

| notation      | row r, column c                              | pass              | the corner below left of 9x9 |
| ---           | ---                                          | ---               | ---                          |
| flat action   | `r * n + c`                                  | `m * n`           | 72                           |
| row, column   | `(r, c)`                                     | None              | (8, 0)                       |
| GTP           | letter of c, A to Z without I; then `m - r`  | pass              | A1                           |
| SGF           | letters of c and r, a to z, then A to Z      | nothing, or `tt`  | ai                           |

`tt` is a pass on boards of up to 19x19, as the SGF specification FF[4] has it, and a point on larger ones. The
specification of GTP is Farnebäck's of version 2 (2002).
"""

from __future__ import annotations

import operator
import re
from typing import TypeAlias

from rlbench.errors import ArgumentError, shortened

Shape: TypeAlias = tuple[int, int]
"""Rows and columns."""

Point: TypeAlias = tuple[int, int]
"""Row and column, both from 0."""

GTP_COLUMNS = "ABCDEFGHJKLMNOPQRSTUVWXYZ"
GTP_PASS = "pass"
SGF_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
SGF_OLD_PASS = "tt"
MAX_SIZE_OF_OLD_PASS = 19


class CoordinateError(ArgumentError):
    """Something that names no point of the board."""


def shape_of(size: int | Shape) -> Shape:
    """Rows and columns of a board given by its size, or by both.

    Args:
        size: n for n x n, or (rows, columns).

    Raises:
        CoordinateError: It is neither.
    """
    try:
        rows, columns = size if isinstance(size, tuple) else (size, size)
        shape = operator.index(rows), operator.index(columns)
    except (TypeError, ValueError):
        shape = 0, 0
    if min(shape) < 1:
        raise CoordinateError(f"a board has a positive size n or (rows, columns), got {shortened(size)}")
    return shape


def pass_of(shape: Shape) -> int:
    """The flat action that passes, `m * n`."""
    return shape[0] * shape[1]


def to_point(action: int, shape: Shape) -> Point | None:
    """Row and column of a flat action; None for a pass.

    Args:
        action: The flat action.
        shape: Rows and columns of the board.

    Raises:
        CoordinateError: The action is none of this board.
    """
    if not 0 <= action <= pass_of(shape):
        limit = pass_of(shape)
        raise CoordinateError(f"an action on {_named(shape)} is 0 to {limit}, {limit} for a pass; got {action}")
    return None if action == pass_of(shape) else divmod(int(action), shape[1])


def from_point(point: Point | None, shape: Shape) -> int:
    """The flat action of a row and a column; of a pass for None.

    Args:
        point: Row and column from 0, or None.
        shape: Rows and columns of the board.

    Raises:
        CoordinateError: The point is outside of the board.
    """
    if point is None:
        return pass_of(shape)
    row, column = point
    if not (0 <= row < shape[0] and 0 <= column < shape[1]):
        raise CoordinateError(f"row {row}, column {column} is outside of {_named(shape)}; both count from 0")
    return row * shape[1] + column


def to_gtp(action: int, shape: Shape) -> str:
    """A flat action as GTP writes it, such as C3 or pass.

    Args:
        action: The flat action.
        shape: Rows and columns of the board, 25 columns at most.

    Raises:
        CoordinateError: The action is none of this board, or GTP has no letter for its column.
    """
    point = to_point(action, shape)
    if point is None:
        return GTP_PASS
    row, column = point
    if column >= len(GTP_COLUMNS):
        raise CoordinateError(f"GTP has {len(GTP_COLUMNS)} columns, no name for column {column} of {_named(shape)}")
    return f"{GTP_COLUMNS[column]}{shape[0] - row}"


def from_gtp(vertex: str, shape: Shape) -> int:
    """The flat action of a vertex of GTP, in upper or lower case.

    Args:
        vertex: Such as C3 or pass.
        shape: Rows and columns of the board.

    Raises:
        CoordinateError: It is neither a pass nor a vertex of this board.
    """
    if vertex.lower() == GTP_PASS:
        return pass_of(shape)
    match = re.fullmatch(r"([A-HJ-Za-hj-z])0*([1-9][0-9]{0,2})", vertex)
    if match:
        row, column = shape[0] - int(match[2]), GTP_COLUMNS.index(match[1].upper())
        if row >= 0 and column < shape[1]:
            return row * shape[1] + column
    last = GTP_COLUMNS[min(shape[1], len(GTP_COLUMNS)) - 1]
    wanted = f"A1 to {last}{shape[0]} (no column is called I) or pass"
    raise CoordinateError(f"a vertex of {_named(shape)} is {wanted}, got {shortened(vertex)}")


def to_sgf(action: int, shape: Shape) -> str:
    """A flat action as SGF writes it, column before row; nothing for a pass.

    Args:
        action: The flat action.
        shape: Rows and columns of the board, 52 at most.

    Raises:
        CoordinateError: The action is none of this board, or SGF has no letters for it.
    """
    point = to_point(action, shape)
    if point is None:
        return ""
    row, column = point
    if max(row, column) >= len(SGF_LETTERS):
        raise CoordinateError(f"SGF has {len(SGF_LETTERS)} rows and columns, no name for {point} of {_named(shape)}")
    return SGF_LETTERS[column] + SGF_LETTERS[row]


def from_sgf(point: str, shape: Shape) -> int:
    """The flat action of a point or a pass as SGF writes it.

    Args:
        point: Two letters, or nothing.
        shape: Rows and columns of the board.

    Raises:
        CoordinateError: It is neither a pass nor a point of this board.
    """
    if not point or (point == SGF_OLD_PASS and max(shape) <= MAX_SIZE_OF_OLD_PASS):
        return pass_of(shape)
    if re.fullmatch("[a-zA-Z]{2}", point):
        column, row = map(SGF_LETTERS.index, point)
        if row < shape[0] and column < shape[1]:
            return row * shape[1] + column
    last = "".join(SGF_LETTERS[min(each, len(SGF_LETTERS)) - 1] for each in reversed(shape))
    raise CoordinateError(f"a point of {_named(shape)} is aa to {last}, or nothing for a pass; got {shortened(point)}")


def _named(shape: Shape) -> str:
    return f"a board of {shape[0]} rows and {shape[1]} columns"
