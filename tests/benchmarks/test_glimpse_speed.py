"""Batches of glimpse environments against a kernel that only copies the same patches out of stored pictures.

The kernel is given the locations, has every picture painted and kept beside the others, and neither draws, counts,
checks, rewards nor resets. It cuts a square off at the border row by row, as is fastest for pictures without a margin,
and writes into the same array at every call, as the batch does with `copy=False`.
"""

import gymnasium
import numpy as np
import pytest

import rlbench  # noqa: F401  # registers the ids

NUM_ENVS, SHORT_NUM_ENVS, CALLS = 4_096, 64, 21  # three episodes of six steps and the reset between them
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


def cut_and_resize(picture, top, left, k, patch):
    """Write what a square of scale k with its corner at (top, left) shows of a picture, means over 2^k x 2^k pixels."""
    block, full = 1 << k, np.float32(255 << 2 * k)
    patch[:] = 0
    first_row, end_row = max(-top, 0), min(len(patch) * block, picture.shape[0] - top)
    first_col, end_col = max(-left, 0), min(len(patch) * block, picture.shape[1] - left)
    if k == 0:
        seen = picture[top + first_row : top + end_row, left + first_col : left + end_col]
        for i in range(seen.shape[0]):
            for j in range(seen.shape[1]):
                patch[first_row + i, first_col + j] = np.float32(seen[i, j]) / full
        return
    for row in range(first_row, end_row):
        for col in range(first_col, end_col):
            patch[row >> k, col >> k] += np.float32(picture[top + row, left + col])
    patch /= full


def copies(envs, parallel):
    """A function that writes the patches of as many glimpses as `steps`, at the same random locations."""
    from numba import njit, prange

    resized = njit(error_model="numpy")(cut_and_resize)

    @njit(parallel=parallel, error_model="numpy")
    def copy(pictures, tops, lefts, out):
        for n in prange(len(out)):
            for k in range(out.shape[1]):
                half = (out.shape[2] << k) // 2
                resized(pictures[n], tops[n] - half, lefts[n] - half, k, out[n, k])

    params, n = envs.unwrapped.params, envs.num_envs
    pictures = np.random.default_rng(0).integers(0, 256, (n, params.height, params.width)).astype(np.uint8)
    envs.action_space.seed(0)
    locations = [(envs.action_space.sample()["location"] + 1) / 2 for _ in range(7)]
    tops = [np.rint(each[:, 1] * params.height).astype(int) for each in locations]
    lefts = [np.rint(each[:, 0] * params.width).astype(int) for each in locations]
    out = np.empty((n, params.scales, params.patch, params.patch), np.float32)

    def play():
        for i in range(CALLS):
            copy(pictures, tops[i % 7], lefts[i % 7], out)

    return play


@pytest.mark.benchmark(group="Glimpses")
@pytest.mark.parametrize("parallel", [False, True])
@pytest.mark.parametrize("id", IDS)
def test_batch_of_glimpses_against_copying(id, parallel, compare, size):
    """One thread against one, all against all."""
    num_envs = size(NUM_ENVS, SHORT_NUM_ENVS)
    envs = gymnasium.make_vec(f"rlbench/{id}-v0", num_envs=num_envs, parallel=parallel, copy=False)
    name = f"{id}, {num_envs:,} environments, {'all cores' if parallel else 'one core'}"
    limit = "memory: the image of each new episode" if id == "GlimpseMNIST" else "reading patches"
    if parallel:
        limit += "; the peer's OpenMP threads spin after each of its calls, on the core of ours"
    against = "a loop that only copies the same patches"
    compare(name, against, steps(envs), copies(envs, parallel), least=0.5, limit=limit)


@pytest.mark.benchmark(group="Glimpses")
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

    compare("GlimpseMNIST, a single environment", "our batch of one", one, many, limit="the Python interpreter")
