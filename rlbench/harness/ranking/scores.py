"""Scores of agents that were trained several times: point estimates, intervals, ranks. Pure NumPy, no I/O.

Vocabulary. A *score* is what one training seed earned on one task: the mean of its episodes' returns, usually
normalised. Training seeds are the unit of replication: a thousand episodes of one training run say much about
that run and nothing about the luck of training. `strata` is a sequence with one array `[..., n_t]` per task
`t`, holding the scores of its `n_t` training seeds; tasks may have different numbers of seeds, NaN marks a
missing score, leading axes are batches (bootstrap samples). A task without any score makes a statistic NaN:
nothing is imputed.

Source: Agarwal, Schwarzer, Castro, Courville, Bellemare 2021, "Deep reinforcement learning at the edge of the
statistical precipice" (the paper of rliable). Departure: its percentile intervals are widened, see
`widening`.
"""

from __future__ import annotations

import functools
import math
import statistics
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats: TypeAlias = NDArray[np.float64]
Strata: TypeAlias = Sequence[Floats]
Statistic: TypeAlias = Callable[[Strata], Floats]

SAMPLES = 2000  # bootstrap samples: between seeds the ends of a 95 % interval move by 1-2 % of its width
LEVEL = 0.95


class Interval(NamedTuple):
    """A confidence interval `[low, high]` in the unit of its statistic."""

    low: float
    high: float


def normalise(returns: ArrayLike, random: float, reference: float) -> Floats:
    """Normalised returns, 0 for a random agent and 1 for the reference: (G - random) / (reference - random).

    Raises ValueError where the two anchors are equal or not finite. Source: Mnih et al. 2015,
    human-normalised scores.
    """
    if not (math.isfinite(random) and math.isfinite(reference)) or random == reference:
        raise ValueError(f"anchors must differ and be finite, got random={random}, reference={reference}")
    return (np.asarray(returns, dtype=np.float64) - random) / (reference - random)


def exact_mean(values: ArrayLike) -> float:
    """Exactly rounded mean of the values that are present: sum(x_i) / n; NaN where none is.

    So the mean of a training seed's episodes depends neither on their order nor on the machine.
    """
    x = present(values)
    return math.fsum(x) / x.size if x.size else math.nan


def present(values: ArrayLike) -> Floats:
    """Values that are not missing, as a flat array: NaN dropped."""
    x = np.asarray(values, dtype=np.float64).ravel()
    return x[~np.isnan(x)]


def mean(strata: Strata) -> Floats:
    """Mean over tasks of the mean over seeds: 1/T sum_t 1/n_t sum_i x_ti; the batch axes remain."""
    return np.asarray(np.sum(_values(strata) * _weights(strata), axis=-1))


def iqm(strata: Strata) -> Floats:
    """Interquartile mean: the mean of the middle half of all scores, every task weighing the same.

    All N scores are sorted, x_(1) <= ... <= x_(N); score i has weight w_i = 1 / (T n_t), and c_i = w_1 + ...
    + w_i. With g = floor(N/4) / N, the share cut from either end, IQM = sum_i k_i x_i / sum_i k_i with k_i =
    |[c_(i-1), c_i] intersected with [g, 1 - g]|. For equally many seeds everywhere this is
    `scipy.stats.trim_mean(scores, 0.25, axis=None)`, the paper's definition (section 4.3), which has no
    ragged form.
    """
    x, w = _values(strata), _weights(strata)
    order = np.argsort(x, axis=-1, kind="stable")
    x, w = np.take_along_axis(x, order, -1), np.take_along_axis(w, order, -1)
    c = np.cumsum(w, axis=-1)
    N = np.sum(w > 0, axis=-1, keepdims=True)
    g = np.floor(N / 4) / np.maximum(N, 1)
    k = np.clip(c, g, 1 - g) - np.clip(c - w, g, 1 - g)
    return np.asarray(np.sum(k * x, axis=-1) / np.sum(k, axis=-1))


def optimality_gap(strata: Strata, target: float = 1.0) -> Floats:
    """Shortfall of the scores from `target`: 1/T sum_t 1/n_t sum_i max(target - x_ti, 0); 0 is best.

    Source: section 4.3. Scores above the target are not rewarded, so one easy task cannot pay for a hard one.
    """
    return mean([np.maximum(target - np.asarray(x, dtype=np.float64), 0.0) for x in strata])


def performance_profile(strata: Strata, thresholds: ArrayLike) -> Floats:
    """Share of runs that score above each threshold tau: 1/T sum_t 1/n_t sum_i [x_ti > tau], `[..., thresholds]`.

    Source: section 4.2 of the paper, where it is the run-score distribution: the whole picture, of which a mean is
    the area to the left of the curve.
    """
    tau = np.asarray(thresholds, dtype=np.float64)
    scores = [np.asarray(x, dtype=np.float64)[..., None, :] for x in strata]
    with np.errstate(invalid="ignore"):  # 0/0 where a task has no score
        shares = [np.sum(x > tau[:, None], axis=-1) / np.sum(~np.isnan(x), axis=-1) for x in scores]
    return np.asarray(np.mean(shares, axis=0))


def probability_of_improvement(x: Strata, y: Strata) -> float:
    """Chance that a run of X beats one of Y on a random task: 1/T sum_t P(X_t > Y_t) + P(X_t = Y_t) / 2.

    `x[t]: [n_t]`, `y[t]: [m_t]`; P counts the n_t m_t pairs (the Mann-Whitney U statistic). Source: section
    4.3.
    """
    if len(x) != len(y):
        raise ValueError(f"X has {len(x)} tasks and Y has {len(y)}")
    pairs = [np.subtract.outer(present(a), present(b)) for a, b in zip(x, y, strict=True)]
    if not pairs or any(difference.size == 0 for difference in pairs):
        return math.nan
    return exact_mean([np.mean((np.sign(difference) + 1) / 2) for difference in pairs])


def ranks(estimates: ArrayLike) -> NDArray[np.int64]:
    """Rank of each agent, 1 is best: 1 + the number of agents that are strictly better.

    Equals share the better rank. `estimates: [A, ...]`, one row per agent and NaN nowhere -> `[A, ...]`.
    Differences below 1e-9 are ties.
    """
    x = np.round(np.asarray(estimates, dtype=np.float64), 9)
    return np.stack([1 + np.sum(x > row, axis=0) for row in x]) if len(x) else np.zeros(x.shape, np.int64)


def rank_intervals(replicates: ArrayLike, level: float = LEVEL) -> list[tuple[int, int]]:
    """Ranks that each agent holds in the central `level` of the bootstrap samples.

    `replicates: [A, B]` as `widened` gives them, drawn independently per agent; ends are ranks that did
    occur.
    """
    tail = (1 - level) / 2
    of_samples = ranks(replicates)
    low = np.quantile(of_samples, tail, axis=1, method="inverted_cdf")
    high = np.quantile(of_samples, 1 - tail, axis=1, method="inverted_cdf")
    return [(int(a), int(b)) for a, b in zip(low, high, strict=True)]


def resample(values: ArrayLike, rng: np.random.Generator, samples: int = SAMPLES) -> Floats:
    """Bootstrap samples of one stratum, drawn with replacement: `[n]` -> `[samples, n]`.

    Missing values are left out. Draws are `int(u n)` of `Generator.random()`, whose stream NumPy keeps, not
    of `Generator.integers`, whose it may change.
    """
    x = present(values)
    return x[(rng.random((samples, x.size)) * x.size).astype(np.int64)]


def resample_mean(values: ArrayLike, rng: np.random.Generator, samples: int = SAMPLES) -> Floats:
    """Means of bootstrap samples, in the memory of one sample: `[n]` -> `[samples, 1]`."""
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
    """
    n = min(counts)
    if n < 2:
        return math.inf
    p = (1 + level) / 2
    return math.sqrt(n / (n - 1)) * student_t_quantile(p, n - 1) / statistics.NormalDist().inv_cdf(p)


@functools.cache
def student_t_quantile(p: float, nu: int) -> float:
    """Quantile of Student's t with `nu` degrees of freedom, 0.5 < p < 1; beyond 1,000 degrees those of 1,000.

    Solves A(t | nu) = 2p - 1 for theta = atan(t / sqrt(nu)) by bisection. Source: Abramowitz & Stegun, 26.7.3
    and 26.7.4.
    """
    nu = min(nu, 1000)
    low, high = 0.0, math.pi / 2
    while (theta := (low + high) / 2) not in (low, high):
        low, high = (theta, high) if _student_t_mass(theta, nu) < 2 * p - 1 else (low, theta)
    return math.sqrt(nu) * math.tan(theta)


def _student_t_mass(theta: float, nu: int) -> float:
    """P(|T| <= sqrt(nu) tan(theta)): a sum of powers of cos(theta), odd or even as nu is."""
    cosine = math.cos(theta)
    odd = nu % 2
    term, total = (cosine, 0.0) if odd else (1.0, 0.0)
    for power in range(odd, nu - 1, 2):
        total += term
        term *= (power + 1) / (power + 2) * cosine**2
    return 2 / math.pi * (theta + math.sin(theta) * total) if odd else math.sin(theta) * total


def widened(samples: Floats, estimate: float, counts: Sequence[int], level: float = LEVEL) -> Floats:
    """Bootstrap replicates with honest spread: estimate + widening (sample - estimate), `[B]` -> `[B]`.

    `counts` are the numbers of resampled units per task, each at least 2. Replicates may leave the range of
    possible scores: the interval of seeds at 500, 500 and 490 ends above 500, and cutting it there would
    claim what was not measured.
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

    None where a task has fewer than two scores: there is no such interval, and one of width zero would be a
    lie. Source: section 4.2 of the paper; `widening` is the departure.
    """
    scores = [present(x) for x in strata]
    counts = [x.size for x in scores]
    if not counts or min(counts) < 2:
        return None
    rng = np.random.default_rng(seed)
    drawn = statistic([resample(x, rng, samples) for x in scores])
    return percentile_interval(widened(drawn, float(statistic(scores)), counts, level), level)


def _values(strata: Strata) -> Any:
    """Scores of all tasks side by side, `[..., N]`; a missing one sorts last and its weight, 0, hides it."""
    x = np.concatenate([np.asarray(x, dtype=np.float64) for x in strata], axis=-1)
    return np.where(np.isnan(x), np.finfo(np.float64).max, x)


def _weights(strata: Strata) -> Any:
    """Weights beside `_values`: 1 / (T n_t), 0 for a missing score, NaN everywhere if a task has none."""
    there = [~np.isnan(np.asarray(x, dtype=np.float64)) for x in strata]
    counts = [np.sum(mask, axis=-1, keepdims=True) for mask in there]
    empty = functools.reduce(np.logical_or, [n == 0 for n in counts])
    weights = [mask / np.maximum(n, 1) / len(there) for mask, n in zip(there, counts, strict=True)]
    return np.where(empty, np.nan, np.concatenate(weights, axis=-1))
