"""Batch normalization against torch's, its networks without it, and weights that are kept at length 1."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from baselines.nets.batch_norm import BatchNorm, NormalizedNetwork, batch_norm_perceptron, by_batch, folded
from baselines.nets.networks import FastLinear, perceptron
from baselines.nets.optim import FlatParameters
from baselines.nets.weight_norm import ProjectedAdam

CPU = torch.device("cpu")


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def drawn(*shape: int, seed: int = 0) -> torch.Tensor:
    """Normal numbers, not about 0."""
    return 3 + 2 * torch.randn(*shape, generator=generator(seed))


def trained(batches: int = 20, **kwargs: object) -> NormalizedNetwork:
    """A network that has learned from some batches."""
    network = NormalizedNetwork(batch_norm_perceptron((3, 8, 8, 2), generator()), CPU, **kwargs)  # type: ignore[arg-type]
    for i in range(batches):
        with by_batch(network):
            network(drawn(16, 3, seed=i)).square().mean().backward()
        network.optimizer.step(1e-2)
    return network


def test_against_torch() -> None:
    ours, theirs = BatchNorm(3), nn.BatchNorm1d(3, eps=1e-3, momentum=0.01)
    for i in range(5):
        x = drawn(16, 3, seed=i)
        torch.testing.assert_close(ours(x), theirs(x))
    for running, its in ((ours.mean, theirs.running_mean), (ours.variance, theirs.running_var)):
        torch.testing.assert_close(running, its)
    x = drawn(4, 3, seed=9)
    torch.testing.assert_close(ours.eval()(x), theirs.eval()(x))


def test_averages_follow_within_the_scope_alone() -> None:
    network = trained(1)
    before = network.statistics.clone()
    x = drawn(16, 3, seed=7)
    alone, together = network(x[:1]), network(x)[:1]
    torch.testing.assert_close(alone, together)  # by running averages, rows know nothing of each other
    assert torch.equal(network.statistics, before)
    with by_batch(network):
        network(x)
    mean = network.network[0].mean
    torch.testing.assert_close(mean, 0.99 * before[:3] + 0.01 * x.mean(dim=0))
    assert mean.data_ptr() == network.statistics.data_ptr()


def test_statistics_are_restored_in_place() -> None:
    network, other = trained(), trained(1)
    assert not torch.equal(network.statistics, other.statistics)
    other.restore(network.state())
    x = drawn(5, 3)
    assert torch.equal(other(x), network(x))


@pytest.mark.parametrize("sizes", [(3, 8, 8, 2), (3, 2), (3, 8, 2)])
def test_folded_it_computes_the_same(sizes: tuple[int, ...]) -> None:
    network = NormalizedNetwork(batch_norm_perceptron(sizes, generator()), CPU)
    with torch.no_grad():
        network.theta.add_(0.3 * torch.randn(len(network.theta), generator=generator(1)))
        network.statistics.copy_(drawn(len(network.statistics)).square())
    x = drawn(50, 3, seed=400)
    expected = network(x).detach().numpy()
    given = x.numpy()
    *hidden, (W, b) = folded(network.network)
    for weight, bias in hidden:
        given = np.maximum(given @ weight.T + bias, 0)
    np.testing.assert_allclose(given @ W.T + b, expected, rtol=1e-4, atol=1e-5)
    assert len(hidden) == len(sizes) - 2


def test_folding_a_network_without_normalization_copies_it() -> None:
    network = perceptron((3, 8, 2), "relu", "uniform", generator())
    for (weight, bias), layer in zip(folded(network), (network[0], network[2]), strict=True):
        assert np.array_equal(weight, layer.weight.detach())
        assert np.array_equal(bias, layer.bias.detach())
        assert not np.shares_memory(weight, layer.weight.detach().numpy())


def lengths(network: nn.Sequential, with_bias: bool) -> torch.Tensor:
    """Of the weights of every unit: of hidden ones with their bias, where that is asked for."""
    layers = [layer for layer in network if isinstance(layer, nn.Linear)]
    rows = [
        torch.cat([layer.weight, layer.bias.unsqueeze(1)], dim=1)
        if with_bias and layer is not layers[-1]
        else layer.weight
        for layer in layers
    ]
    return torch.cat([row.detach().norm(dim=1) for row in rows])


@pytest.mark.parametrize("normalized", [True, False])
def test_units_have_length_one_before_and_after_each_step(normalized: bool) -> None:
    sizes = (3, 8, 8, 2)
    network = (
        batch_norm_perceptron(sizes, generator()) if normalized else perceptron(sizes, "relu", "uniform", generator())
    )
    adam = ProjectedAdam(FlatParameters(network), [network])
    for i in range(5):
        torch.testing.assert_close(lengths(network, not normalized), torch.ones(18))
        network(drawn(16, 3, seed=i)).square().mean().backward()
        adam.step(0.1)
    assert network[-1].bias.abs().max() > 0.05, "biases of the outputs are free"


def test_the_projection_is_the_nearest_point_of_the_sphere() -> None:
    """A step as of torch's Adam, then every row divided by its length, and nothing else changed."""
    network, other = (batch_norm_perceptron((3, 8, 2), generator()) for _ in range(2))
    steps = ProjectedAdam(FlatParameters(network), [network]), torch.optim.Adam(other.parameters(), lr=0.1)
    with torch.no_grad():
        for theirs, ours in zip(other.parameters(), network.parameters(), strict=True):
            theirs.copy_(ours)
    for each in (network, other):
        each(drawn(16, 3)).square().mean().backward()
    steps[0].step(0.1)
    steps[1].step()
    for name, theirs in other.named_parameters():
        ours = network.get_parameter(name)
        expected = theirs / theirs.norm(dim=1, keepdim=True) if theirs.dim() == 2 else theirs
        torch.testing.assert_close(ours, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("B", [1, 2, 33])
def test_fast_products_are_those_of_torch(B: int, bias: bool) -> None:
    """With all gradients."""
    layer, x = FastLinear(5, 7, bias=bias), drawn(B, 5).requires_grad_()
    theirs = nn.Linear(5, 7, bias=bias)
    layer.load_state_dict(theirs.state_dict())
    x_theirs = x.detach().clone().requires_grad_()
    y, expected = layer(x), theirs(x_theirs)
    torch.testing.assert_close(y, expected)
    for out in (y, expected):
        out.square().sum().backward()
    torch.testing.assert_close(x.grad, x_theirs.grad)
    for ours, its in zip(layer.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(ours.grad, its.grad)
