"""Running statistics against NumPy's over everything at once, and what they make of observations and rewards."""

from __future__ import annotations

import gymnasium
import numpy as np
from gymnasium.wrappers.utils import RunningMeanStd

from baselines.nets.normalisation import LIMIT, Moments, ReturnScale, RunningNormalizer


def test_moments_in_batches_are_those_of_the_whole() -> None:
    rng = np.random.default_rng(0)
    whole, moments, peer = rng.normal([3, -100], [0.1, 7], (1000, 2)), Moments(2), RunningMeanStd(1e-4, (2,))
    for rows in np.split(whole, [0, 1, 10, 400]):
        moments.add(rows)
        if len(rows):
            peer.update(rows)
    np.testing.assert_allclose(moments.mean, whole.mean(axis=0))
    np.testing.assert_allclose(moments.deviation, whole.std(axis=0), rtol=1e-5)
    np.testing.assert_allclose(moments.mean, peer.mean, rtol=1e-4)


def test_observations_are_counted_now_and_normalised_later() -> None:
    encode = RunningNormalizer(gymnasium.spaces.Box(-np.inf, np.inf, (2,)))
    seen = np.array([[1.0, 10.0], [3.0, 30.0]])
    assert encode(seen).tolist() == [[1.0, LIMIT], [3.0, LIMIT]]  # nothing known yet: only cut
    encode.update()
    np.testing.assert_allclose(encode(seen), [[-1, -1], [1, 1]], rtol=1e-5)
    assert encode(np.array([[2.0, 1e6]])).tolist() == [[0.0, LIMIT]]
    other = RunningNormalizer(gymnasium.spaces.Box(-np.inf, np.inf, (2,)))
    other.restore(encode.state())
    np.testing.assert_array_equal(other(seen), encode(seen))


def test_rewards_by_the_deviation_of_the_discounted_return() -> None:
    """Two environments, four steps: one runs through, one ends after two and resets in the third, which is none."""
    scale = ReturnScale(0.5, 2)
    r = np.array([[1.0, 4.0], [1.0, 4.0], [1.0, 0.0], [1.0, 8.0]])
    last = np.array([[0, 0], [0, 1], [0, 0], [0, 0]], bool)
    valid = np.array([[1, 1], [1, 1], [1, 0], [1, 1]], bool)
    scale.add(r, last, valid)
    returns = [1, 1.5, 1.75, 1.875, 4, 6, 8]
    assert scale.factor == np.float32(1 / np.std(returns))
    scale.add(np.ones((1, 2)), np.zeros((1, 2), bool), np.ones((1, 2), bool))  # goes on from 1.875 and 8
    np.testing.assert_allclose(scale.factor, 1 / np.std([*returns, 1.9375, 5]), rtol=1e-6)
