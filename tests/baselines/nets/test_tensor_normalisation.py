"""Running statistics on a device against those of NumPy, which are tested against formulas by hand."""

import gymnasium
import numpy as np
import torch

from baselines.nets.normalisation import Moments, ReturnScale, RunningNormalizer
from baselines.nets.tensor_normalisation import TensorMoments, TensorNormalizer, TensorReturnScale

CPU = torch.device("cpu")


def test_moments() -> None:
    rng = np.random.default_rng(0)
    ours, theirs = TensorMoments(3, CPU), Moments(3)
    assert ours.deviation.tolist() == theirs.deviation.tolist() == [1, 1, 1]
    for rows in (1, 4, 100, 7):
        batch = rng.normal(5, 3, (rows, 3)).astype(np.float32)
        ours.add(torch.from_numpy(batch))
        theirs.add(batch)
        np.testing.assert_allclose(ours.mean.numpy(), theirs.mean, rtol=1e-12)
        np.testing.assert_allclose(ours.deviation.numpy(), theirs.deviation, rtol=1e-9)


def test_observations_are_normalized_and_exported_alike() -> None:
    space, rng = gymnasium.spaces.Box(-np.inf, np.inf, (3,)), np.random.default_rng(0)
    ours, theirs = TensorNormalizer(space, CPU), RunningNormalizer(space)
    seen = rng.normal(5, 3, (4, 50, 3)).astype(np.float32)
    ours.update(torch.from_numpy(seen))
    theirs(seen.reshape(-1, 3))
    theirs.update()
    ahead = np.float32([[5, 6, 7], [1e6, -1e6, 0]])
    np.testing.assert_allclose(ours(torch.from_numpy(ahead)).numpy(), theirs.encoding(ahead), rtol=1e-5)
    np.testing.assert_allclose(ours.encoding(ahead), theirs.encoding(ahead), rtol=1e-5)


def test_rewards_are_scaled_by_their_discounted_sums() -> None:
    rng = np.random.default_rng(0)
    ours, halves, theirs = TensorReturnScale(0.9, 4, CPU), TensorReturnScale(0.9, 4, CPU), ReturnScale(0.9, 4)
    for _ in range(3):
        r_t, last_t = rng.normal(size=(5, 4)).astype(np.float32), rng.random((5, 4)) < 0.2
        ours.add(torch.from_numpy(r_t), torch.from_numpy(last_t))
        for envs in (slice(0, 2), slice(2, 4)):
            halves.add(torch.from_numpy(r_t[:, envs]), torch.from_numpy(last_t[:, envs]), envs)
        theirs.add(r_t, last_t, np.ones((5, 4), bool))
    for each in (ours, halves):
        np.testing.assert_allclose(float(each.factor), theirs.factor, rtol=1e-6)
    ours.reset()
    assert ours.R.tolist() == [0, 0, 0, 0]
