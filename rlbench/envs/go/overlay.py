"""What an agent thought of its last turn, drawn on the board: how it shared its choice among the points, and values.

A disc covers each point by its probability, or by its share of a search's visits, relative to the largest; in it stands
the share in percent, or the number of visits, and, where the agent gives action values too, the value of the point. A
point that has a stone by now keeps the numbers alone. Small stones with the numbers 2, 3 and so on are the moves that a
search expects after the agent's own. The bar at the bottom says how likely the agent finds it that Black wins.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rlbench.drawing.shapes import BLUE, INK, PAPER, Colour, Image, Stamp, disc, rectangle
from rlbench.drawing.text import line_height, text, width
from rlbench.envs.go.picture import BLACK_STONE, WHITE_STONE, BoardLayout, draw_stone, stamp_at_point
from rlbench.envs.go.view import GameView

LOWEST_SHARE = 0.005  # of the choice; what is less likely is not drawn
SHADES = 16  # steps of a disc's opacity, so that each is drawn once
EXPECTED = 6  # moves of a principal variation that are drawn, the agent's own included
MIN_NUMBER = 8  # pixels of a number's em; smaller ones are left out


def draw_shares(image: Image, layout: BoardLayout, view: GameView, explanation: Any) -> None:
    """A disc and a number on every point that the agent may have chosen.

    Args:
        image: The board with its stones, uint8[H, W, 3], painted in place.
        layout: Of the board.
        view: The game after the turn that the explanation is of.
        explanation: Has `probabilities`, `action_values` and `visits`, a number per action each, or none.
    """
    points = layout.rows * layout.columns
    shares, values, visits = np.array(explanation.probabilities), explanation.action_values, explanation.visits
    if len(shares) != points + 1:
        shares = _of_values(np.array(values)) if len(values) == points + 1 else np.zeros(points + 1)
    largest = max(float(shares.max()), 1e-9)
    for action in np.flatnonzero(shares[:points] >= LOWEST_SHARE).tolist():
        row, column = divmod(action, layout.columns)
        stone = int(view.stones[row, column])
        shade = round(SHADES * float(shares[action]) / largest)
        if stone == 0:
            layout.press(share_disc(layout.cell, shade), image, row, column)
        lines = [f"{100 * shares[action]:.0f}"] if len(explanation.probabilities) == points + 1 else []
        lines = [f"{visits[action]:.0f}"] if len(visits) == points + 1 else lines
        lines += [f"{values[action]:.2f}"] if len(values) == points + 1 else []
        _numbers(
            image, layout, (row, column), lines, INK if stone < 0 or (stone == 0 and shade < SHADES / 3) else PAPER
        )


def draw_variation(image: Image, layout: BoardLayout, view: GameView, explanation: Any) -> None:
    """A small numbered stone beside each point on which the agent expects a move after its own.

    Args:
        image: The board, uint8[H, W, 3], painted in place.
        layout: Of the board.
        view: The game after the turn that the explanation is of.
        explanation: Has `variation`, actions.
    """
    size = round(0.26 * layout.cell)
    if size < MIN_NUMBER:
        return
    colour = view.agent or -view.to_move
    for number, action in enumerate(explanation.variation[:EXPECTED], start=1):
        if number > 1 and 0 <= action < layout.rows * layout.columns:
            row, column = divmod(int(action), layout.columns)
            x, y = layout.place(row - 0.3, column + 0.3)
            draw_stone(image, x, y, 0.2 * layout.cell, colour)
            ink = PAPER if colour > 0 else INK
            text(image, x, y - line_height(size) / 2, str(number), size, ink, "centre", bold=True)
        colour = -colour


def pass_share(explanation: Any, passing: int) -> float:
    """The share of the pass in the agent's choice; 0 where it gives none.

    Args:
        explanation: Has `probabilities`.
        passing: The action that passes.
    """
    shares = explanation.probabilities
    return float(shares[passing]) if len(shares) == passing + 1 else 0.0


def _of_values(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Shares for values alone: from the mean, as 0, up to the highest, as 1."""
    above = values - values.mean()
    shares: NDArray[np.float64] = np.clip(above / max(float(above.max()), 1e-9), 0, 1)
    return shares


@functools.lru_cache(maxsize=256)
def share_disc(cell: int, shade: int) -> Stamp:
    """A disc of the agent's colour, the more opaque the higher `shade`, 0 to SHADES; for `BoardLayout.press`."""
    opacity = 0.2 + 0.75 * shade / SHADES
    ground = stamp_at_point(cell, lambda image, at: disc(image, at, at, 0.43 * cell, BLUE))
    ground.kept = 1 - opacity * (1 - ground.kept)
    ground.ink = opacity * (ground.ink - np.float32(0.5)) + np.float32(0.5)
    return ground


def _numbers(image: Image, layout: BoardLayout, point: tuple[int, int], lines: list[str], colour: Colour) -> None:
    """One number or two on a point, where they can be read."""
    x, y = layout.place(*point)
    sizes = [round((0.34 if len(lines) == 1 or i == 0 else 0.26) * layout.cell) for i in range(len(lines))]
    if not sizes or min(sizes) < MIN_NUMBER:
        lines, sizes = lines[:1], sizes[:1]
    if not sizes or min(sizes) < MIN_NUMBER:
        return
    top = y - sum(map(line_height, sizes)) / 2
    for string, size in zip(lines, sizes, strict=True):
        text(image, x, top, string, size, colour, "centre", bold=True)
        top += line_height(size)


def value_bar(image: Image, right: float, middle: float, height: float, value: float, agent: int) -> float:
    """The bar of the agent's value: the part of Black from the left, and the number of the agent's own.

    Args:
        image: uint8[H, W, 3], painted in place.
        right: x of its right end, in pixels.
        middle: y of its middle, in pixels.
        height: of the bar, in pixels.
        value: V(s) of the agent, the probability that it wins where it is in [0, 1].
        agent: 1 for Black, -1 for White.

    Returns:
        x of its left end, number included.
    """
    size = max(8, round(0.62 * height))
    string = f"{value:.2f}"
    text(image, right, middle - line_height(size) / 2, string, size, INK, "right", bold=True)
    right -= width(string, size, True) + 0.4 * height
    left, radius = right - 5.5 * height, 0.5 * height
    share = float(np.clip(value if agent > 0 else 1 - value, 0, 1))
    rectangle(image, left - 1, middle - radius - 1, right + 1, middle + radius + 1, INK, radius + 1)
    rectangle(image, left, middle - radius, right, middle + radius, WHITE_STONE, radius)
    end = left + share * (right - left)
    if end - left >= 1:
        rectangle(image, left, middle - radius, max(end, left + 2 * radius), middle + radius, BLACK_STONE, radius)
    return left
