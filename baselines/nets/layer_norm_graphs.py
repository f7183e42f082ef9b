"""Networks with layer normalization as graphs of layers: what a data-only submission stores of an agent of `pqn`."""

from __future__ import annotations

import math

import numpy as np
from torch import nn

from baselines.nets.encoding import Encoding
from baselines.nets.graph_builder import Builder, Tensors
from baselines.nets.networks import PixelConvolution, out_of_blocks
from baselines.nets.policy_graphs import features, of_action_values
from rlbench.harness.layers.graph import Graph


def layer_norm_perceptron(network: nn.Sequential, encode: Encoding) -> tuple[Graph, Tensors]:
    """A perceptron with layer normalization, of action values, whose greatest is chosen."""
    build = Builder()
    x, tensors = features(build, encode.policy([], "relu"))
    q, more = _sequential(build, x, network)
    return of_action_values(build, q, {"op": "argmax", "input": q}), tensors | more


def layer_norm_convolutional(
    network: nn.Sequential, shape: tuple[int, int, int], epsilon: float
) -> tuple[Graph, Tensors]:
    """A convolutional network with layer normalization, of action values, with an epsilon-greedy choice.

    Args:
        network: made by `networks.convolutional`.
        shape: (K, H, W) of the stacked frames.
        epsilon: probability of a random action.
    """
    build = Builder()
    q, tensors = _sequential(build, build("pixels", "scale", "observation", factor=1 / 255), network, shape)
    return of_action_values(build, q, {"op": "epsilon_greedy", "input": q, "epsilon": epsilon}), tensors


def _sequential(build: Builder, x: str, network: nn.Sequential, shape: tuple[int, ...] = ()) -> tuple[str, Tensors]:
    """Nodes of a torch network's layers; `shape` (C, H, W) of what goes into convolutions."""
    tensors: Tensors = {}
    for i, layer in enumerate(network):
        w = {name: tensor.detach().cpu().numpy() for name, tensor in layer.named_parameters()}
        match layer:
            case nn.Linear(in_features=inputs, out_features=outputs):
                x = build(f"layers.{i}", "linear", x, in_features=inputs, out_features=outputs, bias=True)
            case nn.LayerNorm(normalized_shape=normalized, eps=eps):
                x = build(f"layers.{i}", "layer_norm", x, normalized_shape=list(normalized), eps=eps)
            case nn.Conv2d():
                stride = layer.stride[0]
                if isinstance(layer, PixelConvolution):
                    stride = math.isqrt(layer.in_channels // shape[0])
                    w["weight"] = out_of_blocks(w["weight"], stride)
                filters, channels, size, _ = w["weight"].shape
                kernel = {"kernel_size": size, "stride": stride, "padding": 0, "bias": True}
                x = build(f"layers.{i}", "conv2d", x, in_channels=channels, out_channels=filters, **kernel)
                shape = (filters, *((side - size) // stride + 1 for side in shape[1:]))
            case nn.GroupNorm(num_groups=1, eps=eps):  # over all of an image, with a gain and a bias per filter
                w = {name: np.broadcast_to(v[:, None, None], shape).copy() for name, v in w.items()}
                x = build(f"layers.{i}", "layer_norm", x, normalized_shape=list(shape), eps=eps)
            case nn.ReLU():
                x = build(f"hidden.{i}", "relu", x)
            case nn.Flatten():
                x = build(f"flat.{i}", "flatten", x)
            case _:
                raise TypeError(f"no operation is known for a {type(layer).__name__}")
        tensors |= {f"{x}.{name}": v for name, v in w.items()}
    return x, tensors
