"""The exact interval of a proportion: what k errors among n test images say about the chance of an error. No I/O."""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rlbench.harness.ranking.scores import LEVEL, Floats, Interval


def error_count(returns: NDArray[np.floating[Any]]) -> int:
    """How many episodes of a classification task were wrong: a return is 1 for the right answer, 0 for another."""
    return len(returns) - int(np.sum(returns == 1.0))


def clopper_pearson(k: int, n: int, level: float = LEVEL) -> Interval:
    """The chances p under which neither k or more nor k or fewer of n would be a surprise: P >= (1 - level) / 2 both.

    Exact: it covers the true chance at least `level` of the time, whatever that is. Source: Clopper & Pearson 1934, The
    use of confidence or fiducial limits illustrated in the case of the binomial. ValueError unless 0 <= k <= n, 0 < n.
    """
    if not 0 <= k <= n or n == 0:
        raise ValueError(f"k errors of n need 0 <= k <= n and n > 0, got k={k}, n={n}")
    tail = (1 - level) / 2
    low = 0.0 if k == 0 else 1 - _upper(n - k, n, tail)  # k or more errors are n - k or fewer right answers
    high = 1.0 if k == n else _upper(k, n, tail)
    return Interval(low, high)


def _upper(k: int, n: int, tail: float) -> float:
    """The p at which P(X <= k) = tail for X ~ Binomial(n, p), by bisection to the last bit."""
    low, high = 0.0, 1.0
    while (p := (low + high) / 2) not in (low, high):
        low, high = (p, high) if _at_most(k, n, p) > tail else (low, p)
    return p


def _at_most(k: int, n: int, p: float) -> float:
    """P(X <= k) = sum_{i <= k} C(n, i) p^i (1 - p)^(n - i) for 0 < p < 1."""
    i = np.arange(k + 1)
    log_terms = _log_choose(n)[: k + 1] + i * math.log(p) + (n - i) * math.log1p(-p)
    return math.fsum(np.exp(log_terms))


@functools.lru_cache(maxsize=8)
def _log_choose(n: int) -> Floats:
    """Logarithms of C(n, i) for i = 0 to n."""
    log_factorial = np.array([math.lgamma(i + 1) for i in range(n + 1)])
    return np.asarray(log_factorial[n] - log_factorial - log_factorial[::-1])
