"""Confidence intervals of a mean over training seeds, and of a probability. No I/O.

The interval of a mean is Student's, stretched by the skewness of the scores (after Willink 2005). It needs at least
`FEWEST_SEEDS` seeds per task. `baselines/studies/interval_coverage.py` compares it with others: how often each holds
the true mean, and how wide it is.

No interval can see a failure that was not drawn, or a ceiling that all seeds have reached. What is known then is how
many seeds of how many solved the task: `clopper_pearson`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rlbench.harness.ranking.scores import present
from rlbench.process.imports import import_library

LEVEL = 0.95
FEWEST_SEEDS = 3
"""Training seeds below which there is neither an interval nor a rank."""

SAME = 1e-9
"""Scores that differ by less, relatively, are equal: the last bits of a sum are no difference."""

FEWEST_FOR_SKEWNESS = 5
"""Scores below which they are taken for symmetric: so few say nothing about skewness."""


class Interval(NamedTuple):
    """A confidence interval `[low, high]` in the unit of its statistic."""

    low: float
    high: float


class MeanEstimate(NamedTuple):
    """An estimate of a mean, its squared standard error, the degrees of freedom of that, and its third cumulant."""

    mean: float
    variance: float
    freedom: float
    third: float


def moments(scores: ArrayLike) -> MeanEstimate | None:
    """Mean of n scores: s^2 / n with n - 1 degrees of freedom, and mu_3 / n^2.

    s^2 and mu_3 are the unbiased second and third central moments, 1/(n-1) sum (x - m)^2 and n/((n-1)(n-2)) sum
    (x - m)^3. Below `FEWEST_FOR_SKEWNESS` scores mu_3 is taken for 0.

    Args:
        scores: The scores `[n]`; missing ones (NaN) are left out.

    Returns:
        The moments; None for fewer than `FEWEST_SEEDS` scores.
    """
    x = present(scores)
    n = x.size
    if n < FEWEST_SEEDS:
        return None
    m = float(x.mean())
    if np.ptp(x) <= SAME * max(1.0, float(np.abs(x).max())):
        return MeanEstimate(float(x[0]), 0.0, n - 1, 0.0)
    s2 = float(np.sum((x - m) ** 2)) / (n - 1)
    skewed = n >= FEWEST_FOR_SKEWNESS
    mu3 = float(np.sum((x - m) ** 3)) * n / ((n - 1) * (n - 2)) if skewed else 0.0
    return MeanEstimate(m, s2 / n, n - 1, mu3 / n**2)


def average(parts: Sequence[MeanEstimate]) -> MeanEstimate:
    """Mean of T independent estimates: means average, variances add over T^2, third cumulants over T^3.

    The degrees of freedom are (sum v)^2 / sum v^2 / nu (Satterthwaite 1946): the task with the noise decides.
    """
    T = len(parts)
    variance = sum(part.variance for part in parts)
    squares = sum(part.variance**2 / part.freedom for part in parts)
    return MeanEstimate(
        sum(part.mean for part in parts) / T,
        variance / T**2,
        variance**2 / squares if squares > 0 else math.inf,
        sum(part.third for part in parts) / T**3,
    )


def student_quantile(level: float, freedom: float) -> float:
    """The quantile t of Student's distribution beyond which (1 - level) / 2 lies on either side."""
    special = import_library("scipy.special")  # takes 0.3 s

    return float(special.stdtrit(min(freedom, 1e6), (1 + level) / 2))


def mean_interval(of: MeanEstimate, level: float = LEVEL) -> Interval:
    """Interval of a mean: m - max(t, G(t)) se <= mean <= m + max(t, -G(-t)) se.

    G(r) = ((1 + 6 a (r - a))^(1/3) - 1) / (2 a), with a = kappa_3 / (6 se^3), bends Student's quantile t by the
    skewness of m; without skewness G(r) = r. Source: Willink 2005, A confidence interval and test for the mean of an
    asymmetric distribution, after Hall 1992. Departure: neither side is shorter than Student's, since the skewness of a
    few scores is a guess.
    """
    if of.variance == 0:
        return Interval(of.mean, of.mean)
    se = math.sqrt(of.variance)
    t = student_quantile(level, of.freedom)
    a = of.third / (6 * se**3)
    return Interval(of.mean - max(t, bend(t, a)) * se, of.mean + max(t, -bend(-t, a)) * se)


def bend(r: float, a: float) -> float:
    """G(r) of `mean_interval`."""
    return float(np.cbrt(1 + 6 * a * (r - a)) - 1) / (2 * a) if abs(a) > 1e-6 else r


def error_count(returns: NDArray[np.floating[Any]]) -> int:
    """Number of wrong answers in a classification task, where a right answer has the return 1 and a wrong one 0."""
    return len(returns) - int(np.sum(returns == 1.0))


def clopper_pearson(k: int, n: int, level: float = LEVEL) -> Interval:
    """Exact interval of a probability from k errors in n trials: all p with P(X >= k), P(X <= k) >= (1 - level) / 2.

    It covers the true probability at least `level` of the time. Source: Clopper & Pearson 1934, The use of confidence
    or fiducial limits illustrated in the case of the binomial.

    Args:
        k: Number of errors, 0 to n.
        n: Number of trials, at least 1.
        level: Coverage of the interval.

    Raises:
        ValueError: k or n is out of range.
    """
    special = import_library("scipy.special")  # takes 0.3 s

    if not 0 <= k <= n or n == 0:
        raise ValueError(f"k errors of n need 0 <= k <= n and n > 0, got k={k}, n={n}")
    tail = (1 - level) / 2
    low = 0.0 if k == 0 else float(special.betaincinv(k, n - k + 1, tail))
    high = 1.0 if k == n else float(special.betaincinv(k + 1, n - k, 1 - tail))
    return Interval(low, high)
