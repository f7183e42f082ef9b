"""Progress bars with rate and time left, on standard error; none where that is not a terminal."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rlbench import streams
from rlbench.process import import_library

MIN_WIDTH_FOR_FIGURES = 110  # characters of a line


class Bar(Protocol):
    """The function that updates a bar."""

    def __call__(self, part: float, count: float, unit: str = "", figures: str = "") -> None:
        """Show how much is done.

        Args:
            part: share of the work, in [0, 1].
            count: things done so far, for the rate.
            unit: what the things are, in the plural.
            figures: a few words beside the bar, such as the loss.
        """


@contextmanager
def progress(title: str, *, quiet: bool = False) -> Iterator[Bar]:
    """Show a bar within the context.

    Args:
        title: the words before the bar.
        quiet: show nothing.
    """
    if quiet or not (streams.is_terminal(sys.stderr) or os.environ.get("FORCE_COLOR")):  # as rich decides, unimported
        yield lambda part, count, unit="", figures="": None
        return
    import_library("rich.style")
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = [
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=16),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeRemainingColumn(compact=True),
        TextColumn("left  {task.fields[rate]}", markup=False),
    ]
    columns += [TextColumn("{task.fields[figures]}", markup=False)] if console.width >= MIN_WIDTH_FOR_FIGURES else []
    with Progress(*columns, console=console, transient=True) as bars:
        row = bars.add_task(title, total=1.0, rate="", figures="")
        first: tuple[float, float] | None = None

        def show(part: float, count: float, unit: str = "", figures: str = "") -> None:
            nonlocal first
            now = time.monotonic()
            first = first or (now, count)
            bars.update(row, completed=part, rate=rate(count - first[1], now - first[0], unit), figures=figures)

        yield show


def rate(count: float, seconds: float, unit: str) -> str:
    """A rate for people, such as `12,500 steps/s`; empty where nothing is done yet.

    Args:
        count: things done.
        seconds: time that they took.
        unit: what the things are, in the plural.
    """
    if seconds <= 0 or count <= 0:
        return ""
    per_second = count / seconds
    return f"{per_second:,.0f} {unit}/s" if per_second >= 10 else f"{per_second:.2g} {unit}/s"
