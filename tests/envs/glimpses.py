"""Second opinions for the tests of the glimpse environments: plain NumPy and torch, and pictures drawn as text."""

import gymnasium
import numpy as np
import torch

SHADES = " .:#"  # 0, up to 100, up to 254, 255


def seed_draws(seed, params):
    """The uniforms of an episode's start, as the seed's own generator draws them."""
    return gymnasium.utils.seeding.np_random(seed)[0].random(5 + 5 * params.clutter)


def whole_picture(u, params):
    """The canvas, uint8[height, width], that uniforms make: image and clutter added up as floats, and clipped."""

    def draw(uniform, n):
        return int(uniform * n)

    image = draw(u[0], len(params.images))
    digit, side = params.images[image], params.clutter_size
    top, left = draw(u[3], params.height - digit.shape[0] + 1), draw(u[4], params.width - digit.shape[1] + 1)
    canvas = np.zeros((params.height, params.width))
    canvas[top : top + digit.shape[0], left : left + digit.shape[1]] += digit
    others = np.delete(np.arange(len(params.images)), image)
    for other, row, col, to_row, to_col in u[5:].reshape(-1, 5):
        source = params.images[others[draw(other, len(others))]]
        row, col = draw(row, source.shape[0] - side + 1), draw(col, source.shape[1] - side + 1)
        to_row, to_col = draw(to_row, params.height - side + 1), draw(to_col, params.width - side + 1)
        canvas[to_row : to_row + side, to_col : to_col + side] += source[row : row + side, col : col + side]
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
