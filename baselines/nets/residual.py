"""A residual network with two heads, policy and value, over the planes of a board game.

Silver et al. (2017), "Mastering the game of Go without human knowledge", methods, with three departures:

* No batch normalisation: the weights begin as in Zhang, Dauphin & Ma (2019), "Fixup initialization", without its
  scalars. So one network learns and plays, whatever the batch, and a submission needs no folding.
* The logit of a point comes from a 1 x 1 convolution, which treats all points alike, and only that of the pass from a
  linear layer over the board. Theirs learns every point's logit for itself.
* The 1 x 1 convolutions of the heads have HEAD filters; theirs have 2 and 1.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from baselines.nets.graph import GraphNetwork
from baselines.nets.graph_builder import Builder
from baselines.nets.networks import to_numpy
from baselines.nets.optim import TrainedNetwork
from rlbench.harness.layers.graph import Graph

HEAD = 8
"""Filters of each head's 1 x 1 convolution."""

POLICY, VALUE = "policy", "value"
"""Names of the outputs: logits [B, A] with A = n^2 + 1, and the value [B] in [-1, 1] of the player to move."""


def residual_graph(planes: int, size: int, blocks: int, channels: int, value_hidden: int) -> Graph:
    """The graph over `observation.planes`, [B, planes, size, size].

    Args:
        planes: of an observation.
        size: n, the side of the board.
        blocks: residual blocks of two convolutions each.
        channels: filters of every 3 x 3 convolution.
        value_hidden: units of the value head's hidden layer.
    """
    build = Builder()
    x = build("stem.out", "relu", _conv(build, "stem", "observation.planes", planes, channels))
    for i in range(blocks):
        y = build(f"block.{i}.middle", "relu", _conv(build, f"block.{i}.first", x, channels, channels))
        y = _conv(build, f"block.{i}.second", y, channels, channels)
        x = build(f"block.{i}.out", "relu", build(f"block.{i}.sum", "add", x, y))
    logits, v = _policy_head(build, x, size, channels), _value_head(build, x, size, channels, value_hidden)
    shown = {"probabilities": build("probabilities", "softmax", logits), "value": v}
    return build.graph({POLICY: logits, VALUE: v}, {"op": "argmax", "input": logits}, shown)


def _policy_head(build: Builder, x: str, size: int, channels: int) -> str:
    """Logits of all points, row by row, and of the pass."""
    p = build("policy.planes.out", "relu", _conv(build, "policy.planes", x, channels, HEAD, kernel=1))
    points = build("policy.points.flat", "flatten", _conv(build, "policy.points", p, HEAD, 1, kernel=1))
    flat = build("policy.flat", "flatten", p)
    return build("policy.logits", "concatenate", points, _linear(build, "policy.pass", flat, HEAD * size**2, 1))


def _value_head(build: Builder, x: str, size: int, channels: int, hidden: int) -> str:
    """The value, [B]."""
    v = build("value.planes.out", "relu", _conv(build, "value.planes", x, channels, HEAD, kernel=1))
    v = _linear(build, "value.hidden", build("value.flat", "flatten", v), HEAD * size**2, hidden)
    v = _linear(build, "value.out", build("value.hidden.out", "relu", v), hidden, 1)
    return build("value", "max", build("value.tanh", "tanh", v))  # of one column: the column


def _conv(build: Builder, name: str, x: str, inputs: int, outputs: int, kernel: int = 3) -> str:
    """A convolution that keeps the board's size."""
    shape = {"in_channels": inputs, "out_channels": outputs, "kernel_size": kernel}
    return build(name, "conv2d", x, **shape, stride=1, padding=kernel // 2, bias=True)


def _linear(build: Builder, name: str, x: str, inputs: int, outputs: int) -> str:
    return build(name, "linear", x, in_features=inputs, out_features=outputs, bias=True)


def residual_network(graph: Graph, generator: torch.Generator) -> GraphNetwork:
    """The graph in torch, its weights drawn from the generator; torch's global one does not move.

    The second convolution of every block begins at 0, so that a block begins as the identity, and so do the last layers
    of the heads: the first policy is uniform and the first value 0. The other weights are those of He et al. (2015),
    in a block divided by the square root of the number of blocks. Zhang, Dauphin & Ma (2019), section 3.
    """
    with torch.random.fork_rng([]):
        network = GraphNetwork(graph)
    blocks = sum(node.op == "add" for node in graph.nodes)
    for name, layer in network.layers.named_modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            _draw(layer, _gain(name, blocks), generator)
    return network


def _gain(name: str, blocks: int) -> float:
    """The factor of a layer's weights."""
    if name.endswith((".second", "policy.points", "policy.pass", "value.out")):
        return 0.0
    return 1 / math.sqrt(blocks) if name.startswith("block.") else 1.0


def _draw(layer: nn.Conv2d | nn.Linear, gain: float, generator: torch.Generator) -> None:
    with torch.no_grad():
        deviation = gain * math.sqrt(2 / layer.weight[0].numel())
        layer.weight.normal_(0.0, deviation, generator=generator)
        layer.bias.zero_()


class PolicyValueNetwork(TrainedNetwork):
    """A network made by `residual_network`, its optimiser, and the call by which a search evaluates positions."""

    network: GraphNetwork
    memory_format = torch.contiguous_format
    """Memory layout of the convolutions; `torch.channels_last` is faster on a CPU and rounds differently."""

    def outputs(self, planes: NDArray[np.uint8]) -> tuple[torch.Tensor, torch.Tensor]:
        """Logits [B, A] and values [B] at planes [B, C, n, n], with gradients."""
        outputs, _ = self.network({"planes": self.tensor(planes).contiguous(memory_format=self.memory_format)})
        return outputs[POLICY], outputs[VALUE]

    def evaluate(
        self, planes: NDArray[np.uint8], action_mask: NDArray[np.int8]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Logits [M, A] and values [M] at planes [M, C, n, n]; the search masks what is not legal."""
        with torch.inference_mode():
            logits, v = self.outputs(planes)
        return to_numpy(logits), to_numpy(v)

    def weights(self) -> NDArray[np.float32]:
        """A copy of the weights, one vector."""
        return to_numpy(self.theta)

    def take(self, weights: NDArray[np.float32]) -> None:
        """Have these weights."""
        self.theta.copy_(torch.from_numpy(weights))
