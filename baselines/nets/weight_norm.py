"""Weights of length 1: Adam that projects them back onto the unit sphere after each step.

Behind batch normalization the length of a unit's weights changes nothing but the size of its gradients, so that weights
which grow learn ever more slowly. Palenicek et al. (2025b), "Scaling off-policy reinforcement learning with batch and
weight normalization"; Lyle et al. (2024), "Normalization and effective learning rates in reinforcement learning".
(Rejected: Salimans & Kingma (2016), who divide by the length within the network, which lets the weights grow.)
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from baselines.nets.optim import Adam, FlatParameters


class ProjectedAdam(Adam):
    """Adam; before the first step and after each, the incoming weights of every unit have length 1.

    Args:
        flat: The parameters.
        networks: Perceptrons whose parameters are among them. The bias of a hidden unit is one of its weights; those of
            the outputs are left alone.
        capturable: As of Adam.
    """

    def __init__(self, flat: FlatParameters, networks: list[nn.Sequential], capturable: bool = False) -> None:
        super().__init__(flat, capturable=capturable)
        self.units = [pair for network in networks for pair in _units(network)]
        self.project()

    @torch.no_grad()
    def step(self, alpha: Any, max_grad_norm: float = 0.0) -> None:
        """One step against `flat.grad`, as of Adam, and the projection."""
        super().step(alpha, max_grad_norm)
        self.project()

    @torch.no_grad()
    def project(self) -> None:
        """Divide the weights w of every unit by their length |w|."""
        for weight, bias in self.units:
            length = weight.square().sum(dim=1)
            if bias is not None:
                length += bias.square()
            length.sqrt_()
            weight.div_(length.unsqueeze(1))
            if bias is not None:
                bias.div_(length)


def _units(network: nn.Sequential) -> list[tuple[torch.Tensor, torch.Tensor | None]]:
    """Weights [units, inputs] of each layer, with the biases [units] of hidden ones that have them."""
    *hidden, last = (layer for layer in network if isinstance(layer, nn.Linear))
    return [*((layer.weight, layer.bias) for layer in hidden), (last.weight, None)]
