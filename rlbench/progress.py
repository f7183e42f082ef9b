"""Progress bars with the rate and the time left, on standard error; silence where that is no terminal."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

ROOM_FOR_FIGURES = 110  # columns of a terminal


class Bar(Protocol):
    """What whoever does the work calls now and then."""

    def __call__(self, part: float, count: float, unit: str = "", figures: str = "") -> None:
        """Show that a part in [0, 1] is done and `count` things of a unit, and figures of the moment."""


@contextmanager
def progress(title: str, *, quiet: bool = False) -> Iterator[Bar]:
    """A bar under a title; a context, at whose end it goes away, but for one that is quiet and never there."""
    if quiet or not (sys.stderr.isatty() or os.environ.get("FORCE_COLOR")):  # as rich decides, but without importing it
        yield lambda part, count, unit="", figures="": None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = [
        TextColumn("{task.description}"),
        BarColumn(bar_width=16),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeRemainingColumn(compact=True),
        TextColumn("left  {task.fields[rate]}"),
    ]
    columns += [TextColumn("{task.fields[figures]}")] if console.width >= ROOM_FOR_FIGURES else []
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
    """So many of a unit in a second, for people; nothing before there is anything to divide."""
    if seconds <= 0 or count <= 0:
        return ""
    per_second = count / seconds
    return f"{per_second:,.0f} {unit}/s" if per_second >= 10 else f"{per_second:.2g} {unit}/s"
