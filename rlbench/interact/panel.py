"""The panel beside a frame while somebody plays or watches.

From the top: environment and player, the return so far, the agent's explanation where it gives one, and the keys. All
lengths are in units of a picture 420 pixels high, so that text grows with the frame.
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
from rlbench.harness.isolation.explain import NO_EXPLANATION, Explanation

WIDTH, HEIGHT = 250, 420  # pixels at scale 1
MARGIN = 20
ROW = 19  # of a bar
GLIMPSES = 112  # side of the square in which glimpses are drawn


@dataclass(frozen=True)
class PanelContent:
    """What a panel says."""

    title: str
    player: str  # of one line or two
    step: int
    return_: float
    reward: float | None  # the last one; None before the first step
    status: str = ""
    """A word or two in a coloured label: paused, over."""
    alarm: bool = False
    """Whether the label is red."""
    notice: str = ""
    """A line for a moment."""
    keys: Help = ()
    actions: tuple[str, ...] = ()
    chosen: int | None = None
    """The action that was taken last, where actions are numbered."""
    explanation: Explanation = NO_EXPLANATION
    max_advantage: float = 0.0
    """The largest |Q - mean Q| so far in this episode; a bar of that length is full."""


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
        """Text at a place given in the panel's units.

        Args:
            x: in the panel's units.
            y: in the panel's units.
            string: the line.
            size: in the panel's units.
            colour: red, green, blue.
            **how: `anchor` and `bold` of `text`.
        """
        text(self.image, x * self.scale, y * self.scale, string, self.size(size), colour, **how)  # type: ignore[arg-type]

    def size(self, size: float) -> int:
        """A size of text in pixels."""
        return max(6, round(size * self.scale))

    def bar(self, left: float, top: float, right: float, bottom: float, colour: tuple[int, int, int]) -> None:
        """A rectangle at whole pixels.

        Args:
            left: x of the left edge, in the panel's units, as all four.
            top: y of the upper edge.
            right: x of the right edge.
            bottom: y of the lower edge.
            colour: red, green, blue.
        """
        x0, y0, x1, y1 = (round(edge * self.scale) for edge in (left, top, right, bottom))
        self.image[max(y0, 0) : max(y1, 0), max(x0, 0) : max(x1, 0)] = colour


def panel(content: PanelContent, height: int) -> Image:
    """The panel of a picture, uint8[height, width, 3].

    Args:
        content: what it says.
        height: pixels; text grows with it.
    """
    scale = scale_of(height)
    image = unchanging(content.title, content.player, content.keys, height).copy()
    pen = Pen(image, scale, y=76, lowest=height / scale - MARGIN - 17 * len(content.keys))
    score(pen, content)
    if content.explanation.error:
        pen.write(MARGIN, pen.y, fitted(pen, content.explanation.error, 11), 11, VERMILION)
    else:
        draw_explanation(pen, content)
    return image


def scale_of(height: int) -> float:
    """Pixels per unit, by the height of the panel in pixels."""
    return max(0.75, min(height / HEIGHT, 3.0))


@functools.lru_cache(maxsize=8)
def unchanging(title: str, player: str, keys: Help, height: int) -> Image:
    """The part of a panel that stays the same during an episode: title, player, keys.

    Args:
        title: the environment.
        player: who plays.
        keys: keys and what they do.
        height: pixels.
    """
    scale = scale_of(height)
    image = canvas(round(WIDTH * scale), height)
    pen = Pen(image, scale)
    pen.bar(0, 0, max(1 / scale, 1), height / scale, MIST)
    pen.write(MARGIN, MARGIN, fitted(pen, title, 17, bold=True), 17, INK, bold=True)
    for i, each in enumerate(player.split("\n")[:2]):
        pen.write(MARGIN, MARGIN + 23 + 14 * i, fitted(pen, each, 12), 12, GREY)
    y = height / scale - MARGIN + 4 - 17 * len(keys)
    for names, what in keys:
        pen.write(MARGIN, y, names, 11, INK, bold=True)
        used = width(names, pen.size(11), True) / scale
        x = MARGIN + max(64, used + 8)
        pen.write(x, y, cut(what, pen.size(11), (pen.width - x - 6) * scale), 11, GREY)
        y += 17
    image.setflags(write=False)
    return image


def score(pen: Pen, content: PanelContent) -> None:
    """The return, large; the step and the last reward; the status."""
    middle = pen.width / 2 + 8
    pen.write(MARGIN, pen.y, "return", 11, GREY)
    pen.write(MARGIN, pen.y + 12, number(content.return_), 28, INK, bold=True)
    if content.status:
        size = pen.size(11)
        wide = width(content.status, size, True) / pen.scale
        colour = VERMILION if content.alarm else BLUE
        right, top = pen.width - MARGIN, pen.y + 20
        s = pen.scale
        rectangle(pen.image, (right - wide - 14) * s, top * s, right * s, (top + 18) * s, colour, radius=9 * s)
        pen.write(right - 7, top + 2.5, content.status, 11, PAPER, anchor="right", bold=True)
    pen.y += 54
    for x, name, shown in (
        (MARGIN, "step", f"{content.step:,}"),
        (middle, "last reward", "–" if content.reward is None else number(content.reward)),
    ):
        pen.write(x, pen.y, name, 11, GREY)
        pen.write(x, pen.y + 13, shown, 15, INK)
    pen.y += 40
    if content.notice:
        pen.write(MARGIN, pen.y, fitted(pen, content.notice, 11), 11, BLUE)
    pen.y += 20


def draw_explanation(pen: Pen, content: PanelContent) -> None:
    """The agent's explanation: V(s), what it expects, Q(s, .) and pi(.|s) as bars, the path of its glimpses."""
    explanation = content.explanation
    if explanation.value is not None:
        pen.write(MARGIN, pen.y, "V(s)", 11, GREY)
        pen.write(pen.width - MARGIN, pen.y - 1, number(explanation.value), 13, INK, anchor="right")
        pen.y += 22
    if expected := [int(action) for action in explanation.variation if 0 <= action < len(content.actions)]:
        names = " ".join(content.actions[action] for action in expected)
        pen.write(MARGIN, pen.y, fitted(pen, f"expects {names}", 11), 11, GREY)
        pen.y += 20
    if explanation.probabilities:
        bars(pen, "π(a|s)", explanation.probabilities, content, 0.0, 1.0)
    if explanation.action_values:
        mean = float(np.mean(explanation.action_values))
        bars(pen, "Q(s, a)", explanation.action_values, content, mean, max(content.max_advantage, 1e-9))
    if explanation.glimpses and pen.lowest - pen.y > GLIMPSES / 2:
        glimpses(pen, explanation.glimpses)


def bars(pen: Pen, heading: str, row: Sequence[float], content: PanelContent, zero: float, full: float) -> None:
    """A bar per action with its number; only the highest ones where not all fit.

    Bars of probabilities begin at the left. Bars of action values begin in the middle, since the values differ little
    from each other: they show the advantage over the mean.

    Args:
        pen: where to draw.
        heading: the line above the bars.
        row: a number per action.
        content: names of the actions, and the one that was taken.
        zero: the number at which a bar has no length.
        full: how far from `zero` a bar is full.
    """
    room = int((pen.lowest - pen.y - 18) // ROW)
    if room < 2:
        return
    pen.write(MARGIN, pen.y, heading, 11, GREY)
    pen.y += 18
    order = list(range(len(row)))
    if len(row) > room:
        order = sorted(sorted(order, key=lambda a: -row[a])[:room])
    names = {a: content.actions[a] if a < len(content.actions) else str(a) for a in order}
    size = pen.size(11)
    left = MARGIN + min(82, 8 + max(width(name, size, True) for name in names.values()) / pen.scale)
    right = pen.width - MARGIN - 8 - max(width(number(row[a]), size, True) for a in order) / pen.scale
    for a in order:
        share = float(np.clip((row[a] - zero) / full, -1, 1))
        at, span = (left, right - left) if zero == 0.0 and full == 1.0 else ((left + right) / 2, (right - left) / 2)
        taken = a == content.chosen
        pen.write(MARGIN, pen.y, cut(names[a], size, (left - MARGIN - 6) * pen.scale, taken), 11, INK, bold=taken)
        pen.bar(left, pen.y + 2, right, pen.y + 12, MIST)
        ends = sorted((at, at + share * span))
        pen.bar(ends[0], pen.y + 2, max(ends[1], ends[0] + 1), pen.y + 12, BLUE if taken else GREY)
        pen.write(pen.width - MARGIN, pen.y, number(row[a]), 11, INK, anchor="right", bold=taken)
        pen.y += ROW
    pen.y += 6


def glimpses(pen: Pen, path: Sequence[tuple[float, float]]) -> None:
    """Where the agent looked: a line through the places in their order, the last one marked.

    Args:
        pen: where to draw.
        path: places (x, y) in [-1, 1].
    """
    pen.write(MARGIN, pen.y, f"glimpses: {len(path)}", 11, GREY)
    pen.y += 18
    side = min(GLIMPSES, pen.lowest - pen.y)
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
    """A line, cut off where the panel ends."""
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
