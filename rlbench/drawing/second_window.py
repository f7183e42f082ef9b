"""A window beside the one that pygame has per process, for where that one is the caller's own."""

from __future__ import annotations

import ctypes
from types import ModuleType
from typing import Any


class SecondWindow:
    """A window with a surface to draw on and with events of its own.

    SDL destroys all windows when any code of the program quits pygame or its display, without a word to their owners.
    Ask `is_open` before every use.

    Args:
        pygame: the package.
        video: its module `_sdl2.video`.
        title: of the window.
        size: its width and height, in pixels.
    """

    def __init__(self, pygame: ModuleType, video: ModuleType, title: str, size: tuple[int, int]) -> None:
        self._pygame, self._texture = pygame, video.Texture
        self._window = video.Window(title, size=size, resizable=True)
        self._renderer = video.Renderer(self._window, accelerated=0)
        self._surface = pygame.Surface(size)
        self._callers_surface = pygame.display.get_surface()
        self.flip()

    @property
    def is_open(self) -> bool:
        """Whether SDL still has the window: pygame says of the caller's surface whether its display was quit since."""
        try:
            self._callers_surface.get_size()
        except self._pygame.error:
            return False
        return True

    def surface(self) -> Any:
        """What is drawn on, of the window's size."""
        if self._surface.get_size() != self._window.size:
            self._surface = self._pygame.Surface(self._window.size)
        return self._surface

    def resize(self, size: tuple[int, int]) -> None:
        """Make the window as large as that."""
        self._window.size = size

    def flip(self) -> None:
        """Show what was drawn."""
        self._renderer.clear()
        self._texture.from_surface(self._renderer, self._surface).draw()
        self._renderer.present()

    def events(self) -> list[Any]:
        """The events of this window; the others stay in pygame's queue, in their order."""
        ours = []
        for event in self._pygame.event.get():
            if getattr(event, "window", None) is self._window:
                ours.append(event)
            else:
                self._pygame.event.post(event)
        return ours

    def close(self) -> None:
        """Close it."""
        if self.is_open:
            self._window.destroy()
        else:
            for each in (self._window, self._renderer):  # never to be freed, as SDL has done so
                ctypes.pythonapi.Py_IncRef(ctypes.py_object(each))
