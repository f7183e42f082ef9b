"""A window that shows frames at a steady rate and reports what its user does; only this file imports pygame.

    viewer = Viewer("cart-pole", fps=50)
    while not viewer.closed:
        viewer.show(frame)                  # returns when the frame has been on screen for its 1/50 s
        for event in viewer.events(): ...   # Key, Mouse and Closed records since the last call
    viewer.close()

Only what pygame and pygame-ce share is used. pygame has one window per process; two open viewers share it.
"""

from __future__ import annotations

import os
import sys
from collections import deque
from types import ModuleType, TracebackType
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np
from gymnasium.error import DependencyNotInstalled

from rlbench.drawing.shapes import NIGHT, Image
from rlbench.errors import UserError

SMALLEST_SIDE = 320  # pixels; a frame below half of that is magnified by a whole number when its window opens
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


class Viewer:
    """A resizable window, opened by the first frame shown.

    `closed` turns true when the user closes it or `close()` is called; from then on `show` does nothing.
    Raises `gymnasium.error.DependencyNotInstalled` without pygame and `UserError` without a display.
    """

    def __init__(self, title: str, fps: float) -> None:
        self.title = title
        self.fps = fps
        self.closed = False
        self._pygame = import_pygame()
        self._require_display()
        self._clock = self._pygame.time.Clock()
        self._unread: deque[Event] = deque(maxlen=MAX_UNREAD_EVENTS)
        self._frame_size = (0, 0)  # (width, height) of the last frame
        self._place = (0, 0, 1, 1)  # left, top, width, height of the frame in the window

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
        if not self.closed:
            self.closed = True
            self._pygame.display.quit()

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
        pygame.display.flip()

    def _window(self, size: tuple[int, int]) -> Any:
        """The window, opened or resized when there is none yet or the frame's size has changed."""
        display = self._pygame.display
        if not display.get_init():
            display.init()
        window = display.get_surface()
        if window is None or size != self._frame_size:
            factor = max(1, SMALLEST_SIDE // max(size))
            self._frame_size = size
            window = display.set_mode((size[0] * factor, size[1] * factor), self._pygame.RESIZABLE)
            display.set_caption(self.title)
        return window

    def _take_events(self) -> None:
        """Take the events off pygame's queue; this also keeps the window responsive."""
        pygame = self._pygame
        if not pygame.display.get_init():
            return
        for event in pygame.event.get():
            if event.type in (pygame.KEYDOWN, pygame.KEYUP):
                self._unread.append(Key(pygame.key.name(event.key), event.type == pygame.KEYDOWN))
            elif event.type in (pygame.MOUSEBUTTONDOWN, pygame.MOUSEBUTTONUP):
                down = event.type == pygame.MOUSEBUTTONDOWN
                self._unread.append(self._mouse("down" if down else "up", event.pos, event.button))
            elif event.type == pygame.MOUSEMOTION:
                held = next((i + 1 for i, state in enumerate(event.buttons) if state), 0)
                self._unread.append(self._mouse("move", event.pos, held))
            elif event.type == pygame.QUIT:
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
            raise UserError("no display to open a window on; set DISPLAY, or ask for rgb_array frames instead")
        try:
            self._pygame.display.init()
        except self._pygame.error as error:
            raise UserError(f"no window can be opened ({error}); ask for rgb_array frames instead") from None
        if not asked and self._pygame.display.get_driver() in INVISIBLE_DRIVERS:
            self._pygame.display.quit()
            raise UserError(f"the display {seen!r} does not answer; set DISPLAY, or ask for rgb_array frames instead")


def import_pygame() -> ModuleType:
    """pygame, without its greeting on standard output."""
    os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")
    try:
        import pygame
    except ImportError as error:
        raise DependencyNotInstalled('a window needs pygame: pip install "rlbench[play]"') from error
    module: ModuleType = pygame
    return module


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
