"""Comparisons of two agents or more: difference, probability of improvement, seeds needed, ranks. No I/O.

All compare training seeds, on the tasks that both agents have: one stratum `[n_t]` per common task. Agents with fewer
than `FEWEST_SEEDS` seeds on a task are not compared.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rlbench.harness.ranking.intervals import (
    FEWEST_SEEDS,
    LEVEL,
    SAME,
    Interval,
    MeanEstimate,
    average,
    moments,
    student_quantile,
)
from rlbench.harness.ranking.scores import Floats, Strata, present, probability_of_improvement

POWER = 0.8
"""Chance of telling two agents apart for which `seeds_needed` plans."""

MAX_SEEDS = 10_000
"""Seeds beyond which `seeds_needed` gives up."""

ALL_SPLITS = 20_000
"""Splits of the seeds up to which the permutation test takes them all; above, it draws as many."""


@dataclass(frozen=True)
class Comparison:
    """What the scores of two agents, X and Y, say about their difference."""

    difference: float  # mean of X less mean of Y
    interval: Interval
    p_welch: float
    p_permutation: float | None  # None over several tasks
    improvement: float  # probability that a run of X beats one of Y
    improvement_interval: Interval
    seeds_needed: int | None  # per agent, see `seeds_needed`; None where the means are equal


def compare(x: Strata, y: Strata, level: float = LEVEL) -> Comparison | None:
    """Compare two agents on the same tasks.

    Args:
        x: Scores of X, one array `[n_t]` per task.
        y: Scores of Y, likewise.
        level: Coverage of the intervals.

    Returns:
        The comparison; None where either has fewer than `FEWEST_SEEDS` seeds on a task, or there is no task.
    """
    of_x, of_y = ([moments(s) for s in strata] for strata in (x, y))
    if not x or None in of_x or None in of_y:
        return None
    a, b = (average([m for m in of if m is not None]) for of in (of_x, of_y))
    improvement = probability_of_improvement(x, y)
    return Comparison(
        *welch(a, b, level),
        permutation_test(present(x[0]), present(y[0])) if len(x) == 1 else None,
        improvement,
        improvement_interval(improvement, [(present(a).size, present(b).size) for a, b in zip(x, y, strict=True)]),
        seeds_needed(x, y),
    )


def welch(x: MeanEstimate, y: MeanEstimate, level: float = LEVEL) -> tuple[float, Interval, float]:
    """Difference of two means with Welch's interval and two-sided p-value.

    d = m_X - m_Y with se^2 = se_X^2 + se_Y^2 and nu = se^4 / (se_X^4 / nu_X + se_Y^4 / nu_Y) degrees of freedom.
    Source: Welch 1947, The generalization of "Student's" problem when several different population variances are
    involved.

    Returns:
        The difference, its interval, and the p-value: 1 for two equal constants, 0 for two different ones.
    """
    from scipy import special  # takes 0.3 s to import

    d, variance = x.mean - y.mean, x.variance + y.variance
    if variance == 0:
        equal = abs(d) <= SAME * max(1.0, abs(x.mean))
        return d, Interval(d, d), float(equal)
    freedom = variance**2 / sum(m.variance**2 / m.freedom for m in (x, y))
    margin = student_quantile(level, freedom) * math.sqrt(variance)
    p = 2 * float(special.stdtr(min(freedom, 1e6), -abs(d) / math.sqrt(variance)))
    return d, Interval(d - margin, d + margin), p


def permutation_test(x: Floats, y: Floats) -> float:
    """Two-sided p-value of the difference of means over all splits of the pooled scores into n and m.

    p is the share of splits whose |mean difference| is at least the observed one. Up to `ALL_SPLITS` splits all are
    taken; beyond, as many are drawn, seeded by nothing but their number, and the observed one is added. Source: Fisher
    1935, The Design of Experiments, section 21.
    """
    pooled = np.concatenate([x, y])
    n, N = x.size, x.size + y.size
    if math.comb(N, n) <= ALL_SPLITS:
        chosen = np.array(list(itertools.combinations(range(N), n)))
    else:
        rng = np.random.default_rng(0)
        drawn = np.argsort(rng.random((ALL_SPLITS, N)), axis=1)[:, :n]
        chosen = np.concatenate([np.arange(n)[None], drawn])
    sums = pooled[chosen].sum(axis=1)
    differences = np.abs(sums / n - (pooled.sum() - sums) / (N - n))
    observed = abs(x.mean() - y.mean())
    return float(np.mean(differences >= observed - SAME * max(1.0, float(np.abs(pooled).max()))))


def improvement_interval(theta: float, counts: Sequence[tuple[int, int]], level: float = LEVEL) -> Interval:
    """Interval of the probability of improvement: all theta with |observed - theta| <= z sqrt(V(theta)).

    V(theta) = theta (1 - theta) (1 + (N - 1) ((1 - theta) / (2 - theta) + theta / (1 + theta))) / (n m), with N the
    mean of n and m; over T tasks the variances add and are divided by T^2. Source: Newcombe 2006, Confidence intervals
    for an effect size measure based on the Mann-Whitney statistic, part 2, method 5.

    Args:
        theta: The observed probability.
        counts: Seeds (n, m) of the two agents, per task.
        level: Coverage of the interval.
    """
    from scipy import optimize, special  # take 0.3 s to import

    z = float(special.ndtri((1 + level) / 2))

    def beyond(at: float) -> float:
        spread = (1 - at) / (2 - at) + at / (1 + at)
        variance = sum(at * (1 - at) * (1 + ((n + m) / 2 - 1) * spread) / (n * m) for n, m in counts) / len(counts) ** 2
        return (theta - at) ** 2 - z**2 * variance

    inside = min(max(theta, 1e-9), 1 - 1e-9)  # at 0 and 1 themselves the variance is 0
    low = 0.0 if theta <= 0 else float(optimize.brentq(beyond, 0.0, inside))
    high = 1.0 if theta >= 1 else float(optimize.brentq(beyond, inside, 1.0))
    return Interval(low, high)


def seeds_needed(x: Strata, y: Strata, level: float = LEVEL, power: float = POWER) -> int | None:
    """Seeds per agent and task from which a difference like the observed one is found with probability `power`.

    The smallest n >= (t_level + t_power)^2 (s_X^2 + s_Y^2) / d^2, where s^2 is 1/T^2 sum_t s_t^2 and the quantiles of
    Student's distribution have 2 (n - 1) degrees of freedom. It takes the observed difference and deviations for the
    true ones, so it is a plan and no promise.

    Returns:
        The number, from `FEWEST_SEEDS` to `MAX_SEEDS`; None where the means are equal, or where it takes more.
    """
    m_x, m_y = (float(np.mean([present(s).mean() for s in strata])) for strata in (x, y))
    if abs(m_x - m_y) <= SAME * max(1.0, abs(m_x)):
        return None
    s2 = sum(float(np.var(present(s), ddof=1)) / len(x) ** 2 for strata in (x, y) for s in strata)

    def enough(n: int) -> bool:
        t = student_quantile(level, 2 * (n - 1)) + student_quantile(2 * power - 1, 2 * (n - 1))
        return n >= t**2 * s2 / (m_x - m_y) ** 2

    return next((n for n in (*range(FEWEST_SEEDS, 100), *range(100, MAX_SEEDS + 1, 10)) if enough(n)), None)


def holm(p: Sequence[float]) -> list[float]:
    """P-values of several comparisons, adjusted so that the chance of any false finding stays below the level.

    The k-th smallest of K becomes max over j <= k of min(1, (K - j + 1) p_(j)). Source: Holm 1979, A simple
    sequentially rejective multiple test procedure.
    """
    order = sorted(range(len(p)), key=p.__getitem__)
    steps = [min(1.0, (len(p) - j) * p[i]) for j, i in enumerate(order)]
    adjusted = dict(zip(order, itertools.accumulate(steps, max), strict=True))
    return [adjusted[i] for i in range(len(p))]


def rank_ranges(agents: Sequence[MeanEstimate], level: float = LEVEL) -> list[tuple[int, int]]:
    """Confidence interval of the rank of each agent, from its differences to all others.

    An agent's rank is at least 1 + the number of agents that are better and at most A - the number of agents that are
    worse, counting those whose difference Welch's test finds after Holm's correction over the A - 1 others. Source:
    Mogstad, Romano, Shaikh, Wilhelm 2024, Inference for ranks.

    Args:
        agents: Mean score of each agent, on the same tasks.
        level: Coverage of each interval.
    """
    ranges = []
    for i, x in enumerate(agents):
        found = [welch(x, y, level) for j, y in enumerate(agents) if j != i]
        clear = [d for (d, _, _), p in zip(found, holm([p for _, _, p in found]), strict=True) if p < 1 - level]
        ranges.append((1 + sum(d < 0 for d in clear), len(agents) - sum(d > 0 for d in clear)))
    return ranges
