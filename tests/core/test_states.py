"""States of every family, single and batch: copied, pickled, read, set and refused, mid-episode and bit for bit."""

import copy
import math
import pickle

import numpy as np
import pytest
from gymnasium.error import ResetNeeded

from rlbench.core.rules import make_state, make_states
from rlbench.envs.cart_pole.rules import State
from rlbench.errors import ArgumentError
from rlbench.testing import same
from tests.core.families import FAMILIES, make, make_vec, require

SLOW = pytest.param("atari", marks=pytest.mark.slow)  # a state of a game is played again
families = pytest.mark.parametrize("family", [SLOW if family == "atari" else family for family in FAMILIES])
makers = pytest.mark.parametrize("maker", [make, make_vec])
RANDOM = {"grid world": {"slip": 0.3}}  # so that the stream of random numbers has to be copied, too


def played(env, steps, seed=0):
    """What steps with seeded random actions give; an episode that ended is begun anew."""
    env.action_space.seed(seed)
    for _ in range(steps):
        observation, reward, terminated, truncated, info = env.step(env.action_space.sample())
        yield observation, reward, terminated, truncated, info
        if np.ndim(terminated) == 0 and (terminated or truncated):
            yield env.reset()


def alike(env, twin, steps=12):
    """Whether two environments continue bit for bit."""
    return all(same(a, b) for a, b in zip(played(env, steps, 1), played(twin, steps, 1), strict=True))


@families
@makers
@pytest.mark.parametrize("copied", [copy.deepcopy, lambda env: pickle.loads(pickle.dumps(env))])
def test_copies_continue_bit_for_bit(family, maker, copied):
    require(family)
    env = maker(family, **RANDOM.get(family, {}))
    env.reset(seed=3)
    list(played(env, 7))
    twin = copied(env)
    assert alike(env, twin)
    assert twin.spec.id == env.spec.id


@families
@makers
def test_a_state_that_is_set_elsewhere_continues_bit_for_bit(family, maker):
    require(family)
    env, twin = maker(family), maker(family)
    env.reset(seed=3), twin.reset(seed=4)
    list(played(env, 2))
    kept = copy.deepcopy(env.unwrapped.state)
    twin.unwrapped.state = env.unwrapped.state
    assert same(tuple(twin.unwrapped.state), tuple(kept))
    assert same(next(played(env, 1, 1))[:4], next(played(twin, 1, 1))[:4])
    twin.unwrapped.state = kept  # what was read earlier has not changed since, and can be set again
    assert same(tuple(twin.unwrapped.state), tuple(kept))


@families
@makers
def test_a_reset_begins_in_a_state(family, maker):
    require(family)
    env, twin = maker(family), maker(family)
    env.reset(seed=3), twin.reset(seed=4)
    list(played(env, 2))
    twin.reset(seed=5, options={"state": env.unwrapped.state})
    assert same(tuple(twin.unwrapped.state), tuple(env.unwrapped.state))
    assert same(next(played(env, 1, 1))[:3], next(played(twin, 1, 1))[:3])


@families
@makers
def test_what_is_no_state_is_refused_and_changes_nothing(family, maker):
    require(family)
    env, twin = maker(family), maker(family)
    env.reset(seed=3), twin.reset(seed=3)
    for bad in (None, 1, "x", {}, [], (), object(), {1, 2}):
        with pytest.raises(ArgumentError, match="state"):
            env.unwrapped.state = bad
        with pytest.raises(ArgumentError, match="state"):
            env.reset(seed=4, options={"state": bad})
    assert alike(env, twin, 3)


@pytest.mark.parametrize("family", ["grid world", "cart-pole", "glimpse", "robots"])
@makers
def test_a_state_does_not_stand_for_a_reset(family, maker):
    """Without one, no stream is seeded and no step counted."""
    require(family)
    env, other = maker(family), maker(family)
    other.reset(seed=3)
    env.unwrapped.state = other.unwrapped.state
    with pytest.raises(ResetNeeded):
        env.step(env.action_space.sample())


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 1e11, True, "0", None, [0.0], 1j])
@makers
def test_no_number_of_a_state_can_poison_it(value, maker):
    env = maker("cart-pole")
    with pytest.raises(ArgumentError, match="state"):
        env.reset(options={"state": {"x": 0, "x_dot": 0, "theta": value, "theta_dot": 0}})


@makers
def test_a_state_does_not_wrap_around(maker):
    env = maker("glimpse")
    env.reset(seed=0)
    state = env.unwrapped.state._asdict()
    for value in (300, -1):
        with pytest.raises(ArgumentError, match="'picture' of the state does not fit into uint8"):
            env.unwrapped.state = {**state, "picture": np.full(state["picture"].shape, value)}


@makers
def test_a_robot_has_an_orientation(maker):
    require("robots")
    env = maker("robots", robot="ant", reward="lecture")
    env.reset(seed=0)
    state = env.unwrapped.state
    flat = state.qpos.copy()
    flat[..., 3:7] = 0.0
    with pytest.raises(ArgumentError, match="a state has an orientation"):
        env.unwrapped.state = state._replace(qpos=flat)


def test_fields_of_a_state_are_numbers_of_their_kind():
    like = State(0.0, 0.0, 0.0, 0.0)
    assert make_state([1, np.float32(2), 3, 4], like) == (1.0, 2.0, 3.0, 4.0)
    assert make_states({"x": [1, 2], "x_dot": 3, "theta": 4, "theta_dot": 5}, like, 2).x_dot.tolist() == [3.0, 3.0]
    with pytest.raises(ArgumentError, match=r"field 'x' of the state is float64 of shape \(2,\), got \[1, 2, 3\]"):
        make_states({"x": [1, 2, 3], "x_dot": 3, "theta": 4, "theta_dot": 5}, like, 2)
    with pytest.raises(ArgumentError, match="a state has the fields x, x_dot, theta, theta_dot, got"):
        make_state({"x": 1, "x_dot": 3, "theta": 4, "omega": 5}, like)
