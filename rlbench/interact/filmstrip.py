"""Filmstrips: an episode as a row of a few frames in one PNG, for documents.

Which frames are shown is known only when the episode is over, and an episode may be long. So every stride-th frame is
kept, and when there are too many the stride is doubled and every other one dropped: a bounded number, evenly spaced.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import NamedTuple

import numpy as np

from rlbench.drawing.resize import to_side
from rlbench.drawing.shapes import GREY, Image, canvas
from rlbench.drawing.text import line_height, text
from rlbench.errors import UserError
from rlbench.whole_files import replacing

SIDE = 320  # pixels of a frame's longer side; larger frames keep their size as far as the strip has room
WIDTH = 1600  # pixels of a strip of a few frames
MAX_SHOWN = 200  # frames of a strip; SPARE times as many are held in memory
SPARE = 8  # so many times as many frames are kept, at most, as are shown
GAP = 12  # pixels between frames and around them
CAPTION = 13  # size of the text
COLOURS = 128  # of the PNG's palette; frames of plain surfaces have fewer


class Still(NamedTuple):
    """A frame that may be shown: its number in the episode, its pixels uint8[H, W, 3], its caption."""

    number: int
    frame: Image
    caption: str


class Filmstrip:
    """One PNG per episode: `path` for the first, `<stem>-2.png`, `<stem>-3.png` ... for those after it.

    Args:
        path: a .png.
        shown: how many frames a strip shows.
    """

    def __init__(self, path: Path, shown: int) -> None:
        if not 1 <= shown <= MAX_SHOWN:
            raise UserError(f"a filmstrip has 1 to {MAX_SHOWN} frames, got {shown}")
        self.path, self.shown = path, shown
        self.written: list[Path] = []
        self.frames = 0
        self._kept: list[Still] = []
        self._last: Still | None = None
        self._number, self._stride = 0, 1

    def add(self, frame: Image, caption: str = "") -> None:
        """Take one frame, uint8[H, W, 3].

        Args:
            frame: the frame.
            caption: a line for below it.
        """
        self._last = Still(self._number, frame, caption)
        if self._number % self._stride == 0:
            self._kept.append(Still(self._number, self._sized(frame).copy(), caption))
            if len(self._kept) > SPARE * self.shown:
                self._kept = self._kept[::2]
                self._stride *= 2
        self._number += 1
        self.frames += 1

    def skip(self, last: bool) -> bool:
        """Skip the next frame if it will not be shown, and return whether it was; `last` ends the episode."""
        if last or self._number % self._stride == 0:
            return False
        self._number += 1
        self.frames += 1
        return True

    def end_episode(self) -> None:
        """Write the strip of the frames so far, if there are any."""
        if self._last is None:
            return
        episode = len(self.written) + 1
        path = self.path if episode == 1 else self.path.with_stem(f"{self.path.stem}-{episode}")
        last = self._last._replace(frame=self._sized(self._last.frame))
        save_png(strip(chosen([*self._kept, last], self.shown)), path)
        self.written.append(path)
        self._kept, self._last, self._number, self._stride = [], None, 0, 1

    def _sized(self, frame: Image) -> Image:
        """The frame as large as it is shown: its own size where the strip has room for that."""
        room = max(SIDE, WIDTH // self.shown)
        return to_side(frame, min(room, max(SIDE, *frame.shape[:2])))

    def close(self) -> None:
        """Write the strip of an episode that was not ended."""
        self.end_episode()


def chosen(stills: list[Still], shown: int) -> list[Still]:
    """The stills nearest to `shown` evenly spaced moments, the first and the last among them; fewer where fewer are.

    Args:
        stills: of one episode, in their order.
        shown: how many.
    """
    numbers = np.array([still.number for still in stills])
    moments = np.linspace(numbers[0], numbers[-1], shown) if shown > 1 else numbers[-1:]
    nearest = (int(np.abs(numbers - moment).argmin()) for moment in moments)
    return [stills[i] for i in dict.fromkeys(nearest)]


def strip(stills: list[Still]) -> Image:
    """The stills side by side on paper, uint8[H, W, 3], each with its caption below."""
    height = max(still.frame.shape[0] for still in stills)
    captions = line_height(CAPTION) + GAP // 2 if any(still.caption for still in stills) else 0
    width = sum(still.frame.shape[1] for still in stills) + GAP * (len(stills) + 1)
    image = canvas(width, height + captions + 2 * GAP)
    x = GAP
    for _, frame, caption in stills:
        h, w, _ = frame.shape
        image[GAP : GAP + h, x : x + w] = frame
        text(image, x + w / 2, GAP + height + GAP // 2, caption, CAPTION, GREY, "centre")
        x += w + GAP
    return image


def save_png(image: Image, path: Path) -> None:
    """Write a picture as a small PNG: with a palette, where that changes no channel by more than 8 of 255.

    Raises:
        UserError: the file cannot be written.
    """
    from PIL import Image as Pillow

    picture = Pillow.fromarray(image)
    few = picture.quantize(COLOURS, dither=Pillow.Dither.NONE)
    if np.abs(np.asarray(few.convert("RGB"), np.int16) - image).max() <= 8:
        picture = few
    data = io.BytesIO()
    picture.save(data, format="PNG", optimize=True)
    try:
        with replacing(path) as scratch:
            scratch.write_bytes(data.getvalue())
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror or error}") from None
