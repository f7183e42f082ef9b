"""The streams of a batch against NumPy's own generator."""

import gymnasium
import numpy as np
import pytest
from gymnasium.utils import seeding

from rlbench.core import rng
from rlbench.core.compiler.compile import compiled
from rlbench.core.world import World


def test_compiled_uniforms_are_numpys():
    uniform = compiled(World("rlbench.envs.cart_pole.rules", None, {})).uniform
    seeds = [0, 1, 12345, 2**31 - 1, 2**40]
    streams = np.array([rng.new_stream(seed) for seed in seeds], np.uint64)
    for i, seed in enumerate(seeds):
        expected = seeding.np_random(seed)[0].random(1_000)
        np.testing.assert_array_equal([uniform(streams, i) for _ in range(1_000)], expected)


def test_a_stream_becomes_numpys_generator_midway():
    envs = gymnasium.make_vec("rlbench/CartPole-v0", num_envs=2)
    envs.reset(seed=4)
    expected = seeding.np_random(5)[0]
    expected.random(4)
    np.testing.assert_array_equal(rng.generator(envs.unwrapped._streams[1]).random(10), expected.random(10))


@pytest.mark.parametrize("seed", [-1, True, np.bool_(True), 1.0, np.float64(2), "3", [1]])
def test_bad_seeds_are_refused(seed):
    with pytest.raises(gymnasium.error.Error, match="a seed is a non-negative integer, got"):
        rng.check_seed(seed)


@pytest.mark.parametrize("seed", [np.array(3), np.array(None), True, 1.0])
def test_a_batch_refuses_a_seed_as_the_single_environment_does(seed):
    with pytest.raises(rng.SeedError) as single:
        rng.check_seed(seed)
    with pytest.raises(rng.SeedError) as batch:
        rng.env_seeds(seed, 2)
    assert str(batch.value) == str(single.value)


@pytest.mark.parametrize("seed", [np.int32(7), np.uint8(7), np.int64(7)])
def test_numpy_integers_are_integers(seed):
    assert rng.check_seed(seed) == 7
    assert type(rng.check_seed(seed)) is int


@pytest.mark.parametrize("seeds", [[1], [1, 2, 3], "123"])
def test_a_list_of_another_length_is_refused(seeds):
    with pytest.raises(gymnasium.error.Error, match="a list of 2"):
        rng.env_seeds(seeds, 2)


def test_unseeded_environments_differ():
    envs = gymnasium.make_vec("rlbench/CartPole-v0", num_envs=4)
    assert len(np.unique(envs.reset()[0], axis=0)) == 4
