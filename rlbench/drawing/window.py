"""A window that shows frames at a steady rate and reports what its user does; only this file imports pygame.

    viewer = Viewer("cart-pole", fps=50)
    while not viewer.closed:
        viewer.show(frame)                  # returns when the frame has been on screen for its 1/50 s
        for event in viewer.events(): ...   # Key, Mouse and Closed records since the last call
    viewer.close()

Only what pygame and pygame-ce share is used. pygame has one window per process; two open viewers share it. Where the
caller's own program has it, viewers open another, and leave the caller's events to him.
"""

from __future__ import annotations

import atexit
import importlib
import os
import sys
import weakref
from collections import deque
from types import ModuleType, TracebackType
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np
from gymnasium.error import DependencyNotInstalled

from rlbench.children import call_after_fork
from rlbench.drawing.sdl_hints import hints
from rlbench.drawing.second_window import SecondWindow
from rlbench.drawing.shapes import NIGHT, Image
from rlbench.errors import UserError

SMALLEST_SIDE = 320  # pixels; a frame below half of that is magnified by a whole number when its window opens
SHARE_OF_SCREEN = (0.96, 0.9)  # of its width and height that a window takes at most; the rest is for title and task bar
INVISIBLE_DRIVERS = ("offscreen", "dummy")  # SDL's last resorts
MAX_UNREAD_EVENTS = 4096  # older ones are dropped, for callers that never ask


class Key(NamedTuple):
    """A key went down or up; `name` is pygame's, such as "left", "space", "a"."""

    name: str
    pressed: bool


class Mouse(NamedTuple):
    """The mouse moved, or a button went down or up, at the frame's pixel (x, y), which may lie outside it."""

    kind: Literal["move", "down", "up"]
    x: int
    y: int
    button: int  # 1 left, 2 middle, 3 right; while moving the lowest button held, 0 when none is


class Closed(NamedTuple):
    """The user closed the window."""


Event: TypeAlias = Key | Mouse | Closed


class NoDisplayError(UserError):
    """There is no screen on which a window could be seen."""


class NoWindow:
    """In place of a window where there is no display: it is closed from the start, so nothing is drawn for it."""

    closed = True

    def show(self, frame: Image) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing."""


class Viewer:
    """A resizable window, opened by the first frame shown, no larger than the screen.

    `closed` turns true when the user closes it or `close()` is called; from then on `show` does nothing.
    Raises `gymnasium.error.DependencyNotInstalled` without pygame and `NoDisplayError` without a display.
    """

    shared_surface: Any = None
    """That of pygame's one window, as a viewer last opened it."""

    shared_pixels = b""
    """What a viewer last put there, where no user sees it."""

    is_inherited = False
    """Whether this process is a fork of one that had a window: the connection to the display is not its own."""

    def __init__(self, title: str, fps: float) -> None:
        if Viewer.is_inherited:
            raise UserError("no window in a fork of a program that has one; start it by spawn, or ask for rgb_array")
        self.title = title
        self.fps = fps
        self.closed = False
        self._pygame = import_pygame()
        self._is_guest = self._pygame.display.get_init() and not _open  # the caller uses pygame, too
        self._require_display()
        self._clock = self._pygame.time.Clock()
        self._unread: deque[Event] = deque(maxlen=MAX_UNREAD_EVENTS)
        self._frame_size = (0, 0)  # (width, height) of the last frame
        self._place = (0, 0, 1, 1)  # left, top, width, height of the frame in the window
        self._second: SecondWindow | None = None
        _open.add(self)
        call_after_fork(self)

    def after_fork(self) -> None:
        """In a fork: the window is the parent's, also at exit."""
        if self.closed:
            return
        self.closed = Viewer.is_inherited = True
        _open.discard(self)
        atexit.unregister(self._pygame.quit)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.title, self.fps)  # a copy of an environment has a window of its own

    @property
    def room(self) -> tuple[int, int]:
        """Width and height that a window has on this screen."""
        display = self._pygame.display
        if not display.get_init():
            with hints():
                display.init()
        width, height = display.get_desktop_sizes()[0]
        return max(1, int(width * SHARE_OF_SCREEN[0])), max(1, int(height * SHARE_OF_SCREEN[1]))

    def __enter__(self) -> Viewer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def show(self, frame: Image) -> None:
        """Put a frame, uint8[H, W, 3], on screen and wait until it is due to be replaced."""
        if self.closed:
            return
        if frame.dtype != np.uint8 or frame.ndim != 3 or frame.shape[2] != 3:
            raise ValueError(f"a frame is uint8[H, W, 3], got {frame.dtype}{list(frame.shape)}")
        self._take_events()
        if not self.closed:
            self._paint(frame)
            self._clock.tick(self.fps)

    def events(self) -> list[Event]:
        """What the user did since the last call, oldest first."""
        if not self.closed:
            self._take_events()
        events = list(self._unread)
        self._unread.clear()
        return events

    def close(self) -> None:
        """Close the window; a second call does nothing."""
        if self.closed:
            return
        self.closed = True
        display = self._pygame.display
        if self._second is not None:
            self._second.close()
        elif not self._is_taken():
            display.quit()
            if self._is_guest:
                with hints():
                    display.init()
        _open.discard(self)

    def _is_taken(self) -> bool:
        """Whether pygame's one window is not a viewer's but the caller's own."""
        display = self._pygame.display
        surface = display.get_surface() if display.get_init() else None
        if surface is None:
            return False
        ours = {viewer.title for viewer in _open} | {self.title}
        if surface is not Viewer.shared_surface or display.get_caption()[0] not in ours:
            return True
        if display.get_driver() in INVISIBLE_DRIVERS:  # where flags stay as they were, whoever opens the window anew
            return _pixels(surface) != Viewer.shared_pixels
        return not surface.get_flags() & self._pygame.RESIZABLE

    def _paint(self, frame: Image) -> None:
        pygame = self._pygame
        height, width, _ = frame.shape
        window = self._window((width, height))
        self._place = left, top, wide, high = fit((width, height), window.get_size())
        surface = pygame.image.frombuffer(np.ascontiguousarray(frame), (width, height), "RGB")
        if wide % width or high % height:
            surface = pygame.transform.smoothscale(surface, (wide, high))
        elif (wide, high) != (width, height):
            surface = pygame.transform.scale(surface, (wide, high))
        window.fill(NIGHT)
        window.blit(surface, (left, top))
        (self._second or pygame.display).flip()
        if self._second is None:
            self._remember_pixels()

    def _remember_pixels(self) -> None:
        if self._pygame.display.get_driver() in INVISIBLE_DRIVERS:
            Viewer.shared_pixels = _pixels(self._pygame.display.get_surface())

    def _window(self, size: tuple[int, int]) -> Any:
        """The surface of the window, opened or resized when there is none yet or the frame's size has changed."""
        pygame, display = self._pygame, self._pygame.display
        is_new, self._frame_size = size != self._frame_size, size
        if self._second is None and self._is_taken():
            self._second = self._open_second(self._opening_size(size))
        elif self._second is not None and is_new:
            self._second.resize(self._opening_size(size))
        if self._second is not None:
            return self._second.surface()
        if is_new or not display.get_init() or display.get_surface() is None:
            with hints():
                display.init()
                Viewer.shared_surface = display.set_mode(self._opening_size(size), pygame.RESIZABLE)
            display.set_caption(self.title)
        return display.get_surface()

    def _open_second(self, size: tuple[int, int]) -> SecondWindow:
        try:
            with hints():
                video = importlib.import_module("pygame._sdl2.video")
                return SecondWindow(self._pygame, video, self.title, size)
        except (ImportError, AttributeError, self._pygame.error) as error:
            reason = f"this program has a window of pygame's, and there is no second one ({error})"
            raise UserError(f"{reason}; ask for rgb_array frames instead") from None

    def _opening_size(self, frame: tuple[int, int]) -> tuple[int, int]:
        """The size of a new window: the frame's, a multiple of it, or what the screen has room for."""
        factor = max(1, SMALLEST_SIDE // max(frame))
        wanted, room = (frame[0] * factor, frame[1] * factor), self.room
        return wanted if wanted[0] <= room[0] and wanted[1] <= room[1] else fit(frame, room)[2:]

    def _take_events(self) -> None:
        """Take the events off pygame's queue; this also keeps the window responsive."""
        pygame = self._pygame
        if self._second is not None and not self._second.is_open:
            self._unread.append(Closed())
            self.close()
        if self.closed or not pygame.display.get_init():
            return
        for event in pygame.event.get() if self._second is None else self._second.events():
            if event.type in (pygame.KEYDOWN, pygame.KEYUP):
                self._unread.append(Key(pygame.key.name(event.key), event.type == pygame.KEYDOWN))
            elif event.type in (pygame.MOUSEBUTTONDOWN, pygame.MOUSEBUTTONUP):
                down = event.type == pygame.MOUSEBUTTONDOWN
                self._unread.append(self._mouse("down" if down else "up", event.pos, event.button))
            elif event.type == pygame.MOUSEMOTION:
                held = next((i + 1 for i, state in enumerate(event.buttons) if state), 0)
                self._unread.append(self._mouse("move", event.pos, held))
            elif event.type == pygame.WINDOWRESIZED and self._second is None:
                self._remember_pixels()
            elif event.type == (pygame.QUIT if self._second is None else pygame.WINDOWCLOSE):
                self._unread.append(Closed())
                self.close()
                return

    def _mouse(self, kind: Literal["move", "down", "up"], position: tuple[int, int], button: int) -> Mouse:
        left, top, wide, high = self._place
        width, height = self._frame_size
        return Mouse(kind, (position[0] - left) * width // wide, (position[1] - top) * height // high, button)

    def _require_display(self) -> None:
        """Raise UserError where no window can be opened; SDL would draw into an invisible one."""
        asked = os.environ.get("SDL_VIDEODRIVER")
        seen = os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
        if sys.platform.startswith("linux") and not (asked or seen):
            raise NoDisplayError("no display to open a window on; set DISPLAY, or ask for rgb_array frames instead")
        try:
            with hints():
                self._pygame.display.init()
        except self._pygame.error as error:
            raise NoDisplayError(f"no window can be opened ({error}); ask for rgb_array frames instead") from None
        if not asked and self._pygame.display.get_driver() in INVISIBLE_DRIVERS:
            self._pygame.display.quit()
            message = f"the display {seen!r} does not answer; set DISPLAY, or ask for rgb_array frames instead"
            raise NoDisplayError(message)


_open: weakref.WeakSet[Viewer] = weakref.WeakSet()


def import_pygame() -> ModuleType:
    """pygame, without its greeting on standard output and its changes of the environment."""
    try:
        with hints():
            import pygame
    except ImportError as error:
        raise DependencyNotInstalled('a window needs pygame: pip install "rlbench[play]"') from error
    module: ModuleType = pygame
    return module


def _pixels(surface: Any) -> bytes:
    return surface.get_buffer().raw  # type: ignore[no-any-return]  # pygame has no types


def fit(frame: tuple[int, int], window: tuple[int, int]) -> tuple[int, int, int, int]:
    """Where a frame stands in a window: centred, as large as fits, undistorted.

    Args:
        frame: its width and height, in pixels.
        window: the same of the window.

    Returns:
        left, top, width and height, in pixels of the window.
    """
    factor = min(window[0] / frame[0], window[1] / frame[1])
    if factor > 1 and factor - int(factor) < 0.02:
        factor = int(factor)  # whole magnifications keep pixels sharp
    width, height = max(1, round(frame[0] * factor)), max(1, round(frame[1] * factor))
    return (window[0] - width) // 2, (window[1] - height) // 2, width, height
