"""Where `play` and `watch` show what they show: a window if there is a display, a recording if one is asked for."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pandas as pd

from rlbench.commands.shared.output import print_table, remark
from rlbench.errors import UserError
from rlbench.interact import recorder
from rlbench.interact.screen import FASTEST, SLOWEST, Screen, Window, open_window, title


@contextmanager
def screen(
    name: str, fps: float, speed: float, window: Window | None, record: Path | None, frames: int | None
) -> Iterator[Screen]:
    """A screen on that window; at its end the window is closed, the recording whole, and what was saved is said."""
    with ExitStack() as stack:
        film: Any = recorder.recorder(record, fps * speed, frames) if record else None
        shown = Screen(fps, window, film, speed=speed)
        stack.callback(shown.close)
        if film is not None:
            stack.enter_context(film)
        yield shown


def window_for(name: str, fps: float) -> tuple[Window | None, str]:
    """A window under that name, or None and why there is none."""
    return open_window(title(name), fps)


def check_speed(speed: float) -> None:
    """UserError for a speed that nobody could follow."""
    if not SLOWEST <= speed <= FASTEST:
        raise UserError(f"--speed is between {SLOWEST:g} and {FASTEST:g}, got {speed:g}")


def check_record(record: Path | None, frames: int | None) -> None:
    """UserError for a file that cannot be recorded, and for frames of a filmstrip where none is."""
    if record is not None:
        recorder.check(record)
    if frames is not None and (record is None or record.suffix.lower() != ".png"):
        raise UserError(f"--frames={frames} is of filmstrips: give --record a name that ends in .png")


def settings(pairs: Sequence[str]) -> dict[str, Any]:
    """Arguments of an environment from `name=value`; values are JSON, or else text."""
    made = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals or not name.isidentifier():
            raise UserError(f"--set takes name=value, got {pair!r}")
        try:
            made[name] = json.loads(text)
        except ValueError:
            made[name] = text
    return made


def report(film: recorder.Recorder | None, pictures: Sequence[Path], options: Any) -> None:
    """Say what was written."""
    if isinstance(film, recorder.Film):
        for path in film.written:
            remark(f"recorded {film.frames:,} frames at {film.fps:.4g} frames/s to {path}", options)
    elif film is not None:
        for path in film.written:
            remark(f"wrote {path}", options)
    for path in pictures:
        remark(f"wrote {path}", options)


def print_episodes(rows: list[dict[str, Any]], options: Any) -> None:
    """The table of the episodes that were seen; nothing where `quiet` is asked for without a machine's format."""
    if options.format != "table" or not options.quiet:
        columns = ["episode", "seed", "return", "length", "ended", "actions"]
        frame = pd.DataFrame(rows, columns=[*columns, *(name for name in (rows or [{}])[0] if name not in columns)])
        print_table(frame, options.format)


def ending(terminated: bool, truncated: bool, fault: str = "") -> str:
    """How an episode ended, in a word."""
    return fault or ("terminated" if terminated else "truncated" if truncated else "left")
