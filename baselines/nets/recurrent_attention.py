"""The recurrent attention model: one module per box of the paper's figure 1.

Mnih, Heess, Graves & Kavukcuoglu (2014), "Recurrent models of visual attention", sections 3.1 and 4. The glimpse
sensor, rho(x_t, l_t), is the environment's retina, whose patches are the input here. Shapes: N environments, patches
rho_t[N, D], locations l_t[N, 2], glimpses g_t[N, G], state h_t[N, H]. `templates.glimpse_template` is the same model in
NumPy.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn
from torch.nn.functional import relu

from baselines.nets.networks import Linear, initialise


class GlimpseNetwork(nn.Module):
    """f_g: what was seen and where, g_t = relu(W_1 relu(W_rho rho_t) + W_2 relu(W_l l_t)), biases left out."""

    def __init__(self, pixels: int, width: int, glimpse: int) -> None:
        super().__init__()
        self.what, self.where = Linear(pixels, width), Linear(2, width)
        self.both = Linear(2 * width, glimpse)  # [W_1 W_2]

    def forward(self, rho_t: torch.Tensor, l_t: torch.Tensor) -> torch.Tensor:
        """rho_t[N, D], l_t[N, 2] -> g_t[N, G]."""
        return relu(self.both(relu(torch.cat((self.what(rho_t), self.where(l_t)), dim=1))))


class Core(nn.Module):
    """f_h: the state, a summary of what was seen so far, h_t = relu(W_h h_{t-1} + W_g g_t + b)."""

    def __init__(self, glimpse: int, state: int) -> None:
        super().__init__()
        self.glimpse, self.state = Linear(glimpse, state), Linear(state, state, bias=False)

    def forward(self, h_tm1: torch.Tensor | None, g_t: torch.Tensor) -> torch.Tensor:
        """h_tm1[N, H], None for the zeros of an episode's beginning, g_t[N, G] -> h_t[N, H]."""
        seen = self.glimpse(g_t)
        return relu(seen if h_tm1 is None else seen + self.state(h_tm1))


class LocationNetwork(nn.Module):
    """f_l: the mean of where to look next, mu_t = tanh(W' relu(W h_t)); without a hidden layer, tanh(W h_t)."""

    def __init__(self, state: int, hidden: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(*((Linear(state, hidden), nn.ReLU()) if hidden else ()), Linear(hidden or state, 2))

    def forward(self, h_t: torch.Tensor) -> torch.Tensor:
        """h_t[..., H] -> mu_t[..., 2] in [-1, 1]."""
        return torch.tanh(self.layers(h_t))


class ActionNetwork(Linear):
    """f_a: logits of the classes, h_t[..., H] -> [..., classes]."""


class Baseline(Linear):
    """The expected reward, h_t[..., H] -> b_t[..., 1]."""


class RecurrentAttention(nn.Module):
    """The boxes of the figure, wired by `look`; `draw` gives them weights."""

    def __init__(self, pixels: int, classes: int, width: int, state: int, location_hidden: int) -> None:
        super().__init__()
        self.glimpse_network = GlimpseNetwork(pixels, width, state)
        self.core = Core(state, state)
        self.location_network = LocationNetwork(state, location_hidden)
        self.action_network = ActionNetwork(state, classes)
        self.baseline = Baseline(state, 1)

    def look(self, h_tm1: torch.Tensor | None, rho_t: torch.Tensor, l_t: torch.Tensor) -> torch.Tensor:
        """One glimpse: h_tm1[N, H], rho_t[N, D], l_t[N, 2] -> h_t[N, H]."""
        return self.core(h_tm1, self.glimpse_network(rho_t, l_t))

    def draw(self, generator: torch.Generator) -> None:
        """Weights and biases anew, uniform in +-1/sqrt(inputs)."""
        for module in self.modules():
            if isinstance(module, nn.Linear):
                initialise(module, "uniform", 1.0, generator)


def multiply_accumulates(network: nn.Module, forward: Callable[[], object]) -> int:
    """Multiplications by weights of linear and convolutional layers in one call of `forward`."""
    counts: list[int] = []

    def count(layer: nn.Module, inputs: object, outputs: torch.Tensor) -> None:
        counts.append(outputs.numel() * layer.weight[0].numel())

    layers = [layer for layer in network.modules() if isinstance(layer, nn.Linear | nn.Conv2d)]
    hooks = [layer.register_forward_hook(count) for layer in layers]
    with torch.no_grad():
        forward()
    for hook in hooks:
        hook.remove()
    return sum(counts)
