"""The retina: square patches around one point, each twice as wide as the last, all resized to the same side.

Mnih et al. (2014), section 3.1, the glimpse sensor's rho(x, l). A patch of scale k is the mean over blocks of 2^k x 2^k
pixels; beyond the border there is nothing to see, 0.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np


def corner(location: float, side: int, width: int) -> int:
    """The first pixel of a stretch of `width` pixels whose middle is at a location of an axis of `side` pixels.

    A location of -1 is the axis' beginning, 0 its middle, 1 its end; the stretch snaps to the nearest whole pixel.
    """
    return int(math.floor((location + 1.0) / 2.0 * side - width / 2.0 + 0.5))


def pool(view: Any, top: int, left: int, scale: int, out: Any) -> None:
    """One patch, float32[g, g] in [0, 1]: block means of a view, brightness 0 to 255, from the corner (top, left) on.

    The sums are whole numbers, hence exact in any order.
    """
    block = 1 << scale
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            total = np.float32(0.0)
            for a in range(block):
                for b in range(block):
                    total += view[top + i * block + a, left + j * block + b]
            out[i, j] = total / np.float32(255 * block * block)
