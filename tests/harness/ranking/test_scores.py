"""Scores against closed forms, enumerations and rliable's formulas written down again as plain loops."""

import itertools
import math
import statistics

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rlbench.harness.ranking import scores as score

NAN = math.nan
scores = st.floats(-100, 100, allow_nan=False).map(lambda x: round(x, 3))
ragged = st.lists(st.lists(scores, min_size=1, max_size=9), min_size=1, max_size=5)


def arrays(tasks):
    return [np.array(task, dtype=float) for task in tasks]


def trim_mean(values):
    """scipy.stats.trim_mean(values, 0.25), which rliable's aggregate_iqm calls on all runs of all tasks."""
    ordered = sorted(values)
    cut = int(0.25 * len(ordered))
    return statistics.fmean(ordered[cut : len(ordered) - cut])


def test_normalise_puts_random_at_0_and_reference_at_1():
    np.testing.assert_allclose(score.normalise([22, 261, 500, 739], 22, 500), [0, 0.5, 1, 1.5])
    np.testing.assert_allclose(score.normalise([-18, -2], -18, -2), [0, 1])


@pytest.mark.parametrize("anchors", [(5, 5), (NAN, 1), (0, math.inf)])
def test_normalise_refuses_anchors_without_a_scale(anchors):
    with pytest.raises(ValueError, match="anchors"):
        score.normalise([1.0], *anchors)


def test_exact_mean_does_not_depend_on_the_order():
    values = [1e16, 1.0, -1e16, 1.0]
    assert {score.exact_mean(order) for order in itertools.permutations(values)} == {0.5}
    assert score.exact_mean([1, NAN, 4]) == 2.5
    assert math.isnan(score.exact_mean([NAN]))


@pytest.mark.parametrize(("tasks", "seeds"), [(1, 1), (1, 3), (1, 10), (2, 10), (3, 5), (7, 9)])
def test_iqm_of_a_full_table_is_the_papers_trimmed_mean(tasks, seeds):
    table = np.random.default_rng(tasks).normal(size=(tasks, seeds))
    assert score.iqm(list(table)) == pytest.approx(trim_mean(table.ravel()), abs=1e-12)


def test_iqm_of_a_ragged_table_weighs_tasks_alike():
    # Repeating the scores of every task until all have equally many must change nothing (N = 8, a multiple of 4).
    a, b = [1.0, 5.0], [0.0, 2.0, 3.0, 4.0, 8.0, 9.0]
    assert score.iqm(arrays([a, b])) == pytest.approx(trim_mean(a * 6 + b * 2))


def test_missing_scores_are_left_out_and_missing_tasks_are_not_imputed():
    holes, without = arrays([[1, NAN, 3, 7], [NAN, 2]]), arrays([[1, 3, 7], [2]])
    for statistic in (score.mean, score.iqm, score.optimality_gap):
        assert statistic(holes) == pytest.approx(statistic(without))
        assert np.isnan(statistic(arrays([[1.0, 2.0], [NAN]])))


def test_mean_and_optimality_gap_by_hand():
    table = arrays([[0.0, 1.0], [0.5, 2.0, 0.8]])
    assert score.mean(table) == pytest.approx((0.5 + 1.1) / 2)
    assert score.optimality_gap(table) == pytest.approx((0.5 + (0.5 + 0 + 0.2) / 3) / 2)
    assert score.optimality_gap(arrays([[1.0, 3.0]])) == 0


@pytest.mark.parametrize("statistic", [score.mean, score.iqm, score.optimality_gap])
def test_statistics_take_batches(statistic):
    rng = np.random.default_rng(3)
    batch = [rng.normal(size=(4, 5)), rng.normal(size=(4, 3))]
    one_by_one = [statistic([task[b] for task in batch]) for b in range(4)]
    np.testing.assert_allclose(statistic(batch), one_by_one)


@given(ragged, st.randoms(use_true_random=False))
def test_statistics_ignore_the_order_of_seeds_and_tasks(tasks, random):
    shuffled = [random.sample(task, len(task)) for task in random.sample(tasks, len(tasks))]
    for statistic in (score.mean, score.iqm, score.optimality_gap):
        assert statistic(arrays(shuffled)) == pytest.approx(float(statistic(arrays(tasks))), abs=1e-9)


@given(ragged, st.floats(-3, 3), st.floats(-10, 10))
def test_mean_and_iqm_follow_scale_and_shift(tasks, scale, shift):
    moved = [scale * task + shift for task in arrays(tasks)]
    for statistic in (score.mean, score.iqm):
        expected = scale * float(statistic(arrays(tasks))) + shift
        assert statistic(moved) == pytest.approx(expected, abs=1e-6)


@given(ragged)
def test_mean_and_iqm_lie_between_the_extremes(tasks):
    everything = [x for task in tasks for x in task]
    for statistic in (score.mean, score.iqm):
        assert min(everything) - 1e-9 <= statistic(arrays(tasks)) <= max(everything) + 1e-9


@given(scores, st.lists(st.integers(1, 9), min_size=1, max_size=5))
def test_statistics_of_a_constant(value, sizes):
    constant = [np.full(n, value) for n in sizes]
    assert score.iqm(constant) == pytest.approx(value, abs=1e-12)
    assert score.optimality_gap(constant) == pytest.approx(max(1 - value, 0), abs=1e-12)


@given(ragged, ragged)
def test_probability_of_improvement_counts_pairs(x, y):
    shared = min(len(x), len(y))
    x, y = x[:shared], y[:shared]
    wins = [statistics.fmean((a > b) + (a == b) / 2 for a in X for b in Y) for X, Y in zip(x, y, strict=True)]
    forward = score.probability_of_improvement(arrays(x), arrays(y))
    assert forward == pytest.approx(statistics.fmean(wins))
    assert forward + score.probability_of_improvement(arrays(y), arrays(x)) == pytest.approx(1)


def test_probability_of_improvement_needs_the_same_tasks_and_some_scores():
    with pytest.raises(ValueError, match="tasks"):
        score.probability_of_improvement(arrays([[1]]), arrays([[1], [2]]))
    assert math.isnan(score.probability_of_improvement(arrays([[NAN]]), arrays([[1]])))


def test_ranks_share_the_better_number():
    assert score.ranks([3.0, 7.0, 3.0 + 1e-12, 1.0]).tolist() == [2, 1, 2, 4]
    assert score.ranks(np.zeros((0, 5))).shape == (0, 5)


def test_rank_intervals_of_the_clear_and_of_the_undecided():
    rng = np.random.default_rng(0)
    replicates = [rng.normal(9, 1, 2000), rng.normal(0, 1, 2000), rng.normal(0, 1, 2000)]
    assert score.rank_intervals(replicates) == [(1, 1), (2, 3), (2, 3)]


# Percentage points of Student's distribution as every textbook prints them.
@pytest.mark.parametrize(
    ("p", "nu", "t"),
    [
        *((0.975, 1, 12.706), (0.975, 2, 4.303), (0.975, 3, 3.182), (0.975, 9, 2.262), (0.975, 10, 2.228)),
        *((0.975, 120, 1.980), (0.95, 5, 2.015), (0.995, 2, 9.925), (0.995, 7, 3.499), (0.9, 30, 1.310)),
    ],
)
def test_student_t_quantile_is_the_tables(p, nu, t):
    assert score.student_t_quantile(p, nu) == pytest.approx(t, abs=6e-4)


def test_the_task_with_the_fewest_seeds_decides_how_far_to_widen():
    assert score.widening([10, 3]) == score.widening([3]) == pytest.approx(math.sqrt(3 / 2) * 4.303 / 1.960, rel=1e-3)
    assert score.widening([10**6]) == pytest.approx(1, abs=2e-3)
    assert score.widening([5, 1]) == math.inf


def test_resampling_has_the_distribution_of_all_resamples():
    values = np.array([0.0, 1.0, 5.0])
    every = np.mean(list(itertools.product(values, repeat=3)), axis=1)  # all 27
    drawn = score.resample(values, np.random.default_rng(1), 20_000).mean(-1)
    for mean in np.unique(every):
        assert np.mean(np.isclose(drawn, mean)) == pytest.approx(np.mean(np.isclose(every, mean)), abs=0.015)


def test_resampled_means_have_the_distribution_of_resamples():
    values = np.random.default_rng(0).exponential(size=50)
    means = score.resample_mean(values, np.random.default_rng(1), 4000)
    assert means.shape == (4000, 1)
    assert means.mean() == pytest.approx(values.mean(), abs=0.01)
    assert means.std() == pytest.approx(values.std() / math.sqrt(50), rel=0.05)


@pytest.mark.parametrize("n", [5, 10, 30])
def test_the_interval_of_a_mean_is_close_to_students(n):
    x = statistics.NormalDist().inv_cdf
    values = np.array([x((i + 0.5) / n) for i in range(n)])
    low, high = score.bootstrap_interval(score.mean, [values], samples=20_000)
    t = {5: 2.776, 10: 2.262, 30: 2.045}[n]
    half = t * values.std(ddof=1) / math.sqrt(n)
    assert (low, high) == pytest.approx((-half, half), rel=0.06)


@pytest.mark.parametrize("strata", [[[1.0]], [[1.0, 2.0], [3.0]], [[1.0, NAN]], []])
def test_without_two_seeds_there_is_no_interval(strata):
    assert score.bootstrap_interval(score.iqm, arrays(strata)) is None


def test_intervals_are_reproducible_and_agreeing_seeds_have_none_of_width():
    values = arrays([[1, 2, 4], [0, 3]])
    assert score.bootstrap_interval(score.iqm, values) == score.bootstrap_interval(score.iqm, values)
    assert score.bootstrap_interval(score.mean, arrays([[2, 2, 2]])) == (2, 2)


@given(st.lists(scores, min_size=2, max_size=10), st.integers(0, 2**32))
@settings(max_examples=40)
def test_an_interval_holds_its_estimate_and_grows_with_the_level(values, seed):
    strata = arrays([values])
    wide, narrow = (
        score.bootstrap_interval(score.mean, strata, seed, samples=200, level=level) for level in (0.95, 0.6)
    )
    assert wide.low <= narrow.low + 1e-9
    assert narrow.high <= wide.high + 1e-9
    assert wide.low - 1e-9 <= score.mean(strata) <= wide.high + 1e-9


def coverage(statistic, shape, deviations, runs, samples=500):
    """How often the 95 % interval of normal scores around 0.6 holds the statistic of the population."""
    rng = np.random.default_rng(0)
    hits = 0
    for _ in range(runs):
        strata = [rng.normal(0.6, sd, n) for n, sd in zip(shape, deviations, strict=True)]
        low, high = score.bootstrap_interval(statistic, strata, int(rng.integers(2**32)), samples=samples)
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
