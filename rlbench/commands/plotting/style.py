"""The style of all charts: the palette of `drawing.shapes`, one font, no frames."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from rlbench.charts import matplotlib_settings
from rlbench.drawing.shapes import GREY, INK, MIST, PAPER, Colour

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DPI = 150


def unit(colour: Colour) -> tuple[float, float, float]:
    """A colour in [0, 1], as matplotlib has it."""
    red, green, blue = (channel / 255 for channel in colour)
    return red, green, blue


@contextmanager
def style() -> Iterator[None]:
    """Set matplotlib's style within the context."""
    settings: Any = {
        "font.family": "DejaVu Sans",
        "font.size": 9,
        "text.color": unit(INK),
        "axes.labelcolor": unit(GREY),
        "axes.edgecolor": unit(GREY),
        "axes.facecolor": unit(PAPER),
        "figure.facecolor": unit(PAPER),
        "savefig.facecolor": unit(PAPER),
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.grid": True,
        "grid.color": unit(MIST),
        "grid.linewidth": 0.8,
        "axes.axisbelow": True,
        "axes.titlesize": 10,
        "axes.titleweight": "bold",
        "axes.titlelocation": "left",
        "axes.titlepad": 12,
        "xtick.color": unit(GREY),
        "ytick.color": unit(GREY),
        "lines.linewidth": 1.8,
        "lines.solid_capstyle": "round",
        "legend.frameon": False,
        "svg.hashsalt": "rlbench",  # the same picture is the same file
    }
    with matplotlib_settings(settings):
        yield


def panels(
    count: int, width: float, height: float | Sequence[float], columns: int = 3, around: float = 0.0
) -> tuple[Figure, list[Axes]]:
    """A figure with several axes.

    Args:
        count: number of axes.
        width: inches of each.
        height: inches of each, or of each row.
        columns: how many side by side, at most.
        around: inches above and below the axes of each row, for words.

    Returns:
        the figure, and the axes row by row.
    """
    from matplotlib.figure import Figure

    columns = min(columns, count)
    rows = -(-count // columns)
    heights = [height] * rows if isinstance(height, float) else list(height)
    figure = Figure(figsize=(columns * width, sum(heights) + rows * around), dpi=DPI, layout="constrained")
    figure.get_layout_engine().set(w_pad=0.12, h_pad=0.12, wspace=0.04, hspace=0.06)  # type: ignore[union-attr,call-arg]
    grid = figure.subplots(rows, columns, squeeze=False, height_ratios=heights)
    axes = [axis for row in grid for axis in row]
    for spare in axes[count:]:
        spare.set_visible(False)
    return figure, axes[:count]
