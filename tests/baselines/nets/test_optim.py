"""Optimizers against torch's own."""

from __future__ import annotations

import pytest
import torch

from baselines.nets.networks import perceptron
from baselines.nets.optim import Adam, FlatParameters, FusedAdam, RAdam


def network() -> torch.nn.Sequential:
    return perceptron((3, 8, 8, 2), "tanh", "uniform", torch.Generator().manual_seed(0))


@pytest.mark.parametrize(("optimizer", "max_grad_norm"), [(Adam, 1.0), (Adam, 0.0), (FusedAdam, 0.0)])
@pytest.mark.parametrize("epsilon", [1e-8, 1.5e-4, 0.1])
def test_adam_against_torch_optim(optimizer: type[Adam], max_grad_norm: float, epsilon: float) -> None:
    ours, theirs = network(), network()
    adam = optimizer(FlatParameters(ours), epsilon)
    reference = torch.optim.Adam(theirs.parameters(), lr=0.01, eps=epsilon)
    x = torch.randn(16, 3, generator=torch.Generator().manual_seed(1))
    for _ in range(50):
        for model in (ours, theirs):
            model(x).square().sum().backward()
        norm = torch.nn.utils.clip_grad_norm_(theirs.parameters(), max_grad_norm or 1e9)
        adam.step(0.01, max_grad_norm)
        reference.step()
        reference.zero_grad()
    assert norm > 0
    for mine, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(mine, other, rtol=1e-4, atol=1e-6)
        assert all(p.grad is None or not p.grad.any() for p in ours.parameters())


@pytest.mark.parametrize("max_grad_norm", [1.0, 0.0])
@pytest.mark.parametrize("steps", [1, 5, 6, 50])
def test_rectified_adam_against_torch_optim(steps: int, max_grad_norm: float) -> None:
    """With b2 = 0.999 the first five steps are not rectified."""
    ours, theirs = network(), network()
    radam, reference = RAdam(FlatParameters(ours)), torch.optim.RAdam(theirs.parameters(), lr=0.01)
    x = torch.randn(16, 3, generator=torch.Generator().manual_seed(1))
    for _ in range(steps):
        for model in (ours, theirs):
            model(x).square().sum().backward()
        torch.nn.utils.clip_grad_norm_(theirs.parameters(), max_grad_norm or 1e9)
        radam.step(0.01, max_grad_norm)
        reference.step()
        reference.zero_grad()
    for mine, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(mine, other, rtol=1e-4, atol=1e-6)


def test_fused_adam_steps_as_torch_optim_does_bit_for_bit() -> None:
    ours, theirs = network(), network()
    adam = FusedAdam(FlatParameters(ours), epsilon=1.5e-4)
    reference = torch.optim.Adam(theirs.parameters(), lr=0.01, eps=1.5e-4, fused=True)
    x = torch.randn(16, 3, generator=torch.Generator().manual_seed(1))
    for _ in range(20):
        for model in (ours, theirs):
            model(x).square().sum().backward()
        adam.step(0.01)
        reference.step()
        reference.zero_grad()
    assert all(torch.equal(mine, other) for mine, other in zip(ours.parameters(), theirs.parameters(), strict=True))
