"""Streams for many seeds at once, against NumPy's own SeedSequence and PCG64."""

import random

import gymnasium
import numpy as np
import pytest
from gymnasium.utils import seeding
from hypothesis import given, settings
from hypothesis import strategies as st

from rlbench.core import rng
from rlbench.core.seeding import BLOCK, FEW, new_streams


def numpys(seeds):
    """The streams of `np.random.PCG64`, one seed after the other."""
    return np.array([rng.words(np.random.PCG64(seed)) for seed in seeds], np.uint64)


BORDERS = sorted({max(0, 2**power + offset) for power in (0, 31, 32, 63, 64, 96, 127) for offset in (-2, -1, 0, 1, 2)})


@pytest.mark.parametrize("first", [0, 2**30, 2**32 - 50, 2**64 - 50, 2**64, 2**127, 2**128 - 50, 2**200])
def test_consecutive_seeds_across_every_border_of_words(first):
    seeds = range(first, first + 100)
    np.testing.assert_array_equal(new_streams(seeds), numpys(seeds))
    np.testing.assert_array_equal(new_streams(list(seeds)), numpys(seeds))


@pytest.mark.parametrize("count", [1, FEW - 1, FEW, BLOCK - 1, BLOCK, BLOCK + 1])
def test_numbers_of_seeds_around_the_sizes_of_blocks(count):
    np.testing.assert_array_equal(new_streams(range(count)), numpys(range(count)))


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(0, 2**130), min_size=FEW, max_size=40))
def test_any_seeds_in_any_order(seeds):
    np.testing.assert_array_equal(new_streams(seeds + BORDERS), numpys(seeds + BORDERS))


def test_a_hundred_thousand_random_seeds():
    generator = random.Random(0)
    seeds = [generator.getrandbits(generator.randint(1, 128)) for _ in range(100_000)]
    np.testing.assert_array_equal(new_streams(seeds), numpys(seeds))


def test_streams_without_a_seed_differ_and_leave_the_others_alone():
    seeds = [None, 5] * 50
    first, second = new_streams(seeds), new_streams(seeds)
    np.testing.assert_array_equal(first[1::2], numpys([5] * 50))
    assert len(np.unique(np.concatenate([first[::2], second[::2]]), axis=0)) == 100
    assert (first[:, rng.INCREMENT_LOW] % 2 == 1).all()  # or the generator's period is shorter


@pytest.mark.parametrize("seed", [3, 2**40, 2**64 - 10, [7] * 40, [None, 2**100] * 20])
def test_every_environment_of_a_batch_has_numpys_generator(seed):
    envs = gymnasium.make_vec("rlbench/CartPole-v0", num_envs=40)
    observations, _ = envs.reset(seed=seed)
    for i, one in enumerate(rng.env_seeds(seed, 40)):
        if one is not None:
            start = seeding.np_random(one)[0].uniform(-0.05, 0.05, size=4)
            np.testing.assert_array_equal(observations[i], start.astype(np.float32))


def test_a_mask_and_a_list_with_gaps_seed_the_chosen_environments_alone():
    envs = gymnasium.make_vec("rlbench/CartPole-v0", num_envs=40)
    envs.reset(seed=0)
    before, mask = envs.unwrapped.state.x.copy(), np.arange(40) % 3 == 0
    envs.reset(seed=[None] * 20 + [9] * 20, options={"reset_mask": mask})
    after, nine = envs.unwrapped.state.x, gymnasium.make("rlbench/CartPole-v0")
    nine.reset(seed=9)
    assert (after[~mask] == before[~mask]).all()
    assert (after[20:][mask[20:]] == nine.unwrapped.state.x).all()
    assert len(np.unique(after[:20][mask[:20]])) == 7
