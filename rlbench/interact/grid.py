"""Several lanes at once: their frames as tiles of a grid, the return under each, a line about all of them above."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from rlbench.drawing.resize import MOST, magnify
from rlbench.drawing.shapes import BLUE, GREY, INK, PAPER, VERMILION, Image, canvas
from rlbench.drawing.text import cut, line_height, text, width
from rlbench.interact.panel import number

ROOM = (1280, 880)  # pixels that a grid may take, width and height
GAP = 8  # pixels between tiles
HEADER = 44  # pixels above the tiles
NARROWEST = 480  # pixels, for the header
FADE = 3  # a tile whose episode is over keeps 1/FADE of its contrast


@dataclass(frozen=True)
class Lane:
    """What is said under one lane's frame."""

    return_: float
    over: bool = False
    failed: bool = False  # it ended by a fault of the agent


@dataclass
class Grid:
    """N tiles of equal frames, h x w, in the arrangement that shows them largest; made once for a run.

    Frames are handed in one by one, smaller by the factor `shrunk` already.
    """

    n: int
    height: int
    width: int
    columns: int = field(init=False)
    shrunk: int = field(init=False)
    """Whole factor by which frames are made smaller."""
    grown: int = field(init=False)
    """Whole factor by which they are made larger."""

    def __post_init__(self) -> None:
        self.columns, self.shrunk, self.grown = arrangement(self.n, self.height, self.width)
        self.tile = (self.height // self.shrunk * self.grown, self.width // self.shrunk * self.grown)
        self._size = min(max(self.tile[1] // 10, 9), 14)  # of the text under a tile
        self.caption = line_height(self._size) + 2
        rows = -(-self.n // self.columns)
        high = HEADER + rows * (self.tile[0] + self.caption + GAP) + GAP // 2
        self._ground = canvas(max(self.columns * (self.tile[1] + GAP) + GAP, NARROWEST), high)

    def paint(self, i: int, small: Image, lane: Lane) -> None:
        """Put the frame of lane i, shrunk already, in its place, its return below; pale once the episode is over."""
        x, y = self.place(i)
        height, wide = self.tile
        shown = magnify(faded(small) if lane.over else small, self.grown)
        self._ground[y : y + height, x : x + wide] = shown
        self._ground[y + height : y + height + self.caption, x : x + wide] = PAPER
        colour = VERMILION if lane.failed else BLUE if lane.over else GREY
        written = cut(number(lane.return_), self._size, wide, lane.over)
        text(self._ground, x + wide / 2, y + height + 1, written, self._size, colour, "centre", lane.over)

    def picture(self, lanes: Sequence[Lane], title: str, player: str, status: str = "") -> Image:
        """The tiles as they are painted, under a header about all lanes; uint8[H, W, 3]."""
        image = self._ground.copy()
        over = sum(lane.over for lane in lanes)
        mean = math.fsum(lane.return_ for lane in lanes) / len(lanes)
        right = f"mean return {number(mean)}    {over} of {len(lanes)} over"
        edge = image.shape[1] - GAP - 4
        text(image, GAP + 4, 12, title, 17, INK, bold=True)
        text(image, edge, 15, right, 13, INK, "right")
        x = GAP + 16 + width(title, 17, True)
        room = edge - width(right, 13) - 16 - x
        shown = cut(player, 13, room)
        text(image, x, 15, shown, 13, GREY)
        x += width(shown, 13) + 12
        text(image, x, 15, cut(status, 13, edge - width(right, 13) - 16 - x, True), 13, BLUE, bold=True)
        return image

    def place(self, i: int) -> tuple[int, int]:
        """The pixel (x, y) of the upper left corner of a tile."""
        row, column = divmod(i, self.columns)
        return GAP + column * (self.tile[1] + GAP), HEADER + row * (self.tile[0] + self.caption + GAP)


def arrangement(n: int, height: int, width: int) -> tuple[int, int, int]:
    """Columns, and the whole factors by which frames shrink and grow, so that n of them fill ROOM.

    Of the arrangements that show frames equally large, one with few gaps that is shaped like ROOM is taken.
    """
    best: tuple[float, float, int, int, int] | None = None
    for columns in range(1, n + 1):
        rows = -(-n // columns)
        share = ROOM[0] / columns - GAP, (ROOM[1] - HEADER) / rows - GAP - 14
        scale = min(share[0] / width, share[1] / height)
        shrunk = 1 if scale >= 1 else min(MOST, math.ceil(1 / max(scale, 1e-3)))
        grown = max(1, int(scale)) if scale >= 1 else 1
        shape = columns * width / (rows * height)
        unlike = abs(math.log(shape / (ROOM[0] / ROOM[1]))) + 3 * (rows * columns - n) / n
        candidate = (-grown / shrunk, unlike, columns, shrunk, grown)
        best = candidate if best is None else min(best, candidate)
    assert best is not None
    return best[2:]


def faded(frame: Image) -> Image:
    """The frame pale: nearer to paper."""
    ground = np.array(PAPER, np.uint8) - np.array(PAPER, np.uint8) // FADE
    return frame // np.uint8(FADE) + ground
