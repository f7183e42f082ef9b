"""A Go board as a picture: wood, lines, star points, coordinates and stones, at any size."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rlbench.drawing.shapes import BLUE, GREY, INK, PAPER, VERMILION, Colour, Image, Point, Region, Stamp, disc, line
from rlbench.drawing.text import line_height, text
from rlbench.envs.go.coordinates import Shape
from rlbench.envs.go.text import column_name, star_points

SIDE = 720  # pixels of a board's longer side, about
MAX_CELL = 80  # pixels from line to line
MARGIN = 1.16  # cells
LABEL = 0.79  # cells from the outer line to the middle of a coordinate
WOOD: Colour = (224, 190, 137)
LINES: Colour = (92, 70, 46)
LABELS: Colour = (120, 94, 62)
GRAIN = 0.035  # of the wood's brightness
BLACK_STONE: Colour = (36, 39, 44)
WHITE_STONE: Colour = (244, 243, 238)
RADIUS = 0.475  # of a stone, in cells
SHADOW = 0.38  # how dark it is


class BoardLayout(NamedTuple):
    """Where the points of a board lie: in the middles of pixels, `cell` pixels apart."""

    rows: int
    columns: int
    cell: int
    margin: int  # pixels around the outer lines, where the coordinates stand

    @classmethod
    def of(cls, shape: Shape) -> BoardLayout:
        """The layout of a board of these rows and columns, as large as SIDE and MAX_CELL allow."""
        cell = max(8, min(MAX_CELL, int(SIDE / (max(shape) - 1 + 2 * MARGIN))))
        return cls(*shape, cell, round(MARGIN * cell))

    @property
    def height(self) -> int:
        """Pixels."""
        return (self.rows - 1) * self.cell + 2 * self.margin + 1

    @property
    def width(self) -> int:
        """Pixels."""
        return (self.columns - 1) * self.cell + 2 * self.margin + 1

    def place(self, row: float, column: float) -> Point:
        """Where a point lies, (x, y) in pixels."""
        return self.margin + column * self.cell + 0.5, self.margin + row * self.cell + 0.5

    def nearest(self, x: float, y: float) -> tuple[int, int] | None:
        """Row and column of the point whose cell holds a pixel; None outside of all cells."""
        row, column = (round((at - 0.5 - self.margin) / self.cell) for at in (y, x))
        return (row, column) if 0 <= row < self.rows and 0 <= column < self.columns else None

    def press(self, stamp: Stamp, image: Image, row: int, column: int) -> None:
        """Paint what was drawn by `stamp_at_point` on a point."""
        corner = self.margin - self.cell
        stamp.press(image, corner + column * self.cell, corner + row * self.cell)


def stamp_at_point(cell: int, draw: Callable[[Image, float], None]) -> Stamp:
    """A stamp for `BoardLayout.press`; `draw(image, middle)` paints around (middle, middle).

    Args:
        cell: Pixels from line to line; what is drawn reaches no farther.
        draw: Paints.
    """
    return Stamp(lambda image: draw(image, cell + 0.5), 2 * cell + 1, 2 * cell + 1)


def board_picture(stones: NDArray[np.int8]) -> Image:
    """The board with its stones, uint8[H, W, 3] as `BoardLayout` says.

    Args:
        stones: int8[m, n], 1 for Black, -1 for White.
    """
    rows, columns = stones.shape
    layout = BoardLayout.of((rows, columns))
    image = empty_board((rows, columns)).copy()
    for row, column in np.argwhere(stones).tolist():
        layout.press(stone(int(stones[row, column]), layout.cell), image, row, column)
    return image


@functools.lru_cache(maxsize=8)
def empty_board(shape: Shape) -> Image:
    """The board without stones.

    Args:
        shape: Rows and columns.
    """
    layout, (rows, columns) = BoardLayout.of(shape), shape
    image = wood(layout.height, layout.width)
    for row in range(rows):
        ends = layout.place(row, 0), layout.place(row, columns - 1)
        line(image, *ends, _width(row, rows, layout.cell), LINES)
    for column in range(columns):
        ends = layout.place(0, column), layout.place(rows - 1, column)
        line(image, *ends, _width(column, columns, layout.cell), LINES)
    for row, column in star_points(shape):
        disc(image, *layout.place(row, column), max(1.5, 0.085 * layout.cell), LINES)
    draw_coordinates(image, layout)
    image.setflags(write=False)
    return image


def _width(number: int, lines: int, cell: int) -> float:
    """Pixels of a line: odd, so that its edges fall between pixels; those around the board are thicker."""
    return 3.0 if number in (0, lines - 1) and cell >= 24 else 1.0


def wood(height: int, width: int) -> Image:
    """A piece of wood, uint8[height, width, 3], always the same: straight grain, as on the best of boards.

    Every row is the same, smooth noise from PCG64.

    Args:
        height: pixels.
        width: pixels.
    """
    random = np.random.Generator(np.random.PCG64(9))
    tone = np.zeros(width)
    for scale, share in ((90.0, 0.5), (23.0, 0.3), (5.0, 0.2)):
        knots = random.standard_normal(int(width / scale) + 2)
        tone += share * np.interp(np.arange(width) / scale, np.arange(len(knots)), knots)
    row = (np.array(WOOD) * (1 + GRAIN * np.clip(tone, -1.5, 1.5)[:, None]) + 0.5).astype(np.uint8)
    return np.broadcast_to(row, (height, width, 3)).copy()


def draw_coordinates(image: Image, layout: BoardLayout) -> None:
    """Letters above and below, numbers at the left and the right; nothing where there is no room for them."""
    size = round(min(0.34 * layout.cell, 18))
    if size < 7:
        return
    half = line_height(size) / 2 + 0.04 * size
    for column, row in itertools.product(range(layout.columns), (-LABEL, layout.rows - 1 + LABEL)):
        x, y = layout.place(row, column)
        text(image, x, y - half, column_name(column), size, LABELS, "centre")
    for number, column_at in itertools.product(range(layout.rows), (-LABEL, layout.columns - 1 + LABEL)):
        x, y = layout.place(number, column_at)
        text(image, x, y - half, str(layout.rows - number), size, LABELS, "centre")


@functools.lru_cache(maxsize=64)
def stone(colour: int, cell: int, share: float = 1.0) -> Stamp:
    """A stone, for `BoardLayout.press`.

    Args:
        colour: 1 for Black, -1 for White.
        cell: Pixels from line to line.
        share: How opaque it is.
    """
    return stamp_at_point(cell, lambda image, at: draw_stone(image, at, at, RADIUS * cell, colour, share))


def draw_stone(image: Image, x: float, y: float, radius: float, colour: int, share: float = 1.0) -> None:
    """A stone around (x, y): its shadow, a disc, and light from above left.

    Args:
        image: uint8[H, W, 3], painted in place.
        x: of the centre, in pixels.
        y: of the centre, in pixels.
        radius: pixels.
        colour: 1 for Black, -1 for White.
        share: How opaque it is.
    """
    reach = 1.25 * radius
    region = Region.around(image, x - reach, y - reach, x + reach, y + reach)
    if region is None:
        return
    shadow = np.clip((1.16 * radius - _distance(region, x + 0.06 * radius, y + 0.1 * radius)) / (0.3 * radius), 0, 1)
    region.blend(share * SHADOW * shadow, INK)
    body = share * np.clip(radius + 0.5 - _distance(region, x, y), 0, 1)
    region.blend(body, BLACK_STONE if colour > 0 else WHITE_STONE)
    from_light = _distance(region, x - 0.38 * radius, y - 0.42 * radius) / radius
    if colour > 0:
        region.blend(body * 0.34 * np.exp(-((from_light / 0.55) ** 2)), PAPER)
    else:
        region.blend(body * 0.16 * np.clip(from_light - 0.55, 0, 1), INK)


def _distance(region: Region, x: float, y: float) -> NDArray[np.float32]:
    distance: NDArray[np.float32] = np.sqrt((region.x - x) ** 2 + (region.y - y) ** 2)
    return distance


@functools.lru_cache(maxsize=64)
def last_mark(colour: int, cell: int, is_newest: bool) -> Stamp:
    """A ring on the stone of the last move, a thin one on that of the move before; for `BoardLayout.press`.

    A ring leaves the middle to numbers.

    Args:
        colour: Of the stone, 1 for Black, -1 for White.
        cell: Pixels from line to line.
        is_newest: Whether it is the last move.
    """
    thickness = max(1.5, 0.06 * cell) if is_newest else max(1.0, 0.02 * cell)

    def draw(image: Image, at: float) -> None:
        if region := Region.around(image, 0, 0, 2 * at, 2 * at):
            from_ring = np.abs(_distance(region, at, at) - 0.36 * cell)
            region.blend(np.clip(thickness / 2 + 0.5 - from_ring, 0, 1), PAPER if colour > 0 else BLUE)

    return stamp_at_point(cell, draw)


@functools.lru_cache(maxsize=8)
def refusal(has_stone: bool, cell: int) -> Stamp:
    """The mark of a point on which no stone can be put, a dot where one stands, else a cross; for `BoardLayout.press`.

    Args:
        has_stone: Whether a stone stands there.
        cell: Pixels from line to line.
    """

    def draw(image: Image, at: float) -> None:
        arm = 0.16 * cell
        if has_stone:
            disc(image, at, at, max(1.5, 0.08 * cell), GREY)
            return
        for side in (arm, -arm):
            line(image, (at - arm, at - side), (at + arm, at + side), max(1.5, 0.06 * cell), VERMILION)

    return stamp_at_point(cell, draw)
