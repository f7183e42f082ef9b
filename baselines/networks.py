"""Networks and what they see: encoded observations, a perceptron, its parameters in one vector."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

import gymnasium
import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from baselines.agent_template import Perceptron
from baselines.equations import adam_step, clip_norm
from rlbench.errors import UserError

Activation = Literal["relu", "tanh"]
Init = Literal["orthogonal", "uniform"]


@dataclass(frozen=True)
class Encoding:
    """How an observation becomes D float32 features: a box flattened, shifted and scaled, one of n states one-hot."""

    scale: NDArray[np.float32]
    states: int = 0
    shift: NDArray[np.float32] | None = None
    limit: float = 0.0

    @property
    def size(self) -> int:
        """D."""
        return self.states or len(self.scale)

    def __call__(self, observation: NDArray[Any]) -> NDArray[np.float32]:
        """Observations [N, ...] -> features [N, D]."""
        return Perceptron([], "relu", self.scale, self.states, self.shift, self.limit).encode(observation)


def encoding(space: gymnasium.Space[Any], scale: tuple[float, ...] = ()) -> Encoding:
    """The encoding of one lane's observation space; UserError for a space that a perceptron does not take."""
    if isinstance(space, gymnasium.spaces.Discrete) and space.start == 0:
        return Encoding(np.ones(1, np.float32), int(space.n))
    if not isinstance(space, gymnasium.spaces.Box):
        raise UserError(f"observations must be a Box or a Discrete that starts at 0, not {space}")
    size = math.prod(space.shape)
    if scale and len(scale) != size:
        raise UserError(f"observation_scale has {len(scale)} numbers, the observation {size}")
    return Encoding(np.array(scale or (1.0,) * size, np.float32))


def discrete_actions(space: gymnasium.Space[Any]) -> int:
    """The number of actions; UserError where actions are not numbered from 0."""
    if not isinstance(space, gymnasium.spaces.Discrete) or space.start != 0:
        raise UserError(f"actions must be Discrete and start at 0, not {space}")
    return int(space.n)


def perceptron(
    sizes: tuple[int, ...],
    activation: Activation,
    init: Init,
    generator: torch.Generator,
    last_gain: float = 1.0,
) -> nn.Sequential:
    """A perceptron of sizes (D, hidden ..., outputs), its weights drawn from `generator`.

    `orthogonal`: rows orthogonal, gain sqrt(2) for hidden layers and `last_gain` for the last, biases 0 (Saxe et al.,
    2014). `uniform`: PyTorch's default, weights and biases in +-1/sqrt(inputs).
    """
    layers: list[nn.Module] = []
    for i, (inputs, outputs) in enumerate(pairwise(sizes)):
        linear = nn.Linear(inputs, outputs)  # drawn anew below; skip_init would import sympy, half a second
        hidden = i < len(sizes) - 2
        initialise(linear, init, math.sqrt(2) if hidden else last_gain, generator)
        layers += [linear, nn.ReLU() if activation == "relu" else nn.Tanh()] if hidden else [linear]
    return nn.Sequential(*layers)


def initialise(linear: nn.Linear, init: Init, gain: float, generator: torch.Generator) -> None:
    """Draw a layer's weights, in place."""
    if init == "orthogonal":
        nn.init.orthogonal_(linear.weight, gain, generator=generator)
        nn.init.zeros_(linear.bias)
    else:
        bound = 1 / math.sqrt(linear.in_features)
        nn.init.uniform_(linear.weight, -bound, bound, generator=generator)
        if linear.bias is not None:
            nn.init.uniform_(linear.bias, -bound, bound, generator=generator)


class Flat:
    """All parameters of a network as one vector `theta`, and all their gradients as one vector `grad`.

    The network's tensors become views into the two, so that an optimiser step, a copy to a target network, a
    gradient's norm are single operations whatever the number of layers.
    """

    def __init__(self, network: nn.Module, more: tuple[nn.Parameter, ...] = ()) -> None:
        parameters = [*network.parameters(), *more]
        self.theta = torch.cat([p.detach().reshape(-1) for p in parameters])
        self.grad = torch.zeros_like(self.theta)
        sizes = [p.numel() for p in parameters]
        for p, theta, grad in zip(parameters, self.theta.split(sizes), self.grad.split(sizes), strict=True):
            p.data, p.grad = theta.view_as(p), grad.view_as(p)


class Adam:
    """The optimiser Adam on a flat parameter vector.

    Not torch.optim.Adam: constructing the first one imports torch's compiler, which takes longer (2-4 s) than DQN
    takes to learn cart-pole. `tests/baselines/test_networks.py` holds the two against each other.
    """

    def __init__(self, flat: Flat) -> None:
        self.flat, self.t = flat, 0
        self.m, self.v = torch.zeros_like(flat.theta), torch.zeros_like(flat.theta)

    @torch.no_grad()
    def step(self, alpha: float, most: float = 0.0) -> None:
        """One step against `flat.grad`, shortened to `most` where that is not 0; clears the gradient."""
        self.t += 1
        if most:
            clip_norm(self.flat.grad, most)
        adam_step(self.flat.theta, self.flat.grad, self.m, self.v, self.t, alpha)
        self.flat.grad.zero_()

    def state(self) -> dict[str, Any]:
        """What a checkpoint holds of it."""
        return {"t": self.t, "m": to_numpy(self.m), "v": to_numpy(self.v)}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from `state()`."""
        self.t = state["t"]
        self.m.copy_(torch.from_numpy(state["m"]))
        self.v.copy_(torch.from_numpy(state["v"]))


def to_numpy(tensor: torch.Tensor) -> NDArray[Any]:
    """A copy of a tensor as a NumPy array."""
    array: NDArray[Any] = tensor.detach().cpu().numpy().copy()
    return array


def numpy_policy(network: nn.Sequential, activation: Activation, encode: Encoding) -> Perceptron:
    """The network's greedy policy in NumPy; on a CPU it shares the network's memory and learns with it."""
    linears = [layer for layer in network if isinstance(layer, nn.Linear)]
    layers = [(layer.weight.detach().cpu().numpy(), layer.bias.detach().cpu().numpy()) for layer in linears]
    return Perceptron(layers, activation, encode.scale, encode.states, encode.shift, encode.limit)
