"""A grid world's policy, V and Q as a picture: three grids side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from rlbench.charts import literal
from rlbench.commands.grid_world.solution import Solution
from rlbench.commands.grid_world.text import number
from rlbench.commands.plotting.style import unit
from rlbench.drawing.shapes import BLUE, GREEN, GREY, INK, MIST, PAPER

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

RGB: TypeAlias = tuple[float, float, float]  # in [0, 1]

CELL, LARGEST_PANEL = 1.05, 9.0  # inches
SMALLEST_TEXT = 3.5  # points; below that cells are too small for numbers and show colours only
MOVES = ((0, -1), (1, 0), (0, 1), (-1, 0))  # (x, y) of up, right, down, left
CORNERS = ((-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5))  # triangle a lies between corners a and a + 1


def draw(solution: Solution, title: str) -> Figure:
    """The picture of policy, V and Q; one scale of colours for V and Q, from pale (low) to blue (high).

    Args:
        solution: what to draw.
        title: above the picture.
    """
    from matplotlib.figure import Figure

    height, width = solution.walls.shape
    cell = min(CELL, LARGEST_PANEL / max(height, width))
    figure = Figure(figsize=(3 * (width * cell + 0.3) + 0.3, height * cell + 1.0), dpi=120, facecolor=unit(PAPER))
    left, top = 0.3 / figure.get_figwidth(), 1 - 0.16 / figure.get_figheight()
    figure.suptitle(literal(title), x=left, y=top, ha="left", va="top", size=13, color=unit(INK))
    colours = ValueColours(solution)
    panels = (("policy", policy_panel), ("V", value_panel), ("Q", action_value_panel))
    for i, (name, panel) in enumerate(panels):
        axes = figure.add_axes(place(i, width * cell, height * cell, *figure.get_size_inches()))
        base(axes, solution, name)
        panel(axes, solution, colours, cell * 72)
    return figure


def place(i: int, width: float, height: float, total_width: float, total_height: float) -> Any:
    """Left, bottom, width and height of panel i as fractions of the figure; arguments are in inches."""
    return (
        (0.3 + i * (width + 0.3)) / total_width,
        0.3 / total_height,
        width / total_width,
        height / total_height,
    )


class ValueColours:
    """Colours of values: pale for the lowest one where an action is chosen, blue for the highest."""

    def __init__(self, solution: Solution) -> None:
        decision = ~(solution.walls | solution.terminal)
        self.low = float(min(solution.V[decision].min(), solution.Q[decision].min()))
        self.high = float(max(solution.V[decision].max(), solution.Q[decision].max()))

    def face(self, value: float) -> RGB:
        """The background of a value."""
        share = (value - self.low) / (self.high - self.low) if self.high > self.low else 0.0
        pale, full = np.array(unit(MIST)), np.array(unit(BLUE))
        red, green, blue = (pale + share * (full - pale)).tolist()
        return red, green, blue

    def text(self, value: float) -> RGB:
        """The colour of the number: ink on pale, paper on blue."""
        return unit(INK if sum(self.face(value)) > 1.7 else PAPER)


def base(axes: Axes, solution: Solution, name: str) -> None:
    """What all panels share: the heading, and a background in the colour of walls; cells are drawn over it."""
    height, width = solution.walls.shape
    axes.set(xlim=(-0.5, width - 0.5), ylim=(height - 0.5, -0.5), xticks=[], yticks=[], facecolor=unit(INK))
    axes.set_title(name, fontsize=12, color=unit(GREY), pad=6, loc="left")
    axes.spines[:].set_visible(False)


def policy_panel(axes: Axes, solution: Solution, colours: ValueColours, points: float) -> None:
    """An arrow per action that the policy takes. `points` is the side of a cell.

    Args:
        axes: where to draw.
        solution: what to draw.
        colours: of values.
        points: side of a cell.
    """
    starts, ways = [], []
    for row, col in solution.decisions():
        taken = [move for move, p in zip(MOVES, solution.pi[row, col], strict=True) if p > 0]
        back = 0.2 if len(taken) == 1 else 0.0  # an arrow that is alone stands in the middle
        starts += [(col - back * dx, row - back * dy) for dx, dy in taken]
        ways += taken
    (x, y), (dx, dy) = np.transpose(starts), np.transpose(ways)
    patches(axes, [(square(*cell), unit(MIST)) for cell in solution.decisions()], 1.5)
    terminals(axes, solution)
    axes.quiver(
        x, y, 0.38 * dx, 0.38 * dy, angles="xy", scale_units="xy", scale=1, color=unit(BLUE),
        units="x", width=0.05, headwidth=3.6, headlength=3.6, headaxislength=3.2, minlength=0, zorder=3,
    )  # fmt: skip


def value_panel(axes: Axes, solution: Solution, colours: ValueColours, points: float) -> None:
    """V as a number on its colour.

    Args:
        axes: where to draw.
        solution: what to draw.
        colours: of values.
        points: side of a cell.
    """
    size = text_size(solution, 0.22 * points, 0.8 * points)
    V = solution.V
    patches(axes, [(square(*cell), colours.face(V[cell])) for cell in solution.decisions()], 1.5)
    terminals(axes, solution, ring=size < SMALLEST_TEXT)
    for row, col in solution.cells():
        colour = unit(PAPER) if solution.terminal[row, col] else colours.text(V[row, col])
        label(axes, col, row, written(solution, V[row, col]), size, colour)


def action_value_panel(axes: Axes, solution: Solution, colours: ValueColours, points: float) -> None:
    """Q as four triangles with their numbers, the best ones bold.

    Args:
        axes: where to draw.
        solution: what to draw.
        colours: of values.
        points: side of a cell.
    """
    size = text_size(solution, 0.13 * points, 0.35 * points)
    triangles = []
    for row, col in solution.decisions():
        best = solution.Q[row, col].max()
        for a, (dx, dy) in enumerate(MOVES):
            q = solution.Q[row, col, a]
            outer = [(col + x, row + y) for x, y in (CORNERS[a], CORNERS[(a + 1) % 4])]
            triangles.append(([(col, row), *outer], colours.face(q)))
            weight = "bold" if np.isclose(q, best, rtol=1e-9, atol=1e-9) else "normal"
            x, y = col + 0.31 * dx, row + 0.34 * dy
            label(axes, x, y, written(solution, q), size, colours.text(q), weight)
    patches(axes, triangles, 0.8)
    terminals(axes, solution)


def terminals(axes: Axes, solution: Solution, ring: bool = True) -> None:
    """The terminal cells, marked with a ring."""
    from matplotlib.patches import Circle

    cells = [(int(row), int(col)) for row, col in np.argwhere(solution.terminal)]
    patches(axes, [(square(*cell), unit(GREEN)) for cell in cells], 1.5)
    for row, col in cells if ring else ():
        axes.add_patch(Circle((col, row), 0.27, fc="none", ec=unit(PAPER), lw=2))


def square(row: int, col: int) -> list[tuple[float, float]]:
    """The outline of a cell."""
    return [(col + x, row + y) for x, y in CORNERS]


def patches(axes: Axes, shapes: Sequence[tuple[Sequence[tuple[float, float]], RGB]], gap: float) -> None:
    """Filled outlines with a gap of paper between them, in points; a collection, as single patches are slow.

    Args:
        axes: where to draw.
        shapes: corners (x, y) and colour of each.
        gap: points.
    """
    from matplotlib.collections import PolyCollection

    outlines, faces = zip(*shapes, strict=True)
    axes.add_collection(PolyCollection(outlines, facecolors=faces, edgecolors=[unit(PAPER)], linewidths=gap))


def written(solution: Solution, value: float) -> str:
    """A value as the picture writes it."""
    return number(value, solution.decimals).replace("-", "\N{MINUS SIGN}")


def text_size(solution: Solution, max_size: float, room: float) -> float:
    """The size in points at which the longest number fits into `room` points, at most `max_size`."""
    values = (*solution.V[~solution.walls], *solution.Q[~solution.walls].ravel())
    return min(max_size, room / (0.66 * max(len(written(solution, value)) for value in values)))


def label(axes: Axes, x: float, y: float, text: str, size: float, colour: RGB, weight: str = "normal") -> None:
    """Text in the middle of (x, y), left out where it would be too small to read.

    Args:
        axes: where to draw.
        x: column.
        y: row.
        text: what to write.
        size: points.
        colour: red, green, blue in [0, 1].
        weight: normal or bold.
    """
    if size >= SMALLEST_TEXT:
        axes.text(x, y, text, ha="center", va="center", size=size, color=colour, weight=weight)
