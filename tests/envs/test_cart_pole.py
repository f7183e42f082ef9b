"""Cart-pole against Gymnasium's CartPole-v1, bit for bit, and against the physics."""

import math

import gymnasium
import numpy as np
import pytest

from rlbench.envs.cart_pole import rules

PARAMS = rules.Params()


def test_a_thousand_resets_are_gymnasiums():
    ours, theirs = gymnasium.make("rlbench/CartPole-v0"), gymnasium.make("CartPole-v1")
    for seed in range(1_000):
        a, b = ours.reset(seed=seed)[0], theirs.reset(seed=seed)[0]
        assert a.dtype == b.dtype
        np.testing.assert_array_equal(a, b)
        assert ours.unwrapped.state == tuple(theirs.unwrapped.state)


def test_a_hundred_thousand_transitions_are_gymnasiums():
    """Whole episodes of a random policy, resets included, with the float64 state compared at every step."""
    ours, theirs = gymnasium.make("rlbench/CartPole-v0"), gymnasium.make("CartPole-v1")
    rng = np.random.default_rng(0)
    ours.reset(seed=0), theirs.reset(seed=0)
    for action in rng.integers(2, size=100_000).tolist():
        a, b = ours.step(action), theirs.step(action)
        assert a[1:4] == b[1:4]
        assert (a[0] == b[0]).all()
        assert ours.unwrapped.state == tuple(theirs.unwrapped.state)
        if a[2] or a[3]:
            assert (ours.reset()[0] == theirs.reset()[0]).all()


def test_every_branch_of_the_end_is_gymnasiums():
    """States drawn far beyond and just around each threshold."""
    theirs = gymnasium.make("CartPole-v1").unwrapped
    theirs.reset(seed=0)
    rng = np.random.default_rng(1)
    seen = set()
    scale = np.array([3.0, 4.0, 0.3, 4.0])
    for _ in range(5_000):
        state = rng.uniform(-scale, scale)
        action = int(rng.integers(2))
        theirs.state, theirs.steps_beyond_terminated = state, None
        _, _, terminated, _, _ = theirs.step(action)
        after = rules.transition(rules.State(*state.tolist()), action, (), PARAMS)
        assert after == tuple(theirs.state)
        assert rules.terminated(after, PARAMS) == terminated
        seen.add((np.sign(after.x) * (abs(after.x) > 2.4), np.sign(after.theta) * (abs(after.theta) > math.pi / 15)))
    assert len(seen) == 9


def test_spaces_and_limits_are_gymnasiums():
    ours, theirs = gymnasium.make("rlbench/CartPole-v0"), gymnasium.make("CartPole-v1")
    assert ours.observation_space == theirs.observation_space
    assert ours.action_space == theirs.action_space
    assert ours.spec.max_episode_steps == theirs.spec.max_episode_steps == 500
    assert ours.spec.reward_threshold == theirs.spec.reward_threshold == 475


def test_accelerations_solve_the_equations_of_motion():
    """Newton for the system, horizontally, and the torque balance of the pole (Florian 2007), written independently."""
    rng = np.random.default_rng(2)
    for _ in range(100):
        state, push = rules.State(*rng.uniform(-1, 1, 4)), rng.uniform(-10, 10)
        x_acc, theta_acc = rules.accelerations(state, push, PARAMS)
        m, M, half, g = PARAMS.masspole, PARAMS.masscart, PARAMS.length, PARAMS.gravity
        sin, cos = math.sin(state.theta), math.cos(state.theta)
        pole_x_acc = x_acc + half * (theta_acc * cos - state.theta_dot**2 * sin)
        assert M * x_acc + m * pole_x_acc == pytest.approx(push)
        assert 4 / 3 * half * theta_acc == pytest.approx(g * sin - x_acc * cos)


def test_continuous_force_spans_the_two_pushes():
    params = rules.Params(continuous=True)
    state = rules.State(0.0, 0.1, 0.05, -0.1)
    assert rules.transition(state, 1.0, (), params) == rules.transition(state, 1, (), PARAMS)
    assert rules.transition(state, -1.0, (), params) == rules.transition(state, 0, (), PARAMS)
    assert rules.force(0.25, params) == 2.5


def test_an_unpushed_upright_pole_stays():
    params = rules.Params(continuous=True)
    rest = rules.State(0.0, 0.0, 0.0, 0.0)
    assert rules.transition(rest, 0.0, (), params) == rest
