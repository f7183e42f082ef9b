import json
import textwrap
from pathlib import Path

import pytest

from rlbench.harness.tasks.limits import Limits
from rlbench.harness.tasks.task import Task

AGENT = """
import os, sys, time
import numpy as np

class Agent:
    def __init__(self, task, spaces, seed):
        self.num_envs = task.num_envs

    def act(self, observation, first):
{act}

def load(task, spaces, seed):
    return Agent(task, spaces, seed)
"""


@pytest.fixture
def submit(tmp_path):
    """Writes a submission: the whole agent.py, or only the lines of its act()."""

    def write(act=None, *, source=None, folder="submission", **fields) -> Path:
        path = tmp_path / folder
        path.mkdir(exist_ok=True, parents=True)
        manifest = {"name": "probe", "version": "1", "authors": ["a test"], "tasks": ["*"], "entry": "agent:load"}
        lines = (f"{key} = {json.dumps(value)}" for key, value in (manifest | fields).items())
        (path / "submission.toml").write_text("\n".join(lines), encoding="utf-8")
        body = textwrap.indent(textwrap.dedent(act or "").strip(), " " * 8)
        (path / "agent.py").write_text(
            AGENT.format(act=body) if source is None else textwrap.dedent(source), encoding="utf-8"
        )
        return path

    return write


@pytest.fixture
def grid_task():
    """Three episodes of grid world in one block; agents have little time."""
    starts = tuple({"state": {"row": 1, "col": col}} for col in range(3))
    limits = Limits(load=20.0, act=10.0, run=30.0)
    return Task(
        "grid", 1, "rlbench/GridWorld-v0", episodes=3, num_envs=3, options=starts, limits=limits, failure_return=-97.0
    )
