"""Environments that are pickled in one process continue in another, bit for bit."""

import pickle
import subprocess
import sys

import gymnasium
import numpy as np
import pytest

import rlbench  # noqa: F401

CONTINUE = """
import pickle, sys
import numpy as np

env, steps = pickle.load(sys.stdin.buffer)
env.action_space.seed(1)
sys.stdout.buffer.write(pickle.dumps([env.step(env.action_space.sample())[:4] for _ in range(steps)]))
"""
CASES = {
    "a grid world": lambda: gymnasium.make("rlbench/GridWorld-v0"),
    "grid worlds": lambda: gymnasium.make_vec("rlbench/GridWorld-v0", num_envs=3),
    "cart-poles on all cores": lambda: gymnasium.make_vec("rlbench/CartPole-v0", num_envs=600, parallel=True),
    "glimpses, whose observation is compiled": lambda: gymnasium.make("rlbench/GlimpseCluttered60-v0"),
    "hoppers": lambda: gymnasium.make_vec("rlbench/Hopper-v0", num_envs=3),
    "games": lambda: gymnasium.make_vec("rlbench/AtariPong-v0", num_envs=2),
}
FAST = "cart-poles on all cores"


@pytest.mark.parametrize(
    "name", [FAST, *(pytest.param(each, marks=pytest.mark.slow) for each in CASES if each != FAST)]
)
def test_a_pickle_continues_in_another_process(name):
    env = CASES[name]()
    env.reset(seed=3)
    saved = pickle.dumps((env, 5))
    done = subprocess.run([sys.executable, "-c", CONTINUE], input=saved, capture_output=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr.decode(errors="replace")
    env.action_space.seed(1)
    for theirs in pickle.loads(done.stdout):
        ours = env.step(env.action_space.sample())[:4]
        np.testing.assert_equal(theirs, ours)
    env.close()
