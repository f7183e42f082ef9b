"""Comparisons against scipy, closed forms, and how often they hold the truth."""

import numpy as np
import pytest
from scipy import stats

from rlbench.harness.ranking import comparisons
from rlbench.harness.ranking.comparisons import (
    compare,
    holm,
    improvement_interval,
    permutation_test,
    rank_ranges,
    seeds_needed,
    welch,
)
from rlbench.harness.ranking.intervals import moments
from rlbench.harness.ranking.scores import probability_of_improvement

RNG = np.random.default_rng(3)
X, Y = RNG.normal(0, 1, 7), RNG.normal(0.5, 3, 5)


def test_welch_is_scipys():
    d, interval, p = welch(moments(X), moments(Y))
    found = stats.ttest_ind(X, Y, equal_var=False)
    assert (d, p) == pytest.approx((X.mean() - Y.mean(), found.pvalue))
    assert tuple(interval) == pytest.approx(tuple(found.confidence_interval()))


def test_two_constants_are_equal_or_clearly_different():
    assert welch(moments([2, 2, 2]), moments([2, 2, 2 + 1e-12])) == (pytest.approx(0), pytest.approx((0, 0)), 1.0)
    assert welch(moments([2, 2, 2]), moments([1, 1, 1])) == (1, (1, 1), 0.0)


def test_the_permutation_test_is_scipys_over_all_splits():
    found = stats.permutation_test((X, Y), lambda a, b: abs(a.mean() - b.mean()), alternative="greater")
    assert permutation_test(X, Y) == pytest.approx(found.pvalue)


def test_many_seeds_are_split_at_random(monkeypatch):
    exact = permutation_test(X, Y)
    monkeypatch.setattr(comparisons, "ALL_SPLITS", 700)  # there are 792
    assert permutation_test(X, Y) == pytest.approx(exact, abs=0.06)
    assert permutation_test(X, Y) == permutation_test(X, Y)


def test_the_smallest_p_of_three_against_three_is_one_in_ten():
    assert permutation_test(np.array([1.0, 2, 3]), np.array([4.0, 5, 6])) == pytest.approx(2 / 20)


@pytest.mark.parametrize("n", [3, 5, 10])
@pytest.mark.parametrize("gap", [0, 1, 3])
def test_the_interval_of_the_probability_of_improvement_holds_it(n, gap):
    truth = stats.norm.cdf(gap / 2**0.5)
    rng, hits = np.random.default_rng(0), 0
    for _ in range(200):
        low, high = improvement_interval(
            probability_of_improvement([rng.normal(gap, 1, n)], [rng.normal(0, 1, n)]), [(n, n)]
        )
        hits += low <= truth <= high
    assert hits / 200 >= 0.88


def test_the_interval_of_a_clear_improvement_reaches_one_and_mirrors():
    low, high = improvement_interval(1.0, [(3, 3)])
    assert high == 1
    assert 0.3 < low < 0.7
    assert improvement_interval(0.0, [(3, 3)]) == pytest.approx((0, 1 - low), abs=1e-6)
    one, four = improvement_interval(0.7, [(5, 5)]), improvement_interval(0.7, [(5, 5)] * 4)
    assert four.high - four.low < one.high - one.low  # more tasks, a narrower interval


def test_two_equal_agents_improve_on_each_other_half_of_the_time():
    """Whoever has the better mean: the pair is given, and no sorting decides who is X."""
    rng = np.random.default_rng(1)
    found = [compare([rng.normal(size=3)], [rng.normal(size=3)]).improvement for _ in range(400)]
    assert np.mean(found) == pytest.approx(0.5, abs=0.03)


def test_seeds_needed_are_those_that_find_the_difference_in_four_of_five_cases():
    x, y = np.array([0.0, 1.0, 2.0]), np.array([1.5, 2.5, 3.5])
    n = seeds_needed([x], [y])
    rng = np.random.default_rng(0)
    p = [stats.ttest_ind(rng.normal(1, 1, n), rng.normal(2.5, 1, n)).pvalue for _ in range(500)]
    assert 0.75 < np.mean(np.array(p) < 0.05) < 0.92
    assert seeds_needed([x], [x]) is None
    assert seeds_needed([x], [x + 1e-6]) is None  # more than anybody trains
    assert seeds_needed([x, x], [y, y]) < n  # two tasks say more


def test_holm_by_hand():
    """Four p-values of Holm's (1979) procedure, and their order kept."""
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.9]) == [0.9]
    assert holm([]) == []


def test_a_comparison_needs_three_seeds_of_either_agent():
    assert compare([X[:2]], [Y]) is None
    assert compare([X], [np.array([1.0, 2.0, np.nan])]) is None
    assert compare([], []) is None


def test_a_comparison_over_tasks_is_of_their_means():
    found = compare([X, X + 1], [Y, Y])
    assert found.difference == pytest.approx(X.mean() + 0.5 - Y.mean())
    assert found.p_permutation is None


def test_rank_intervals_of_the_clear_and_of_the_undecided():
    rng = np.random.default_rng(0)
    agents = [moments(rng.normal(mean, 1, 6)) for mean in (9, 0, 0)]
    assert rank_ranges(agents) == [(1, 1), (2, 3), (2, 3)]
    assert rank_ranges(agents[:1]) == [(1, 1)]
    assert rank_ranges([]) == []


@pytest.mark.parametrize("gap", [0.0, 0.5, 2.0])
def test_rank_intervals_hold_the_rank_in_90_of_100_cases(gap):
    rng, agents = np.random.default_rng(0), 4
    truth = np.arange(1, agents + 1) if gap else np.ones(agents)
    drawn = rng.normal(size=(200, agents, 3)) - gap * np.arange(agents)[:, None]
    ends = np.array([rank_ranges([moments(x) for x in each]) for each in drawn])
    assert np.mean((ends[..., 0] <= truth) & (truth <= ends[..., 1])) >= 0.9
