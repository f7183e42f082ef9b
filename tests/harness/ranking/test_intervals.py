"""Intervals against tables, enumerations, closed forms, and how often they hold the truth."""

import itertools
import math
import statistics

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rlbench.harness.ranking import scores as score
from rlbench.harness.ranking.intervals import (
    bootstrap_interval,
    clopper_pearson,
    rank_intervals,
    resample,
    resample_mean,
    widening,
)

NAN = math.nan
scores = st.floats(-100, 100, allow_nan=False).map(lambda x: round(x, 3))


def arrays(tasks):
    return [np.array(task, dtype=float) for task in tasks]


def test_rank_intervals_of_the_clear_and_of_the_undecided():
    rng = np.random.default_rng(0)
    replicates = [rng.normal(9, 1, 2000), rng.normal(0, 1, 2000), rng.normal(0, 1, 2000)]
    assert rank_intervals(replicates) == [(1, 1), (2, 3), (2, 3)]


# Percentage points of Student's distribution as every textbook prints them.
@pytest.mark.parametrize(
    ("p", "nu", "t"),
    [
        *((0.975, 1, 12.706), (0.975, 2, 4.303), (0.975, 3, 3.182), (0.975, 9, 2.262), (0.975, 10, 2.228)),
        *((0.975, 120, 1.980), (0.95, 5, 2.015), (0.995, 2, 9.925), (0.995, 7, 3.499), (0.9, 30, 1.310)),
    ],
)
def test_widening_uses_the_tables_of_student(p, nu, t):
    z = statistics.NormalDist().inv_cdf(p)
    assert widening([nu + 1], 2 * p - 1) * z / math.sqrt((nu + 1) / nu) == pytest.approx(t, abs=6e-4)


def test_the_task_with_the_fewest_seeds_decides_how_far_to_widen():
    assert widening([10, 3]) == widening([3]) == pytest.approx(math.sqrt(3 / 2) * 4.303 / 1.960, rel=1e-3)
    assert widening([10**6]) == pytest.approx(1, abs=2e-3)
    assert widening([5, 1]) == math.inf


def test_resampling_has_the_distribution_of_all_resamples():
    values = np.array([0.0, 1.0, 5.0])
    every = np.mean(list(itertools.product(values, repeat=3)), axis=1)  # all 27
    drawn = resample(values, np.random.default_rng(1), 20_000).mean(-1)
    for mean in np.unique(every):
        assert np.mean(np.isclose(drawn, mean)) == pytest.approx(np.mean(np.isclose(every, mean)), abs=0.015)


def test_resampled_means_have_the_distribution_of_resamples():
    values = np.random.default_rng(0).exponential(size=50)
    means = resample_mean(values, np.random.default_rng(1), 4000)
    assert means.shape == (4000, 1)
    assert means.mean() == pytest.approx(values.mean(), abs=0.01)
    assert means.std() == pytest.approx(values.std() / math.sqrt(50), rel=0.05)


@pytest.mark.parametrize("n", [5, 10, 30])
def test_the_interval_of_a_mean_is_close_to_students(n):
    x = statistics.NormalDist().inv_cdf
    values = np.array([x((i + 0.5) / n) for i in range(n)])
    low, high = bootstrap_interval(score.mean, [values], samples=20_000)
    t = {5: 2.776, 10: 2.262, 30: 2.045}[n]
    half = t * values.std(ddof=1) / math.sqrt(n)
    assert (low, high) == pytest.approx((-half, half), rel=0.06)


@pytest.mark.parametrize("strata", [[[1.0]], [[1.0, 2.0], [3.0]], [[1.0, NAN]], []])
def test_without_two_seeds_there_is_no_interval(strata):
    assert bootstrap_interval(score.iqm, arrays(strata)) is None


def test_intervals_are_reproducible_and_agreeing_seeds_have_none_of_width():
    values = arrays([[1, 2, 4], [0, 3]])
    assert bootstrap_interval(score.iqm, values) == bootstrap_interval(score.iqm, values)
    assert bootstrap_interval(score.mean, arrays([[2, 2, 2]])) == (2, 2)


@given(st.lists(scores, min_size=2, max_size=10), st.integers(0, 2**32))
@settings(max_examples=40)
def test_an_interval_holds_its_estimate_and_grows_with_the_level(values, seed):
    strata = arrays([values])
    wide, narrow = (bootstrap_interval(score.mean, strata, seed, samples=200, level=level) for level in (0.95, 0.6))
    assert wide.low <= narrow.low + 1e-9
    assert narrow.high <= wide.high + 1e-9
    assert wide.low - 1e-9 <= score.mean(strata) <= wide.high + 1e-9


def coverage(statistic, shape, deviations, runs, samples=500):
    """How often the 95 % interval of normal scores around 0.6 holds the statistic of the population."""
    rng = np.random.default_rng(0)
    hits = 0
    for _ in range(runs):
        strata = [rng.normal(0.6, sd, n) for n, sd in zip(shape, deviations, strict=True)]
        low, high = bootstrap_interval(statistic, strata, int(rng.integers(2**32)), samples=samples)
        hits += low <= 0.6 <= high
    return hits / runs


def test_95_of_100_intervals_hold_the_truth():
    assert coverage(score.mean, [10], [0.1], runs=600, samples=300) == pytest.approx(0.95, abs=0.02)
    assert coverage(score.mean, [3], [0.1], runs=600, samples=300) == pytest.approx(0.95, abs=0.02)


@pytest.mark.slow
@pytest.mark.parametrize("statistic", [score.mean, score.iqm])
@pytest.mark.parametrize(
    ("shape", "deviations"),
    [((3,), (0.1,)), ((5,), (0.1,)), ((10,), (0.1,)), ((10, 10), (0.02, 0.2)), ((3, 3, 3), (0.1, 0.1, 0.1))],
)
def test_intervals_hold_the_truth_at_least_as_often_as_they_say(statistic, shape, deviations):
    assert coverage(statistic, shape, deviations, runs=3000) >= 0.935


def binomial(k, n, p):
    """P(X <= k) for X ~ Binomial(n, p), term by term."""
    return math.fsum(math.comb(n, i) * p**i * (1 - p) ** (n - i) for i in range(k + 1))


@pytest.mark.parametrize(("k", "n"), [(1, 10), (5, 10), (3, 200), (199, 200), (92, 1000)])
@pytest.mark.parametrize("level", [0.95, 0.8])
def test_at_the_ends_of_the_exact_interval_the_errors_are_just_not_a_surprise(k, n, level):
    low, high = clopper_pearson(k, n, level)
    tail = (1 - level) / 2
    assert 1 - binomial(k - 1, n, low) == pytest.approx(tail, rel=1e-6)
    assert binomial(k, n, high) == pytest.approx(tail, rel=1e-6)


def test_the_exact_interval_without_errors_and_without_anything_else():
    """Closed forms: 1 - (tail)^(1/n), and its mirror image."""
    assert clopper_pearson(0, 50) == pytest.approx((0, 1 - 0.025 ** (1 / 50)))
    assert clopper_pearson(50, 50) == pytest.approx((0.025 ** (1 / 50), 1))
    for k, n in ((-1, 5), (6, 5), (0, 0)):
        with pytest.raises(ValueError, match=f"k={k}, n={n}"):
            clopper_pearson(k, n)
