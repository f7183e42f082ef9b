"""Text on frames: lines of DejaVu Sans, put together from characters that Pillow draws once each.

Numbers change in every frame. With lines set by Pillow as a whole, panels are drawn about two thirds as fast.

The font is the one that comes with matplotlib (its licence allows any use). Sizes are the height of the em in pixels; a
line is `line_height(size)` high. Characters that the font lacks are drawn as its box.
"""

from __future__ import annotations

import functools
import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rlbench.drawing.shapes import Colour, Image, Region

if TYPE_CHECKING:
    from PIL.ImageFont import FreeTypeFont

Anchor = Literal["left", "centre", "right"]
FACES = {False: "DejaVuSans.ttf", True: "DejaVuSans-Bold.ttf"}  # by whether it is bold
ASCENT = 0.93  # of the em: from the top of a line to its baseline


class Glyph(NamedTuple):
    """One character.

    Its coverage is float32[h, w] in [0, 1], and stands `left` pixels right of the pen and `top` below the line's top.
    """

    coverage: NDArray[np.float32]
    left: int
    top: int
    advance: float


def text(
    image: Image,
    x: float,
    y: float,
    string: str,
    size: int,
    colour: Colour,
    anchor: Anchor = "left",
    bold: bool = False,
) -> None:
    """Write one line in place; what reaches outside of the image is cut off.

    Args:
        image: uint8[H, W, 3].
        x: pixels from the left to the line's left end, middle or right end, as `anchor` says.
        y: pixels from above to the top of the line.
        string: the line.
        size: height of the em, in pixels.
        colour: red, green, blue.
        anchor: what of the line is at x.
        bold: whether it is set in the bold face.
    """
    coverage = line_of(string, size, bold)
    height, width = coverage.shape
    left = round(x - width * {"left": 0.0, "centre": 0.5, "right": 1.0}[anchor])
    top = round(y)
    x0, y0 = max(left, 0), max(top, 0)
    x1, y1 = min(left + width, image.shape[1]), min(top + height, image.shape[0])
    if x0 < x1 and y0 < y1:
        Region(image, x0, y0, x1, y1).blend(coverage[y0 - top : y1 - top, x0 - left : x1 - left], colour)


def width(string: str, size: int, bold: bool = False) -> int:
    """How many pixels a line is wide.

    Args:
        string: the line.
        size: height of the em, in pixels.
        bold: whether it is set in the bold face.
    """
    return int(line_of(string, size, bold).shape[1])


def line_height(size: int) -> int:
    """How many pixels a line is high, descenders included."""
    return round(1.2 * size)


def cut(string: str, size: int, room: float, bold: bool = False) -> str:
    """The string, or as much of it as fits into `room` pixels, with an ellipsis at its end.

    Args:
        string: the line.
        size: height of the em, in pixels.
        room: pixels.
        bold: whether it is set in the bold face.
    """
    if width(string, size, bold) <= room:
        return string
    kept = string
    while kept and width(kept + "…", size, bold) > room:
        kept = kept[:-1]
    return kept.rstrip() + "…" if kept else ""


@functools.lru_cache(maxsize=2048)
def line_of(string: str, size: int, bold: bool = False) -> NDArray[np.float32]:
    """How much of each pixel a line covers, float32[line_height, width] in [0, 1].

    Args:
        string: the line.
        size: height of the em, in pixels.
        bold: whether it is set in the bold face.
    """
    glyphs = [glyph(character, size, bold) for character in string]
    pens = np.cumsum([0.0] + [each.advance for each in glyphs])
    line = np.zeros((line_height(size), max(0, round(pens[-1]))), np.float32)
    for (coverage, left, top, _), pen in zip(glyphs, pens, strict=False):
        x, y = round(pen) + left, top
        into = line[max(y, 0) : y + coverage.shape[0], max(x, 0) : x + coverage.shape[1]]
        cut_off = coverage[max(-y, 0) :, max(-x, 0) :][: into.shape[0], : into.shape[1]]
        np.maximum(into, cut_off, out=into)
    line.setflags(write=False)
    return line


@functools.lru_cache(maxsize=4096)
def glyph(character: str, size: int, bold: bool) -> Glyph:
    """One character, drawn by Pillow."""
    font = face(size, bold)
    left, top, right, bottom = (round(edge) for edge in font.getbbox(character, anchor="ls"))
    advance = float(font.getlength(character))
    baseline = round(ASCENT * size)
    if right <= left or bottom <= top:
        return Glyph(np.zeros((0, 0), np.float32), 0, 0, advance)
    mask = font.getmask(character, mode="L", anchor="ls")
    coverage = np.array(mask, np.uint8).reshape(mask.size[1], mask.size[0]).astype(np.float32)
    return Glyph(coverage / np.float32(255), left, baseline + top, advance)


@functools.lru_cache(maxsize=64)
def face(size: int, bold: bool) -> FreeTypeFont:
    """The font at a size, with Pillow's basic layout; its other one depends on what is installed."""
    from PIL import ImageFont

    if size < 1:
        raise ValueError(f"text is at least a pixel high, got {size}")
    return ImageFont.truetype(str(fonts() / FACES[bold]), size, layout_engine=ImageFont.Layout.BASIC)


def fonts() -> Path:
    """The folder of matplotlib's fonts; matplotlib itself, which takes half a second, is not imported."""
    spec = importlib.util.find_spec("matplotlib")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("text is drawn in matplotlib's fonts: pip install matplotlib", name="matplotlib")
    return Path(spec.origin).parent / "mpl-data" / "fonts" / "ttf"
