"""Settings of libraries that draw into memory, so that they look for no screen where there is none.

Without them SDL tries Wayland, which complains on standard error, and sound cards, which the system may lack; MuJoCo's
windows are GLFW's, which warn and then fail.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from rlbench.process.system import environment


def has_screen() -> bool:
    """Whether the user's programs can open windows, as far as the environment tells."""
    return not sys.platform.startswith("linux") or any(os.environ.get(each) for each in ("DISPLAY", "WAYLAND_DISPLAY"))


def sdl_driver() -> dict[str, str]:
    """Which driver SDL shall take, as an environment variable; empty where it can choose, or the user has chosen.

    Wayland is left out where it has no folder for its socket: to ask it would print an error of its own.
    """
    if "SDL_VIDEODRIVER" in os.environ or not sys.platform.startswith("linux"):
        return {}
    if not has_screen():
        return {"SDL_VIDEODRIVER": "dummy"}
    return {} if os.environ.get("XDG_RUNTIME_DIR") else {"SDL_VIDEODRIVER": "x11,offscreen,dummy"}


@contextmanager
def drawing_into_memory() -> Iterator[None]:
    """Environments of others draw inside, and open no window; what the user has set stays."""
    wanted = {**sdl_driver(), "SDL_AUDIODRIVER": "dummy", **({} if has_screen() else {"MUJOCO_GL": "egl"})}
    with environment(**{name: value for name, value in wanted.items() if name not in os.environ}):
        yield
