"""`kill -9` of an evaluation whenever it touches a file: nothing committed is lost, and the next one cleans up."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("killed.py")


@pytest.mark.parametrize("step", [31, pytest.param(1, marks=pytest.mark.slow)])
def test_kill_when_it_touches_a_file(submit, tmp_path, step):
    world = tmp_path / "world"
    world.mkdir()
    done = subprocess.run(
        [sys.executable, str(SCRIPT), str(submit("return [1] * self.num_envs")), str(world), str(step)],
        capture_output=True,
        encoding="utf-8",
        env={**os.environ, "PYTHONPATH": str(SCRIPT.parents[3])},
        check=True,
    )
    whole, *killed = map(json.loads, done.stdout.splitlines())
    assert len(killed) == len(range(1, whole["moments"] + 1, step))
    for found in killed:
        moment, died = found.pop("moment"), found.pop("killed")
        assert died or moment > whole["moments"] - 3, moment  # how often a byte is read differs a little
        assert found == {
            "lost blocks": 0,
            "is continued": True,
            "complete": True,
            "episodes": whole["episodes"],
            "left files": [],
            "left records": [],
            "alive": [],
        }, moment
