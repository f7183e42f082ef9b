"""How many functions a step and a reset of a single environment call, each of which costs it some 50 ns."""

import sys

import gymnasium
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
