"""Normalisation of observations and rewards as in `normalisation`, by statistics that stay on a device.

Every call has fixed shapes and neither waits nor copies, so that it can be captured.
"""

from __future__ import annotations

import math
from typing import Any, ClassVar

import gymnasium
import numpy as np
import torch

from baselines.nets.encoding import Encoding
from baselines.nets.normalisation import LIMIT
from baselines.stateful import Stateful


class TensorMoments(Stateful):
    """Running mean and standard deviation, [D], of batches of rows. Chan, Golub & LeVeque (1979), equation 2.1."""

    CHECKPOINTED: ClassVar[tuple[str, ...]] = ("count", "mean", "squares")

    def __init__(self, size: int, device: torch.device) -> None:
        shapes: tuple[tuple[int, ...], ...] = ((), (size,), (size,))
        self.count, self.mean, self.squares = (torch.zeros(s, dtype=torch.float64, device=device) for s in shapes)

    def add(self, rows: torch.Tensor) -> None:
        """Count rows[M, D]."""
        rows, fresh = rows.double(), len(rows)
        mean = rows.mean(dim=0)
        delta, total = mean - self.mean, self.count + fresh
        self.squares += (rows - mean).square().sum(dim=0) + delta**2 * self.count * fresh / total
        self.mean += delta * fresh / total
        self.count += fresh

    @property
    def deviation(self) -> torch.Tensor:
        """Standard deviation, [D]; 1 before there are two rows."""
        return (self.squares / self.count.clamp(min=1) + 1e-8).sqrt().where(self.count >= 2, torch.ones_like(self.mean))


class TensorNormalizer(Stateful):
    """Normalizes each number of a box by its running mean and variance, as of the last `update`."""

    CHECKPOINTED: ClassVar[tuple[str, ...]] = ("moments",)

    def __init__(self, space: gymnasium.Space[Any], device: torch.device) -> None:
        self.size = math.prod(space.shape or ())
        self.moments = TensorMoments(self.size, device)

    def __call__(self, s: torch.Tensor) -> torch.Tensor:
        """Flat observations [..., D] -> features float32[..., D]."""
        scale, shift = 1 / self.moments.deviation, self.moments.mean
        return ((s - shift.float()) * scale.float()).clamp(-LIMIT, LIMIT)

    def update(self, s: torch.Tensor) -> None:
        """Take flat observations [..., D] into the statistics."""
        self.moments.add(s.reshape(-1, self.size))

    @property
    def encoding(self) -> Encoding:
        """The present encoding, for export; waits for the device."""
        scale, shift = (1 / self.moments.deviation).float().cpu().numpy(), self.moments.mean.float().cpu().numpy()
        return Encoding(np.array(scale), shift=np.array(shift), limit=LIMIT)


class TensorReturnScale(Stateful):
    """Factor for rewards: 1 over the running standard deviation of the discounted return, as of `ReturnScale`."""

    CHECKPOINTED: ClassVar[tuple[str, ...]] = ("moments",)

    def __init__(self, gamma: float, num_envs: int, device: torch.device) -> None:
        self.gamma, self.moments = gamma, TensorMoments(1, device)
        self.R = torch.zeros(num_envs, dtype=torch.float64, device=device)

    def reset(self) -> None:
        """Start the returns of all environments at 0."""
        self.R.zero_()

    def add(self, r_t: torch.Tensor, last_t: torch.Tensor, envs: slice = slice(None)) -> None:
        """Take steps of some environments into the statistics, each tensor [T, M]; by default of all."""
        R, returns = self.R[envs], []
        for r, last in zip(r_t, last_t, strict=True):
            R.mul_(self.gamma).add_(r)
            returns.append(R.clone())
            R.mul_(~last)
        self.moments.add(torch.cat(returns).unsqueeze(1))

    @property
    def factor(self) -> torch.Tensor:
        """The factor at present, float32 without axes."""
        return (1 / self.moments.deviation).float().squeeze(0)
