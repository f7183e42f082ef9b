"""Glimpses as a picture: where the agent has looked, what its retina sees now, and what it says in the end.

On the left the image, which the agent never sees as a whole, the path of its glimpses and the squares of the last one,
one colour per scale. On the right the patches of that glimpse in the frames of their squares; below them a dot per
glimpse, filled when seen, and the labels: the guess is a disc, green if right and vermilion if wrong, and the right
label is ringed green. `filmstrip` puts the glimpses of an episode side by side.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rlbench.drawing.shapes import (
    BLUE,
    GREEN,
    GREY,
    INK,
    MIST,
    NIGHT,
    PAPER,
    PURPLE,
    VERMILION,
    Colour,
    Image,
    Point,
    canvas,
    disc,
    line,
    rectangle,
)
from rlbench.envs.glimpse import rules
from rlbench.envs.glimpse.retina import corner

FRAMES_PER_SECOND = 2
WIDTH, HEIGHT = 720, 440  # pixels
PANEL = 440  # side of the left panel
MARGIN = 28  # around the image, where squares reach beyond its border
LEFT, RIGHT = PANEL + 24, WIDTH - 24  # of the right panel
PATCHES_TOP, PATCHES_BOTTOM = 22, 294
DOTS = 318  # y of the glimpses' dots
LABELS_TOP, LABELS_BOTTOM = 340, 430
LABELS_IN_ROW, MAX_LABELS, LABEL_RADIUS = 5, 10, 17
SCALE_COLOURS: tuple[Colour, ...] = (BLUE, VERMILION, GREEN, PURPLE)

# The strokes of a digit on seven segments: top, upper left, upper right, middle, lower left, lower right, bottom.
SEGMENTS = (
    *("1110111", "0010010", "1011101", "1011011", "0111010"),
    *("1101011", "1101111", "1010010", "1111111", "1111011"),
)
STROKES = (
    ((0, 0), (1, 0)), ((0, 0), (0, 1)), ((1, 0), (1, 1)), ((0, 1), (1, 1)), ((0, 1), (0, 2)), ((1, 1), (1, 2)),
    ((0, 2), (1, 2)),
)  # fmt: skip


def render(state: rules.State, params: rules.Params) -> Image:
    """The frame of one state, uint8[440, 720, 3]."""
    frame = canvas(WIDTH, HEIGHT)
    rectangle(frame, 0, 0, PANEL, HEIGHT, NIGHT)
    draw_image(frame[:, :PANEL], state, params)
    draw_patches(frame, state, params)
    draw_dots(frame, state, params)
    draw_labels(frame, state, params)
    return frame


def filmstrip(states: Sequence[rules.State], params: rules.Params) -> Image:
    """The frames of an episode's states side by side: above the image and the squares, below what the retina saw.

    uint8[H, 220 n, 3] for n states; the last one, where the guess is made, shows the labels.
    """
    return np.concatenate([film(state, params) for state in states], axis=1)


def film(state: rules.State, params: rules.Params) -> Image:
    """One frame of a filmstrip: the full frame's panels at half their size, one above the other."""
    frame = render(state, params)
    right = canvas(PANEL, HEIGHT)
    right[:, (PANEL - WIDTH + PANEL) // 2 :][:, : WIDTH - PANEL] = frame[:, PANEL:]
    return halved(np.concatenate([frame[:, :PANEL], right]))


def halved(image: Image) -> Image:
    """An image at half its size, every pixel the mean of four."""
    blocks = image.reshape(image.shape[0] // 2, 2, image.shape[1] // 2, 2, 3)
    result: Image = blocks.mean(axis=(1, 3)).astype(np.uint8)
    return result


def seen(state: rules.State, params: rules.Params) -> NDArray[np.float32]:
    """The patches of the last glimpse, float32[k, g, g] in [0, 1]."""
    patches = np.zeros((params.scales, params.patch, params.patch), np.float32)
    rules.observe(state, params, rules.Observation(patches, np.zeros(2, np.float32)), rules.scratch(params))
    return patches


def draw_image(panel: Image, state: rules.State, params: rules.Params) -> None:
    """The image in the middle of its panel, the path, and the squares of the last glimpse."""
    place = placement(params)
    paste(panel, state.picture, place.left, place.top, place.zoom)
    last = min(state.step, params.glimpses - 1)
    for x, y in state.path[:last].tolist():
        outline(panel, *square(x, y, 0, place, params), 1, GREY)
    points = [on_panel(x, y, place, params) for x, y in state.path[: last + 1].tolist()]
    for start, end in itertools.pairwise(points):
        line(panel, start, end, 2, GREY)
    for point in points[:-1]:
        disc(panel, *point, 4, GREY)
    x, y = state.path[last].tolist()
    for k in reversed(range(params.scales)):
        outline(panel, *square(x, y, k, place, params), 3, SCALE_COLOURS[k % len(SCALE_COLOURS)])
    disc(panel, *points[-1], 5, PAPER)


class Placement(NamedTuple):
    """Where an image is shown on its panel."""

    zoom: float  # pixels of the panel per pixel of the image
    left: float  # of the image's edges, pixels of the panel
    top: float


def placement(params: rules.Params) -> Placement:
    """The image in the middle of the panel, as large as fits."""
    zoom = (PANEL - 2 * MARGIN) / max(params.height, params.width)
    return Placement(zoom, (PANEL - zoom * params.width) / 2, (PANEL - zoom * params.height) / 2)


def on_panel(x: float, y: float, place: Placement, params: rules.Params) -> Point:
    """The pixel of the panel at a location (x, y) in [-1, 1]^2."""
    zoom, left, top = place
    return left + zoom * params.width * (x + 1) / 2, top + zoom * params.height * (y + 1) / 2


def square(x: float, y: float, scale: int, place: Placement, params: rules.Params) -> tuple[float, float, float, float]:
    """The square of the retina of one scale at a location (x, y): left, top, right and bottom, pixels of the panel."""
    zoom, left, top = place
    side = params.patch << scale
    col, row = corner(x, params.width, side), corner(y, params.height, side)
    return left + zoom * col, top + zoom * row, left + zoom * (col + side), top + zoom * (row + side)


def draw_patches(frame: Image, state: rules.State, params: rules.Params) -> None:
    """The patches that the retina sees, the finest scale first, in the number of columns that makes them largest."""
    width, height = RIGHT - LEFT, PATCHES_BOTTOM - PATCHES_TOP
    columns = max(range(1, params.scales + 1), key=lambda c: min(width / c, height / -(-params.scales // c)))
    rows = -(-params.scales // columns)
    cell = min(width / columns, height / rows)
    for k, patch in enumerate(seen(state, params)):
        x = (LEFT + RIGHT) / 2 + (k % columns - columns / 2) * cell + 6
        y = (PATCHES_TOP + PATCHES_BOTTOM) / 2 + (k // columns - rows / 2) * cell + 6
        side = cell - 12
        paste(frame, np.rint(255 * patch).astype(np.uint8), x, y, side / params.patch)
        outline(frame, x, y, x + side, y + side, 4, SCALE_COLOURS[k % len(SCALE_COLOURS)])


def draw_dots(frame: Image, state: rules.State, params: rules.Params) -> None:
    """A dot per glimpse, filled if it has been seen."""
    gap = min(22.0, (RIGHT - LEFT) / params.glimpses)
    for t in range(params.glimpses):
        x = (LEFT + RIGHT) / 2 + (t - (params.glimpses - 1) / 2) * gap
        disc(frame, x, DOTS, gap * 0.3, INK if t <= state.step else MIST)


def draw_labels(frame: Image, state: rules.State, params: rules.Params) -> None:
    """The labels, five in a row; where there are more than ten only the right one and the guess, once it is made."""
    right, guess = int(params.labels[state.image]), state.guess
    few = params.classes <= MAX_LABELS
    shown = list(range(params.classes)) if few else sorted({right, guess}) if guess >= 0 else []
    rows = -(-len(shown) // LABELS_IN_ROW)
    for k, label in enumerate(shown):
        row, column = divmod(k, LABELS_IN_ROW)
        x = LEFT + (column + 0.5) * (RIGHT - LEFT) / min(len(shown), LABELS_IN_ROW)
        y = LABELS_TOP + (row + 0.5) * (LABELS_BOTTOM - LABELS_TOP) / rows
        if guess >= 0 and label == right:
            disc(frame, x, y, LABEL_RADIUS + 3, GREEN)
            disc(frame, x, y, LABEL_RADIUS, PAPER)
        if label == guess:
            disc(frame, x, y, LABEL_RADIUS, GREEN if label == right else VERMILION)
        draw_number(frame, label, x, y, 0.95 * LABEL_RADIUS, PAPER if label == guess else INK)


def draw_number(frame: Image, number: int, x: float, y: float, height: float, colour: Colour) -> None:
    """A number in seven-segment digits, its middle at (x, y), `height` pixels high."""
    digits = str(number)
    unit = height / 2
    for k, digit in enumerate(digits):
        left = x + (k - (len(digits) - 1) / 2) * 1.7 * unit - unit / 2
        for on, ((x0, y0), (x1, y1)) in zip(SEGMENTS[int(digit)], STROKES, strict=True):
            if on == "1":
                start, end = (left + x0 * unit, y + (y0 - 1) * unit), (left + x1 * unit, y + (y1 - 1) * unit)
                line(frame, start, end, max(unit / 3, 1.2), colour)


def outline(image: Image, left: float, top: float, right: float, bottom: float, width: float, colour: Colour) -> None:
    """The edges of a rectangle, lines of that width."""
    corners = ((left, top), (right, top), (right, bottom), (left, bottom))
    for start, end in zip(corners, (*corners[1:], corners[0]), strict=True):
        line(image, start, end, width, colour)


def paste(image: Image, pixels: NDArray[np.uint8], left: float, top: float, zoom: float) -> None:
    """Grey pixels as squares of `zoom` pixels, their corner at (left, top)."""
    height, width = pixels.shape
    rows = ((np.arange(round(height * zoom)) + 0.5) / zoom).astype(int).clip(0, height - 1)
    cols = ((np.arange(round(width * zoom)) + 0.5) / zoom).astype(int).clip(0, width - 1)
    top, left = round(top), round(left)
    image[top : top + len(rows), left : left + len(cols)] = pixels[rows][:, cols, None]
