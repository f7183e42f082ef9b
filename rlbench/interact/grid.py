"""Several episodes in one picture: their frames as tiles of a grid, the return under each, a header about all."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from rlbench.drawing.resize import MAX_SHRINK, magnify
from rlbench.drawing.shapes import BLUE, GREY, INK, PAPER, VERMILION, Image, canvas
from rlbench.drawing.text import cut, line_height, text, width
from rlbench.interact.episode import ShownEpisode
from rlbench.interact.game_file import GameFile
from rlbench.interact.panel import number
from rlbench.interact.screen import ROOM, Screen

GAP = 8  # pixels between tiles
HEADER = 44  # pixels above the tiles
MIN_WIDTH = 480  # pixels, for the header
FADE = 3  # a tile whose episode is over keeps 1/FADE of its contrast


@dataclass(frozen=True)
class Tile:
    """What a tile says of its episode."""

    return_: float
    over: bool = False
    failed: bool = False  # it ended by a fault of the agent


@dataclass
class FrameGrid:
    """Paints n frames of height x width pixels as tiles, arranged so that they are as large as possible in a room.

    `paint` takes frames that are smaller by the factor `shrunk` already.
    """

    n: int
    height: int
    width: int
    room: tuple[int, int] = ROOM
    """Pixels that the picture may take, width and height."""
    columns: int = field(init=False)
    shrunk: int = field(init=False)
    """Whole factor by which frames are made smaller."""
    grown: int = field(init=False)
    """Whole factor by which they are made larger."""

    def __post_init__(self) -> None:
        self.columns, self.shrunk, self.grown = arrangement(self.n, self.height, self.width, self.room)
        self.tile_size = (self.height // self.shrunk * self.grown, self.width // self.shrunk * self.grown)
        self._size, self.caption = caption_size(self.tile_size[1]), caption_height(self.tile_size[1])
        wide, high = extent(self.n, self.columns, self.tile_size)
        self._ground = canvas(max(wide, min(MIN_WIDTH, self.room[0])), high)
        self._left = (self._ground.shape[1] - wide) // 2 + GAP

    def paint(self, i: int, small: Image, tile: Tile) -> None:
        """Put frame i, shrunk already, in its place, and the return below; pale once the episode is over.

        Args:
            i: which tile.
            small: uint8[h, w, 3], its frame.
            tile: the caption below it.
        """
        x, y = self.place(i)
        height, wide = self.tile_size
        shown = magnify(faded(small) if tile.over else small, self.grown)
        self._ground[y : y + height, x : x + wide] = shown
        self._ground[y + height : y + height + self.caption, x : x + wide] = PAPER
        colour = VERMILION if tile.failed else BLUE if tile.over else GREY
        written = cut(number(tile.return_), self._size, wide, tile.over)
        text(self._ground, x + wide / 2, y + height + 1, written, self._size, colour, "centre", tile.over)

    def picture(self, tiles: Sequence[Tile], title: str, player: str, status: str = "") -> Image:
        """The tiles as they are painted, under a header about all of them; uint8[H, W, 3].

        Args:
            tiles: all of them, for the header.
            title: bold, at the left.
            player: who plays.
            status: a few words, such as paused.
        """
        image = self._ground.copy()
        over = sum(tile.over for tile in tiles)
        mean = math.fsum(tile.return_ for tile in tiles) / len(tiles)
        right = f"mean return {number(mean)}    {over} of {len(tiles)} over"
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
        return self._left + column * (self.tile_size[1] + GAP), HEADER + row * (self.tile_size[0] + self.caption + GAP)


class EpisodeGrid:
    """Shows several episodes of equal frames on a screen, as tiles of a grid, and adds them to the recording.

    Args:
        episodes: of one kind of environment.
        screen: where pictures go.
    """

    def __init__(self, episodes: Sequence[ShownEpisode], screen: Screen) -> None:
        self.episodes, self.screen = episodes, screen
        height, width, _ = episodes[0].frame().shape
        self.grid = FrameGrid(len(episodes), height, width, screen.room)
        self._painted = [-1] * len(episodes)  # the step at which a tile was painted, -2 for the last time

    def picture(self) -> Image:
        """The grid at this moment, uint8[H, W, 3]."""
        tiles = [Tile(episode.total, episode.over, bool(episode.fault)) for episode in self.episodes]
        for i, (episode, tile) in enumerate(zip(self.episodes, tiles, strict=True)):
            step = -2 if episode.over else len(episode.rewards)
            if self._painted[i] != step:
                self._painted[i] = step
                self.grid.paint(i, episode.small_frame(self.grid.shrunk), tile)
        first = self.episodes[0]
        return self.grid.picture(tiles, first.name, first.player, self.screen.notice or self.screen.status)

    def wait(self) -> None:
        """Put it in the window, for as long as a step lasts and the screen is paused."""
        self.screen.wait(self.picture)

    def record(self) -> None:
        """Add it to the recording."""
        if isinstance(self.screen.recorder, GameFile):
            for episode in self.episodes:
                self.screen.recorder.take(episode)
        step = max(len(episode.rewards) for episode in self.episodes)
        self.screen.record(self.picture, f"step {step}", all(episode.over for episode in self.episodes))


def arrangement(n: int, height: int, width: int, room: tuple[int, int] = ROOM) -> tuple[int, int, int]:
    """The arrangement of n frames, height x width pixels each, that shows them largest in a room of that width, height.

    Of those that show frames equally large it is one with few empty places, shaped like the room.

    Returns:
        columns, and the whole factors by which frames shrink and grow.
    """
    factors = [(1, grown) for grown in range(max(1, room[0] // width), 0, -1)]
    factors += [(shrunk, 1) for shrunk in range(2, MAX_SHRINK + 1)]
    candidates = []
    for columns in range(1, n + 1):
        sizes = (
            (*each, extent(n, columns, (height // each[0] * each[1], width // each[0] * each[1]))) for each in factors
        )
        fitting = (each for each in sizes if each[2][0] <= room[0] and each[2][1] <= room[1])
        shrunk, grown, fits = next(fitting, (MAX_SHRINK, 1, None))
        rows = -(-n // columns)
        unlike = abs(math.log(columns * width / (rows * height) / (room[0] / room[1]))) + 3 * (rows * columns - n) / n
        candidates.append((fits is None, -grown / shrunk, unlike, columns, shrunk, grown))
    return min(candidates)[3:]


def extent(n: int, columns: int, tile: tuple[int, int]) -> tuple[int, int]:
    """Width and height of a grid of n tiles of that height and width, in pixels."""
    rows = -(-n // columns)
    high = HEADER + rows * (tile[0] + caption_height(tile[1]) + GAP) + GAP // 2
    return columns * (tile[1] + GAP) + GAP, high


def caption_size(width: int) -> int:
    """The size of the text under a tile of that width."""
    return min(max(width // 10, 9), 14)


def caption_height(width: int) -> int:
    """The pixels that the text under a tile of that width takes."""
    return line_height(caption_size(width)) + 2


def faded(frame: Image) -> Image:
    """The frame with its colours nearer to paper."""
    ground = np.array(PAPER, np.uint8) - np.array(PAPER, np.uint8) // FADE
    return frame // np.uint8(FADE) + ground
