"""Go as a picture: the lines of the board and the stones on them, the last one marked."""

from __future__ import annotations

import numpy as np

from rlbench.drawing.shapes import GREY, INK, VERMILION, Colour, Image, canvas, disc, line
from rlbench.envs.go import rules
from rlbench.envs.go.board import BLACK, WHITE

FRAMES_PER_SECOND = 2
WOOD: Colour = (222, 184, 120)
PALE: Colour = (250, 250, 247)


def render(state: rules.State, params: rules.Params) -> Image:
    """The frame of one state, uint8[m * cell, n * cell, 3]."""
    rows, columns = params.rows, params.columns
    size = max(8, min(64, 576 // max(rows, columns)))
    frame = canvas(columns * size, rows * size, WOOD)
    for row in range(rows):
        line(frame, (size / 2, (row + 0.5) * size), ((columns - 0.5) * size, (row + 0.5) * size), 1, INK)
    for column in range(columns):
        line(frame, ((column + 0.5) * size, size / 2), ((column + 0.5) * size, (rows - 0.5) * size), 1, INK)
    stones = np.asarray(state.stones).reshape(rows + 2, columns + 1)[1:-1, 1:]
    for row, column in np.argwhere((stones == BLACK) | (stones == WHITE)).tolist():
        x, y = (column + 0.5) * size, (row + 0.5) * size
        disc(frame, x, y, 0.47 * size, GREY)
        disc(frame, x, y, 0.45 * size, INK if stones[row, column] == BLACK else PALE)
        if row * columns + column == state.last:
            disc(frame, x, y, 0.15 * size, VERMILION)
    return frame
