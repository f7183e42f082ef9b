"""Confidence intervals: bootstrap over training seeds, widened by Student's t; exact binomial. No I/O.

The bootstrap is that of Agarwal et al. 2021 (see `scores`). Departure: their percentile intervals are too narrow for
few seeds, so they are widened here, see `widening`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rlbench.harness.ranking.scores import Floats, Statistic, Strata, present, ranks

SAMPLES = 2000  # bootstrap samples: between random seeds the ends of a 95 % interval move by 1-2 % of its width
LEVEL = 0.95


class Interval(NamedTuple):
    """A confidence interval `[low, high]` in the unit of its statistic."""

    low: float
    high: float


def resample(values: ArrayLike, rng: np.random.Generator, samples: int = SAMPLES) -> Floats:
    """Bootstrap samples of one stratum, drawn with replacement: `[n]` -> `[samples, n]`.

    Draws are `int(u n)` of `Generator.random()`, whose stream NumPy keeps, not of `Generator.integers`, whose stream it
    may change.

    Args:
        values: Scores of the training seeds; missing ones (NaN) are left out.
        rng: Random generator; `samples * n` numbers are drawn.
        samples: Number of bootstrap samples.
    """
    x = present(values)
    return x[(rng.random((samples, x.size)) * x.size).astype(np.int64)]


def resample_mean(values: ArrayLike, rng: np.random.Generator, samples: int = SAMPLES) -> Floats:
    """Means of bootstrap samples, `[n]` -> `[samples, 1]`: as `resample`, but in the memory of one sample."""
    x = present(values)
    means = (np.mean(x[(rng.random(x.size) * x.size).astype(np.int64)]) for _ in range(samples))
    return np.fromiter(means, dtype=np.float64, count=samples)[:, None]


def widening(counts: Sequence[int], level: float = LEVEL) -> float:
    """Factor by which bootstrap deviations are too small: sqrt(n / (n-1)) t_(n-1) / z, with n = min_t n_t.

    Resampling n values has the variance with divisor n where n - 1 is unbiased, hence the root; and it takes
    the estimated variance for the true one, hence Student's quantile over the normal one. Coverage of the
    mean of n normal scores, measured: plain percentile 91 % at n = 10, 74 % at n = 3; the root alone 92 %
    and 80 %; both 95 % and 95 %. (Skew costs more than any factor gives back: 93 % and 87 % for returns capped
    at 500.) Infinite where n = 1: one training run says nothing about training.

    Over several tasks sum_t (n_t - 1) degrees of freedom would do if the tasks were equally noisy. They
    never are, a solved one has no variance at all, and coverage fell to 83 % where one task of six had all
    the noise; n - 1 keeps 95 %. Source: Hesterberg 2015, "What teachers should know about the bootstrap"
    (expanded percentile interval).

    Args:
        counts: Number of resampled units (training seeds) per task.
        level: Coverage of the interval.
    """
    from scipy import special  # takes 0.3 s to import

    n = min(counts)
    if n < 2:
        return math.inf
    p = (1 + level) / 2
    nu = min(n - 1, 1000)  # more degrees of freedom change the factor by less than 0.2 %
    return math.sqrt(n / (n - 1)) * float(special.stdtrit(nu, p) / special.ndtri(p))


def widened(samples: Floats, estimate: float, counts: Sequence[int], level: float = LEVEL) -> Floats:
    """Bootstrap replicates with the right spread: estimate + widening (sample - estimate), `[B]` -> `[B]`.

    Replicates may leave the range of possible scores: the interval of seeds at 500, 500 and 490 ends above 500, and
    cutting it there would claim what was not measured.

    Args:
        samples: The statistic of each bootstrap sample, `[B]`.
        estimate: The statistic of the scores themselves.
        counts: Number of resampled units per task, each at least 2.
        level: Coverage of the interval.
    """
    return np.asarray(estimate + widening(counts, level) * (samples - estimate))


def percentile_interval(replicates: Floats, level: float = LEVEL) -> Interval:
    """Central `level` of the replicates `[B]`: their (1-level)/2 and (1+level)/2 quantiles."""
    low, high = np.quantile(replicates, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(low), float(high))


def bootstrap_interval(
    statistic: Statistic, strata: Strata, seed: int = 0, *, samples: int = SAMPLES, level: float = LEVEL
) -> Interval | None:
    """Stratified bootstrap interval of a statistic: training seeds resampled within each task.

    Source: section 4.2 of the paper; `widening` is the departure.

    Args:
        statistic: Maps strata to a number, for example `scores.iqm`.
        strata: Scores of the training seeds, one array `[n_t]` per task.
        seed: Seed of the resampling.
        samples: Number of bootstrap samples.
        level: Coverage of the interval.

    Returns:
        The interval; None where a task has fewer than two scores, as one of width zero would claim certainty.
    """
    scores = [present(x) for x in strata]
    counts = [x.size for x in scores]
    if not counts or min(counts) < 2:
        return None
    rng = np.random.default_rng(seed)
    drawn = statistic([resample(x, rng, samples) for x in scores])
    return percentile_interval(widened(drawn, float(statistic(scores)), counts, level), level)


def rank_intervals(replicates: ArrayLike, level: float = LEVEL) -> list[tuple[int, int]]:
    """Lowest and highest rank of each agent in the central `level` of the bootstrap samples.

    Args:
        replicates: `[A, B]`, B bootstrap replicates of each agent's score, drawn independently per agent.
        level: Coverage of the intervals.

    Returns:
        One pair of ranks per agent, both of which did occur.
    """
    tail = (1 - level) / 2
    of_samples = ranks(replicates)
    low = np.quantile(of_samples, tail, axis=1, method="inverted_cdf")
    high = np.quantile(of_samples, 1 - tail, axis=1, method="inverted_cdf")
    return [(int(a), int(b)) for a, b in zip(low, high, strict=True)]


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
    from scipy import special  # takes 0.3 s to import

    if not 0 <= k <= n or n == 0:
        raise ValueError(f"k errors of n need 0 <= k <= n and n > 0, got k={k}, n={n}")
    tail = (1 - level) / 2
    low = 0.0 if k == 0 else float(special.betaincinv(k, n - k + 1, tail))
    high = 1.0 if k == n else float(special.betaincinv(k + 1, n - k, 1 - tail))
    return Interval(low, high)
