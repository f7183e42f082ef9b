"""Optimisers on one flat vector of parameters: gradient descent, Adam, and Adam for millions of parameters."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.optim.adam import adam

from baselines.maths.equations import adam_step, clip_norm
from baselines.nets.networks import to_numpy


class FlatParameters:
    """All parameters of a network as one vector `theta`, and all their gradients as one vector `grad`.

    The network's tensors become views into the two, so that an optimiser step, a copy to a target network, a
    gradient's norm are single operations whatever the number of layers.
    """

    def __init__(self, network: nn.Module, more: tuple[nn.Parameter, ...] = ()) -> None:
        self.parameters = [*network.parameters(), *more]
        self.theta = torch.cat([p.detach().reshape(-1) for p in self.parameters])
        self.grad = torch.zeros_like(self.theta)
        for p, theta, grad in zip(self.parameters, self.views(self.theta), self.views(self.grad), strict=True):
            p.data, p.grad = theta, grad

    def views(self, vector: torch.Tensor) -> list[torch.Tensor]:
        """The parts of a vector like theta that belong to each parameter, in the parameter's shape."""
        parts = vector.split([p.numel() for p in self.parameters])
        return [part.view_as(p) for part, p in zip(parts, self.parameters, strict=True)]


class GradientDescent:
    """Plain gradient descent, theta <- theta - alpha grad; it has Adam's interface."""

    def __init__(self, flat: FlatParameters) -> None:
        self.flat = flat

    @torch.no_grad()
    def step(self, alpha: float, max_grad_norm: float = 0.0) -> None:
        """One step against `flat.grad`, shortened to `max_grad_norm` where that is not 0; clears the gradient."""
        if max_grad_norm:
            clip_norm(self.flat.grad, max_grad_norm)
        self.flat.theta.sub_(self.flat.grad, alpha=alpha)
        self.flat.grad.zero_()

    def state(self) -> dict[str, Any]:
        """Empty: there is no memory to keep in a checkpoint."""
        return {}

    def restore(self, state: dict[str, Any]) -> None:
        """Nothing to go on from."""


class Adam:
    """The optimiser Adam on one vector, written as its equation.

    Not torch.optim.Adam: constructing the first one imports torch's compiler, 1.0 s on an idle core, half of what DQN
    takes to learn cart-pole. `tests/baselines/nets/test_optim.py` holds the two against each other.
    """

    def __init__(self, flat: FlatParameters) -> None:
        self.flat, self.t = flat, 0
        self.m, self.v = torch.zeros_like(flat.theta), torch.zeros_like(flat.theta)

    @torch.no_grad()
    def step(self, alpha: float, max_grad_norm: float = 0.0) -> None:
        """One step against `flat.grad`, shortened to `max_grad_norm` where that is not 0; clears the gradient."""
        self.t += 1
        if max_grad_norm:
            clip_norm(self.flat.grad, max_grad_norm)
        adam_step(self.flat.theta, self.flat.grad, self.m, self.v, self.t, alpha)
        self.flat.grad.zero_()

    def state(self) -> dict[str, Any]:
        """Step count and moments, for a checkpoint."""
        return {"t": self.t, "m": to_numpy(self.m), "v": to_numpy(self.v)}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from `state()`."""
        self.t = state["t"]
        self.m.copy_(torch.from_numpy(state["m"]))
        self.v.copy_(torch.from_numpy(state["v"]))


class FusedAdam(Adam):
    """Adam in one pass over memory, by torch's own kernel; it differs from `Adam` in the last bits.

    For millions of parameters. Gradients stay where backward leaves them, in tensors of their own, and are dropped
    after the step: adding them to a vector of zeros first would cost as much as the step.
    """

    def __init__(self, flat: FlatParameters, epsilon: float = 1e-8) -> None:
        super().__init__(flat)
        self.epsilon = epsilon
        self._parts = [flat.views(vector) for vector in (flat.theta, self.m, self.v)]
        flat.grad = flat.grad[:0]
        for p in flat.parameters:
            p.grad = None

    @torch.no_grad()
    def step(self, alpha: float, max_grad_norm: float = 0.0) -> None:
        """One step against the parameters' gradients, which it drops; it cannot shorten them."""
        assert not max_grad_norm
        thetas, ms, vs = self._parts
        gradients = [p.grad for p in self.flat.parameters if p.grad is not None]
        before = [torch.tensor(float(self.t), device=self.flat.theta.device) for _ in thetas]
        rates = {"lr": alpha, "beta1": 0.9, "beta2": 0.999, "eps": self.epsilon, "weight_decay": 0.0}
        adam(thetas, gradients, ms, vs, [], before, fused=True, amsgrad=False, maximize=False, **rates)
        self.t += 1
        for p in self.flat.parameters:
            p.grad = None


OPTIMISERS = {"ascent": GradientDescent, "adam": Adam}  # the losses are minus what ascends
