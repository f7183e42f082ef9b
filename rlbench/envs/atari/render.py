"""An Atari game as a picture: its screen, and beside it, on demand, the four frames that the agent sees."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rlbench.drawing.shapes import NIGHT, Image

GAP = 4  # pixels between the pictures


def picture(screen: Image, observation: NDArray[np.uint8] | None = None) -> Image:
    """The screen, uint8[H, W, 3], with the frames of an observation, uint8[4, 84, 84], to its right if given.

    They are two by two, oldest first in reading order.
    """
    if observation is None:
        return screen.copy()
    height, width, _ = screen.shape
    count, side, _ = observation.shape
    across = 2 * side + 3 * GAP
    result = np.empty((max(height, across), width + across, 3), np.uint8)
    result[:] = NIGHT
    result[:height, :width] = screen
    margin = GAP + (len(result) - across) // 2
    for i in range(count):
        top, left = margin + (side + GAP) * (i // 2), width + GAP + (side + GAP) * (i % 2)
        result[top : top + side, left : left + side] = observation[i, :, :, None]
    return result


def magnified(image: Image, factor: int) -> Image:
    """The image with every pixel as a square of `factor` x `factor` pixels."""
    return image.repeat(factor, 0).repeat(factor, 1)
