"""Pictures as the paper makes them: an image somewhere on a black canvas, and clutter added from other images.

Mnih et al. (2014), section 4.2; sizes and counts of the clutter as there. Where things overlap brightness adds up, to
255 at most, and a piece of clutter is cut from anywhere within its image and put anywhere within the canvas, as in the
authors' generator of cluttered MNIST. No picture is stored: `paint` writes the part of one that is looked at.
"""

from __future__ import annotations

from typing import Any

import numpy as np


def scatter(noise: Any, first: int, image: int, images: Any, side: int, height: int, width: int, out: Any) -> None:
    """Draw the clutter, int64[n, 5]: which image it is cut from, row and column there, row and column on the canvas.

    Takes five uniforms per piece from `noise`, from index `first` on. A piece is never cut from `image` itself.
    """
    count, rows, cols = images.shape
    for k in range(len(out)):
        u = first + 5 * k
        other = int(noise[u] * (count - 1))
        out[k, 0] = other + (other >= image)
        out[k, 1] = int(noise[u + 1] * (rows - side + 1))
        out[k, 2] = int(noise[u + 2] * (cols - side + 1))
        out[k, 3] = int(noise[u + 3] * (height - side + 1))
        out[k, 4] = int(noise[u + 4] * (width - side + 1))


def paint(piece: Any, top: int, left: int, view: Any) -> None:
    """Add a piece of an image, uint8[h, w], to a view of the canvas, float32[H, W], its corner at (top, left) there.

    What falls outside the view is left out.
    """
    height, width = piece.shape
    for i in range(max(top, 0), min(top + height, view.shape[0])):
        for j in range(max(left, 0), min(left + width, view.shape[1])):
            view[i, j] += piece[i - top, j - left]


def picture(image: Any, top: int, left: int, images: Any, clutter: Any, side: int, at: Any, view: Any) -> None:
    """The picture as far as a view shows it, brightness 0 to 255 in float32[H, W]; `at` is its corner (row, column)."""
    view[:, :] = np.float32(0.0)
    paint(images[image], top - at[0], left - at[1], view)
    for k in range(len(clutter)):
        other, row, col, to_row, to_col = clutter[k]
        paint(images[other, row : row + side, col : col + side], to_row - at[0], to_col - at[1], view)
    if len(clutter) > 0:
        for i in range(view.shape[0]):
            for j in range(view.shape[1]):
                view[i, j] = min(view[i, j], np.float32(255.0))
