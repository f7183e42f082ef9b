"""The side panel: what stands beside a frame while somebody plays or watches.

From the top: who plays what, the return so far, what the agent thinks where it tells, and at the bottom the keys. All
lengths are in units of a 420 pixels high picture, so that text grows with the frame.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from rlbench.controls.protocol import Help
from rlbench.drawing.shapes import BLUE, GREY, INK, MIST, PAPER, VERMILION, Image, canvas, disc, line, rectangle
from rlbench.drawing.text import cut, text, width
from rlbench.harness.isolation.explanation import NO_EXPLANATION, Explanation

WIDTH, HEIGHT = 250, 420  # pixels at scale 1
MARGIN = 20
ROW = 19  # of a bar
PATH = 112  # side of the square in which glimpses are drawn


@dataclass(frozen=True)
class Figures:
    """What a panel says."""

    title: str
    player: str
    step: int
    return_: float
    reward: float | None  # the last one; None before the first step
    status: str = ""
    """A word or two at the bottom of the figures: paused, over."""
    alarm: bool = False
    """Whether the status is bad news."""
    notice: str = ""
    """A line for a moment."""
    keys: Help = ()
    actions: tuple[str, ...] = ()
    chosen: int | None = None
    """The action that was taken last, where actions are numbered."""
    told: Explanation = NO_EXPLANATION
    reach: float = 0.0
    """The largest advantage told so far in this episode, which bars of action values are drawn against."""


@dataclass
class Pen:
    """A place on a panel that moves down as lines are written."""

    image: Image
    scale: float
    y: float = MARGIN
    lowest: float = field(default=HEIGHT)

    @property
    def width(self) -> float:
        """The panel's width in its own units."""
        return float(self.image.shape[1] / self.scale)

    def write(self, x: float, y: float, string: str, size: float, colour: tuple[int, int, int], **how: object) -> None:
        """Text at a place given in the panel's units."""
        text(self.image, x * self.scale, y * self.scale, string, self.size(size), colour, **how)  # type: ignore[arg-type]

    def size(self, size: float) -> int:
        """A size of text in pixels."""
        return max(6, round(size * self.scale))

    def bar(self, left: float, top: float, right: float, bottom: float, colour: tuple[int, int, int]) -> None:
        """A rectangle at whole pixels."""
        x0, y0, x1, y1 = (round(edge * self.scale) for edge in (left, top, right, bottom))
        self.image[max(y0, 0) : max(y1, 0), max(x0, 0) : max(x1, 0)] = colour


def panel(figures: Figures, height: int) -> Image:
    """The panel of that height, uint8[height, width, 3]."""
    scale = scale_of(height)
    image = ground(figures.title, figures.player, figures.keys, height).copy()
    pen = Pen(image, scale, y=76, lowest=height / scale - MARGIN - 17 * len(figures.keys))
    score(pen, figures)
    if figures.told.error:
        pen.write(MARGIN, pen.y, fitted(pen, figures.told.error, 11), 11, VERMILION)
    else:
        thoughts(pen, figures)
    return image


def scale_of(height: int) -> float:
    """Pixels per unit of a panel so high."""
    return max(0.75, min(height / HEIGHT, 3.0))


@functools.lru_cache(maxsize=8)
def ground(title: str, player: str, keys: Help, height: int) -> Image:
    """What does not change: the title, the player, the keys."""
    scale = scale_of(height)
    image = canvas(round(WIDTH * scale), height)
    pen = Pen(image, scale)
    pen.bar(0, 0, max(1 / scale, 1), height / scale, MIST)
    pen.write(MARGIN, MARGIN, fitted(pen, title, 17, bold=True), 17, INK, bold=True)
    pen.write(MARGIN, MARGIN + 24, fitted(pen, player, 12), 12, GREY)
    y = height / scale - MARGIN + 4 - 17 * len(keys)
    for names, what in keys:
        pen.write(MARGIN, y, names, 11, INK, bold=True)
        used = width(names, pen.size(11), True) / scale
        x = MARGIN + max(64, used + 8)
        pen.write(x, y, cut(what, pen.size(11), (pen.width - x - 6) * scale), 11, GREY)
        y += 17
    image.setflags(write=False)
    return image


def score(pen: Pen, figures: Figures) -> None:
    """The return, large; the step and the last reward; the status."""
    middle = pen.width / 2 + 8
    pen.write(MARGIN, pen.y, "return", 11, GREY)
    pen.write(MARGIN, pen.y + 12, number(figures.return_), 28, INK, bold=True)
    if figures.status:
        size = pen.size(11)
        wide = width(figures.status, size, True) / pen.scale
        colour = VERMILION if figures.alarm else BLUE
        right, top = pen.width - MARGIN, pen.y + 20
        s = pen.scale
        rectangle(pen.image, (right - wide - 14) * s, top * s, right * s, (top + 18) * s, colour, radius=9 * s)
        pen.write(right - 7, top + 2.5, figures.status, 11, PAPER, anchor="right", bold=True)
    pen.y += 54
    for x, name, shown in (
        (MARGIN, "step", f"{figures.step:,}"),
        (middle, "last reward", "–" if figures.reward is None else number(figures.reward)),
    ):
        pen.write(x, pen.y, name, 11, GREY)
        pen.write(x, pen.y + 13, shown, 15, INK)
    pen.y += 40
    if figures.notice:
        pen.write(MARGIN, pen.y, fitted(pen, figures.notice, 11), 11, BLUE)
    pen.y += 20


def thoughts(pen: Pen, figures: Figures) -> None:
    """What the agent tells: V(s), Q(s, .) or pi(.|s) as bars, the path of its glimpses."""
    told = figures.told
    if told.value is not None:
        pen.write(MARGIN, pen.y, "V(s)", 11, GREY)
        pen.write(pen.width - MARGIN, pen.y - 1, number(told.value), 13, INK, anchor="right")
        pen.y += 22
    if told.probabilities:
        bars(pen, "π(a|s)", told.probabilities, figures, 0.0, 1.0)
    if told.action_values:
        mean = float(np.mean(told.action_values))
        reach = max(figures.reach, 1e-9)
        bars(pen, "Q(s, a)", told.action_values, figures, mean, reach)
    if told.glimpses and pen.lowest - pen.y > PATH / 2:
        glimpses(pen, told.glimpses)


def bars(pen: Pen, heading: str, row: Sequence[float], figures: Figures, zero: float, reach: float) -> None:
    """A bar per action from `zero` to its number, full at a distance of `reach`; the highest where not all fit.

    Probabilities grow from the left. Action values grow from the middle to either side of their mean, as far as
    their advantage; for between themselves they differ by little.
    """
    room = int((pen.lowest - pen.y - 18) // ROW)
    if room < 2:
        return
    pen.write(MARGIN, pen.y, heading, 11, GREY)
    pen.y += 18
    order = list(range(len(row)))
    if len(row) > room:
        order = sorted(sorted(order, key=lambda a: -row[a])[:room])
    names = {a: figures.actions[a] if a < len(figures.actions) else str(a) for a in order}
    size = pen.size(11)
    left = MARGIN + min(82, 8 + max(width(name, size, True) for name in names.values()) / pen.scale)
    right = pen.width - MARGIN - 8 - max(width(number(row[a]), size, True) for a in order) / pen.scale
    for a in order:
        share = float(np.clip((row[a] - zero) / reach, -1, 1))
        at, span = (left, right - left) if zero == 0.0 and reach == 1.0 else ((left + right) / 2, (right - left) / 2)
        taken = a == figures.chosen
        pen.write(MARGIN, pen.y, cut(names[a], size, (left - MARGIN - 6) * pen.scale, taken), 11, INK, bold=taken)
        pen.bar(left, pen.y + 2, right, pen.y + 12, MIST)
        ends = sorted((at, at + share * span))
        pen.bar(ends[0], pen.y + 2, max(ends[1], ends[0] + 1), pen.y + 12, BLUE if taken else GREY)
        pen.write(pen.width - MARGIN, pen.y, number(row[a]), 11, INK, anchor="right", bold=taken)
        pen.y += ROW
    pen.y += 6


def glimpses(pen: Pen, path: Sequence[tuple[float, float]]) -> None:
    """Where the agent looked, in the order in which it did: a line through a square, the last place marked."""
    pen.write(MARGIN, pen.y, f"glimpses: {len(path)}", 11, GREY)
    pen.y += 18
    side = min(PATH, pen.lowest - pen.y)
    s = pen.scale
    pen.bar(MARGIN, pen.y, MARGIN + side, pen.y + side, MIST)
    points = [((MARGIN + side * (x + 1) / 2) * s, (pen.y + side * (y + 1) / 2) * s) for x, y in np.clip(path, -1, 1)]
    for start, end in itertools.pairwise(points):
        line(pen.image, start, end, 2 * s, BLUE)
    for point in points[:-1]:
        disc(pen.image, *point, 3 * s, BLUE)
    disc(pen.image, *points[-1], 4.5 * s, VERMILION)
    pen.y += side + 8


def fitted(pen: Pen, string: str, size: float, bold: bool = False) -> str:
    """As much of a line as the panel has room for."""
    return cut(string, pen.size(size), (pen.width - 2 * MARGIN + 8) * pen.scale, bold)


def number(value: float) -> str:
    """A number for people: whole ones without a point, others with three significant digits, a true minus."""
    if abs(value) >= 1e6:
        shown = f"{value:.3g}"
    elif value == int(value):
        shown = f"{int(value):,}"
    else:
        digits = 3 if abs(value) < 1 else 2 if abs(value) < 100 else 1
        shown = f"{value:,.{digits}f}"
    return shown.replace("-", "\N{MINUS SIGN}")
