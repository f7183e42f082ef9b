"""Optimisers on one flat vector of parameters: gradient descent, Adam, and Adam for millions of parameters."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
import torch
from torch import nn
from torch.optim.adam import adam

from baselines.maths.optimisation import adam_step, clip_norm, radam_step
from baselines.stateful import Stateful
from rlbench.errors import UserError


class FlatParameters:
    """All parameters of a network as one vector `theta`, and all their gradients as one vector `grad`.

    The network's tensors become views into the two, so that an optimiser step, a copy to a target network or a
    gradient's norm is one operation, whatever the number of layers.
    """

    def __init__(self, network: nn.Module, extra: tuple[nn.Parameter, ...] = ()) -> None:
        self.parameters = [*network.parameters(), *extra]
        self.theta = torch.cat([p.detach().reshape(-1) for p in self.parameters])
        self.grad = torch.zeros_like(self.theta)
        for p, theta, grad in zip(self.parameters, self.views(self.theta), self.views(self.grad), strict=True):
            p.data, p.grad = theta, grad

    def views(self, vector: torch.Tensor) -> list[torch.Tensor]:
        """The parts of a vector like theta that belong to each parameter, in the parameter's shape."""
        parts = vector.split([p.numel() for p in self.parameters])
        return [part.view_as(p) for part, p in zip(parts, self.parameters, strict=True)]


class GradientDescent(Stateful):
    """Plain gradient descent, theta <- theta - alpha grad; it has Adam's interface."""

    def __init__(self, flat: FlatParameters, capturable: bool = False) -> None:
        self.flat = flat

    @torch.no_grad()
    def step(self, alpha: Any, max_grad_norm: float = 0.0) -> None:
        """One step against `flat.grad`, its norm clipped to `max_grad_norm` unless that is 0; clears the gradient."""
        if max_grad_norm:
            clip_norm(self.flat.grad, max_grad_norm)
        if isinstance(alpha, float):
            self.flat.theta.sub_(self.flat.grad, alpha=alpha)
        else:
            self.flat.theta.sub_(alpha * self.flat.grad)
        self.flat.grad.zero_()


class Adam(Stateful):
    """The optimiser Adam on one vector, written as its equation.

    Not torch.optim.Adam: constructing the first one imports torch's compiler, 1.0 s on an idle core, half of what DQN
    takes to learn cart-pole. `tests/baselines/nets/test_optim.py` holds the two against each other.

    Args:
        flat: The parameters.
        epsilon: Of the equation.
        capturable: Whether steps are counted on the parameters' device, so that they can be captured.
    """

    CHECKPOINTED: ClassVar[tuple[str, ...]] = ("t", "m", "v")
    equation = staticmethod(adam_step)

    def __init__(self, flat: FlatParameters, epsilon: float = 1e-8, capturable: bool = False) -> None:
        self.flat, self.epsilon = flat, epsilon
        self.t: Any = torch.zeros((), dtype=torch.float64, device=flat.theta.device) if capturable else 0
        self.m, self.v = torch.zeros_like(flat.theta), torch.zeros_like(flat.theta)

    @torch.no_grad()
    def step(self, alpha: Any, max_grad_norm: float = 0.0) -> None:
        """One step against `flat.grad`, its norm clipped to `max_grad_norm` unless that is 0; clears the gradient."""
        self.t += 1
        if max_grad_norm:
            clip_norm(self.flat.grad, max_grad_norm)
        self.equation(self.flat.theta, self.flat.grad, self.m, self.v, self.t, alpha, self.epsilon)
        self.flat.grad.zero_()


class RAdam(Adam):
    """Rectified Adam on one vector: Adam whose first steps are as small as its first variances are uncertain."""

    equation = staticmethod(radam_step)


class FusedAdam(Adam):
    """Adam in one pass over memory, by torch's own kernel; it differs from `Adam` in the last bits.

    For millions of parameters. Gradients stay where backward leaves them, in tensors of their own, and are dropped
    after the step: adding them to a vector of zeros first would cost as much as the step.
    """

    def __init__(self, flat: FlatParameters, epsilon: float = 1e-8, capturable: bool = False) -> None:
        super().__init__(flat, epsilon, capturable)
        self._parts = [flat.views(vector) for vector in (flat.theta, self.m, self.v)]
        flat.grad = flat.grad[:0]
        for p in flat.parameters:
            p.grad = None

    @torch.no_grad()
    def step(self, alpha: Any, max_grad_norm: float = 0.0) -> None:
        """One step against the parameters' gradients, which it drops; it cannot clip them."""
        if max_grad_norm:
            raise ValueError(f"this optimizer cannot clip gradients; max_grad_norm is 0, got {max_grad_norm}")
        thetas, ms, vs = self._parts
        gradients = [p.grad for p in self.flat.parameters if p.grad is not None]
        if isinstance(self.t, torch.Tensor):
            before, alpha = [self.t.float() for _ in thetas], alpha.float()
        else:
            before = [torch.tensor(float(self.t), device=self.flat.theta.device) for _ in thetas]
        rates = {"lr": alpha, "beta1": 0.9, "beta2": 0.999, "eps": self.epsilon, "weight_decay": 0.0}
        adam(thetas, gradients, ms, vs, [], before, fused=True, amsgrad=False, maximize=False, **rates)
        self.t += 1
        for p in self.flat.parameters:
            p.grad = None


OPTIMIZERS = {
    "ascent": GradientDescent,
    "adam": Adam,
    "radam": RAdam,
}  # losses are minus the objectives, so descent ascends those


class TrainedNetwork(Stateful):
    """A network on a device, its parameters as one vector, and the optimiser that moves them.

    Args:
        network: what is trained; its parameters become views of `theta`.
        device: where it computes.
        optimizer: made of the flat parameters.
        extra: parameters on the device, beside the network's, that are learned with them.
    """

    CHECKPOINTED: ClassVar[tuple[str, ...]] = ("theta", "optimizer")

    def __init__(
        self,
        network: Any,
        device: torch.device,
        optimizer: Callable[[FlatParameters], GradientDescent | Adam] = Adam,
        extra: tuple[nn.Parameter, ...] = (),
    ) -> None:
        self.network, self.device = network.to(device), device
        self.flat = FlatParameters(self.network, extra)
        self.theta, self.optimizer = self.flat.theta, optimizer(self.flat)

    def __call__(self, *inputs: torch.Tensor) -> Any:
        """The network's outputs."""
        return self.network(*inputs)

    def tensor(self, values: Any) -> torch.Tensor:
        """An array or a tensor on the network's device, floats as float32."""
        tensor = values if isinstance(values, torch.Tensor) else torch.from_numpy(np.ascontiguousarray(values))
        return tensor.to(self.device, torch.float32 if tensor.is_floating_point() else tensor.dtype)


class Losses(Stateful):
    """Losses of the updates since the last `mean()`; they stay on their device until then: reading one waits for it."""

    def __init__(self) -> None:
        self._earlier = torch.zeros(0)  # those that a checkpoint held
        self._losses: list[torch.Tensor] = []

    def add(self, loss: torch.Tensor) -> None:
        """Keep the loss of an update."""
        self._losses.append(loss.detach())

    def check(self, updates: int) -> None:
        """UserError at the first loss that is no finite number, the last being that of update number `updates`."""
        losses = self._stacked()
        for i in (~losses.isfinite()).nonzero().flatten().tolist():
            check_loss(losses[i].item(), updates - len(losses) + 1 + i)

    def mean(self) -> float:
        """Mean of the losses since the last call."""
        losses, self._earlier, self._losses = self._stacked(), torch.zeros(0), []
        return float(losses.mean()) if len(losses) else 0.0

    def _stacked(self) -> torch.Tensor:
        """The losses [updates] on the CPU."""
        return torch.cat([self._earlier, torch.stack(self._losses).cpu()]) if self._losses else self._earlier

    def state(self) -> dict[str, Any]:
        """The losses since the last `mean()`."""
        return {"losses": self._stacked().numpy().copy()}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from `state()`."""
        self._earlier, self._losses = torch.from_numpy(state["losses"].copy()), []


class TensorLosses(Stateful):
    """The same for captured updates: sums in tensors that stay where they are.

    Args:
        device: Where the losses are.
    """

    CHECKPOINTED: ClassVar[tuple[str, ...]] = ("total", "number", "updates", "bad", "bad_update")

    def __init__(self, device: torch.device) -> None:
        self.total, self.number, self.updates, self.bad, self.bad_update = (
            torch.zeros((), dtype=torch.float64, device=device) for _ in range(5)
        )

    def add(self, loss: torch.Tensor) -> None:
        """Keep the loss of an update."""
        loss = loss.detach()
        self.updates += 1
        self.number += 1
        self.total += loss
        first = (self.bad_update == 0) & ~loss.isfinite()
        self.bad.copy_(torch.where(first, loss, self.bad))
        self.bad_update.copy_(torch.where(first, self.updates, self.bad_update))

    def check(self, updates: int) -> None:
        """UserError at the first loss that is no finite number; waits for the device."""
        if update := int(self.bad_update):
            check_loss(float(self.bad), update)

    def mean(self) -> float:
        """Mean of the losses since the last call; waits for the device."""
        total, number = torch.stack((self.total, self.number)).cpu().tolist()
        self.total.zero_()
        self.number.zero_()
        return total / number if number else 0.0


def check_loss(loss: float, update: int) -> None:
    """UserError for a loss that is no finite number."""
    if not math.isfinite(loss):
        raise UserError(f"the loss became {loss} at update {update}; try a lower learning rate")


def check_weights(update: int, *networks: TrainedNetwork) -> None:
    """UserError where a weight is no finite number."""
    if not all(bool(network.theta.isfinite().all()) for network in networks):
        raise UserError(f"a weight became infinite at update {update}; try a lower learning rate")
