"""Pictures as the paper makes them: an image somewhere on a black canvas, and clutter added from other images.

Mnih et al. (2014), section 4.2; sizes and counts of the clutter as there. Where things overlap brightness adds up, to
255 at most, and a piece of clutter is cut from anywhere within its image and put anywhere within the canvas, as in the
authors' published generator of cluttered MNIST. No picture is stored: `picture` makes the part that is looked at.
"""

from __future__ import annotations

from typing import Any

DRAWS_PER_PIECE = 5


def scatter(noise: Any, first: int, image: int, images: Any, side: int, height: int, width: int, clutter: Any) -> None:
    """Draw the clutter, int64[n, 5]: which image it is cut from, row and column there, row and column on the canvas.

    Takes five uniforms per piece from `noise`, from index `first` on. A piece is never cut from `image` itself.
    """
    count, rows, cols = images.shape
    for k in range(len(clutter)):
        u = first + DRAWS_PER_PIECE * k
        other = int(noise[u] * (count - 1))
        clutter[k, 0] = other + (other >= image)
        clutter[k, 1] = int(noise[u + 1] * (rows - side + 1))
        clutter[k, 2] = int(noise[u + 2] * (cols - side + 1))
        clutter[k, 3] = int(noise[u + 3] * (height - side + 1))
        clutter[k, 4] = int(noise[u + 4] * (width - side + 1))


def picture(images: Any, image: int, top: int, left: int, clutter: Any, side: int, at: Any, square: Any) -> None:
    """What a square, uint8[s, s], shows of the canvas, brightness 0 to 255; `at` is its corner, (row, column)."""
    square.fill(0)
    add(images[image], top - at[0], left - at[1], square)
    for k in range(len(clutter)):
        row, col = clutter[k, 1], clutter[k, 2]
        piece = images[clutter[k, 0], row : row + side, col : col + side]
        add(piece, clutter[k, 3] - at[0], clutter[k, 4] - at[1], square)


def add(piece: Any, top: int, left: int, square: Any) -> None:
    """Add a piece of an image, uint8[h, w], to a square, its corner at (top, left) there; the rest is left out."""
    first_row, end_row = max(top, 0), min(top + piece.shape[0], square.shape[0])
    first_col, end_col = max(left, 0), min(left + piece.shape[1], square.shape[1])
    if first_row < end_row and first_col < end_col:
        seen = square[first_row:end_row, first_col:end_col]
        part = piece[first_row - top : end_row - top, first_col - left : end_col - left]
        for i in range(seen.shape[0]):
            for j in range(seen.shape[1]):
                seen[i, j] = min(int(seen[i, j]) + int(part[i, j]), 255)
