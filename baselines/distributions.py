"""Policies as distributions over actions: what a network's outputs mean, for the policy-gradient agents.

A head says how many outputs the network has, draws actions from them (NumPy, while playing) and gives log pi(a|s)
and the entropy (torch, while learning). The algorithms know nothing else of actions, so a diagonal Gaussian over
continuous ones is one more class here with the same five members, and one more line in `head`.
"""

from __future__ import annotations

from typing import Any, Protocol

import gymnasium
import numpy as np
import torch
from numpy.typing import NDArray

from baselines.networks import discrete_actions


class Head(Protocol):
    """A family of distributions over actions, its parameters given by K network outputs per observation."""

    outputs: int
    """K."""
    noise: int
    """Uniforms in [0, 1) that drawing one action takes."""

    def sample(self, outputs: NDArray[Any], u: NDArray[np.floating]) -> NDArray[Any]:
        """Actions a[N, ...] for outputs[N, K], made of the uniforms u[N, noise]."""

    def log_prob(self, outputs: torch.Tensor, a: torch.Tensor) -> torch.Tensor:
        """Log-probabilities log pi(a|s), [B], for outputs[B, K] and actions a[B, ...]."""

    def entropy(self, outputs: torch.Tensor) -> torch.Tensor:
        """-sum_a pi(a|s) log pi(a|s), [B], for outputs[B, K]."""


class Categorical:
    """One of A actions: pi(a|s) = exp(h_a) / sum_b exp(h_b), the outputs h being its logits."""

    noise = 1

    def __init__(self, actions: int) -> None:
        self.outputs = actions

    def sample(self, outputs: NDArray[Any], u: NDArray[np.floating]) -> NDArray[np.int64]:
        """Actions a[N]: the first whose cumulative probability exceeds u."""
        p = np.exp(outputs - outputs.max(axis=1, keepdims=True))
        below = p.cumsum(axis=1)
        chosen: NDArray[np.int64] = (below[:, :-1] <= u * below[:, -1:]).sum(axis=1)
        return chosen

    def log_prob(self, outputs: torch.Tensor, a: torch.Tensor) -> torch.Tensor:
        """Log-probabilities log pi(a|s), [B], for actions a[B], int64."""
        return outputs.log_softmax(dim=1).gather(1, a.unsqueeze(1)).squeeze(1)

    def entropy(self, outputs: torch.Tensor) -> torch.Tensor:
        """-sum_a pi(a|s) log pi(a|s), [B]."""
        log_pi = outputs.log_softmax(dim=1)
        return -(log_pi.exp() * log_pi).sum(dim=1)


def head(space: gymnasium.Space[Any]) -> Head:
    """The distribution over an action space; UserError for a space that has none yet."""
    return Categorical(discrete_actions(space))
