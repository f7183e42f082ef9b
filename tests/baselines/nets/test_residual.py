"""The residual network: how it begins, and the same in torch and in the player's NumPy."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from baselines.nets.residual import PolicyValueNetwork, residual_graph, residual_network
from rlbench.harness.layers.player import Player


def model(size: int = 5, blocks: int = 3, channels: int = 8, seed: int = 0) -> PolicyValueNetwork:
    graph = residual_graph(5, size, blocks, channels, value_hidden=6)
    network = residual_network(graph, torch.Generator().manual_seed(seed))
    return PolicyValueNetwork(network, torch.device("cpu"))


def shaken(made: PolicyValueNetwork, seed: int = 1) -> PolicyValueNetwork:
    """The network with all weights, those that begin at 0 too, moved at random."""
    generator = torch.Generator().manual_seed(seed)
    made.theta.add_(0.1 * torch.randn(made.theta.shape, generator=generator))
    return made


def positions(count: int, size: int = 5, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    planes = np.random.default_rng(seed).integers(2, size=(count, 5, size, size)).astype(np.uint8)
    return planes, np.ones((count, size**2 + 1), np.int8)


@pytest.mark.parametrize("size", [2, 3, 5, 9])
def test_it_begins_with_a_uniform_policy_and_the_value_0(size: int) -> None:
    logits, v = model(size).evaluate(*positions(4, size))
    np.testing.assert_array_equal(logits, np.zeros((4, size**2 + 1), np.float32))
    np.testing.assert_array_equal(v, np.zeros(4, np.float32))


def test_a_block_begins_as_the_identity() -> None:
    """So a network of any depth begins with the features of its first layer, at their scale."""
    made = model(blocks=3)
    features: dict[str, torch.Tensor] = {}
    for name in ("stem", "block.2.sum"):
        graph = made.network.graph
        tapped = graph._replace(outputs={"tapped": f"{name}.out" if name == "stem" else name})
        made.network.graph = tapped
        outputs, _ = made.network({"planes": torch.from_numpy(positions(2)[0])})
        features[name] = outputs["tapped"].detach()
        made.network.graph = graph
    torch.testing.assert_close(features["stem"], features["block.2.sum"])
    assert 0.3 < float(features["stem"].square().mean()) < 3


def test_channels_last_changes_roundings_alone() -> None:
    """The convolutions' faster layout: the same function and the same gradients."""
    made, other, given = shaken(model(size=9)), shaken(model(size=9)), positions(16, 9)
    other.memory_format = torch.channels_last
    for theirs, ours in zip(made.evaluate(*given), other.evaluate(*given), strict=True):
        np.testing.assert_allclose(theirs, ours, atol=1e-5)
    for each in (made, other):
        logits, v = each.outputs(given[0])
        (logits.square().mean() + v.square().mean()).backward()
    torch.testing.assert_close(made.flat.grad, other.flat.grad, atol=1e-5, rtol=1e-4)


def test_every_weight_has_a_gradient_after_two_steps() -> None:
    """The zeros at the beginning keep nothing from learning."""
    made, (planes, _) = model(), positions(16)
    pi, z = torch.full((16, 26), 1 / 26), torch.ones(16)
    pi[:, 3] += 1
    for _ in range(3):
        made.flat.grad.zero_()
        logits, v = made.outputs(planes)
        ((z - v).square().mean() - (pi * logits.log_softmax(1)).sum(1).mean()).backward()
        gradients = [float(grad.abs().max()) for grad in made.flat.views(made.flat.grad)]
        made.optimizer.step(1e-2)
    assert min(gradients) > 0


@pytest.mark.parametrize("size", [3, 5, 9])
def test_the_player_computes_the_same(size: int) -> None:
    made, (planes, mask) = shaken(model(size)), positions(7, size)
    player = Player(made.network.graph, made.network.tensors())
    player.check({"planes": planes})
    player.act({"planes": planes}, np.ones(7, bool))
    logits, v = made.evaluate(planes, mask)
    assert np.ptp(logits) > 0.1
    assert np.ptp(v) > 0.01
    np.testing.assert_allclose(player.outputs()["policy"], logits, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(player.outputs()["value"], v, rtol=1e-4, atol=1e-5)
    assert player.explain()["value"].shape == (7,)


def test_the_seed_decides_the_weights_and_the_global_generator_stays() -> None:
    before = torch.get_rng_state()
    first, again, other = model(seed=3).weights(), model(seed=3).weights(), model(seed=4).weights()
    torch.testing.assert_close(torch.get_rng_state(), before)
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_weights_are_copied_out_and_taken() -> None:
    one, other = shaken(model()), model()
    weights = one.weights()
    other.take(weights)
    planes, mask = positions(3)
    for a, b in zip(one.evaluate(planes, mask), other.evaluate(planes, mask), strict=True):
        np.testing.assert_array_equal(a, b)
    other.theta.zero_()
    np.testing.assert_array_equal(one.weights(), weights)
