"""Atari games are saved, copied, closed and forked like any other environment, sticky actions included."""

import copy
import os
import pickle
import signal

import numpy as np
import pytest

from rlbench.envs.atari.ale_bindings import emulator_seed
from rlbench.testing import same
from tests.envs.atari_games import make, make_vec

pytest.importorskip("ale_py", reason="pip install 'rlbench[atari]'")


def slowly(*values):
    """Parameters of which all but the first are for the slow tests."""
    return [values[0], *(pytest.param(value, marks=pytest.mark.slow) for value in values[1:])]


SHORT = {"sticky": 0.5, "noop_max": 5, "max_frames": 60}  # episodes of 15 steps: a few of them in every test


def play(env, steps, seed):
    """All that a seeded random agent sees in so many steps, beginning anew without a seed after each episode."""
    rng, seen = np.random.default_rng(seed), []
    for _ in range(steps):
        seen.append(env.step(int(rng.integers(env.action_space.n))))
        if seen[-1][2] or seen[-1][3]:
            seen.append(env.reset())
    return seen


def play_batch(envs, steps, seed):
    rng = np.random.default_rng(seed)
    return [envs.step(rng.integers(envs.single_action_space.n, size=envs.num_envs)) for _ in range(steps)]


def started():
    """A game in its second episode, which began without a seed."""
    env = make("pong", **SHORT)
    env.reset(seed=3)
    play(env, 24, 0)
    return env


def test_a_state_continues_bit_for_bit():
    env, twin = started(), make("pong", **SHORT)
    state = env.unwrapped.state
    after = play(env, 40, 1)
    env.unwrapped.state = state
    assert same(play(env, 40, 1), after)
    twin.reset(seed=8, options={"state": state._asdict()})
    assert same(play(twin, 40, 1), after)


def test_states_have_ale_pys_names():
    env = started()
    state = env.unwrapped.clone_state(include_rng=True)
    after = play(env, 20, 1)
    env.unwrapped.restore_state(state)
    assert same(play(env, 20, 1), after)
    with pytest.raises(ValueError, match="includes the random stream"):
        env.unwrapped.clone_state(include_rng=False)


def test_the_state_of_an_ended_episode_has_ended():
    env, twin = make("pong", max_frames=8), make("pong", max_frames=8)
    assert env.unwrapped.state is None
    env.reset(seed=0), twin.reset(seed=1)
    env.step(0), env.step(0)
    twin.unwrapped.state = env.unwrapped.state
    with pytest.raises(Exception, match="call reset"):
        twin.step(0)
    assert same(twin.reset(), env.reset())


@pytest.mark.parametrize("mode", slowly("SameStep", "NextStep", "Disabled"))
def test_the_state_of_a_batch_continues_bit_for_bit(mode):
    envs, twins = (make_vec("breakout", 2, mode, **SHORT) for _ in range(2))
    envs.reset(seed=1)
    play_batch(envs, 12, 0)
    mask = np.array([True, False])
    envs.reset(seed=[7, None], options={"reset_mask": mask})
    play_batch(envs, 2, 0)
    twins.state = envs.state
    assert same(play_batch(twins, 1, 1), play_batch(envs, 1, 1))
    again = pickle.loads(pickle.dumps(envs))
    if mode != "Disabled":
        assert same(play_batch(again, 40, 2), play_batch(envs, 40, 2))
    assert same(again.reset(), envs.reset())


def test_a_state_is_short_after_a_seed():
    envs = make_vec("pong", 2)
    envs.reset(seed=0)
    play_batch(envs, 5, 0)
    assert envs.state.actions.shape == (5, 2)
    envs.reset(seed=[1, None])
    assert envs.state.seeds.tolist() == [[0, 1], [1, -1]]
    envs.reset(seed=9)
    assert envs.state.actions.shape == (0, 2)
    assert envs.state.seeds.tolist() == [[9, 10]]


@pytest.mark.parametrize(
    ("state", "message"),
    [
        (1, "has the fields actions, seeds, steps, got 1"),
        ({"x": 1}, "has the fields"),
        ((np.zeros((4, 2), int), [[0]], [0]), r"'actions' of the state is integers \[any, 1\], got int64 of \(4, 2\)"),
        ((np.zeros((4, 1)), [[0]], [0]), "got float64"),
        ((np.full((4, 1), 6), [[0]], [0]), "actions of the state are 0 to 5, got 6"),
        ((np.zeros((4, 1), int), [[-1]], [0]), "seeds of the state"),
        ((np.zeros((4, 1), int), [[1], [-1]], [0, 5]), "count from 0 to 4"),
        ((np.zeros((4, 1), int), [[1], [-1]], [0]), "a row of seeds for each"),
    ],
)
def test_what_is_no_state_is_named(state, message):
    env = make("pong")
    env.reset(seed=0)
    with pytest.raises(ValueError, match=message):
        env.unwrapped.state = state


@pytest.mark.slow  # the conformance kit copies, too, without frames
@pytest.mark.parametrize("clone", [copy.deepcopy, lambda env: pickle.loads(pickle.dumps(env))])
def test_copies_go_on_alone(clone):
    env = make("pong", render_mode="rgb_array", **SHORT)
    env.reset(seed=3)
    play(env, 24, 0)
    other = clone(env)
    assert same(other.render(), env.render())
    assert same(play(other, 40, 1), play(env, 40, 1))
    assert same(other.render(), env.render())


@pytest.mark.slow  # the conformance kit closes, too
def test_a_closed_game_begins_anew():
    env, twin = started(), started()
    twin.close()
    assert same(twin.reset(), env.reset())
    twin.close()
    assert same(play(twin, 20, 1), play(env, 20, 1))
    twin.close(), twin.close()
    assert same(twin.reset(seed=2), env.reset(seed=2))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")
def test_a_forked_process_plays_on():
    env = started()
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        signal.alarm(100)  # it would wait for ever for threads that it does not have
        os.write(writing, pickle.dumps([step[0].sum() for step in play(env, 5, 1)]))
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    assert pickle.loads(os.read(reading, 10_000)) == [step[0].sum() for step in play(env, 5, 1)]


@pytest.mark.parametrize("seed", slowly(2**32 - 1, np.uint64(2**63), 10**30))
def test_a_seed_may_have_any_size(seed):
    envs, env = make_vec("pong", 2), make("pong")
    env.reset(seed=seed), envs.reset(seed=int(seed) - 1)
    expected = play(env, 5, 0)
    assert same(envs.state.seeds[:, 1:], env.unwrapped.state.seeds)
    env.reset(seed=seed)
    assert same(play(env, 5, 0), expected)


def test_large_seeds_differ_and_small_ones_are_the_emulators():
    large = np.random.default_rng(0).integers(2**31, 2**32, 1000).tolist()
    assert len({*map(emulator_seed, large)}) == 1000
    assert max(map(emulator_seed, large)) < 2**31
    assert [emulator_seed(seed) for seed in (0, 1, 2**31 - 1)] == [0, 1, 2**31 - 1]
