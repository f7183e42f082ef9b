"""What `play` and `watch` share: options of window and recording, the screen, and the table of episodes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rlbench.commands.shared.output import print_table, remark, table_of
from rlbench.errors import UserError, counted
from rlbench.interact import recorder
from rlbench.interact.screen import MAX_SPEED, MIN_SPEED, Screen, WindowLike


@dataclass(frozen=True)
class DisplayOptions:
    """How episodes are shown and recorded."""

    speed: float = 1.0
    """How many times as fast as the environment's own pace."""
    record: Path | None = None
    """Record a film (.mp4, .gif), a filmstrip of each episode (.png), or each game of Go (.sgf)."""
    frames: int | None = None
    """Frames of a filmstrip; 5 by default."""
    panel: bool = True
    """Record the panel beside the frame too."""

    def check(self) -> None:
        """Raise UserError for a mistake that shows before anything begins."""
        if not MIN_SPEED <= self.speed <= MAX_SPEED:
            raise UserError(f"--speed is between {MIN_SPEED:g} and {MAX_SPEED:g}, got {self.speed:g}")
        if self.record is not None:
            recorder.check(self.record)
        if self.frames is not None and (self.record is None or self.record.suffix.lower() != ".png"):
            raise UserError(f"--frames={self.frames} is of filmstrips: give --record a name that ends in .png")


@contextmanager
def open_screen(fps: float, window: WindowLike | None, options: DisplayOptions) -> Iterator[Screen]:
    """A screen; at the end of the context its window is closed and its recording complete.

    Args:
        fps: steps per second of the environment at its own pace.
        window: where to show pictures; None for nowhere.
        options: speed and recording.
    """
    film = recorder.recorder(options.record, fps * options.speed, options.frames) if options.record else nullcontext()
    with film as recording, closing(Screen(fps, window, recording, speed=options.speed)) as screen:
        yield screen


def report(screen: Screen, options: Any, others: Sequence[Path] = ()) -> None:
    """Say which files were written: the recording, pictures that were saved, and `others`.

    Args:
        screen: where pictures went.
        options: of the command; it may be silent.
        others: more files that were written.
    """
    film = screen.recorder
    for path in film.written if film is not None else ():
        if isinstance(film, recorder.Film):
            remark(f"recorded {counted(film.frames, 'frame')} at {film.fps:.4g} frames/s to {path}", options)
        else:
            remark(f"wrote {path}", options)
    for path in (*screen.written, *others):
        remark(f"wrote {path}", options)


def episode_row(number: int, seed: int, end: dict[str, Any], fault: str = "") -> dict[str, Any]:
    """A row of the table of episodes.

    Args:
        number: of the episode.
        seed: of the environment's reset.
        end: return, length, terminated, truncated, and digest of the actions.
        fault: what ended the episode where that is not the environment.
    """
    ended = fault or ("terminated" if end["terminated"] else "truncated" if end["truncated"] else "unfinished")
    row = {"episode": number, "seed": seed, "return": end["return"], "length": end["length"], "ended": ended}
    return row | {"actions": end["digest"]}


@contextmanager
def episode_table(options: Any) -> Iterator[list[dict[str, Any]]]:
    """Rows of episodes, to be appended inside; printed in the end, also those until an error."""
    rows: list[dict[str, Any]] = []
    try:
        yield rows
    except BaseException:
        if rows:
            print_episodes(rows, options)
        raise
    print_episodes(rows, options)


def print_episodes(rows: list[dict[str, Any]], options: Any) -> None:
    """Print the table of episodes; nothing where `--quiet` is given and no format for programs."""
    if options.format != "table" or not options.quiet:
        columns = ["episode", "seed", "return", "length", "ended", "actions"]
        columns += [name for row in rows for name in row if name not in columns]
        print_table(table_of(rows, list(dict.fromkeys(columns))), options.format)
