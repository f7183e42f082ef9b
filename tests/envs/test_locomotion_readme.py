"""The page about robots says what the code does."""

import math
from pathlib import Path

import gymnasium
import pytest

import rlbench
from rlbench.envs.locomotion.robots import ROBOTS, Upright

pytest.importorskip("mujoco")
PAGE = (Path(rlbench.__file__).parent / "envs/locomotion/README.md").read_text(encoding="utf-8")


def upright_in_words(bounds: Upright) -> str:
    (low, high), tilt = bounds
    if bounds == Upright():
        return "always: there is no falling in water"
    height = f"height {low:g} to {high:g} m, " if high < math.inf else f"height above {low:g} m, " * (low > -math.inf)
    return height + "tilt below " + ("90 degrees" if tilt == math.pi / 2 else f"{tilt:g} rad")


def test_the_table_of_robots():
    table = [line.strip("|").split("|") for line in PAGE.splitlines() if line.startswith("|")]
    _, _, *rows = ([cell.strip() for cell in row] for row in table)
    assert len(rows) == len(ROBOTS)
    for row, robot in zip(rows, ROBOTS.values(), strict=True):
        name = row[0].strip("`")
        lecture, v5 = (gymnasium.make(f"rlbench/{name}-v0", reward=reward) for reward in ("lecture", "gymnasium"))
        dt = lecture.unwrapped.model.opt.timestep * robot.body.frame_skip
        sizes = [space.shape[0] for space in (lecture.action_space, lecture.observation_space, v5.observation_space)]
        assert row[1:5] == [str(sizes[0]), f"{dt:g}", str(sizes[1]), str(sizes[2])]
        assert row[5] == upright_in_words(robot.upright)
        assert lecture.spec.max_episode_steps == 1000


def test_the_example_runs():
    exec(PAGE.split("```python\n")[1].split("```")[0], {})
