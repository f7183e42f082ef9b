"""Normalisation of observations and rewards by running mean and variance.

The statistics change between updates only, so that all steps of an update are normalized alike. (Rejected: to change
them with every step, as Gymnasium's wrappers do. An update would then learn from the same state in different units.)
"""

from __future__ import annotations

import math
from typing import Any, ClassVar

import gymnasium
import numpy as np
from numpy.typing import NDArray

from baselines.nets.encoding import Encoding
from baselines.stateful import Stateful
from baselines.types import Bools, Floats, Tree

LIMIT = 10.0
"""Bound of normalized observations, in standard deviations, from which they are clipped."""


class Moments(Stateful):
    """Running mean and standard deviation, [D], of batches of rows. Chan, Golub & LeVeque (1979), equation 2.1."""

    CHECKPOINTED: ClassVar[tuple[str, ...]] = ("count", "mean", "squares")

    def __init__(self, size: int) -> None:
        self.count, self.mean, self.squares = 0, np.zeros(size), np.zeros(size)

    def add(self, rows: Floats) -> None:
        """Count rows[M, D]."""
        if not len(rows):
            return
        rows = rows.astype(float)
        fresh, mean = len(rows), rows.mean(axis=0)
        delta, total = mean - self.mean, self.count + fresh
        self.squares += np.square(rows - mean).sum(axis=0) + delta**2 * self.count * fresh / total
        self.mean = self.mean + delta * fresh / total
        self.count = total

    @property
    def deviation(self) -> Floats:
        """Standard deviation, [D]; 1 before there are two rows."""
        if self.count < 2:
            return np.ones_like(self.mean)
        deviation: Floats = np.sqrt(self.squares / self.count + 1e-8)
        return deviation


class RunningNormalizer(Stateful):
    """Encoding that normalizes each number of a box by its running mean and variance, as of the last `update`.

    Every observation that it encodes counts in the next `update`. `encoding` is the present encoding, for export.
    """

    CHECKPOINTED: ClassVar[tuple[str, ...]] = ("moments",)

    def __init__(self, space: gymnasium.Space[Any]) -> None:
        self.size = math.prod(space.shape or ())
        self.moments = Moments(self.size)
        self.pending: list[Floats] = []
        self.update()

    def __call__(self, observation: NDArray[Any]) -> NDArray[np.float32]:
        """Observations [N, ...] -> features [N, D]."""
        self.pending.append(observation.reshape(len(observation), -1))
        return self.encoding(observation)

    def update(self) -> None:
        """Take the observations since the last update into the statistics."""
        self.moments.add(np.concatenate(self.pending) if self.pending else np.empty((0, self.size)))
        self.pending = []
        scale, shift = 1 / self.moments.deviation, self.moments.mean
        self.encoding = Encoding(scale.astype(np.float32), shift=shift.astype(np.float32), limit=LIMIT)

    def restore(self, state: Tree) -> None:
        """Go on from `state()`."""
        super().restore(state)
        self.update()


class ReturnScale(Stateful):
    """Factor for rewards: 1 over the running standard deviation of the discounted return R <- gamma R + r.

    Engstrom et al. (2020), appendix A.2. Values of states are then near 1, whatever the size of the rewards.
    """

    CHECKPOINTED: ClassVar[tuple[str, ...]] = ("moments",)

    def __init__(self, gamma: float, num_envs: int) -> None:
        self.gamma, self.R, self.moments = gamma, np.zeros(num_envs), Moments(1)

    def reset(self) -> None:
        """Start the returns of all environments at 0."""
        self.R = np.zeros_like(self.R)

    def add(self, r_t: Floats, last_t: Bools, valid: Bools) -> None:
        """Take steps into the statistics, each array [T, N]."""
        returns = np.empty(r_t.shape)
        for t in range(len(r_t)):
            returns[t] = self.R = np.where(valid[t], self.gamma * self.R + r_t[t], self.R)
            self.R = self.R * ~last_t[t]
        self.moments.add(returns[valid][:, None])

    @property
    def factor(self) -> np.float32:
        """The factor at present."""
        return np.float32(1 / self.moments.deviation[0])
