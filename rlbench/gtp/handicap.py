"""Handicap stones: the points on which Black's first stones stand.

Source: G. Farnebäck, "Specification of the Go Text Protocol, version 2, draft 2" (2002), section 4.1.1.
"""

from __future__ import annotations

from rlbench.envs.go.coordinates import from_point

SMALLEST = 7
"""The smallest board with handicap stones."""


def max_stones(size: int) -> int:
    """How many fixed handicap stones a board of that size takes; 0 where there are none."""
    if size < SMALLEST:
        return 0
    return 9 if size % 2 and size > SMALLEST else 4


def points(size: int, stones: int) -> list[int]:
    """The flat actions of so many fixed handicap stones, from 2 to `max_stones(size)`.

    The corners come first, then for 6 and more the left and right sides, for 8 and more the upper and lower ones, and
    in odd numbers from 5 on the centre.
    """
    low = 2 if size < 13 else 3
    middle, high = size // 2, size - 1 - low
    corners = [(high, low), (low, high), (low, low), (high, high)]  # as (row, column), row 0 on top
    sides = [(middle, low), (middle, high), (low, middle), (high, middle)]
    even = [*corners, *sides][: stones - stones % 2 if stones > 4 else stones]
    centre = [(middle, middle)] if stones > 4 and stones % 2 else []
    return [from_point(point, (size, size)) for point in even + centre]
