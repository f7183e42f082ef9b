"""The eight symmetries of a square board: the rotations, each with the reflection or without.

Positions that a symmetry makes of each other have the same value, and their policies are rotated and reflected with
them. Silver et al. (2016), "Mastering the game of Go with deep neural networks and tree search", methods.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from baselines.types import Array

SYMMETRIES = 8


def board_symmetries(size: int) -> NDArray[np.intp]:
    """Which point comes to lie on each, [8, n n]: a plane `x`, read row by row, becomes `x[table[k]]`."""
    points = np.arange(size * size).reshape(size, size)
    rotated = [np.rot90(points, k) for k in range(4)]
    return np.stack([each.ravel() for each in (*rotated, *(each.T for each in rotated))])


def transformed(planes: Array, pi: Array, symmetry: NDArray[np.integer]) -> tuple[Array, Array]:
    """Positions and their policies after a symmetry each.

    Args:
        planes: [B, C, n, n].
        pi: policies, or whatever there is of every action, [B, n n + 1]; the last is the pass, which stays.
        symmetry: numbers below 8, [B].

    Returns:
        planes [B, C, n, n] and pi [B, n n + 1].
    """
    B, C, n, _ = planes.shape
    table = board_symmetries(n)[symmetry]
    turned = np.take_along_axis(planes.reshape(B, C, n * n), table[:, None], axis=2).reshape(planes.shape)
    with_pass = np.concatenate([table, np.full((B, 1), n * n)], axis=1)
    return turned, np.take_along_axis(pi, with_pass, axis=1)
