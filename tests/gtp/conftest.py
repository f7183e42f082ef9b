"""Submissions that play Go, and `rlbench gtp` as a program."""

import subprocess
import sys
import textwrap

import pytest

MANIFEST = 'name = "{name}"\nversion = "1"\nauthors = ["a test"]\ntasks = {tasks}\nentry = "agent:load"\n'

AGENT = """
import os, sys, time
import numpy as np

class Agent:
    def __init__(self, task, spaces, seed):
        self.task, self.spaces, self.seed, self.calls = task, spaces, seed, 0

    def act(self, observation, first):
        self.calls += 1
        mask = observation["action_mask"]
        return self.choose(observation, mask, first)

    def choose(self, observation, mask, first):
{choose}

def load(task, spaces, seed):
    {load}
    return Agent(task, spaces, seed)
"""


@pytest.fixture
def submit(tmp_path):
    """Writes a submission whose `choose(self, observation, mask, first)` has these lines."""

    def write(choose, name="probe", tasks="[]", load="pass"):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "submission.toml").write_text(MANIFEST.format(name=name, tasks=tasks), encoding="utf-8")
        lines = textwrap.indent(textwrap.dedent(choose).strip(), " " * 8)
        (folder / "agent.py").write_text(AGENT.format(choose=lines, load=load), encoding="utf-8")
        return folder

    return write


@pytest.fixture
def gtp():
    """Runs `rlbench gtp` on commands separated by semicolons; its exit code, answers and standard error."""

    def run(*words, commands):
        done = subprocess.run(
            [sys.executable, "-m", "rlbench", "gtp", *map(str, words)],
            input=commands.replace(";", "\n"),
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=120,
        )
        answers = "; ".join(each.replace("\n", "/") for each in done.stdout.split("\n\n") if each)
        return done.returncode, answers, done.stderr

    return run
