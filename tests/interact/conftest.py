"""A display of our own (Xvfb), and a user at it (xdotool)."""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CLASS = "rlbench"  # of our windows; xdotool finds names only with a window manager
LIFETIME = 120  # seconds that a window stays at most, should the tests be killed
PATIENCE = 100  # seconds until something that must happen has not


@pytest.fixture(scope="session")
def display():
    """The name of a fresh X display, 1400 x 1000."""
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
            "1400x1000x24",
            "-nolisten",
            "tcp",
            "-noreset",  # else it starts anew when its last client leaves, and turns away whoever comes just then
        ],
        pass_fds=[write],
        stderr=subprocess.DEVNULL,
    )
    os.close(write)
    with os.fdopen(read, encoding="utf-8") as output:
        number = output.readline().strip()
    yield f":{number}"
    server.terminate()
    server.wait()


class Desk:
    """A program that opens a window, and real keys and a real mouse for it once that is found."""

    def __init__(self, display, folder, *arguments, **environment):
        inherited = {k: v for k, v in os.environ.items() if k not in ("SDL_VIDEODRIVER", "WAYLAND_DISPLAY")}
        ours = {"DISPLAY": display, "PYTHONPATH": str(ROOT), "SDL_VIDEO_X11_WMCLASS": CLASS}
        ours |= {"SDL_MOUSE_FOCUS_CLICKTHROUGH": "1"}  # else a click within 0.2 s of the focus is not passed on
        self.environment = {**inherited, **ours, **environment}
        self.folder = folder
        self.process = subprocess.Popen(
            ["timeout", str(LIFETIME), sys.executable, "-m", "rlbench", *map(str, arguments)],
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

    def start(*arguments, brief=False, **environment):
        opened.append(Desk(display, tmp_path, *arguments, **environment))
        if not brief:
            opened[-1].find()
        return opened[-1]

    yield start
    for each in opened:
        each.close()
