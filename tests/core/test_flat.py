"""`flat=True`, of `make` and of `make_vec`, is Gymnasium's `FlattenObservation` of each environment."""

import gymnasium
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode
from gymnasium.wrappers import FlattenObservation

import rlbench  # noqa: F401  # registers the ids
from rlbench.errors import ArgumentError


def check_flat(env_id, **kwargs):
    """Compare both with the wrapper, over episodes that end and begin anew."""
    plain = [FlattenObservation(gymnasium.make(env_id, **kwargs)) for _ in range(3)]
    singles = [gymnasium.make(env_id, flat=True, **kwargs) for _ in range(3)]
    envs = gymnasium.make_vec(env_id, num_envs=3, flat=True, autoreset_mode=AutoresetMode.SAME_STEP, **kwargs)
    space = plain[0].observation_space
    assert envs.single_observation_space == singles[0].observation_space == space
    assert envs.observation_space.shape == (3, *space.shape)
    observations, _ = envs.reset(seed=0)
    for i in range(3):
        wanted = plain[i].reset(seed=i)[0]
        for got in (singles[i].reset(seed=i)[0], observations[i]):
            assert got.dtype == space.dtype
            np.testing.assert_array_equal(got, wanted)
    ends = 0
    envs.action_space.seed(0)
    for _ in range(20):
        actions = envs.action_space.sample()
        observations, _, terminations, truncations, info = envs.step(actions)
        for i, action in enumerate(gymnasium.vector.utils.iterate(envs.action_space, actions)):
            wanted, *_ = plain[i].step(action)
            np.testing.assert_array_equal(singles[i].step(action)[0], wanted)
            if terminations[i] or truncations[i]:
                ends += 1
                np.testing.assert_array_equal(info["final_obs"][i], wanted)
                wanted = plain[i].reset()[0]
                singles[i].reset()
            np.testing.assert_array_equal(observations[i], wanted)
    assert ends > 2


def test_flat_glimpses_are_location_and_patches():
    check_flat("rlbench/GlimpseMNIST-v0", glimpses=3)


@pytest.mark.slow
@pytest.mark.parametrize("env_id", ["rlbench/GridWorld-v0", "rlbench/CartPole-v0"])
def test_a_flat_number_and_a_flat_vector(env_id):
    check_flat(env_id, max_episode_steps=4)


@pytest.mark.slow
def test_flat_boards():
    env_id = "rlbench/Go5x5-v0"
    space = FlattenObservation(gymnasium.make(env_id)).observation_space
    envs = gymnasium.make_vec(env_id, num_envs=2, flat=True)
    assert envs.single_observation_space == space
    assert envs.reset(seed=0)[0].shape == (2, *space.shape)


def test_flat_is_a_flag():
    with pytest.raises(ArgumentError, match="flat"):
        gymnasium.make_vec("rlbench/CartPole-v0", num_envs=2, flat="yes")
