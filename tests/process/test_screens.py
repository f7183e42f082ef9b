"""Drawing without a screen: libraries of others say nothing, and rlbench one line where a window was asked for."""

import os
import subprocess
import sys

import pytest

from rlbench.process.screens import drawing_into_memory, has_screen, sdl_driver

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="variables tell of screens on Linux alone")
VARIABLES = ("DISPLAY", "WAYLAND_DISPLAY", "XDG_RUNTIME_DIR", "SDL_VIDEODRIVER", "SDL_AUDIODRIVER", "MUJOCO_GL")


@linux
@pytest.mark.parametrize(
    ("given", "driver"),
    [
        ({}, "dummy"),
        ({"DISPLAY": ":0"}, "x11,offscreen,dummy"),
        ({"DISPLAY": ":0", "XDG_RUNTIME_DIR": "/run/user/0"}, None),
        ({"WAYLAND_DISPLAY": "wayland-0", "XDG_RUNTIME_DIR": "/run/user/0"}, None),
        ({"SDL_VIDEODRIVER": "kmsdrm"}, None),
    ],
)
def test_the_driver_is_one_that_can_work(given, driver, monkeypatch):
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    assert sdl_driver().get("SDL_VIDEODRIVER") == driver
    assert has_screen() is any("DISPLAY" in name for name in given)


@linux
def test_what_the_user_has_set_stays(monkeypatch):
    for name in VARIABLES[:3]:
        monkeypatch.delenv(name, raising=False)
    for name in VARIABLES[3:]:
        monkeypatch.setenv(name, "mine")
    with drawing_into_memory():
        assert {os.environ[name] for name in VARIABLES[3:]} == {"mine"}
    monkeypatch.delenv("MUJOCO_GL")
    with drawing_into_memory():
        assert os.environ["MUJOCO_GL"] == "egl"
    assert "MUJOCO_GL" not in os.environ


NOTHING = {}
UNANSWERED = {"DISPLAY": ":77"}
COMMANDS = {
    "show CartPole-v1": (NOTHING, ["wrote show.png"]),
    "show Hopper-v5": (NOTHING, ["wrote show.png"]),
    "watch random --task CartPole-v1": (
        NOTHING,
        ["no display to open a window on: recording to watch.png instead", "wrote watch.png"],
    ),
    "play CartPole": (
        UNANSWERED,
        ["the display ':77' does not answer: wrote the first frame to play.png instead; set DISPLAY, or give --keys"],
    ),
}
IN_CI = "show CartPole-v1", "play CartPole"


@linux
@pytest.mark.parametrize(
    "words", [each if each in IN_CI else pytest.param(each, marks=pytest.mark.slow) for each in COMMANDS]
)
def test_nothing_is_said_but_by_rlbench(words, tmp_path):
    pytest.importorskip("pygame", reason="pip install 'rlbench[play]'")
    if "Hopper" in words:
        pytest.importorskip("mujoco", reason="pip install 'rlbench[mujoco]'")
    given, said = COMMANDS[words]
    environment = {name: value for name, value in os.environ.items() if name not in VARIABLES} | given
    done = subprocess.run(
        [sys.executable, "-m", "rlbench", *words.split()],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=300,
    )
    assert (done.returncode, done.stderr.splitlines()) == (0, said)
