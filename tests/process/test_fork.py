"""Forked processes, into which no threads come along: batches of the parent and new ones play the same episodes."""

import json
import os
import subprocess
import sys

import pytest

PROGRAM = """
import json, os, signal, sys

import gymnasium
import numpy as np
import rlbench

def play(envs):
    envs.reset(seed=0)
    actions = np.random.default_rng(0).uniform(-1, 1, size=(5, *envs.action_space.shape))
    return [float(envs.step(each)[0].sum()) for each in actions]

def make():
    return gymnasium.make_vec("rlbench/{name}-v0", num_envs=4, threads=2)

envs = make()
expected = play(envs)
if pid := os.fork():
    print(json.dumps([os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), play(envs) == expected]))
else:
    signal.alarm(20)
    same = play(envs) == expected and play(make()) == expected
    del envs  # which must not wait for threads either
    sys.exit(0 if same else 1)
"""


@pytest.mark.parametrize("name", ["Hopper", "Ant"])
def test_a_forked_process_steps_the_batches_of_robots_of_its_parent(name):
    """Hoppers are stepped by MuJoCo's batch, ants by a pool of threads."""
    pytest.importorskip("mujoco")
    if len(os.sched_getaffinity(0)) < 2:
        pytest.skip("a batch has no threads on one core")
    command = [sys.executable, "-c", PROGRAM.replace("{name}", name)]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=60, check=False)
    assert json.loads(done.stdout) == [0, True], done.stderr
