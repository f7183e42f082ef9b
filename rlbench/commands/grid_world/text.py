"""A grid world's policy, V and Q as text: grids of framed cells."""

from __future__ import annotations

from collections.abc import Callable

from rlbench import streams
from rlbench.commands.grid_world.solution import Solution

Cell = list[str]  # the lines of one cell, equally long


def draw(solution: Solution, title: str, columns: int | None = None) -> str:
    """Three grids of text: policy, V and Q.

    Args:
        solution: what to draw.
        title: the first line.
        columns: width of the terminal, measured by default; a wider grid is replaced by a note. A file has no width.
    """
    columns = columns or streams.columns() or streams.MAX_COLUMNS
    decimals = solution.decimals
    numbers = [number(x, decimals) for x in (*solution.V[~solution.walls], *solution.Q[~solution.walls].ravel())]
    width = max(map(len, numbers))
    widest = max(len(solution.arrows(*cell)) for cell in solution.cells())

    def policy(row: int, col: int) -> Cell:
        return [(solution.arrows(row, col) or "T").center(widest)]

    def value(row: int, col: int) -> Cell:
        return [number(solution.V[row, col], decimals).rjust(width)]

    def action_values(row: int, col: int) -> Cell:
        if not solution.is_decision(row, col):
            return [" " * (2 * width + 1), "T".center(2 * width + 1), " " * (2 * width + 1)]
        up, right, down, left = (number(q, decimals) for q in solution.Q[row, col])
        return [up.center(2 * width + 1), f"{left:<{width}} {right:>{width}}", down.center(2 * width + 1)]

    grids = {"policy": policy, "V": value, "Q (up, left, right, down)": action_values}
    return "\n".join([title, *(f"\n{name}\n{box(solution, cell, columns)}" for name, cell in grids.items())])


def number(value: float, decimals: int) -> str:
    """A number with that many digits after the point and no minus before zero."""
    return f"{round(value, decimals) + 0.0:.{decimals}f}"


def box(solution: Solution, cell: Callable[[int, int], Cell], columns: int) -> str:
    """A grid of framed cells with filled walls; without padding, then a note, where it is too wide.

    Args:
        solution: whose cells are drawn.
        cell: the lines of the cell (row, col).
        columns: characters of a line.
    """
    height, width = solution.walls.shape
    blank = cell(*next(solution.cells()))
    for pad in (1, 0):
        inner = len(blank[0]) + 2 * pad
        if (inner + 1) * width + 1 <= columns:
            break
    else:
        return f"(wider than {columns} columns: see the picture, --json or --csv)"
    lines = [rule("┌┬┐", inner, width)]
    for row in range(height):
        cells = [
            ["█" * inner] * len(blank)
            if solution.walls[row, col]
            else [" " * pad + text + " " * pad for text in cell(row, col)]
            for col in range(width)
        ]
        lines += ["│" + "│".join(parts) + "│" for parts in zip(*cells, strict=True)]
        lines.append(rule("├┼┤" if row < height - 1 else "└┴┘", inner, width))
    return "\n".join(lines)


def rule(corners: str, inner: int, width: int) -> str:
    """A horizontal line of the frame."""
    return corners[0] + corners[1].join(["─" * inner] * width) + corners[2]
