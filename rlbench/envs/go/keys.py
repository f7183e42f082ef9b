"""Random keys of positions (Zobrist 1970)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

SEED = 1970


def zobrist_keys(rows: int, columns: int) -> NDArray[np.int64]:
    """A random number of 64 bits for each colour on each point, int64[3, P]; always the same ones."""
    points = (rows + 2) * (columns + 1)
    return np.random.PCG64(SEED).random_raw(3 * points).view(np.int64).reshape(3, points)
