"""Grid world as a picture: one tile per cell; walls dark, terminals green with a ring, the agent a blue disc.

Every tile exists without and with the agent, so a frame is a copy of the maze with one tile replaced.
"""

from __future__ import annotations

import functools

import numpy as np
from numpy.typing import NDArray

from rlbench.drawing.shapes import BLUE, GREEN, INK, MIST, PAPER, Image, canvas, disc, rectangle
from rlbench.envs.grid_world import rules

FRAMES_PER_SECOND = 4
FLOOR, WALL, TERMINAL = 0, 1, 2  # the kinds of tile
SMALLEST_RING = 16  # pixels along a cell's side; below, terminal tiles are plain


def render(state: rules.State, params: rules.Params) -> Image:
    """The frame of one state, uint8[H * cell, W * cell, 3] for a maze of H x W cells."""
    frame = maze(params.walls.shape, params.walls.tobytes(), params.terminal.tobytes()).copy()
    size = cell_size(params.walls.shape)
    top, left = state.row * size, state.col * size
    kind = _kinds(params.walls, params.terminal)[state.row, state.col]
    frame[top : top + size, left : left + size] = tiles(size)[1, kind]
    return frame


def ansi(state: rules.State, params: rules.Params) -> str:
    """The maze as text, as it is drawn, with an `@` where the agent is."""
    letters = np.array([".", "#", "T"])[_kinds(params.walls, params.terminal)]
    letters[state.row, state.col] = "@"
    return "".join("".join(row) + "\n" for row in letters)


def cell_size(shape: tuple[int, ...]) -> int:
    """Pixels along a cell's side: 64, or less where the maze would grow beyond 768."""
    return max(4, min(64, 768 // max(shape)))


@functools.lru_cache(maxsize=8)
def maze(shape: tuple[int, int], walls: bytes, terminal: bytes) -> Image:
    """The frame without the agent, for a maze given as the bytes of its two bool[H, W] maps."""
    size = cell_size(shape)
    kinds = _kinds(np.frombuffer(walls, bool).reshape(shape), np.frombuffer(terminal, bool).reshape(shape))
    cells = tiles(size)[0, kinds]  # [H, W, size, size, 3]
    frame: Image = cells.swapaxes(1, 2).reshape(shape[0] * size, shape[1] * size, 3)
    frame.setflags(write=False)
    return frame


def _kinds(walls: NDArray[np.bool_], terminal: NDArray[np.bool_]) -> NDArray[np.intp]:
    return np.where(walls, WALL, np.where(terminal, TERMINAL, FLOOR))


@functools.lru_cache(maxsize=8)
def tiles(size: int) -> Image:
    """Every tile, uint8[agent absent or present, kind, size, size, 3]."""
    result = np.stack([np.stack([_tile(kind, agent, size) for kind in range(3)]) for agent in (False, True)])
    result.setflags(write=False)
    return result


def _tile(kind: int, agent: bool, size: int) -> Image:
    if kind == WALL:
        tile = canvas(size, size, INK)
    else:
        tile = canvas(size, size)
        gap = size / 64
        rectangle(tile, gap, gap, size - gap, size - gap, MIST if kind == FLOOR else GREEN, radius=size / 12)
    if kind == TERMINAL and size >= SMALLEST_RING:
        disc(tile, size / 2, size / 2, 0.30 * size, PAPER)
        disc(tile, size / 2, size / 2, 0.24 * size, GREEN)
    if agent:
        disc(tile, size / 2, size / 2, 0.36 * size, PAPER)
        disc(tile, size / 2, size / 2, 0.30 * size, BLUE)
    return tile
