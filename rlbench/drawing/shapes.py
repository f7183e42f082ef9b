"""Anti-aliased shapes on images uint8[H, W, 3], in NumPy, and the palette of all frames and charts.

Coordinates are pixels, x to the right and y down; the pixel in row i and column j covers [j, j+1) x [i, i+1).
Shapes are cut off where they reach outside of the image. Every function paints in place.

The accents are those of Okabe & Ito (2008), Color Universal Design, that keep a contrast of 3:1 (WCAG 2.1,
1.4.11) against PAPER as well as NIGHT; their orange, yellow and sky blue vanish on paper and are left out.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Image: TypeAlias = NDArray[np.uint8]
Colour: TypeAlias = tuple[int, int, int]
Point: TypeAlias = tuple[float, float]

PAPER: Colour = (250, 250, 247)  # the ground of every frame
NIGHT: Colour = (24, 27, 32)  # what surrounds a frame in a dark window
INK: Colour = (43, 50, 60)  # solid things: walls, carts, text
GREY: Colour = (128, 134, 144)  # scales and marks, readable on paper and night
MIST: Colour = (232, 234, 235)  # surfaces, grids, what should stay in the background

BLUE: Colour = (0, 114, 178)  # what the agent moves
VERMILION: Colour = (213, 94, 0)  # failure, loss, warning
GREEN: Colour = (0, 158, 115)  # goal, success
PURPLE: Colour = (198, 114, 161)  # a second player, a second curve; a shade darker than theirs, for contrast
ACCENTS: tuple[Colour, ...] = (BLUE, VERMILION, GREEN, PURPLE)


def canvas(width: int, height: int, colour: Colour = PAPER) -> Image:
    """A blank image, uint8[height, width, 3].

    Args:
        width: pixels.
        height: pixels.
        colour: red, green, blue.
    """
    image = np.empty((height, width, 3), np.uint8)
    image[...] = np.full((width, 3), colour, np.uint8)  # a row at a time: ten times as fast as pixel by pixel
    return image


def rectangle(
    image: Image, left: float, top: float, right: float, bottom: float, colour: Colour, radius: float = 0.0
) -> None:
    """A filled upright rectangle; its corners are quarter circles of the given radius.

    Args:
        image: uint8[H, W, 3], painted in place.
        left: x of the left edge, in pixels.
        top: y of the upper edge, in pixels.
        right: x of the right edge, in pixels.
        bottom: y of the lower edge, in pixels.
        colour: red, green, blue.
        radius: of the corners, in pixels.
    """
    if region := Region.around(image, left, top, right, bottom):
        x = np.abs(region.x - (left + right) / 2) - (right - left) / 2
        y = np.abs(region.y - (top + bottom) / 2) - (bottom - top) / 2
        if radius:
            corner = np.sqrt(np.maximum(x + radius, 0) ** 2 + np.maximum(y + radius, 0) ** 2)
            region.blend(np.clip(radius + 0.5 - corner, 0, 1), colour)
        else:
            region.blend(np.clip(0.5 - x, 0, 1) * np.clip(0.5 - y, 0, 1), colour)


def disc(image: Image, x: float, y: float, radius: float, colour: Colour) -> None:
    """A filled circle around (x, y).

    Args:
        image: uint8[H, W, 3], painted in place.
        x: of the centre, in pixels.
        y: of the centre, in pixels.
        radius: pixels.
        colour: red, green, blue.
    """
    if region := Region.around(image, x - radius, y - radius, x + radius, y + radius):
        distance = np.sqrt((region.x - x) ** 2 + (region.y - y) ** 2)
        region.blend(np.clip(radius + 0.5 - distance, 0, 1), colour)


def line(image: Image, start: Point, end: Point, width: float, colour: Colour) -> None:
    """A stroke from start to end with round caps; its edge lies width / 2 from the segment.

    Args:
        image: uint8[H, W, 3], painted in place.
        start: (x, y) in pixels.
        end: (x, y) in pixels.
        width: pixels.
        colour: red, green, blue.
    """
    (x0, y0), (x1, y1), half = start, end, width / 2
    if region := Region.around(image, min(x0, x1) - half, min(y0, y1) - half, max(x0, x1) + half, max(y0, y1) + half):
        dx, dy = x1 - x0, y1 - y0
        x, y = region.x - x0, region.y - y0
        along = np.clip((x * dx + y * dy) / max(dx * dx + dy * dy, 1e-12), 0, 1)
        distance = np.sqrt((x - along * dx) ** 2 + (y - along * dy) ** 2)
        region.blend(np.clip(half + 0.5 - distance, 0, 1), colour)


def polygon(image: Image, points: Sequence[Point], colour: Colour) -> None:
    """A filled polygon of any shape that does not cross itself; coverage is the exact area within each pixel.

    Each edge adds the signed area of the pixel to its right: inside they sum to one, outside to nothing.

    Args:
        image: uint8[H, W, 3], painted in place.
        points: corners (x, y) in pixels, in their order.
        colour: red, green, blue.
    """
    columns, rows = zip(*points, strict=True)
    region = Region.around(image, min(columns), min(rows), max(columns), max(rows))
    if region is None:
        return
    right = region.x.astype(np.float64) + 0.5  # differences of large numbers below
    coverage = np.zeros((region.y.size, region.x.size), np.float32)
    for (x0, y0), (x1, y1) in zip(points, (*points[1:], points[0]), strict=True):
        low, high = (
            max(math.floor(min(y0, y1)) - region.top, 0),
            min(math.ceil(max(y0, y1)) - region.top, len(coverage)),
        )
        if y0 != y1 and low < high:
            edges = np.arange(region.top + low, region.top + high + 1, dtype=np.float64)[:, None]
            edges = np.clip(edges, min(y0, y1), max(y0, y1))
            depth = right - (x0 + (edges - y0) * ((x1 - x0) / (y1 - y0)))
            area = np.diff(edges, axis=0) * _mean_of_clip(depth[:-1], depth[1:])
            coverage[low:high] += math.copysign(1, y1 - y0) * area
    region.blend(np.minimum(np.abs(coverage), 1), colour)


def _mean_of_clip(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    """The mean of clip(u, 0, 1) while u goes from a to b: (F(b) - F(a)) / (b - a), F its antiderivative."""
    step = b - a
    steep = np.abs(step) < 1e-3
    ratio = (_integral_of_clip(b) - _integral_of_clip(a)) / np.where(steep, 1, step)
    result: NDArray[np.float64] = np.where(steep, np.clip((a + b) / 2, 0, 1), ratio)
    return result


def _integral_of_clip(u: NDArray[np.float64]) -> NDArray[np.float64]:
    """The antiderivative of clip(u, 0, 1): 0 below, u^2 / 2 between, u - 1/2 above."""
    inside = np.clip(u, 0, 1)
    result: NDArray[np.float64] = inside * inside / 2 + np.maximum(u - 1, 0)
    return result


class Stamp:
    """Shapes that are often painted together: drawn once by `draw(image)`, then copied onto images.

    Drawing them on black and on white shows how much of each pixel they cover, and in which colour.

    Args:
        draw: paints the shapes.
        width: pixels of the image that it is given.
        height: the same.
    """

    def __init__(self, draw: Callable[[Image], None], width: int, height: int) -> None:
        on_black, on_white = canvas(width, height, (0, 0, 0)), canvas(width, height, (255, 255, 255))
        draw(on_black)
        draw(on_white)
        kept = (on_white.astype(np.float32) - on_black) / np.float32(255)
        rows, columns = (np.flatnonzero((kept < 1).any(axis=axes)) for axes in ((1, 2), (0, 2)))
        self.top, self.left = int(rows[0]), int(columns[0])
        part = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
        self.kept = kept[part]  # share of what is beneath
        self.ink = on_black[part].astype(np.float32) + np.float32(0.5)  # the assignment below truncates

    def press(self, image: Image, x: int, y: int) -> None:
        """Paint the shapes; the upper left corner of the image that they were drawn in is at the pixel (x, y).

        Args:
            image: uint8[H, W, 3], painted in place.
            x: whole pixels.
            y: whole pixels.
        """
        height, width, _ = self.ink.shape
        left, top = x + self.left, y + self.top
        part = image[max(top, 0) : max(top + height, 0), max(left, 0) : max(left + width, 0)]
        rows = slice(max(-top, 0), max(-top, 0) + part.shape[0])
        columns = slice(max(-left, 0), max(-left, 0) + part.shape[1])
        part[...] = part * self.kept[rows, columns] + self.ink[rows, columns]


class Region:
    """The part of an image that a shape may touch; x [w] and y [h, 1] are the centres of its pixels."""

    def __init__(self, image: Image, left: int, top: int, right: int, bottom: int) -> None:
        self.pixels = image[top:bottom, left:right]
        self.top = top
        self.x = np.arange(left, right, dtype=np.float32) + np.float32(0.5)
        self.y = (np.arange(top, bottom, dtype=np.float32) + np.float32(0.5))[:, None]

    @classmethod
    def around(cls, image: Image, left: float, top: float, right: float, bottom: float) -> Region | None:
        """The region of a box with a pixel of soft edge around it; None where the box is outside of the image."""
        height, width, _ = image.shape
        x0, x1 = max(math.floor(left) - 1, 0), min(math.ceil(right) + 1, width)
        y0, y1 = max(math.floor(top) - 1, 0), min(math.ceil(bottom) + 1, height)
        return cls(image, x0, y0, x1, y1) if x0 < x1 and y0 < y1 else None

    def blend(self, coverage: NDArray[np.float32], colour: Colour) -> None:
        """Mix a colour into the pixels, as much as coverage[h, w] in [0, 1] says.

        Args:
            coverage: float32[h, w] in [0, 1].
            colour: red, green, blue.
        """
        height, width, _ = self.pixels.shape
        flat = self.pixels.reshape(height, width * 3)  # long rows: a last axis of three would cost threefold
        mixed = np.tile(np.asarray(colour, np.float32), width) - flat
        mixed *= np.repeat(coverage, 3, axis=1)
        mixed += flat
        mixed += 0.5  # the assignment truncates
        flat[...] = mixed
