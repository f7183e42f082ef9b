"""What SDL, under pygame, is told by environment variables, so that it leaves the process alone."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from rlbench.process.screens import sdl_driver
from rlbench.process.system import environment

HINTS = {
    "PYGAME_HIDE_SUPPORT_PROMPT": "1",
    "SDL_NO_SIGNAL_HANDLERS": "1",  # SDL would make an event of SIGTERM, and the process would not end
    "SDL_VIDEO_ALLOW_SCREENSAVER": "1",
    "SDL_VIDEO_X11_WMCLASS": "rlbench",
}
if sys.platform == "linux":
    HINTS["SDL_FRAMEBUFFER_ACCELERATION"] = "0"  # else OpenGL has a context current in the caller's thread


@contextmanager
def hints() -> Iterator[None]:
    """SDL reads inside, from the environment, to leave the process alone; what the user has set stays."""
    wanted = {**HINTS, **sdl_driver()}
    with environment(**{name: value for name, value in wanted.items() if name not in os.environ}):
        yield
