"""Statistics of agents that were trained several times: mean, interquartile mean, optimality gap, ranks. No I/O.

A *score* is what one training seed earned on one task: the mean of its episodes' returns, usually normalised. Training
seeds are the unit of replication: a thousand episodes of one training run say much about that run and nothing about the
luck of training. `strata` is a sequence with one array `[..., n_t]` per task `t`, the scores of its `n_t` training
seeds. Tasks may have different numbers of seeds, NaN marks a missing score, leading axes are batches (bootstrap
samples). A task without any score makes a statistic NaN: nothing is imputed.

Source: Agarwal, Schwarzer, Castro, Courville, Bellemare 2021, "Deep reinforcement learning at the edge of the
statistical precipice" (the paper of rliable).
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats: TypeAlias = NDArray[np.float64]
Strata: TypeAlias = Sequence[Floats]


def normalise(returns: ArrayLike, random: float, reference: float) -> Floats:
    """Normalised returns, (G - random) / (reference - random): 0 for a random agent and 1 for the reference.

    Source: Mnih et al. 2015, human-normalised scores.

    Args:
        returns: Returns, of any shape.
        random: Return of a random agent.
        reference: Return of the reference.

    Raises:
        ValueError: The two normalisation scores are equal or not finite.
    """
    if not (math.isfinite(random) and math.isfinite(reference)) or random == reference:
        raise ValueError(f"normalisation scores must differ and be finite, got random={random}, reference={reference}")
    return (np.asarray(returns, dtype=np.float64) - random) / (reference - random)


def exact_mean(values: ArrayLike) -> float:
    """Exactly rounded mean of the values that are not missing: sum(x_i) / n; NaN where none is left.

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

    Source: section 4.2, where it is the run-score distribution. The area under the curve is the mean.
    """
    tau = np.asarray(thresholds, dtype=np.float64)
    scores = [np.asarray(x, dtype=np.float64)[..., None, :] for x in strata]
    with np.errstate(invalid="ignore"):  # 0/0 where a task has no score
        shares = [np.sum(x > tau[:, None], axis=-1) / np.sum(~np.isnan(x), axis=-1) for x in scores]
    return np.asarray(np.mean(shares, axis=0))


def probability_of_improvement(x: Strata, y: Strata) -> float:
    """Chance that a run of X beats one of Y on a random task: 1/T sum_t P(X_t > Y_t) + P(X_t = Y_t) / 2.

    P counts the n_t m_t pairs of task t (the Mann-Whitney U statistic). Source: section 4.3.

    Args:
        x: Scores of X, one array `[n_t]` per task.
        y: Scores of Y, one array `[m_t]` per task.

    Raises:
        ValueError: X and Y have different numbers of tasks.
    """
    if len(x) != len(y):
        raise ValueError(f"X has {len(x)} tasks and Y has {len(y)}; give the same tasks in the same order")
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


def _values(strata: Strata) -> Any:
    """Scores of all tasks side by side, `[..., N]`; a missing one sorts last and its weight, 0, hides it."""
    x = np.concatenate([np.asarray(x, dtype=np.float64) for x in strata], axis=-1)
    return np.where(np.isnan(x), np.finfo(np.float64).max, x)


def _weights(strata: Strata) -> Any:
    """Weights of `_values`: 1 / (T n_t), 0 for a missing score, NaN everywhere if a task has none."""
    there = [~np.isnan(np.asarray(x, dtype=np.float64)) for x in strata]
    counts = [np.sum(mask, axis=-1, keepdims=True) for mask in there]
    empty = functools.reduce(np.logical_or, [n == 0 for n in counts])
    weights = [mask / np.maximum(n, 1) / len(there) for mask, n in zip(there, counts, strict=True)]
    return np.where(empty, np.nan, np.concatenate(weights, axis=-1))
