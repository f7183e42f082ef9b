"""The style of all charts: the palette of `drawing.shapes`, one font, no frames, a line style per agent."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from rlbench.charts import matplotlib_settings
from rlbench.drawing.shapes import ACCENTS, GREY, INK, MIST, PAPER, Colour

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DASHES: tuple[Any, ...] = (
    "-",
    (0, (5, 2)),
    (0, (1.5, 1.5)),
    (0, (6, 2, 1.5, 2)),
    (0, (9, 4)),
)  # in turn, as colours run out
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


def looks(names: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Colour and dashes of the line of each name; `random` is grey. Equal lists of names look the same in any chart."""
    colours = [unit(colour) for colour in ACCENTS]
    made: dict[str, dict[str, Any]] = {}
    for name in names:
        number = len([other for other in made if not other.startswith("random")])
        dashes = DASHES[number // len(colours) % len(DASHES)]
        plain = {"color": unit(GREY), "linestyle": "-"}
        made[name] = plain if name.startswith("random") else {"color": colours[number % len(colours)], "ls": dashes}
    return made


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


def legend(figure: Figure, axes: Sequence[Axes]) -> None:
    """Put a legend above the figure: the names of all lines, each once, sorted, in as many columns as have room.

    Args:
        figure: what gets the legend; it grows by its rows.
        axes: whose lines it names.
    """
    lines = {label: handle for panel in axes for handle, label in zip(*panel.get_legend_handles_labels(), strict=True)}
    names = sorted(lines)
    width, height = figure.get_size_inches()
    columns = min(max(int(width / (0.55 + 0.07 * max(map(len, names)))), 1), len(names))  # inches at 8.5 points
    figure.set_size_inches(width, height + 0.18 * -(-len(names) // columns))
    made = figure.legend([lines[name] for name in names], names, loc="outside upper left", ncols=columns, fontsize=8.5)
    for handle in made.legend_handles:
        handle.set_linewidth(1.8)  # type: ignore[union-attr]  # a line
