"""The eight symmetries of a board: drawn, closed, and the same that the rules of Go have."""

from __future__ import annotations

import gymnasium
import numpy as np
import pytest
import torch
from torch import nn

from baselines.data.symmetries import SYMMETRIES, board_symmetries, transformed
from baselines.nets.residual import PolicyValueNetwork, residual_graph, residual_network

DRAWN = [
    "ab. c.. ...",
    "... b.. ac.",  # a quarter turn to the left
    "... ..c .ba",
    ".ca ..b ...",
    "ac. b.. ...",  # reflected at the falling diagonal
    "... ..b .ca",  # and at the other one
    ".ba ..c ...",
    "... c.. ab.",
]


def drawn(text: str) -> np.ndarray:
    return np.array([list(row) for row in text.split()]).ravel()


def test_the_eight_symmetries_of_a_drawing() -> None:
    made = {"".join(drawn(DRAWN[0])[each]) for each in board_symmetries(3)}
    assert made == {"".join(drawn(each)) for each in DRAWN}
    assert len(made) == SYMMETRIES


@pytest.mark.parametrize("size", [2, 3, 5, 9])
def test_they_form_a_group(size: int) -> None:
    table = board_symmetries(size)
    rows = {tuple(each) for each in table}
    assert len(rows) == SYMMETRIES
    assert tuple(range(size**2)) in rows
    assert {tuple(first[second]) for first in table for second in table} == rows


def test_a_policy_is_turned_with_its_position_and_the_pass_stays() -> None:
    rng = np.random.default_rng(0)
    points = rng.random((SYMMETRIES, 9)).astype(np.float32)
    planes = np.repeat(points[:, None], 2, axis=1).reshape(SYMMETRIES, 2, 3, 3)
    pi = np.concatenate([points, np.full((SYMMETRIES, 1), 7, np.float32)], axis=1)
    turned, pi_turned = transformed(planes, pi, np.arange(SYMMETRIES))
    for plane in (0, 1):
        np.testing.assert_array_equal(turned[:, plane].reshape(SYMMETRIES, 9), pi_turned[:, :9])
    assert (pi_turned[:, 9] == 7).all()
    assert len({tuple(each) for each in turned[:, 0].reshape(SYMMETRIES, 9)}) == SYMMETRIES


@pytest.mark.parametrize("symmetry", range(SYMMETRIES))
def test_a_game_of_turned_moves_is_the_turned_game(symmetry: int) -> None:
    """The environment is the second opinion: stones, last moves and legal actions, with captures and superko."""
    one, other = (gymnasium.make_vec("rlbench/Go5x5-v0", 1, opponent=None) for _ in range(2))
    (seen, _), (turned, _) = (env.reset(seed=0) for env in (one, other))
    rng, chosen = np.random.default_rng(symmetry), np.array([symmetry])
    inverse = np.argsort(board_symmetries(5)[symmetry])  # where each point goes
    for _ in range(45):
        planes, mask = transformed(seen["planes"], seen["action_mask"], chosen)
        np.testing.assert_array_equal(planes, turned["planes"])
        np.testing.assert_array_equal(mask, turned["action_mask"])
        points = np.flatnonzero(seen["action_mask"][0, :25])
        action = int(rng.choice(points)) if len(points) else 25
        seen = one.step(np.array([action]))[0]
        turned = other.step(np.array([action if action == 25 else inverse[action]]))[0]
    one.close()
    other.close()


@pytest.mark.parametrize("symmetry", range(SYMMETRIES))
def test_they_commute_with_a_network_whose_weights_are_symmetric(symmetry: int) -> None:
    """Evaluating a turned position gives the turned policy, and the same value."""
    graph = residual_graph(planes=5, size=5, blocks=2, channels=4, value_hidden=3)
    network, generator = residual_network(graph, torch.Generator()), torch.Generator().manual_seed(0)
    with torch.no_grad():
        for layer in network.layers.modules():
            if isinstance(layer, nn.Conv2d):
                weight = torch.randn(layer.weight.shape, generator=generator) / 5
                turned = [torch.rot90(w, k, (2, 3)) for w in (weight, weight.transpose(2, 3)) for k in range(4)]
                layer.weight.copy_(sum(turned, start=torch.zeros(())) / SYMMETRIES)
            if isinstance(layer, nn.Linear):
                row = torch.randn(layer.weight[:, :1].shape, generator=generator)
                layer.weight.copy_(row.expand_as(layer.weight) / 5)
    model = PolicyValueNetwork(network, torch.device("cpu"))
    planes = np.random.default_rng(symmetry).integers(2, size=(6, 5, 5, 5)).astype(np.uint8)
    mask = np.ones((6, 26), np.int8)
    logits, v = model.evaluate(planes, mask)
    turned, wanted = transformed(planes, logits, np.full(6, symmetry))
    logits_turned, v_turned = model.evaluate(turned, mask)
    assert np.ptp(logits) > 0.1
    np.testing.assert_allclose(logits_turned, wanted, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(v_turned, v, rtol=1e-4, atol=1e-5)
