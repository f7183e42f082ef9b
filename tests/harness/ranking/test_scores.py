"""Scores against closed forms, enumerations and rliable's formulas written down again as plain loops."""

import itertools
import math
import statistics

import numpy as np
import pytest
from hypothesis import given
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


@pytest.mark.parametrize("scale", [(5, 5), (NAN, 1), (0, math.inf)])
def test_normalise_refuses_scores_without_a_scale(scale):
    with pytest.raises(ValueError, match="normalisation scores"):
        score.normalise([1.0], *scale)


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
