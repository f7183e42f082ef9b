"""Distributions over actions, whose parameters are a network's outputs.

A head samples actions while playing, in NumPy of arrays and in torch of tensors, computes log pi(a|s) and the entropy
in torch while learning, and decodes actions for the environment. Continuous actions are sampled in units in which the
bounds of the action space are -1 and 1.
"""

from __future__ import annotations

import math
from typing import Any, Protocol

import gymnasium
import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from baselines.maths.equations import gaussian_entropy, gaussian_log_prob, standard_normal, tanh_log_slope
from baselines.nets.encoding import discrete_actions
from baselines.templates.agent_template import Mean, Perceptron, to_box
from baselines.templates.policies import GraphPolicy
from rlbench.errors import UnfitError

CPU = torch.device("cpu")

LOG_SIGMA = (-20.0, 2.0)
"""Bounds of the log-deviation of a squashed Gaussian."""


class Head(Protocol):
    """A family of distributions over actions, its parameters given by K network outputs per observation."""

    outputs: int
    """K."""
    draws: int
    """Uniform numbers in [0, 1) from which one action is computed."""
    parameters: tuple[nn.Parameter, ...]
    """Parameters of its own, which do not depend on the observation; learned with the network's."""

    def sample(self, outputs: Any, u: Any) -> Any:
        """Actions a[N, ...] for outputs[N, K], computed from the uniforms u[N, draws]; arrays or tensors, all."""

    def log_prob(self, outputs: torch.Tensor, a: torch.Tensor) -> torch.Tensor:
        """Log-probabilities log pi(a|s), [B], for outputs[B, K] and actions a[B, ...]."""

    def entropy(self, outputs: torch.Tensor) -> torch.Tensor:
        """-sum_a pi(a|s) log pi(a|s), [B], for outputs[B, K]."""

    def decode(self, a: Any) -> Any:
        """Actions a[N, ...] in the environment's own units; an array or a tensor."""

    def greedy(self, network: Perceptron) -> Perceptron:
        """The deterministic policy of the likeliest action."""


class Categorical:
    """One of A actions: pi(a|s) = exp(h_a) / sum_b exp(h_b), where the outputs h are the logits."""

    draws = 1
    parameters = ()

    def __init__(self, actions: int) -> None:
        self.outputs = actions

    def sample(self, outputs: Any, u: Any) -> Any:
        """Actions a[N]: the first whose cumulative probability exceeds u."""
        if isinstance(outputs, torch.Tensor):
            p = (outputs - outputs.amax(dim=1, keepdim=True)).exp()
        else:
            p = np.exp(outputs - outputs.max(axis=1, keepdims=True))
        below = p.cumsum(1)
        return (below[:, :-1] <= u * below[:, -1:]).sum(1)

    def log_prob(self, outputs: torch.Tensor, a: torch.Tensor) -> torch.Tensor:
        """Log-probabilities log pi(a|s), [B], for actions a[B], int64."""
        return outputs.log_softmax(dim=1).gather(1, a.unsqueeze(1)).squeeze(1)

    def entropy(self, outputs: torch.Tensor) -> torch.Tensor:
        """-sum_a pi(a|s) log pi(a|s), [B]."""
        log_pi = outputs.log_softmax(dim=1)
        return -(log_pi.exp() * log_pi).sum(dim=1)

    def decode(self, a: Any) -> Any:
        """The actions as they are."""
        return a

    def greedy(self, network: Perceptron | GraphPolicy) -> Perceptron | GraphPolicy:
        """The action with the greatest logit, which explains its probabilities; graphs say so themselves."""
        if isinstance(network, Perceptron):
            network.tells = "probabilities"
        return network


class Gaussian:
    """Actions of a box: a ~ N(mu(s), sigma^2), where mu are the outputs and log sigma[A] does not depend on s.

    Samples beyond the bounds are clipped for the environment only: learning uses them as they were drawn. The initial
    sigma is `deviation`.
    """

    def __init__(self, space: gymnasium.spaces.Box, deviation: float, device: torch.device = CPU) -> None:
        self.low, self.high = bounds(space)
        self.outputs, self.draws = len(self.low), 2 * len(self.low)
        self.bounds = torch.from_numpy(self.low).to(device), torch.from_numpy(self.high).to(device)
        self.log_sigma = nn.Parameter(torch.full((self.outputs,), math.log(deviation), device=device))
        self.parameters = (self.log_sigma,)

    def sample(self, outputs: Any, u: Any) -> Any:
        """Actions a[N, A] = mu + sigma z, z standard normal."""
        sigma = self.log_sigma.detach().exp()
        if isinstance(outputs, torch.Tensor):
            return outputs + sigma * standard_normal(u)
        return (outputs + sigma.cpu().numpy() * standard_normal(u)).astype(np.float32)

    def log_prob(self, outputs: torch.Tensor, a: torch.Tensor) -> torch.Tensor:
        """Log-densities log pi(a|s), [B], for actions a[B, A]."""
        return gaussian_log_prob(a, outputs, self.log_sigma)

    def entropy(self, outputs: torch.Tensor) -> torch.Tensor:
        """The differential entropy, [B], equal in all states."""
        return gaussian_entropy(self.log_sigma).expand(len(outputs))

    def decode(self, a: Any) -> Any:
        """Actions a[N, A] in the box's own units, clipped to its bounds."""
        if isinstance(a, torch.Tensor):
            low, high = self.bounds
            return (low + (a + 1) / 2 * (high - low)).clamp(low, high)
        return to_box(a, self.low, self.high)

    def greedy(self, network: Perceptron) -> Perceptron:
        """The mean, clipped to the bounds."""
        return Mean(network, self.low, self.high, squash=False)


class SquashedGaussian:
    """Actions of a box: a = tanh(u), u ~ N(mu(s), sigma(s)^2), where the outputs [N, 2A] are mu and log sigma.

    Haarnoja et al. (2018), appendix C. Actions are functions of the outputs and of normal numbers, so that gradients
    pass through them.
    """

    def __init__(self, space: gymnasium.spaces.Box) -> None:
        self.low, self.high = bounds(space)
        self.actions = len(self.low)
        self.outputs = 2 * self.actions

    def draw(self, outputs: torch.Tensor, z: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Actions a[B, A] for outputs[B, 2A] and normal numbers z[B, A], and their log pi(a|s), [B]."""
        mu, log_sigma = outputs.chunk(2, dim=1)
        log_sigma = log_sigma.clamp(*LOG_SIGMA)
        u = mu + log_sigma.exp() * z
        return u.tanh(), gaussian_log_prob(u, mu, log_sigma) - tanh_log_slope(u)

    def decode(self, a: NDArray[Any]) -> NDArray[Any]:
        """Actions a[N, A] in the box's own units."""
        return to_box(a, self.low, self.high)

    def greedy(self, network: Perceptron) -> Perceptron:
        """tanh(mu), the median of the actions; the outputs for log sigma are left out."""
        (weight, bias), layers = network.layers[-1], network.layers[:-1]
        mean = [*layers, (weight[: self.actions], bias[: self.actions])]
        halved = Perceptron(mean, network.activation, network.scale, network.states, network.shift, network.limit)
        return Mean(halved, self.low, self.high, squash=True)


def bounds(space: gymnasium.Space[Any]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Bounds low[A] and high[A] of a box, float32; UserError for other spaces and for boxes without bounds."""
    if not isinstance(space, gymnasium.spaces.Box) or len(space.shape) != 1 or not space.is_bounded():
        raise UnfitError(f"continuous actions must be a bounded Box of one axis, not {space}")
    return space.low.astype(np.float32), space.high.astype(np.float32)


def head(space: gymnasium.Space[Any], deviation: float = 1.0, device: torch.device = CPU) -> Head:
    """The distribution over an action space.

    Args:
        space: of one environment.
        deviation: initial standard deviation of continuous actions, in units in which the bounds are -1 and 1.
        device: where the parameters of its own are, and tensors of actions.

    Raises:
        UserError: for a space without a distribution here.
    """
    if isinstance(space, gymnasium.spaces.Box):
        return Gaussian(space, deviation, device)
    return Categorical(discrete_actions(space))
