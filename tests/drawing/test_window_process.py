"""A window and the process that opens it: settings, signals, forks, copies, and what it takes to open one."""

import copy
import os
import pickle
import signal
import subprocess
import sys

import numpy as np
import pytest
from gymnasium.error import DependencyNotInstalled

from rlbench.drawing.window import Viewer
from rlbench.errors import UserError
from tests.drawing.windows import on_screen, picture, pygame

SETTINGS = """
import locale, os, sys, threading, rlbench.drawing.window as window, numpy as np
first = threading.Thread(target=int)  # for which the C library handles a signal of its own
first.start()
first.join()
def settings():
    status = [line for line in open("/proc/self/status") if line.startswith(("SigCgt", "SigIgn", "SigBlk"))]
    return status, dict(os.environ), os.getcwd(), list(sys.path), locale.setlocale(locale.LC_ALL)
before = settings()
viewer = window.Viewer("a title", fps=1000)
viewer.show(np.zeros((100, 100, 3), np.uint8))
assert settings() == before, (before, settings())
import pygame
assert pygame.display.get_allow_screensaver()
assert not pygame.mixer.get_init() and not pygame.joystick.get_init()
viewer.close()
assert settings() == before, (before, settings())
"""


def run(program, driver="dummy"):
    """Run a program that opens a window; what it printed on standard error."""
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "SDL_VIDEODRIVER": driver},
        check=True,
        capture_output=True,
        text=True,
        encoding="utf-8",
    )
    return done.stderr


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_a_window_leaves_the_process_as_it_was():
    assert run(SETTINGS) == ""


@pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX")
@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP", "SIGINT"])
def test_a_signal_ends_a_program_whose_window_is_open(name):
    program = f"""
import os, signal, time, rlbench.drawing.window as window, numpy as np
viewer = window.Viewer("a title", fps=1000)
viewer.show(np.zeros((100, 100, 3), np.uint8))
os.kill(os.getpid(), signal.{name})
for _ in range(100):
    viewer.show(np.zeros((100, 100, 3), np.uint8))
    time.sleep(0.01)
"""
    with pytest.raises(subprocess.CalledProcessError) as ended:
        run(program)
    assert ended.value.returncode == -getattr(signal, name)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks are POSIX")
def test_a_fork_leaves_the_window_to_its_parent(viewer):
    viewer.show(picture())
    child = os.fork()
    if child == 0:
        viewer.show(picture())
        try:
            Viewer("another", fps=30)
        except UserError as error:
            os._exit(0 if viewer.closed and "start it by spawn" in str(error) else 1)
        os._exit(2)
    assert os.waitpid(child, 0)[1] == 0
    viewer.show(picture()[::-1])
    np.testing.assert_array_equal(on_screen(), picture()[::-1])


def test_a_copy_opens_a_window_of_its_own(viewer):
    viewer.show(picture())
    for copied in (copy.deepcopy(viewer), pickle.loads(pickle.dumps(viewer))):
        assert (copied.title, copied.fps, copied.closed) == ("a title", 1000, False)
        copied.close()
        assert not viewer.closed


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="other systems always have a display")
def test_without_a_display_one_line_says_so(monkeypatch):
    for name in ("SDL_VIDEODRIVER", "DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(UserError, match=r"^no display.*rgb_array[^\n]*$"):
        Viewer("a title", fps=30)


def test_an_unknown_video_driver_is_one_line(monkeypatch):
    pygame.display.quit()
    monkeypatch.setenv("SDL_VIDEODRIVER", "no-such-driver")
    with pytest.raises(UserError, match=r"^no window can be opened \(.*no-such-driver[^\n]*$"):
        Viewer("a title", fps=30)


def test_without_pygame_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "pygame", None)
    with pytest.raises(DependencyNotInstalled, match=r'pip install "rlbench\[play\]"'):
        Viewer("a title", fps=30)


def test_only_the_viewer_imports_pygame():
    program = """
import sys, pathlib, re, rlbench, rlbench.drawing.window
assert "pygame" not in sys.modules
root = pathlib.Path(rlbench.__file__).parent
users = [path.name for path in root.rglob("*.py") if re.search(r"^ *(import|from) pygame", path.read_text(), re.M)]
assert users == ["window.py"], users
"""
    subprocess.run([sys.executable, "-c", program], check=True)


def test_pygame_does_not_greet():
    program = "from rlbench.drawing.window import import_pygame; import_pygame()"
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True, encoding="utf-8")
    assert done.stdout == ""
