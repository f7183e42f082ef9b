"""Networks against torch's own."""

from __future__ import annotations

import gymnasium
import numpy as np
import pytest
import torch

from baselines.algorithms import dqn
from baselines.nets.networks import (
    Adam,
    Convolution,
    Flat,
    FusedAdam,
    convolutional,
    discrete_actions,
    encoding,
    frames_shape,
    perceptron,
)
from rlbench.errors import UserError

SIZES = (3, 8, 8, 2)


def network(seed: int = 0) -> torch.nn.Sequential:
    return perceptron(SIZES, "tanh", "uniform", torch.Generator().manual_seed(seed))


@pytest.mark.parametrize(("optimiser", "most"), [(Adam, 1.0), (Adam, 0.0), (FusedAdam, 0.0)])
def test_adam_against_torch_optim(optimiser: type[Adam], most: float) -> None:
    ours, theirs = network(), network()
    adam = optimiser(Flat(ours))
    reference = torch.optim.Adam(theirs.parameters(), lr=0.01)
    x = torch.randn(16, 3, generator=torch.Generator().manual_seed(1))
    for _ in range(50):
        for model in (ours, theirs):
            model(x).square().sum().backward()
        norm = torch.nn.utils.clip_grad_norm_(theirs.parameters(), most or 1e9)
        adam.step(0.01, most)
        reference.step()
        reference.zero_grad()
    assert norm > 0
    for mine, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(mine, other, rtol=1e-4, atol=1e-6)
        assert all(p.grad is None or not p.grad.any() for p in ours.parameters())


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


def test_encodings() -> None:
    box = encoding(gymnasium.spaces.Box(-1, 1, (2, 2)), (1, 10, 100, 1000))
    assert box(np.ones((1, 2, 2))).tolist() == [[1, 10, 100, 1000]]
    states = encoding(gymnasium.spaces.Discrete(3))
    assert states(np.array([2, 0])).tolist() == [[0, 0, 1], [1, 0, 0]]
    assert (box.size, states.size) == (4, 3)


@pytest.mark.parametrize("space", [gymnasium.spaces.MultiDiscrete([2, 2]), gymnasium.spaces.Discrete(3, start=1)])
def test_spaces_that_are_not_taken(space: gymnasium.Space[object]) -> None:
    with pytest.raises(UserError, match="must be a Box or a Discrete that starts at 0"):
        encoding(space)
    with pytest.raises(UserError, match="actions must be Discrete and start at 0"):
        discrete_actions(gymnasium.spaces.Box(-1, 1, (1,)))


def test_scale_of_the_wrong_length() -> None:
    with pytest.raises(UserError, match="observation_scale has 2 numbers, the observation 4"):
        encoding(gymnasium.spaces.Box(-1, 1, (4,)), (1.0, 2.0))


@pytest.mark.parametrize(
    ("convolutions", "hidden", "parameters"),
    [
        (dqn.LECTURE, 256, 4_112 + 8_224 + 663_808 + 1_028),  # of 16x8x8x4, 32x4x4x16, 256x2592, 4x256, and biases
        (dqn.NATURE, 512, 1_686_180),  # Osband et al. (2016) and many others count as much for four actions
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
    with pytest.raises(UserError, match=r"convolutions take stacked frames, uint8 \[K, H, W\], not Box"):
        frames_shape(gymnasium.spaces.Box(-1, 1, (4, 84, 84)))
