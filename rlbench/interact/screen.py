"""Where pictures go: a window or none, a recording or none. The window's own keys reach no environment, but free ones.

    p pause    n one step    + - faster, slower    c picture    tab panel on and off    escape quit

Without a window nothing is waited for. Where no window can be opened, `open_window` says why.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from rlbench.controls.protocol import Help
from rlbench.drawing.resize import fitted
from rlbench.drawing.shapes import Image
from rlbench.drawing.window import Event, Key, Viewer
from rlbench.errors import UserError
from rlbench.interact.filmstrip import save_png
from rlbench.interact.recorder import Film, Recorder

ROOM = (1280, 900)  # pixels that a picture may take, width and height; a smaller screen has less
MAX_FRAME_RATE = 60  # per second that are shown; what is quicker skips frames
IDLE = 30  # frames per second while nothing moves
STEP = "n"
MIN_SPEED, MAX_SPEED = 1 / 16, 64
NOTICE = 2.5  # seconds that a notice stays

KEYS: Help = (("+  −", "faster, slower"), ("p  n", "pause, one step"), ("c", "save a picture"), ("esc", "quit"))
KEYS_OF_A_GAME_THAT_WAITS: Help = KEYS[2:]


class WindowLike(Protocol):
    """What a screen needs of a window: a `Viewer`, or scripted keys."""

    fps: float
    closed: bool

    @property
    def room(self) -> tuple[int, int]:
        """Width and height that a picture has, in pixels."""

    def show(self, frame: Image) -> None:
        """Put a frame on screen until it is due to be replaced."""

    def events(self) -> list[Event]:
        """What the user did since the last call."""

    def close(self) -> None:
        """Close it."""


def open_window(name: str, fps: float) -> tuple[Viewer | None, str]:
    """A window, or None and the reason why there is none.

    Args:
        name: what it shows, for its title; in plain letters, since some window managers know no others.
        fps: frames per second.

    Raises:
        DependencyNotInstalled: pygame is missing.
    """
    try:
        return Viewer(f"{name} - rlbench", fps), ""
    except UserError as error:
        return None, str(error).partition(";")[0]


@dataclass
class Screen:
    """A window, a recording, both or neither. `fps` is the environment's steps per second at normal speed."""

    fps: float
    window: WindowLike | None = None
    recorder: Recorder | None = None
    pictures: Path = field(default_factory=Path)
    """Folder for pictures that are asked for by a key."""
    speed: float = 1.0
    paused: bool = False
    panelled: bool = True
    free_keys: frozenset[str] = frozenset()
    """Keys of the window's own that reach the environment."""
    written: list[Path] = field(default_factory=list)
    """Pictures that were saved."""

    def __post_init__(self) -> None:
        self._shown = 0
        self._film_size: tuple[int, ...] = ()
        self._picture_wanted = False
        self._notice, self._until = "", 0.0
        self._commands: dict[str, Callable[[], None]] = {
            "p": self.pause,
            "c": self.want_picture,
            "tab": self.toggle_panel,
            "escape": self.close,
            **dict.fromkeys(("+", "=", "[+]"), lambda: self.change_speed(2.0)),
            **dict.fromkeys(("-", "[-]"), lambda: self.change_speed(0.5)),
        }

    @property
    def closed(self) -> bool:
        """Whether the user has closed the window; never without one."""
        return self.window is not None and self.window.closed

    @property
    def room(self) -> tuple[int, int]:
        """Pixels that a picture may take, width and height; a film does not depend on the screen."""
        if self.window is None or self.recorder is not None:
            return ROOM
        return min(ROOM[0], self.window.room[0]), min(ROOM[1], self.window.room[1])

    @property
    def notice(self) -> str:
        """The line that is shown for a moment; empty when its time is over."""
        return self._notice if time.monotonic() < self._until else ""

    def notify(self, notice: str) -> None:
        """Show a line for a moment."""
        self._notice, self._until = notice, time.monotonic() + NOTICE

    def show(self, draw: Callable[[], Image], *, moving: bool = True) -> None:
        """Show a picture for as long as a step lasts, or a moment where nothing moves.

        It is drawn only where it is seen: beyond MAX_FRAME_RATE in a second some are skipped.

        Args:
            draw: makes the picture, uint8[H, W, 3].
            moving: whether the environment takes steps at the moment.
        """
        if self.window is None or self.closed:
            return
        rate = self.fps * self.speed if moving else IDLE
        skip = max(1, round(rate / MAX_FRAME_RATE))
        self._shown += 1
        if moving and self._shown % skip:
            return
        self.window.fps = rate / skip
        picture = draw()
        if self._picture_wanted:
            self._save(picture)
        self.window.show(picture)

    def record(self, draw: Callable[[], Image], caption: str = "", last: bool = False) -> None:
        """Add a picture to the recording, the `last` of its episode or not.

        Args:
            draw: makes the picture, uint8[H, W, 3].
            caption: a line for below it.
            last: whether it is the last picture of its episode.
        """
        if self.recorder is None or self.recorder.skip(last):
            return
        picture = draw()
        if isinstance(self.recorder, Film):  # which keeps its size; a grid of fewer episodes has another
            self._film_size = self._film_size or picture.shape[:2]
            picture = fitted(picture, *self._film_size)
        self.recorder.add(picture, caption)

    def end_episode(self) -> None:
        """The recording's frames so far were an episode."""
        if self.recorder is not None:
            self.recorder.end_episode()

    def events(self) -> list[Event]:
        """What the user did since the last call, without the screen's own keys; the key for a single step is kept."""
        others: list[Event] = []
        for event in self.window.events() if self.window is not None else ():
            if isinstance(event, Key) and event.name in self._commands.keys() - self.free_keys:
                if event.pressed:
                    self._commands[event.name]()
            else:
                others.append(event)
        return others

    def wait(self, draw: Callable[[], Image]) -> None:
        """Show a step's picture; while paused, go on showing it until a single step is asked for."""
        self.show(draw)
        steps = sum(self.is_step(event) for event in self.events())
        while self.paused and not self.closed and not steps:
            self.show(draw, moving=False)
            steps = sum(self.is_step(event) for event in self.events())

    def is_step(self, event: Event) -> bool:
        """Whether an event asks for a single step; it pauses what is not paused yet."""
        if not (isinstance(event, Key) and event.name == STEP and event.pressed):
            return False
        was_paused, self.paused = self.paused, True
        return was_paused

    def pause(self) -> None:
        """Pause, or go on."""
        self.paused = not self.paused

    def change_speed(self, factor: float) -> None:
        """Faster or slower, within bounds."""
        self.speed = min(max(self.speed * factor, MIN_SPEED), MAX_SPEED)

    def toggle_panel(self) -> None:
        """Show the frame alone, or with its panel."""
        self.panelled = not self.panelled

    def want_picture(self) -> None:
        """Save what is shown next."""
        self._picture_wanted = True

    def _save(self, picture: Image) -> None:
        """Write a picture as a PNG of a name that is not taken."""
        self._picture_wanted = False
        path = free_path(self.pictures, "rlbench", ".png")
        try:
            save_png(picture, path)
        except UserError as error:
            self.notify(str(error))
            return
        self.written.append(path)
        self.notify(f"saved {path.name}")

    def close(self) -> None:
        """Close the window; the recording is its maker's to close."""
        if self.window is not None:
            self.window.close()

    @property
    def status(self) -> str:
        """What the screen is doing, in a word or two."""
        if self.paused:
            return "paused"
        return "" if self.speed == 1 else f"{self.speed:g}×"


def free_path(folder: Path, stem: str, suffix: str) -> Path:
    """The first of `<stem>-1<suffix>`, `<stem>-2<suffix>` ... that does not exist."""
    number = 1
    while (path := folder / f"{stem}-{number}{suffix}").exists():
        number += 1
    return path
