"""Intervals against tables, closed forms, and how often they hold the truth."""

import itertools
import math
import statistics

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from rlbench.harness.ranking.bootstrap import resample, widening
from rlbench.harness.ranking.intervals import (
    FEWEST_SEEDS,
    average,
    bend,
    clopper_pearson,
    mean_interval,
    moments,
    student_quantile,
)

NAN = math.nan
scores = st.floats(-100, 100, allow_nan=False).map(lambda x: round(x, 3))

# Percentage points of Student's distribution as every textbook prints them.
STUDENT = [
    *((0.975, 1, 12.706), (0.975, 2, 4.303), (0.975, 3, 3.182), (0.975, 9, 2.262), (0.975, 10, 2.228)),
    *((0.975, 120, 1.980), (0.95, 5, 2.015), (0.995, 2, 9.925), (0.995, 7, 3.499), (0.9, 30, 1.310)),
]


@pytest.mark.parametrize(("p", "nu", "t"), STUDENT)
def test_quantiles_and_widening_follow_the_tables_of_student(p, nu, t):
    assert student_quantile(2 * p - 1, nu) == pytest.approx(t, abs=6e-4)
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


def test_moments_by_hand():
    """Of 0, 0, 0, 0, 5: s^2 = 5, and mu_3 = 5/12 (4^3 - 4) = 25."""
    assert moments([0, 0, 0, 0, 5]) == pytest.approx((1.0, 5 / 5, 4, 25 / 25))
    assert moments([0, NAN, 3, 6]) == pytest.approx((3.0, 9 / 3, 2, 0.0))
    assert moments([0.1, 0.1, 0.1]) == (0.1, 0.0, 2, 0.0)


@pytest.mark.parametrize("few", [[], [1.0], [1.0, 2.0], [1.0, NAN, 2.0]])
def test_without_three_seeds_there_are_no_moments(few):
    assert moments(few) is None
    assert FEWEST_SEEDS == 3


def test_moments_of_a_mean_over_tasks_add():
    x, y = np.array([1.0, 2.0, 4.0, 9.0, 4.0]), np.array([3.0, 3.0, 5.0, 0.0, 0.0, 1.0])
    both = average([moments(x), moments(y)])
    v = x.var(ddof=1) / 5, y.var(ddof=1) / 6
    assert both.mean == pytest.approx((x.mean() + y.mean()) / 2)
    assert both.variance == pytest.approx(sum(v) / 4)
    assert both.freedom == pytest.approx(sum(v) ** 2 / (v[0] ** 2 / 4 + v[1] ** 2 / 5))
    assert both.third == pytest.approx((moments(x).third + moments(y).third) / 8)
    assert average([moments(x)]) == pytest.approx(moments(x))
    assert average([moments(x), moments([7, 7, 7])]).freedom == pytest.approx(4)  # the noise decides


@pytest.mark.parametrize("values", [[1.0, 2.0, 6.0], [0.0, 1.0, 2.0, 3.0, 4.0], [-3.0, -1.0, 1.0, 3.0]])
def test_without_skewness_the_interval_is_students(values):
    """Three values are taken for symmetric; the others are."""
    sem = stats.sem(values)
    assert mean_interval(moments(values)) == pytest.approx(
        stats.t.interval(0.95, len(values) - 1, np.mean(values), sem)
    )


def test_skewness_moves_the_interval_to_the_long_tail():
    """The published formula of Willink (2005), by hand for 0, 0, 0, 0, 5: a = 1/6, t = 2.776, se = 1."""
    low, high = mean_interval(moments([0, 0, 0, 0, 5]))
    t, a = 2.7764451, 1 / 6
    assert ((1 + 6 * a * (t - a)) ** (1 / 3) - 1) / (2 * a) < t  # the short tail keeps Student's
    assert low == pytest.approx(1 - t, abs=1e-6)
    assert high == pytest.approx(1 + ((-(1 + 6 * a * (-t - a))) ** (1 / 3) + 1) / (2 * a), abs=1e-6)
    assert high - 1 > 1 - low
    mirrored = mean_interval(moments([0, 0, 0, 0, -5]))
    assert mirrored == pytest.approx((-high, -low))


def test_agreeing_seeds_have_an_interval_of_no_width():
    assert mean_interval(moments([2, 2, 2])) == (2, 2)


@given(st.lists(scores, min_size=3, max_size=10))
@settings(max_examples=60)
def test_an_interval_holds_its_estimate_and_grows_with_the_level(values):
    of = moments(values)
    wide, narrow = (mean_interval(of, level) for level in (0.95, 0.6))
    assert wide.low <= narrow.low + 1e-9
    assert narrow.low - 1e-9 <= of.mean <= narrow.high + 1e-9
    assert narrow.high <= wide.high + 1e-9


@given(st.floats(-8, 8), st.floats(-0.16, 0.16))
def test_bending_keeps_order(r, a):
    assert bend(r, a) <= bend(r + 0.1, a)


def coverage(draw, mean, runs=1500):
    """How often the 95 % interval of drawn scores holds the mean of the population."""
    rng = np.random.default_rng(0)
    ends = np.array([mean_interval(average([moments(x) for x in draw(rng)])) for _ in range(runs)])
    return np.mean((ends[:, 0] <= mean) & (mean <= ends[:, 1]))


@pytest.mark.parametrize("n", [3, 5, 10])
def test_95_of_100_intervals_of_normal_scores_hold_the_truth(n):
    assert coverage(lambda rng: [rng.normal(0.6, 0.1, n)], 0.6) == pytest.approx(0.95, abs=0.02)


@pytest.mark.parametrize("n", [5, 10])
def test_90_of_100_intervals_of_skewed_scores_hold_the_truth(n):
    assert coverage(lambda rng: [rng.exponential(size=n)], 1.0) >= 0.9
    assert coverage(lambda rng: [-rng.exponential(size=n)], -1.0) >= 0.9


def test_intervals_over_tasks_of_different_noise_hold_the_truth():
    assert coverage(lambda rng: [rng.normal(0.6, sd, 10) for sd in (0.02, 0.2)], 0.6) >= 0.93
    assert coverage(lambda rng: [rng.normal(0.6, 0.1, 3) for _ in range(3)], 0.6) >= 0.93


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
