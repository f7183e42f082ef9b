"""Without a package that an environment, a window or a film needs, a command is one line that names what to install."""

import subprocess
import sys

import pytest

PROGRAM = """
import importlib.abc, sys
blocked, *arguments = sys.argv[1:]
class Blocked(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == blocked:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Blocked())
from rlbench.cli import main
sys.exit(main(arguments))
"""
MUJOCO = ("mujoco", 'robots need MuJoCo: pip install "rlbench[mujoco]"')
ALE_PY = ("ale_py", 'Atari games need ale-py: pip install "rlbench[atari]"')
PYGAME = ("pygame", 'a window needs pygame: pip install "rlbench[play]", or give --')
FFMPEG = ("imageio_ffmpeg", 'a film needs imageio-ffmpeg: pip install "rlbench[play]"')
FILM = ["--record", "film.mp4"]
CASES = [
    (MUJOCO, ["play", "Hopper", "--keys", "q"]),
    (PYGAME, ["play", "CartPole"]),
    (ALE_PY, ["show", "AtariPong"]),
    (MUJOCO, ["show", "Hopper"]),
    (MUJOCO, ["watch", "random", "--task", "hopper@1"]),
    (MUJOCO, ["watch", "random", "--task", "Ant", "--num-envs", "4"]),
    (ALE_PY, ["play", "AtariPong", "--keys", "up"]),
    (ALE_PY, ["watch", "random", "--task", "AtariPong"]),
    (PYGAME, ["watch", "random", "--task", "cart-pole@1"]),
    (FFMPEG, ["play", "CartPole", "--keys", "right", *FILM]),
    (FFMPEG, ["watch", "random", "--task", "cart-pole@1", "--no-window", *FILM]),
]
IN_CI = 2


@pytest.mark.parametrize(
    ("package", "arguments"),
    [pytest.param(*case, marks=[] if i < IN_CI else [pytest.mark.slow]) for i, case in enumerate(CASES)],
    ids=lambda value: " ".join(value) if isinstance(value, list) else value[0],
)
def test_it_is_one_line_that_names_what_to_install(tmp_path, package, arguments):
    blocked, line = package
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, blocked, *arguments],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        encoding="utf-8",
    )
    assert (done.returncode, done.stdout) == (2, "")
    (error,) = done.stderr.splitlines()
    assert line in error
    assert not list(tmp_path.iterdir())
