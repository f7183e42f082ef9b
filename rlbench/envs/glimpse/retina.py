"""The retina: squares around one point, each twice as wide as the last, all resized to the same side.

Mnih et al. (2014), section 3.1, the glimpse sensor's rho(x, l). The square of scale k, counted from 0, is resized by
the mean over blocks of 2^k x 2^k pixels; beyond the border there is nothing to see, 0.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np


def retina(picture: Any, x: float, y: float, square: Any, sums: Any, patches: Any) -> None:
    """Write the patches that the retina sees at a location. All squares share their middle: g is even where k > 1.

    Args:
        picture: uint8[H, W].
        x: Location in [-1, 1], to the right.
        y: Location in [-1, 1], downwards.
        square: Scratch for the widest square, uint8[s, s].
        sums: Scratch for sums of its pixels, float32[k - 1, s / 2, s / 2]: integers below 2^24, exact in any order.
        patches: Written to: float32[k, g, g] in [0, 1], the finest first.
    """
    side = len(square)
    cut(picture, corner(y, picture.shape[0], side), corner(x, picture.shape[1], side), square)
    if len(patches) == 1:
        brighten(square, patches[0])
    else:
        resize(square, 1, patches[0])
    for k in range(1, len(patches)):
        side //= 2
        if k == 1:
            halve(square, sums[0])
        else:
            halve(sums[k - 2], sums[k - 1, :side, :side])
        resize(sums[k - 1, :side, :side], 1 << 2 * k, patches[k])


def corner(location: float, side: int, width: int) -> int:
    """The first pixel of a stretch of `width` pixels whose middle is at a location of an axis of `side` pixels.

    A location of -1 is the axis' beginning, 0 its middle, 1 its end; the stretch snaps to the nearest whole pixel.
    """
    return math.floor((location + 1.0) / 2.0 * side - width / 2.0 + 0.5)


def cut(picture: Any, top: int, left: int, square: Any) -> None:
    """Copy what a square with its corner at (top, left) shows of a picture; 0 beyond the border."""
    square.fill(0)
    first_row, end_row = max(-top, 0), min(picture.shape[0] - top, square.shape[0])
    first_col, end_col = max(-left, 0), min(picture.shape[1] - left, square.shape[1])
    if first_row < end_row and first_col < end_col:
        seen = picture[top + first_row : top + end_row, left + first_col : left + end_col]
        shown = square[first_row:end_row, first_col:end_col]
        for i in range(shown.shape[0]):
            for j in range(shown.shape[1]):
                shown[i, j] = seen[i, j]


def brighten(square: Any, patch: Any) -> None:
    """A whole square as brightness in [0, 1], float32[g, g]; as `resize` would, in one flat loop and half the time."""
    for k in range(square.size):
        patch.flat[k] = np.float32(square.flat[k]) / np.float32(255)


def halve(pixels: Any, sums: Any) -> None:
    """The sums over blocks of 2 x 2: [2h, 2w] or more -> float32[h, w]."""
    for i in range(sums.shape[0]):
        for j in range(sums.shape[1]):
            above = np.float32(pixels[2 * i, 2 * j]) + np.float32(pixels[2 * i, 2 * j + 1])
            below = np.float32(pixels[2 * i + 1, 2 * j]) + np.float32(pixels[2 * i + 1, 2 * j + 1])
            sums[i, j] = above + below


def resize(sums: Any, count: int, patch: Any) -> None:
    """The middle of sums over `count` pixels of brightness 0 to 255 each, as means in [0, 1]: float32[g, g]."""
    g = len(patch)
    margin = (len(sums) - g) // 2
    np.divide(sums[margin : margin + g, margin : margin + g], np.float32(255 * count), patch)
