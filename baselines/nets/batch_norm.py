"""Perceptrons with batch normalization, and perceptrons without that compute the same.

Ioffe & Szegedy (2015), "Batch normalization: accelerating deep network training by reducing internal covariate shift".
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from baselines.nets.encoding import Layers
from baselines.nets.networks import FastLinear, initialise
from baselines.nets.optim import Adam, FlatParameters, TrainedNetwork

MOMENTUM, EPSILON = 0.01, 1e-3
"""Step size of the running statistics, and what is added to variances: those of CrossQ (Bhatt et al., 2024)."""


class BatchNorm(nn.Module):
    """Normalization of x[B, D] by mean and variance of the batch, or in mode `eval` by their running averages.

    Not torch.nn.BatchNorm1d, which counts batches in a tensor that has no place in a vector of statistics.

    Args:
        features: D.
        affine: whether a gain and a bias of each feature are learned.
    """

    mean: torch.Tensor
    variance: torch.Tensor

    def __init__(self, features: int, affine: bool = True) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(features)) if affine else None
        self.bias = nn.Parameter(torch.zeros(features)) if affine else None
        self.register_buffer("mean", torch.zeros(features))
        self.register_buffer("variance", torch.ones(features))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """See the class; [B, D]."""
        return nn.functional.batch_norm(
            x, self.mean, self.variance, self.weight, self.bias, self.training, MOMENTUM, EPSILON
        )

    def affine(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Factor and summand, [D] each, by which the running averages normalize."""
        factor = 1 / np.sqrt(_double(self.variance) + EPSILON)
        summand = -factor * _double(self.mean)
        if self.weight is None:
            return factor, summand
        gain = _double(self.weight)
        return gain * factor, gain * summand + _double(self.bias)


def batch_norm_perceptron(sizes: tuple[int, ...], generator: torch.Generator) -> nn.Sequential:
    """A multi-layer perceptron whose inputs are normalized, and whose hidden units are before their ReLU.

    Weights are orthogonal. Hidden layers have no biases, which the normalization would take away again, and inputs
    neither gain, as the first layer has weights, nor bias. (Adam would walk along the latter at random, in full steps,
    as its gradient is nothing but rounding.)

    Args:
        sizes: numbers of features, hidden units of each layer, and outputs.
        generator: weights are drawn from it.
    """
    layers: list[nn.Module] = [BatchNorm(sizes[0], affine=False)]
    for i, (inputs, outputs) in enumerate(pairwise(sizes)):
        hidden = i < len(sizes) - 2
        linear = FastLinear(inputs, outputs, bias=not hidden)
        initialise(linear, "orthogonal", math.sqrt(2), generator)
        layers += [linear, BatchNorm(outputs), nn.ReLU()] if hidden else [linear]
    return nn.Sequential(*layers)


def folded(network: nn.Sequential) -> Layers:
    """The perceptron without normalization that computes what this one does by its running averages; copies.

    A layer W x + c after or before a normalization f x + s is a layer again: W (f x + s) + c = (W f) x + W s + c,
    f (W x + c) + s = (f W) x + f c + s.
    """
    layers: list[tuple[NDArray[np.float64], NDArray[np.float64]]] = []
    f, s = np.ones(1), np.zeros(1)  # of the inputs
    for layer in network:
        if isinstance(layer, nn.Linear):
            W = _double(layer.weight)
            c = W @ np.broadcast_to(s, W.shape[1])
            layers.append((W * f, c if layer.bias is None else c + _double(layer.bias)))
            f, s = np.ones(1), np.zeros(1)
        elif isinstance(layer, BatchNorm) and not layers:
            f, s = layer.affine()
        elif isinstance(layer, BatchNorm):
            (W, c), (gain, bias) = layers[-1], layer.affine()
            layers[-1] = W * gain[:, None], c * gain + bias
    return [(W.astype(np.float32), c.astype(np.float32)) for W, c in layers]


def _double(tensor: torch.Tensor) -> NDArray[np.float64]:
    """A copy, as numbers precise enough to multiply without a trace in the last bits of float32."""
    return tensor.detach().cpu().numpy().astype(np.float64)


class NormalizedNetwork(TrainedNetwork):
    """A network that is trained, with its running averages as one vector, which checkpoints hold.

    It normalizes by them, but in the scope `by_batch`. Arguments: as of TrainedNetwork.
    """

    CHECKPOINTED: ClassVar[tuple[str, ...]] = (*TrainedNetwork.CHECKPOINTED, "statistics")

    def __init__(self, network: Any, device: torch.device, optimizer: Callable[[FlatParameters], Adam] = Adam) -> None:
        super().__init__(network, device, optimizer)
        averages = [*self.network.buffers()]
        self.statistics = torch.cat([torch.zeros(0, device=device), *averages])
        for average, part in zip(averages, self.statistics.split([len(each) for each in averages]), strict=True):
            average.data = part
        self.network.eval()


@contextmanager
def by_batch(trained: NormalizedNetwork) -> Iterator[None]:
    """A scope in which a network normalizes by the statistics of each batch, which its running averages follow."""
    trained.network.train()
    try:
        yield
    finally:
        trained.network.eval()
