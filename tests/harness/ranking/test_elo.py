"""Elo ratings against closed forms, a brute-force likelihood, another library's fit and simulated games."""

import math

import numpy as np
import pytest
from scipy import optimize, stats

from rlbench.errors import UserError
from rlbench.harness.ranking import elo
from rlbench.harness.ranking.intervals import Interval

POOL = np.repeat([0.0, 400.0, 800.0, 1200.0], 20)


def binomial_log_likelihood(p, k, n):
    return k * np.log(p) + (n - k) * np.log1p(-p)


def test_four_hundred_points_are_odds_of_ten_to_one():
    assert elo.win_probability([0, 400, -400, 800]) == pytest.approx([1 / 2, 10 / 11, 1 / 11, 100 / 101])
    assert elo.win_probability([1e9, -1e9]).tolist() == [1, 0]


@pytest.mark.parametrize(("won", "games"), [(1, 2), (30, 40), (0.5, 7), (39, 40)])
def test_against_one_opponent_the_rating_is_the_logit_of_the_share_won(won, games):
    p = won / games
    found = elo.rate(won, np.full(games, 1500.0))
    assert found.value == pytest.approx(1500 + 400 * math.log10(p / (1 - p)))
    for end in (found.low, found.high):  # at both ends twice the log-likelihood is 3.84 below its maximum
        at = 1 / (1 + 10 ** (-(end - 1500) / 400))
        drop = 2 * (binomial_log_likelihood(p, won, games) - binomial_log_likelihood(at, won, games))
        assert drop == pytest.approx(stats.chi2.ppf(0.95, 1), rel=1e-6)


@pytest.mark.parametrize("games", [1, 10, 120])
def test_who_wins_all_games_or_none_has_an_interval_with_one_end(games):
    """All won: 2 n log p = -3.84 at the end that remains."""
    p = math.exp(-stats.chi2.ppf(0.95, 1) / 2 / games)
    end = 400 * math.log10(p / (1 - p))
    assert elo.rate(games, np.zeros(games)) == (math.inf, pytest.approx(end), math.inf)
    assert elo.rate(0, np.zeros(games)) == (-math.inf, -math.inf, pytest.approx(-end))


@pytest.mark.parametrize("points", [1, 17.5, 40, 79])
def test_a_rating_is_the_best_of_a_fine_grid(points):
    grid = np.arange(-2000, 3500, 0.25)
    d = grid[:, None] - POOL
    p = 1 / (1 + 10 ** (-d / 400))
    theta = grid * math.log(10) / 400
    likelihood = points * theta + np.log1p(-p).sum(axis=1)
    inside = grid[2 * (likelihood.max() - likelihood) <= stats.chi2.ppf(0.95, 1)]
    found = elo.rate(points, POOL)
    assert found == pytest.approx((grid[likelihood.argmax()], inside[0], inside[-1]), abs=0.26)


@pytest.mark.parametrize("true", [-200.0, 500.0, 1100.0])
def test_intervals_hold_the_true_rating_as_often_as_they_say(true):
    rng = np.random.default_rng(3)
    points = (rng.random((2000, POOL.size)) < elo.win_probability(true - POOL)).sum(axis=1)
    found = {k: elo.rate(k, POOL) for k in set(points.tolist())}
    held = np.mean([found[k].low <= true <= found[k].high for k in points.tolist()])
    assert 0.93 <= held <= 0.985


def test_a_rating_needs_games_and_as_many_points_at_most():
    for points, opponents in [(0, []), (3, [0.0, 0.0]), (-1, [0.0]), (math.nan, [0.0])]:
        with pytest.raises(ValueError, match="needs games"):
            elo.rate(points, opponents)


def test_an_interval_of_mean_points_becomes_one_of_ratings():
    opponents = np.zeros(10)
    assert elo.between(Interval(0.5, 10 / 11), 10, opponents) == pytest.approx((0, 400))
    assert elo.between(Interval(0.0, 1.0), 10, opponents) == (-math.inf, math.inf)


def round_robin(rng, ratings, games):
    """Points of simulated games between all pairs, [P, P]."""
    points = np.zeros((len(ratings), len(ratings)))
    for i in range(len(ratings)):
        for j in range(i):
            won = rng.binomial(games, elo.win_probability(ratings[i] - ratings[j]))
            points[i, j], points[j, i] = won, games - won
    return points


def test_a_pool_is_rated_as_a_general_optimiser_would():
    points = round_robin(np.random.default_rng(0), np.array([0, 150, 400, 380]), 30)

    def loss(r):
        r = np.array([0.0, *r])
        return -np.sum(points * np.log(1 / (1 + 10 ** (-(r[:, None] - r) / 400))))

    best = optimize.minimize(loss, np.zeros(3), method="Nelder-Mead", options={"xatol": 1e-6, "fatol": 1e-12})
    found = elo.rate_pool(points, "abcd")
    assert [each.value for each in found] == pytest.approx([0, *best.x], abs=0.01)
    assert found[0] == (0, 0, 0)
    others = optimize.minimize(lambda r: loss([r[0], found[2].low, r[1]]), best.x[[0, 2]], method="Nelder-Mead")
    assert 2 * (others.fun - best.fun) == pytest.approx(stats.chi2.ppf(0.95, 1), rel=1e-3)


def test_of_two_players_the_pool_says_what_the_single_rating_says():
    two = elo.rate_pool([[0, 12.5], [17.5, 0]], "ab")[1]
    assert two == pytest.approx(elo.rate(17.5, np.zeros(30)), abs=1e-3)


def test_intervals_of_a_pool_hold_the_true_ratings():
    rng, true = np.random.default_rng(1), np.array([0.0, 200.0, 450.0])
    held = []
    while len(held) < 200:
        points = round_robin(rng, true, 40)
        held.append([each.low <= r <= each.high for each, r in zip(elo.rate_pool(points, "abc"), true, strict=True)])
    assert (np.mean(held, axis=0) >= 0.91).all()


@pytest.mark.parametrize(
    ("points", "message"),
    [
        ([[0, 0, 5], [10, 0, 10], [5, 0, 0]], "b won every game"),
        ([[0, 5, 5], [5, 0, 5], [0, 0, 0]], "c lost to all others in every game"),
        ([[0, 5, 0], [5, 0, 0], [0, 0, 0]], "c played nobody else"),
    ],
)
def test_a_pool_whose_ratings_are_not_determined_says_who_is_the_reason(points, message):
    with pytest.raises(UserError, match=message):
        elo.rate_pool(points, "abc")
