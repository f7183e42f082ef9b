"""Networks in torch, and the NumPy policies that share their weights."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any, Literal, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from baselines.nets.encoding import Encoder, Layers
from baselines.templates.pixel_agent_template import Convolutional
from rlbench.errors import UserError

Activation = Literal["relu", "tanh"]
Init = Literal["orthogonal", "uniform"]
P = TypeVar("P")


class Linear(nn.Linear):
    """torch's layer without weights as yet: `initialise` draws them, so that torch's global generator never moves."""

    def reset_parameters(self) -> None:
        """Nothing."""


class FastLinear(Linear):
    """The same, its products by oneDNN on a CPU where there is one.

    Under pinned arithmetic (`rlbench.arithmetic`) they take 0.4 times as long as by MKL, whose repeatable kernels are
    those of SSE2; they differ in the last bits. A single row is faster as it is.
    """

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """x[B, in_features] -> [B, out_features]."""
        if x.device.type != "cpu" or len(x) < 2 or not torch.backends.mkldnn.is_available():
            return super().forward(x)
        return nn.functional.linear(x.to_mkldnn(), self.weight, self.bias).to_dense()  # type: ignore[no-any-return]


class Convolution2d(nn.Conv2d):
    """torch's layer without weights as yet, likewise."""

    def reset_parameters(self) -> None:
        """Nothing."""


def perceptron(
    sizes: tuple[int, ...],
    activation: Activation,
    init: Init,
    generator: torch.Generator,
    last_gain: float = 1.0,
    *,
    layer_norm: bool = False,
) -> nn.Sequential:
    """A multi-layer perceptron.

    Args:
        sizes: numbers of features, hidden units of each layer, and outputs.
        activation: between the layers.
        init: `orthogonal`, rows orthogonal and biases 0 (Saxe et al., 2014), or `uniform`, PyTorch's default.
        generator: weights are drawn from it.
        last_gain: scale of the last layer's orthogonal weights; that of the others is sqrt(2).
        layer_norm: whether hidden layers are normalized before their activation (Ba, Kiros & Hinton, 2016).
    """
    layers: list[nn.Module] = []
    for i, (inputs, outputs) in enumerate(pairwise(sizes)):
        linear = Linear(inputs, outputs)
        hidden = i < len(sizes) - 2
        initialise(linear, init, math.sqrt(2) if hidden else last_gain, generator)
        layers.append(linear)
        if hidden:
            layers += [nn.LayerNorm(outputs)] if layer_norm else []
            layers.append(nn.ReLU() if activation == "relu" else nn.Tanh())
    return nn.Sequential(*layers)


class PixelConvolution(Convolution2d):
    """Convolution over stacked frames in blocks, uint8 [B, K, h, w, b^2] -> [B, O, h', w'], pixels scaled to [0, 1].

    The pixels of a b x b block are the b^2 channels of one place: a kernel of size m b and stride b over frames is one
    of size m and stride 1 over blocks, with the same sums. With channels last in memory it reads rows of K b^2 numbers,
    and takes half as long on a CPU. The factor 1/255 is applied to the weights, which are fewer than the pixels.
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
    init: Init = "uniform",
    *,
    layer_norm: bool = False,
) -> nn.Sequential:
    """Convolutions, then a perceptron, with ReLU after each layer but the last.

    Args:
        shape: (K, H, W) of the stacked frames. The network takes them in blocks, as `FrameReplay` keeps them.
        convolutions: of each layer; the first one's stride is the side of a block.
        sizes: numbers of hidden units of each dense layer, and of outputs.
        generator: weights are drawn from it.
        init: as of `perceptron`.
        layer_norm: whether hidden layers are normalized before their activation, those of filters over all places and
            filters together, with a gain and a bias per filter.

    Raises:
        UserError: for convolutions that do not fit the frames.
    """
    (first_filters, kernel, stride), *others = convolutions
    channels, height, width = shape
    if kernel % stride or height % stride or width % stride:
        raise UserError(f"the first stride, {stride}, must divide its kernel {kernel} and the frame {height}x{width}")
    layers: list[nn.Module] = []
    channels, height, width = channels * stride**2, height // stride, width // stride
    for filters, size, step in ((first_filters, kernel // stride, 1), *others):
        layer = (Convolution2d if layers else PixelConvolution)(channels, filters, size, step)
        initialise(layer, init, math.sqrt(2), generator)
        layers += [layer, *([nn.GroupNorm(1, filters)] if layer_norm else []), nn.ReLU()]
        channels, height, width = filters, (height - size) // step + 1, (width - size) // step + 1
        if min(height, width) < 1:
            raise UserError(f"convolutions={convolutions} leave nothing of a frame of {shape[1]}x{shape[2]}")
    head = perceptron((channels * height * width, *sizes), "relu", init, generator, layer_norm=layer_norm)
    return nn.Sequential(*layers, nn.Flatten(), *head)


def initialise(layer: nn.Linear | nn.Conv2d, init: Init, gain: float, generator: torch.Generator) -> None:
    """Draw a layer's weights and biases in place; `gain` is for orthogonal ones, see `perceptron`."""
    if init == "orthogonal":
        nn.init.orthogonal_(layer.weight, gain, generator=generator)
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)
    else:
        bound = 1 / math.sqrt(layer.weight[0].numel())
        nn.init.uniform_(layer.weight, -bound, bound, generator=generator)
        if layer.bias is not None:
            nn.init.uniform_(layer.bias, -bound, bound, generator=generator)


def to_numpy(tensor: torch.Tensor) -> NDArray[Any]:
    """A copy of a tensor as a NumPy array."""
    array: NDArray[Any] = tensor.detach().cpu().numpy().copy()
    return array


def numpy_policy(network: nn.Sequential, activation: Activation, encode: Encoder[P]) -> P:
    """The greedy policy of a perceptron, in NumPy; on a CPU it shares the network's memory and learns with it."""
    return encode.policy(arrays(network, nn.Linear), activation)


def numpy_pixel_policy(network: nn.Sequential, block: int, epsilon: float, seed: int = 0) -> Convolutional:
    """The epsilon-greedy policy of a network made by `convolutional`, in NumPy.

    Args:
        network: its first filters are copied out of their blocks; the other weights are shared on a CPU.
        block: side of a block, the first stride.
        epsilon: probability of a random action.
        seed: of the random actions.
    """
    (weight, bias), *others = arrays(network, nn.Conv2d)
    weight = out_of_blocks(weight, block)
    strides = [block, *(layer.stride[0] for layer in network[1:] if isinstance(layer, nn.Conv2d))]
    convolutions = [(weight, bias), *others]
    return Convolutional(convolutions, strides, arrays(network, nn.Linear), epsilon, seed)


def in_blocks(observation: NDArray[Any], block: int) -> NDArray[Any]:
    """Stacked frames [N, K, H, W] as `PixelConvolution` takes them, [N, K, H / block, W / block, block^2]; a copy."""
    N, K, H, W = observation.shape
    places = observation.reshape(N, K, H // block, block, W // block, block)
    return np.ascontiguousarray(places.swapaxes(3, 4)).reshape(N, K, H // block, W // block, block**2)


def out_of_blocks(weight: NDArray[Any], block: int) -> NDArray[Any]:
    """The weights of a `PixelConvolution` as those of a convolution over pixels; a copy."""
    filters, channels, m, _ = weight.shape
    blocks = weight.reshape(filters, channels // block**2, block, block, m, m)  # of pixels y, x in places y, x
    return blocks.transpose(0, 1, 4, 2, 5, 3).reshape(filters, -1, m * block, m * block)


def arrays(network: nn.Sequential, kind: type[nn.Linear | nn.Conv2d]) -> Layers:
    """Weights and biases of the layers of a kind; on a CPU they share the network's memory."""
    layers = [layer for layer in network if isinstance(layer, kind)]
    return [(layer.weight.detach().cpu().numpy(), layer.bias.detach().cpu().numpy()) for layer in layers]
