"""Text on frames: DejaVu Sans as anti-aliased coverage, set and blended in plain NumPy.

The font is the one that matplotlib brings (its licence allows any use), rasterised glyph by glyph when first needed;
there is no font file of ours. Sizes are the height of the em in pixels; a line is `line_height(size)` high.
Characters that the font lacks are drawn as its box.
"""

from __future__ import annotations

import functools
import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rlbench.drawing.shapes import Colour, Image, Window

if TYPE_CHECKING:
    from PIL.ImageFont import FreeTypeFont

Anchor = Literal["left", "centre", "right"]
FACES = {False: "DejaVuSans.ttf", True: "DejaVuSans-Bold.ttf"}  # by whether it is bold
ASCENT = 0.93  # of the em: from the top of a line to its baseline


class Glyph(NamedTuple):
    """One character: coverage float32[h, w] in [0, 1], its place right of the pen and below the line's top, pixels."""

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
    """Write one line in place; its top is at y, and x is its left end, its middle or its right end."""
    coverage = line_of(string, size, bold)
    height, width = coverage.shape
    left = round(x - width * {"left": 0.0, "centre": 0.5, "right": 1.0}[anchor])
    top = round(y)
    x0, y0 = max(left, 0), max(top, 0)
    x1, y1 = min(left + width, image.shape[1]), min(top + height, image.shape[0])
    if x0 < x1 and y0 < y1:
        Window(image, x0, y0, x1, y1).blend(coverage[y0 - top : y1 - top, x0 - left : x1 - left], colour)


def width(string: str, size: int, bold: bool = False) -> int:
    """How many pixels a line is wide."""
    return int(line_of(string, size, bold).shape[1])


def line_height(size: int) -> int:
    """How many pixels a line is high, descenders included."""
    return round(1.2 * size)


def cut(string: str, size: int, room: float, bold: bool = False) -> str:
    """The string, or as much of it as fits into `room` pixels with an ellipsis behind."""
    if width(string, size, bold) <= room:
        return string
    kept = string
    while kept and width(kept + "…", size, bold) > room:
        kept = kept[:-1]
    return kept.rstrip() + "…" if kept else ""


@functools.lru_cache(maxsize=2048)
def line_of(string: str, size: int, bold: bool = False) -> NDArray[np.float32]:
    """The coverage of a line, float32[line_height, width]."""
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
    """One character of the atlas."""
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
    """The font at a size. Pillow lays out plainly, for its other layout depends on what is installed."""
    from PIL import ImageFont

    if size < 1:
        raise ValueError(f"text is at least a pixel high, got {size}")
    return ImageFont.truetype(str(fonts() / FACES[bold]), size, layout_engine=ImageFont.Layout.BASIC)


def fonts() -> Path:
    """The folder of matplotlib's fonts; matplotlib itself, which takes half a second, is not imported."""
    spec = importlib.util.find_spec("matplotlib")
    assert spec is not None, "matplotlib is a dependency"
    assert spec.origin is not None
    return Path(spec.origin).parent / "mpl-data" / "fonts" / "ttf"
