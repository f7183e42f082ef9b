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

from baselines.maths.equations import adam_step, clip_norm
from baselines.templates.agent_template import Perceptron
from baselines.templates.pixel_agent_template import Convolutional
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


def frames_shape(space: gymnasium.Space[Any]) -> tuple[int, int, int]:
    """The shape (K, H, W) of one lane's stacked frames; UserError for a space that a convolution does not take."""
    if not isinstance(space, gymnasium.spaces.Box) or len(space.shape) != 3 or space.dtype != np.uint8:
        raise UserError(f"convolutions take stacked frames, uint8 [K, H, W], not {space}")
    stacked, height, width = space.shape
    return stacked, height, width


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


class PixelConvolution(nn.Conv2d):
    """A convolution over stacked frames in blocks, uint8 [B, K, h, w, b^2] -> [B, O, h', w'], pixels scaled to [0, 1].

    A b x b block of pixels becomes b^2 channels of one place: a kernel of m b with stride b over the frames is one of m
    with stride 1 over these, the same sums. With the channels last in memory it reads rows of K b^2 numbers, and takes
    half as long on a CPU. The scale is applied to the weights, which are fewer than the pixels.
    """

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """See the class."""
        B, K, h, w, bb = x.shape
        places = x.permute(0, 2, 3, 1, 4).reshape(B, h, w, K * bb).float()
        return nn.functional.conv2d(places.permute(0, 3, 1, 2), self.weight * (1 / 255), self.bias)


Convolution = tuple[int, int, int]
"""Filters, kernel, stride."""


def convolutional(
    shape: tuple[int, int, int],
    convolutions: tuple[Convolution, ...],
    sizes: tuple[int, ...],
    generator: torch.Generator,
) -> nn.Sequential:
    """Convolutions over stacks of frames `shape` (K, H, W), then a perceptron of sizes (hidden ..., outputs).

    ReLU after each layer but the last; weights in +-1/sqrt(inputs), PyTorch's default. It takes what
    `FrameReplay.see` gives: frames in blocks of the first stride.
    """
    (first_filters, kernel, stride), *others = convolutions
    channels, height, width = shape
    if kernel % stride or height % stride or width % stride:
        raise UserError(f"the first stride, {stride}, must divide its kernel {kernel} and the frame {height}x{width}")
    layers: list[nn.Module] = []
    channels, height, width = channels * stride**2, height // stride, width // stride
    for filters, size, step in ((first_filters, kernel // stride, 1), *others):
        layer = (nn.Conv2d if layers else PixelConvolution)(channels, filters, size, step)
        initialise(layer, "uniform", 1.0, generator)
        layers += [layer, nn.ReLU()]
        channels, height, width = filters, (height - size) // step + 1, (width - size) // step + 1
        if min(height, width) < 1:
            raise UserError(f"convolutions={convolutions} leave nothing of a frame of {shape[1]}x{shape[2]}")
    head = perceptron((channels * height * width, *sizes), "relu", "uniform", generator)
    return nn.Sequential(*layers, nn.Flatten(), *head)


def initialise(layer: nn.Linear | nn.Conv2d, init: Init, gain: float, generator: torch.Generator) -> None:
    """Draw a layer's weights, in place."""
    if init == "orthogonal":
        nn.init.orthogonal_(layer.weight, gain, generator=generator)
        nn.init.zeros_(layer.bias)
    else:
        bound = 1 / math.sqrt(layer.weight[0].numel())
        nn.init.uniform_(layer.weight, -bound, bound, generator=generator)
        if layer.bias is not None:
            nn.init.uniform_(layer.bias, -bound, bound, generator=generator)


class Flat:
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


class FusedAdam(Adam):
    """The same in one pass over memory, for millions of parameters: to the last bits another sum.

    It takes the gradients where backward left them, in tensors of their own, and drops them: adding them to zeros
    first would cost as much as the step. The kernel is the one behind torch.optim.Adam(fused=True).
    """

    def __init__(self, flat: Flat) -> None:
        super().__init__(flat)
        self._parts = [flat.views(vector) for vector in (flat.theta, self.m, self.v)]
        flat.grad = flat.grad[:0]
        for p in flat.parameters:
            p.grad = None

    @torch.no_grad()
    def step(self, alpha: float, most: float = 0.0) -> None:
        """One step against the gradients of the parameters; it knows no bound of them."""
        assert not most
        self.t += 1
        gradients = [p.grad for p in self.flat.parameters if p.grad is not None]
        thetas, ms, vs = self._parts
        counts = [torch.tensor(float(self.t), device=self.flat.theta.device)] * len(thetas)
        how = {"weight_decay": 0.0, "eps": 1e-8, "amsgrad": False, "maximize": False}
        torch._fused_adam_(thetas, gradients, ms, vs, [], counts, lr=alpha, beta1=0.9, beta2=0.999, **how)
        for p in self.flat.parameters:
            p.grad = None


def to_numpy(tensor: torch.Tensor) -> NDArray[Any]:
    """A copy of a tensor as a NumPy array."""
    array: NDArray[Any] = tensor.detach().cpu().numpy().copy()
    return array


def numpy_policy(network: nn.Sequential, activation: Activation, encode: Encoding) -> Perceptron:
    """The network's greedy policy in NumPy; on a CPU it shares the network's memory and learns with it."""
    return Perceptron(arrays(network, nn.Linear), activation, encode.scale, encode.states, encode.shift, encode.limit)


def numpy_pixel_policy(network: nn.Sequential, block: int, epsilon: float, seed: int = 0) -> Convolutional:
    """The policy in NumPy of a network made by `convolutional`; its first filters are copied out of their blocks."""
    (weight, bias), *others = arrays(network, nn.Conv2d)
    filters, channels, m, _ = weight.shape
    blocks = weight.reshape(filters, channels // block**2, block, block, m, m)  # of pixels y, x in places y, x
    weight = blocks.transpose(0, 1, 4, 2, 5, 3).reshape(filters, -1, m * block, m * block)
    strides = [block, *(layer.stride[0] for layer in network[1:] if isinstance(layer, nn.Conv2d))]
    convolutions = [(weight, bias), *others]
    return Convolutional(convolutions, strides, arrays(network, nn.Linear), epsilon, seed)


def arrays(network: nn.Sequential, kind: type[nn.Linear | nn.Conv2d]) -> list[tuple[NDArray[Any], NDArray[Any]]]:
    """Weights and biases of the layers of a kind; on a CPU they share the network's memory."""
    layers = [layer for layer in network if isinstance(layer, kind)]
    return [(layer.weight.detach().cpu().numpy(), layer.bias.detach().cpu().numpy()) for layer in layers]
