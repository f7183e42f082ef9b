"""Elo ratings: the Bradley-Terry model of games between two players, fitted by maximum likelihood. No I/O.

A player of rating r beats one of rating s with probability p(r - s) = 1 / (1 + 10^(-(r - s) / 400)); a drawn game is
half a game won. Sources: Zermelo 1929; Bradley & Terry 1952, Rank analysis of incomplete block designs; Elo 1978 for
the scale, on which 400 points are odds of ten to one.

`rate` finds the rating of one player against opponents whose ratings are known, `rate_pool` those of a whole pool.
Whoever plays the games balances colours and openings. They have no term here: what they explain counts as chance, which
makes intervals too wide rather than too narrow.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rlbench.errors import UserError
from rlbench.harness.ranking.intervals import LEVEL, Interval
from rlbench.process.imports import import_library

Floats = NDArray[np.float64]

SCALE = 400 / math.log(10)
"""Elo points of one unit of log-odds."""

FARTHEST = 1e5
"""Elo points beyond all opponents within which ratings are looked for."""

MAX_STEPS = 200
"""Steps of Newton's method in `maximise`, which takes about ten."""


class Rating(NamedTuple):
    """A rating and the ends of its interval, in Elo points.

    Of a player that won every game only the lower end is finite, and of one that won none only the upper end.
    """

    value: float
    low: float
    high: float


def win_probability(difference: ArrayLike) -> Floats:
    """p(d) = 1 / (1 + 10^(-d / 400)) of a player who is rated d points above the opponent, of any shape."""
    return np.asarray(0.5 + 0.5 * np.tanh(np.asarray(difference, np.float64) / SCALE / 2))


def rating_for(points: float, opponents: ArrayLike) -> float:
    """The rating r that expects so many points: sum_g p(r - s_g) = T.

    It maximises the likelihood, since T is all that games against known opponents say about r.

    Args:
        points: T, the number of games won out of G, a draw counting half.
        opponents: Ratings s_g of the opponents, one per game [G].

    Returns:
        The rating; -inf for no points, inf for all G.
    """
    optimize = import_library("scipy.optimize")  # takes 0.3 s
    s = np.asarray(opponents, np.float64)
    if points <= 0 or points >= s.size:
        return math.inf if points > 0 else -math.inf

    def surplus(r: float) -> float:
        return float(win_probability(r - s).sum()) - points

    return float(optimize.brentq(surplus, s.min() - FARTHEST, s.max() + FARTHEST, xtol=1e-9))


def rate(points: float, opponents: ArrayLike, level: float = LEVEL) -> Rating:
    """Rating of one player against opponents of known ratings, with the interval of the likelihood ratio.

    The interval holds every r with 2 (max l - l(r)) <= chi^2_1(level).

    Args:
        points: T, the number of games won out of G, a draw counting half.
        opponents: Ratings s_g of the opponents, one per game [G].
        level: Coverage of the interval.

    Raises:
        ValueError: There is no game, or the points are not 0 to G.
    """
    optimize = import_library("scipy.optimize")  # takes 0.3 s
    s = np.asarray(opponents, np.float64)
    if not s.size or not 0 <= points <= s.size:
        raise ValueError(f"a rating needs games and 0 to {s.size} points, got {points}")
    best = rating_for(points, s)
    all_or_none = float(s.sum()) / SCALE if points else 0.0  # the limits of l at infinity
    most = log_likelihood(best, points, s) if math.isfinite(best) else all_or_none

    def excess(r: float) -> float:
        return 2 * (most - log_likelihood(r, points, s)) - chi_squared(level)

    low, high = float(s.min()) - FARTHEST, float(s.max()) + FARTHEST
    inside = min(max(best, low), high)
    return Rating(
        best,
        float(optimize.brentq(excess, low, inside, xtol=1e-9)) if points > 0 else -math.inf,
        float(optimize.brentq(excess, inside, high, xtol=1e-9)) if points < s.size else math.inf,
    )


def log_likelihood(rating: float, points: float, opponents: Floats) -> float:
    """l(r) = T r' - sum_g log(1 + e^(r' - s_g')), with r' = r / SCALE, up to a constant."""
    return points * rating / SCALE - float(np.logaddexp(0, (rating - opponents) / SCALE).sum())


def chi_squared(level: float = LEVEL) -> float:
    """The quantile of chi^2 with one degree of freedom: 3.84 at 95 %."""
    special: Any = import_library("scipy.special")  # takes 0.3 s
    return float(special.ndtri((1 + level) / 2)) ** 2


def rate_pool(points: ArrayLike, names: Sequence[str], level: float = LEVEL) -> list[Rating]:
    """Ratings of all players of a pool from the games among them; the first player is 0 by definition.

    Intervals are those of the profile likelihood: of each rating with all others at their best for it.

    Args:
        points: points[i, j] that player i took from player j, a draw counting half, [P, P].
        names: Of the players, for messages.
        level: Coverage of the intervals.

    Raises:
        UserError: The games do not determine the ratings: some players took no point from the others.
    """
    w = np.asarray(points, np.float64)
    require_connected(w, names)
    free = np.arange(len(w)) > 0
    best = maximise(w, np.zeros(len(w)), free)
    return [Rating(0.0, 0.0, 0.0), *(_profile(w, best, i, level) for i in range(1, len(w)))]


def require_connected(points: Floats, names: Sequence[str]) -> None:
    """Raise UserError unless finite ratings maximise the likelihood.

    They do where, however the players are parted in two groups, each group took points from the other. Source: Ford
    1957, Solution of a ranking problem from binary comparisons.
    """
    csgraph: Any = import_library("scipy.sparse.csgraph")  # takes 0.3 s
    groups, group = csgraph.connected_components(points > 0, directed=True, connection="strong")
    for each in sorted(range(groups), key=lambda i: int((group == i).sum())) if groups > 1 else ():
        inside = group == each
        took, lost = points[np.ix_(inside, ~inside)].sum(), points[np.ix_(~inside, inside)].sum()
        if not took or not lost:
            which = ", ".join(name for name, belongs in zip(names, inside, strict=True) if belongs)
            what = "lost to all others in every game" if lost else "won every game" if took else "played nobody else"
            raise UserError(f"{which} {what}, so ratings are not determined; add players of a strength in between")


def maximise(points: Floats, ratings: Floats, free: NDArray[np.bool_]) -> Floats:
    """The ratings, in Elo points, that maximise the likelihood; those that are not free stay as they are.

    Newton's method on l = sum_ij points_ij log p(r_i - r_j), which is concave; a step is at most 400 points.

    Args:
        points: Points that i took from j, [P, P].
        ratings: Where to begin, [P].
        free: Whether a rating may change, [P].
    """
    games = points + points.T
    r = np.array(ratings, np.float64)
    for _ in range(MAX_STEPS):
        p = win_probability(r[:, None] - r)
        gradient = (points - games * p).sum(axis=1)[free]
        information = games * p * (1 - p)
        hessian = (np.diag(information.sum(axis=1)) - information)[np.ix_(free, free)]
        step = np.linalg.solve(hessian, gradient) * SCALE if gradient.size else gradient
        r[free] += step * min(1.0, 400 / max(float(np.abs(step).max(initial=0)), 1e-300))
        if np.abs(step).max(initial=0) < 1e-9:
            break
    return r


def _profile(points: Floats, best: Floats, i: int, level: float) -> Rating:
    """Rating i with the interval of its profile likelihood."""
    optimize = import_library("scipy.optimize")  # takes 0.3 s
    free = (np.arange(len(best)) != i) & (np.arange(len(best)) > 0)
    most, limit = pool_log_likelihood(points, best), chi_squared(level)

    def excess(value: float) -> float:
        at = maximise(points, np.where(np.arange(len(best)) == i, value, best), free)
        return 2 * (most - pool_log_likelihood(points, at)) - limit

    def end(direction: int) -> float:
        far = 50.0
        while excess(best[i] + direction * far) < 0:
            far *= 2
        return float(optimize.brentq(excess, best[i], best[i] + direction * far, xtol=1e-6))

    return Rating(float(best[i]), end(-1), end(1))


def pool_log_likelihood(points: Floats, ratings: Floats) -> float:
    """The log-likelihood of all games, sum_ij points_ij log p(r_i - r_j)."""
    d = (ratings[:, None] - ratings) / SCALE
    return -float((points * np.logaddexp(0, -d)).sum())


def between(interval: Interval, games: int, opponents: ArrayLike) -> Interval:
    """The ratings that expect the mean points at the ends of an interval, as of a mean over training seeds."""
    low, high = (rating_for(end * games, opponents) for end in interval)
    return Interval(low, high)
