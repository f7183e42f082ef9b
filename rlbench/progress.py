"""Progress bars with rate and time left: on standard error where that is a terminal, in a notebook below its cell.

Elsewhere there are none. A child process can hand its bars over to the process that shows them.
"""

from __future__ import annotations

import html
import importlib
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from rlbench import streams
from rlbench.process.imports import import_library

MIN_WIDTH_FOR_FIGURES = 110  # characters of a line
SECONDS_BETWEEN_PICTURES = 0.2  # of a bar in a notebook


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


Report = Callable[[str, float, float, str, str], None]
"""Shows a bar elsewhere: it gets the title, and what `Bar` gets."""

_reports: list[Report] = []  # of the scopes of `reporting`, the innermost last


@contextmanager
def reporting(report: Report) -> Iterator[None]:
    """Bars inside are not drawn, but reported, as by a child process whose output is nobody's terminal."""
    _reports.append(report)
    try:
        yield
    finally:
        _reports.remove(report)


@contextmanager
def progress(title: str, *, quiet: bool = False) -> Iterator[Bar]:
    """Show a bar within the context.

    Args:
        title: the words before the bar.
        quiet: show nothing.
    """
    if quiet:
        yield lambda part, count, unit="", figures="": None
    elif _reports:
        report = _reports[-1]
        yield lambda part, count, unit="", figures="": report(title, part, count, unit, figures)
    elif in_notebook():
        with _notebook_bar(title) as show:
            yield show
    elif streams.is_terminal(sys.stderr) or os.environ.get("FORCE_COLOR"):  # as rich decides, unimported
        with _terminal_bar(title) as show:
            yield show
    else:
        yield lambda part, count, unit="", figures="": None


def in_notebook() -> bool:
    """Whether this process is the kernel of a notebook, which shows HTML below the cell that runs."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return getattr(shell, "kernel", None) is not None


@contextmanager
def _terminal_bar(title: str) -> Iterator[Bar]:
    """A bar in the last line of a terminal."""
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


@contextmanager
def _notebook_bar(title: str) -> Iterator[Bar]:
    """A bar below the cell of a notebook, which goes when the work is done.

    In HTML of our own: those of rich and tqdm need ipywidgets, and warn or fail where a notebook has none.
    """
    display: Any = importlib.import_module("IPython.display")
    handle = display.display({"text/plain": "", "text/html": ""}, raw=True, display_id=True)
    first: tuple[float, float, float] | None = None  # time, part and count at the first call
    drawn = -SECONDS_BETWEEN_PICTURES

    def show(part: float, count: float, unit: str = "", figures: str = "") -> None:
        nonlocal first, drawn
        now = time.monotonic()
        first = first or (now, part, count)
        if now - drawn < SECONDS_BETWEEN_PICTURES:
            return
        drawn = now
        began, part_before, count_before = first
        left = time_left(part - part_before, 1 - part, now - began)
        words = [f"{100 * part:.0f} %", left, rate(count - count_before, now - began, unit), figures]
        text = html.escape("  ".join(filter(None, words)))
        bar = f'<progress value="{part:.4f}" max="1" style="vertical-align: middle"></progress>'
        plain = f"{title}  {'  '.join(filter(None, words))}"
        handle.update({"text/plain": plain, "text/html": f"<div>{html.escape(title)} {bar} {text}</div>"}, raw=True)

    try:
        yield show
    finally:
        handle.update({"text/plain": "", "text/html": ""}, raw=True)


def time_left(done: float, left: float, seconds: float) -> str:
    """The time left for people, `02:10 left`; empty where nothing is done yet.

    Args:
        done: share of the work that took the time.
        left: share that is left.
        seconds: the time.
    """
    if done <= 0:
        return ""
    minutes, rest = divmod(round(seconds * left / done), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02} left" if hours else f"{minutes:02}:{rest:02} left"


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
