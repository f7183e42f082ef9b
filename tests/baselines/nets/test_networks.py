"""Networks: how their weights are drawn, and the sizes that the papers give."""

from __future__ import annotations

import pytest
import torch

from baselines.algorithms.atari_presets import LECTURE, NATURE
from baselines.nets.networks import Convolution, convolutional, perceptron
from rlbench.errors import UserError

SIZES = (3, 8, 8, 2)


def network(seed: int) -> torch.nn.Sequential:
    return perceptron(SIZES, "tanh", "uniform", torch.Generator().manual_seed(seed))


def test_orthogonal_layers() -> None:
    layer = perceptron((4, 8, 2), "relu", "orthogonal", torch.Generator().manual_seed(0), last_gain=0.01)
    first, last = layer[0].weight, layer[2].weight
    torch.testing.assert_close(first.T @ first, 2 * torch.eye(4))
    torch.testing.assert_close(last @ last.T, 1e-4 * torch.eye(2))
    assert not layer[0].bias.any()


def test_weights_depend_on_the_seed_alone() -> None:
    torch.manual_seed(3)
    once = network(1)[0].weight
    torch.manual_seed(4)
    assert torch.equal(once, network(1)[0].weight)
    assert not torch.equal(once, network(2)[0].weight)


@pytest.mark.parametrize(
    ("convolutions", "hidden", "parameters"),
    [
        (LECTURE, 256, 4_112 + 8_224 + 663_808 + 1_028),  # of 16x8x8x4, 32x4x4x16, 256x2592, 4x256, and biases
        (NATURE, 512, 1_686_180),  # Osband et al. (2016) and many others count as much for four actions
    ],
)
def test_parameters_of_the_papers(convolutions: tuple[Convolution, ...], hidden: int, parameters: int) -> None:
    made = convolutional((4, 84, 84), convolutions, (hidden, 4), torch.Generator())
    assert sum(p.numel() for p in made.parameters()) == parameters


def test_convolutions_that_do_not_fit() -> None:
    def made(*convolutions: Convolution) -> torch.nn.Sequential:
        return convolutional((4, 84, 84), convolutions, (4,), torch.Generator())

    with pytest.raises(UserError, match="the first stride, 3, must divide its kernel 8 and the frame 84x84"):
        made((16, 8, 3))
    with pytest.raises(UserError, match="leave nothing of a frame of 84x84"):
        made((16, 8, 4), (32, 21, 1))
