"""Pictures as the paper makes them: an image somewhere on a black canvas, and clutter added from other images.

Mnih et al. (2014), section 4.2; sizes and counts of the clutter as there. Where things overlap brightness adds up, to
255 at most, and a piece of clutter is cut from anywhere within its image and put anywhere within the canvas, as in the
authors' published generator of cluttered MNIST.
"""

from __future__ import annotations

from typing import Any

DRAWS_PER_IMAGE, DRAWS_PER_PIECE = 2, 5


def paint(random_draws: Any, first: int, images: Any, image: int, clutter: int, side: int, picture: Any) -> None:
    """Paint an image at a random place of a picture, then pieces of other images.

    Args:
        random_draws: Uniforms in [0, 1), used from index `first` on.
        first: See above.
        images: uint8[n, h, w].
        image: The number of the one to paint.
        clutter: How many pieces are cut from the others.
        side: Of a piece, pixels.
        picture: uint8[H, W], written to.
    """
    count, rows, cols = images.shape
    height, width = picture.shape
    cover(
        images[image],
        int(random_draws[first] * (height - rows + 1)),
        int(random_draws[first + 1] * (width - cols + 1)),
        picture,
    )
    for k in range(clutter):
        u = first + DRAWS_PER_IMAGE + DRAWS_PER_PIECE * k
        other = int(random_draws[u] * (count - 1))
        other += other >= image
        row, col = int(random_draws[u + 1] * (rows - side + 1)), int(random_draws[u + 2] * (cols - side + 1))
        top, left = int(random_draws[u + 3] * (height - side + 1)), int(random_draws[u + 4] * (width - side + 1))
        add(images[other, row : row + side, col : col + side], top, left, picture)


def cover(image: Any, top: int, left: int, picture: Any) -> None:
    """An image, uint8[h, w], alone on a black picture, its corner at (top, left)."""
    if image.size == picture.size:
        for k in range(picture.size):  # twice as fast as row by row
            picture.flat[k] = image.flat[k]
    else:
        picture.fill(0)
        add(image, top, left, picture)


def add(piece: Any, top: int, left: int, picture: Any) -> None:
    """Add a piece, uint8[h, w], to a picture, its corner at (top, left)."""
    under = picture[top : top + piece.shape[0], left : left + piece.shape[1]]
    for i in range(piece.shape[0]):
        for j in range(piece.shape[1]):
            under[i, j] = min(int(under[i, j]) + int(piece[i, j]), 255)
