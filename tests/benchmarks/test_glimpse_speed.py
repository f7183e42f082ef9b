"""Batches of glimpse environments against a kernel that only copies the same patches out of stored pictures.

The kernel is told where to look, has every picture painted and kept beside the others, and neither draws, counts,
checks, rewards nor resets; and it writes into the same array at every call, as the batch does with `copy=False`.
"""

import gymnasium
import numpy as np
import pytest

import rlbench  # noqa: F401  # registers the ids

LANES, CALLS = 1_024, 70  # ten episodes of six steps and the reset between them
IDS = ("GlimpseMNIST", "GlimpseTranslated", "GlimpseCluttered60", "GlimpseCluttered100")


def steps(envs):
    """A function that steps a batch with seven sets of random actions in turn."""
    envs.action_space.seed(0)
    actions = [envs.action_space.sample() for _ in range(7)]
    envs.reset(seed=0)

    def play():
        for i in range(CALLS):
            envs.step(actions[i % 7])

    return play


def copies(envs, parallel):
    """A function that writes the patches of as many glimpses as `steps`, at the same random locations."""
    from numba import njit, prange

    @njit(parallel=parallel, error_model="numpy")
    def copy(pictures, tops, lefts, out):
        for n in prange(len(out)):
            for k in range(out.shape[1]):
                g, block = out.shape[2], 1 << k
                top, left = tops[n] - (g << k) // 2, lefts[n] - (g << k) // 2
                full = np.float32(255 * block * block)
                for i in range(g):
                    for j in range(g):
                        total = np.float32(0)
                        for row in range(max(top + i * block, 0), min(top + (i + 1) * block, pictures.shape[1])):
                            for col in range(max(left + j * block, 0), min(left + (j + 1) * block, pictures.shape[2])):
                                total += pictures[n, row, col]
                        out[n, k, i, j] = total / full

    params = envs.unwrapped.params
    pictures = np.random.default_rng(0).integers(0, 256, (LANES, params.height, params.width)).astype(np.uint8)
    envs.action_space.seed(0)
    locations = [(envs.action_space.sample()["location"] + 1) / 2 for _ in range(7)]
    tops = [np.rint(each[:, 1] * params.height).astype(int) for each in locations]
    lefts = [np.rint(each[:, 0] * params.width).astype(int) for each in locations]
    out = np.empty((LANES, params.scales, params.patch, params.patch), np.float32)

    def play():
        for i in range(CALLS):
            copy(pictures, tops[i % 7], lefts[i % 7], out)

    return play


@pytest.mark.benchmark(group="glimpse")
@pytest.mark.parametrize("parallel", [False, True])
@pytest.mark.parametrize("id", IDS)
def test_batch_of_glimpses_against_copying(id, parallel, compare):
    """One thread against one, all against all."""
    envs = gymnasium.make_vec(f"rlbench/{id}-v0", num_envs=LANES, parallel=parallel, copy=False)
    name = f"{id}, {LANES} lanes, {'all cores' if parallel else 'one core'}, against copying the same patches"
    assert compare(name, steps(envs), copies(envs, parallel)) >= 0.5


@pytest.mark.benchmark(group="glimpse")
def test_single_glimpses_against_a_batch_of_one(compare):
    """What Gymnasium's single environment costs beside the batch's own overhead; nothing is asserted."""
    envs, env = gymnasium.make_vec("rlbench/GlimpseMNIST-v0", num_envs=1), gymnasium.make("rlbench/GlimpseMNIST-v0")
    single = {"location": np.zeros(2, np.float32), "label": 0}
    batch = {"location": np.zeros((1, 2), np.float32), "label": np.zeros(1, int)}
    envs.reset(seed=0)

    def one():
        for i in range(CALLS):
            if i % 7:
                env.step(single)
            else:
                env.reset(seed=i)

    def many():
        for _ in range(CALLS):
            envs.step(batch)

    compare("GlimpseMNIST: a single environment over a batch of one", one, many)
