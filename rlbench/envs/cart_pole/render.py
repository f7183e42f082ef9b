"""Cart-pole as a picture: the track between its two ends, the cart on it, the pole that leans as theta says.

The grey marks above the pole show how far it may lean; when it passes one, or the cart leaves the track, the
pole turns from blue to vermilion. One scale for lengths along and across the track, so that angles are true.
"""

from __future__ import annotations

import functools
import math

from rlbench.drawing.shapes import (
    BLUE,
    GREY,
    INK,
    MIST,
    PAPER,
    VERMILION,
    Colour,
    Image,
    Point,
    Stamp,
    canvas,
    disc,
    line,
    rectangle,
)
from rlbench.envs.cart_pole import rules

FRAMES_PER_SECOND = 50
WIDTH, HEIGHT = 600, 400  # pixels, as Gymnasium's

TRACK = 290  # y of the track
PIVOT = TRACK - 42  # y of the joint between cart and pole
PHASES = 16  # the cart stands on a whole number of these parts of a pixel, so that it is drawn once for each
MARGIN = 36  # pixels beyond either end of the track, more than half a cart


def render(state: rules.State, params: rules.Params) -> Image:
    """The frame of one state, uint8[400, 600, 3]."""
    return picture(state, params, 1)


def small(state: rules.State, params: rules.Params, factor: int) -> Image:
    """The frame smaller by a whole factor, uint8[400 // factor, 600 // factor, 3]: faster than shrinking it."""
    return picture(state, params, factor)


def picture(state: rules.State, params: rules.Params, k: int) -> Image:
    """The frame with all lengths divided by k."""
    frame = background(params.x_threshold, params.length, k).copy()
    scale = pixels_per_metre(params.x_threshold, params.length)
    reach = scale * 2 * params.length
    left, phase = divmod(round(PHASES * (WIDTH / 2 + scale * state.x) / k), PHASES)
    half = math.ceil((reach + 24) / k)
    for stamp in (cart(phase, half, k), marks(phase, half, k, reach, params.theta_threshold)):
        stamp.press(frame, left - half, 0)
    x = k * (left + phase / PHASES)
    colour = VERMILION if rules.terminated(state, params) else BLUE
    stroke(frame, (x, PIVOT), _above(x, state.theta, reach), 11, colour, k)
    if k == 1:
        disc(frame, x, PIVOT, 2.5, PAPER)
    return frame


@functools.lru_cache(maxsize=4 * PHASES)
def cart(phase: int, half: int, k: int) -> Stamp:
    """Body and wheels, `half` pixels and `phase` parts of one from the left."""

    def draw(image: Image) -> None:
        x = k * (half + phase / PHASES)
        for wheel in (x - 18, x + 18):
            disc(image, wheel / k, (TRACK - 11) / k, 9 / k, GREY)
        rectangle(image, (x - 32) / k, (PIVOT - 9) / k, (x + 32) / k, (TRACK - 11) / k, INK, radius=7 / k)

    return Stamp(draw, 2 * half, HEIGHT // k)


@functools.lru_cache(maxsize=4 * PHASES)
def marks(phase: int, half: int, k: int, reach: float, theta_threshold: float) -> Stamp:
    """The two marks that say how far the pole may lean."""

    def draw(image: Image) -> None:
        x = k * (half + phase / PHASES)
        for limit in (-theta_threshold, theta_threshold):
            stroke(image, _above(x, limit, reach + 9), _above(x, limit, reach + 19), 3, GREY, k)

    return Stamp(draw, 2 * half, HEIGHT // k)


def stroke(image: Image, start: Point, end: Point, width: float, colour: Colour, k: int) -> None:
    """A line with all lengths divided by k."""
    line(image, (start[0] / k, start[1] / k), (end[0] / k, end[1] / k), width / k, colour)


def _above(x: float, angle: float, distance: float) -> Point:
    """The point at a distance from the joint, at an angle from the vertical, positive to the right."""
    return x + distance * math.sin(angle), PIVOT - distance * math.cos(angle)


def pixels_per_metre(x_threshold: float, length: float) -> float:
    """The largest scale at which the whole track and the upright pole are in sight."""
    return min((WIDTH / 2 - MARGIN) / x_threshold, (PIVOT - MARGIN) / (2 * length))


@functools.lru_cache(maxsize=8)
def background(x_threshold: float, length: float, k: int) -> Image:
    """The parts that stay: the track, a tick each half metre, and the ground beyond its ends, shaded."""
    frame = canvas(WIDTH // k, HEIGHT // k)
    scale = pixels_per_metre(x_threshold, length)
    left, right = WIDTH / 2 - scale * x_threshold, WIDTH / 2 + scale * x_threshold
    rectangle(frame, -1, -1, left / k, HEIGHT / k + 1, MIST)
    rectangle(frame, right / k, -1, WIDTH / k + 1, HEIGHT / k + 1, MIST)
    stroke(frame, (left, TRACK), (right, TRACK), 3, GREY, k)
    for half_metres in range(-int(2 * x_threshold), int(2 * x_threshold) + 1):
        x = WIDTH / 2 + scale * half_metres / 2
        stroke(frame, (x, TRACK + 10), (x, TRACK + (18 if half_metres == 0 else 12)), 2, GREY, k)
    for x in (left, right):
        rectangle(frame, (x - 2.5) / k, (TRACK - 18) / k, (x + 2.5) / k, (TRACK + 18) / k, GREY, radius=2.5 / k)
    frame.setflags(write=False)
    return frame
