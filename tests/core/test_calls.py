"""How many functions a step and a reset call, each of which costs some 50 ns."""

import sys

import gymnasium
import numpy as np
import pytest

import rlbench  # noqa: F401  # registers the ids


def calls(function):
    """How many functions, Python's and C's, a call of one calls."""
    events = []
    sys.setprofile(lambda frame, event, argument: events.append(event))
    try:
        function()
    finally:
        sys.setprofile(None)
    return sum(event in ("call", "c_call") for event in events)


@pytest.mark.parametrize(
    ("id", "step", "reset"), [("CartPole", 20, 18), ("GridWorld", 28, 20), ("GlimpseMNIST", 100, 95)]
)
def test_a_step_and_a_reset_compute_nothing_that_never_changes(id, step, reset):
    env = gymnasium.make(f"rlbench/{id}-v0").unwrapped
    action = env.action_space.sample()
    env.reset(seed=0)
    env.step(action)
    env.reset()
    assert calls(env.reset) <= reset
    assert calls(lambda: env.step(action)) <= step


@pytest.mark.parametrize(("id", "step"), [("CartPole", 21), ("GridWorld", 22)])
def test_neither_does_a_step_of_a_batch(id, step):
    envs = gymnasium.make_vec(f"rlbench/{id}-v0", num_envs=3).unwrapped
    actions = np.zeros(3, np.int64)
    envs.reset(seed=0)
    envs.step(actions)
    assert calls(lambda: envs.step(actions)) <= step
    envs.close()
