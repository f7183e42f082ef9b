"""A display of our own (Xvfb), and a user at it (xdotool)."""

import contextlib
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
CLASS = "rlbench"  # of our windows; xdotool finds names only with a window manager
LIFETIME = 120  # seconds that a window stays at most, should the tests be killed
PATIENCE = 100  # seconds until something that must happen has not


@pytest.fixture(scope="session")
def display(tmp_path_factory):
    """The name of a fresh X display, 1400 x 1000."""
    with display_of((1400, 1000), tmp_path_factory.mktemp("display")) as name:
        yield name


@pytest.fixture
def small_display(tmp_path):
    """The name of a fresh X display, 640 x 480."""
    with display_of((640, 480), tmp_path) as name:
        yield name


SCREENS = {}  # display -> the file that Xvfb keeps its screen in


@contextlib.contextmanager
def display_of(size, folder):
    """A fresh X display of that width and height, without a window manager; its screen is kept in the folder."""
    for program in ("Xvfb", "xdotool"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed (apt-get install xvfb xdotool)")
    pytest.importorskip("pygame")
    read, write = os.pipe()
    server = subprocess.Popen(
        [
            "timeout",
            str(10 * LIFETIME),
            "Xvfb",
            "-displayfd",
            str(write),
            "-screen",
            "0",
            f"{size[0]}x{size[1]}x24",
            "-nolisten",
            "tcp",
            "-fbdir",
            str(folder),
            "-noreset",  # else it starts anew when its last client leaves, and turns away whoever comes just then
        ],
        pass_fds=[write],
        stderr=subprocess.DEVNULL,
    )
    os.close(write)
    with os.fdopen(read, encoding="utf-8") as output:
        number = output.readline().strip()
    SCREENS[f":{number}"] = folder / "Xvfb_screen0"
    try:
        yield f":{number}"
    finally:
        server.terminate()
        server.wait()


def screenshot(display):
    """What is on the screen of a display, uint8[H, W, 3]; the file is an X window dump."""
    data = SCREENS[display].read_bytes()
    header = np.frombuffer(data, ">u4", 25)
    width, height, row, colours = (int(header[i]) for i in (4, 5, 12, 19))
    pixels = np.frombuffer(data, np.uint8, row * height, int(header[0]) + 12 * colours)
    return pixels.reshape(height, row // 4, 4)[:, :width, 2::-1]


class Desk:
    """A program that opens a window, and real keys and a real mouse for it once that is found."""

    def __init__(self, display, folder, *arguments, **environment):
        inherited = {k: v for k, v in os.environ.items() if k not in ("SDL_VIDEODRIVER", "WAYLAND_DISPLAY")}
        ours = {"DISPLAY": display, "PYTHONPATH": str(ROOT), "SDL_VIDEO_X11_WMCLASS": CLASS}
        ours |= {"SDL_MOUSE_FOCUS_CLICKTHROUGH": "1"}  # else a click within 0.2 s of the focus is not passed on
        self.environment = {**inherited, **ours, **environment}
        self.folder = folder
        program = ("-c", arguments[1]) if arguments[0] == "python" else ("-m", "rlbench", *map(str, arguments))
        self.process = subprocess.Popen(
            ["timeout", str(LIFETIME), sys.executable, *program],
            env=self.environment,
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )
        self.window = None

    def find(self):
        """Wait for the window."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            assert self.process.poll() is None, self.process.communicate()
            done = self.xdotool("search", "--onlyvisible", "--class", CLASS, check=False)
            if done.stdout.split():
                self.window = done.stdout.split()[0]
                return
            time.sleep(0.1)
        raise AssertionError(f"no window came up within {PATIENCE} s: {self.close()}")

    def xdotool(self, *arguments, check=True):
        return subprocess.run(
            ["xdotool", *map(str, arguments)],
            env=self.environment,
            check=check,
            capture_output=True,
            text=True,
            encoding="utf-8",
        )

    def keys(self, *names):
        """Press and release keys, one after another."""
        self.xdotool("windowfocus", "--sync", self.window, "key", "--delay", "40", *names)

    def click(self, x, y):
        """Click a pixel of the window."""
        self.xdotool("mousemove", "--window", self.window, x, y, "click", 1)

    def until(self, path):
        """Wait for a file."""
        deadline = time.monotonic() + PATIENCE
        while not (self.folder / path).exists() and time.monotonic() < deadline:
            assert self.process.poll() is None, self.process.communicate()
            time.sleep(0.05)
        return self.folder / path

    def picture(self):
        """What the window shows on the screen, uint8[H, W, 3]."""
        done = self.xdotool("getwindowgeometry", "--shell", self.window)
        place = dict(line.split("=") for line in done.stdout.split())
        x, y, width, height = (int(place[name]) for name in ("X", "Y", "WIDTH", "HEIGHT"))
        return screenshot(self.environment["DISPLAY"])[y : y + height, x : x + width]

    def close(self):
        """End the program if it runs: what it had written."""
        self.process.terminate()
        return self.process.communicate()

    def end(self):
        """Wait for the program's end: its exit code, the JSON it printed, and its standard error."""
        out, err = self.process.communicate(timeout=PATIENCE)
        return self.process.returncode, json.loads(out) if out.strip() else None, err


@pytest.fixture
def desk(display, tmp_path):
    """Opens windows, `brief` ones perhaps over before they are found; what is still open at the end is closed."""
    opened = []

    def start(*arguments, brief=False, on=display, **environment):
        opened.append(Desk(on, tmp_path, *arguments, **environment))
        if not brief:
            opened[-1].find()
        return opened[-1]

    yield start
    for each in opened:
        each.close()
