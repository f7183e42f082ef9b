"""Bootstrap over training seeds, for the bands of charts: resampling, and widening for few seeds. No I/O.

Source: Agarwal et al. 2021 (see `scores`), section 4.2. Departure: their percentile bands are too narrow for few seeds,
so they are widened here, see `widening`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from rlbench.harness.ranking.intervals import LEVEL, Interval
from rlbench.harness.ranking.scores import Floats, present

SAMPLES = 2000  # bootstrap samples: between random seeds the ends of a 95 % interval move by 1-2 % of its width


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


def percentile_interval(replicates: Floats, level: float = LEVEL) -> Interval:
    """Central `level` of the replicates `[B]`: their (1-level)/2 and (1+level)/2 quantiles."""
    low, high = np.quantile(replicates, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(low), float(high))
