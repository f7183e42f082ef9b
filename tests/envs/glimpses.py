"""Second opinions for the tests of the glimpse environments: plain NumPy and torch, and pictures drawn as text."""

import numpy as np
import torch

SHADES = " .:#"  # 0, up to 100, up to 254, 255


def whole_picture(state, params):
    """The canvas, uint8[height, width]: the image and every piece of clutter added up as floats, and clipped."""
    canvas = np.zeros((params.height, params.width))
    image = params.images[state.image]
    canvas[state.top : state.top + image.shape[0], state.left : state.left + image.shape[1]] += image
    side = params.clutter_size
    for other, row, col, to_row, to_col in state.clutter:
        canvas[to_row : to_row + side, to_col : to_col + side] += params.images[other][row:, col:][:side, :side]
    return canvas.clip(0, 255).astype(np.uint8)


def look(picture, x, y, patch, scales):
    """The patches float32[k, g, g] at a location of a picture: padded with zeros, cut out, average-pooled by torch."""
    height, width = picture.shape
    patches = []
    for k in range(scales):
        side = patch << k
        padded = torch.nn.functional.pad(torch.tensor(picture / 255.0), (side,) * 4)
        row, col = (round_half_up((z + 1) / 2 * n - side / 2) for z, n in ((y, height), (x, width)))
        square = padded[side + row : 2 * side + row, side + col : 2 * side + col]
        patches.append(torch.nn.functional.avg_pool2d(square[None, None], 1 << k)[0, 0].numpy())
    return np.array(patches)


def round_half_up(value):
    return int(np.floor(value + 0.5))


def drawn(picture):
    """A picture as text, a letter of SHADES per pixel."""
    levels = np.digitize(picture, [1, 101, 255])
    return ["".join(SHADES[level] for level in row) for row in levels]


def painted(rows):
    """The inverse: SHADES as 0, 100, 200 and 255, uint8[h, w]."""
    return np.array([[(0, 100, 200, 255)[SHADES.index(letter)] for letter in row] for row in rows], np.uint8)
