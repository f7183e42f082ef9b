"""Graphs of layers: every operation the same in torch and in the player's NumPy, and trainable in torch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from baselines.nets.graph import FUNCTIONS, MODULES, GraphNetwork
from baselines.nets.graph_builder import Builder, to_json
from baselines.nets.networks import initialise
from rlbench.harness.layers.graph import Graph, GraphError, parse
from rlbench.harness.layers.operations import OPERATIONS
from rlbench.harness.layers.player import Player


def drawn(graph: Graph, seed: int = 0) -> GraphNetwork:
    """A network of the graph, its weights and statistics at random."""
    network, generator = GraphNetwork(graph), torch.Generator().manual_seed(seed)
    for layer in network.modules():
        if isinstance(layer, nn.Linear | nn.Conv2d):
            initialise(layer, "uniform", 1.0, generator)
    with torch.no_grad():
        for name, tensor in network.layers.state_dict().items():
            if tensor.dtype == torch.float32 and ("norm" in name or "box" in name or "embedding" in name):
                tensor.copy_(torch.rand(tensor.shape, generator=generator) + 0.5)
    return network.eval()


def two_headed(blocks: int = 2, width: int = 8, size: int = 5, actions: int = 26) -> Graph:
    """A residual network over planes [3, size, size] with a policy and a value. Silver et al. (2017), methods."""
    build = Builder()

    def convolution(name: str, x: str, inputs: int, outputs: int, kernel: int = 3) -> str:
        shape = {"in_channels": inputs, "out_channels": outputs, "kernel_size": kernel}
        x = build(name, "conv2d", x, **shape, stride=1, padding=kernel // 2, bias=False)
        return build(f"{name}.norm", "batch_norm", x, num_features=outputs, eps=1e-5)

    def linear(name: str, x: str, inputs: int, outputs: int) -> str:
        return build(name, "linear", x, in_features=inputs, out_features=outputs, bias=True)

    x = build("stem.out", "relu", convolution("stem", "observation", 3, width))
    for i in range(blocks):
        y = build(f"block.{i}.middle", "relu", convolution(f"block.{i}.first", x, width, width))
        y = build(f"block.{i}.sum", "add", convolution(f"block.{i}.second", y, width, width), x)
        x = build(f"block.{i}.out", "relu", y)
    p = build("policy.planes.out", "relu", convolution("policy.planes", x, width, 2, kernel=1))
    logits = linear("policy.logits", build("policy.flat", "flatten", p), 2 * size**2, actions)
    v = build("value.plane.out", "relu", convolution("value.plane", x, width, 1, kernel=1))
    v = build("value.hidden.out", "relu", linear("value.hidden", build("value.flat", "flatten", v), size**2, 16))
    v = build("value.tanh", "tanh", linear("value.out", v, 16, 1))
    shown = {"probabilities": build("probabilities", "softmax", logits), "value": build("value", "max", v)}
    return build.graph({"policy": logits, "value": v}, {"op": "argmax", "input": logits}, shown)


def same_outputs(network: GraphNetwork, observation: np.ndarray) -> dict[str, np.ndarray]:
    """The player's outputs, after comparing them with torch's."""
    agent = Player(network.graph, network.tensors())
    agent.check(observation)
    agent.act(observation, np.ones(len(observation), bool))
    with torch.no_grad():
        by_torch, _ = network(torch.from_numpy(observation))
    ours = agent.outputs()
    assert set(ours) == set(by_torch)
    for name, array in ours.items():
        np.testing.assert_allclose(array, by_torch[name].numpy(), rtol=1e-5, atol=1e-5)
    return ours


def test_a_residual_network_with_two_heads() -> None:
    network = drawn(two_headed())
    observation = np.random.default_rng(0).integers(2, size=(7, 3, 5, 5)).astype(np.float32)
    ours = same_outputs(network, observation)
    assert (ours["policy"].shape, ours["value"].shape) == ((7, 26), (7, 1))
    agent = Player(network.graph, network.tensors())
    assert agent.act(observation, np.ones(7, bool)).tolist() == ours["policy"].argmax(axis=1).tolist()
    assert agent.explain()["value"].tolist() == ours["value"][:, 0].tolist()


def test_statistics_of_training_are_what_is_played() -> None:
    """Batch normalization in training, with its running statistics, and a gradient that reaches both heads."""
    network = drawn(two_headed(blocks=1)).train()
    observation = np.random.default_rng(0).normal(size=(32, 3, 5, 5)).astype(np.float32)
    before, losses = network.tensors(), []
    for _ in range(20):
        outputs, _ = network(torch.from_numpy(observation))
        loss = nn.functional.cross_entropy(outputs["policy"], torch.arange(32) % 26) + outputs["value"].square().mean()
        network.zero_grad()
        loss.backward()
        with torch.no_grad():
            for p in network.parameters():
                p -= 0.1 * p.grad
        losses.append(loss.item())
    assert losses[-1] < 0.8 * losses[0]
    assert all((before[name] != array).any() for name, array in network.tensors().items())
    same_outputs(network.eval(), observation)


def single(op: str, observation: str = "observation", **attributes: Any) -> Graph:
    """A graph of one node."""
    build = Builder()
    node = build("box.norm.embedding", op, observation, **attributes)
    return build.graph({"y": node}, {"op": "output", "input": node}, {})


ONES = {
    "linear": single("linear", in_features=3, out_features=4, bias=False),
    "conv2d": single("conv2d", in_channels=2, out_channels=3, kernel_size=3, stride=2, padding=2, bias=True),
    "batch_norm": single("batch_norm", num_features=2, eps=1e-3),
    "layer_norm": single("layer_norm", normalized_shape=[2, 3], eps=1e-3),
    "normalize": single("normalize", num_features=3, clip=0.4),
    "to_box": single("to_box", num_features=3),
    "embedding": single("embedding", num_embeddings=5, embedding_dim=2),
    "one_hot": single("one_hot", num_classes=5),
    "scale": single("scale", factor=1 / 255),
    **{op: single(op) for op in ("relu", "tanh", "softmax", "max", "flatten", "add", "concatenate")},
}
SHAPES = {"conv2d": (2, 7, 6), "batch_norm": (2, 4, 3), "layer_norm": (4, 2, 3), "flatten": (2, 3)}


@pytest.mark.parametrize("op", ONES)
def test_operations_against_torch(op: str) -> None:
    rng = np.random.default_rng(0)
    x = rng.integers(5, size=6) if OPERATIONS[op].takes_integers else rng.normal(size=(6, *SHAPES.get(op, (3,))))
    same_outputs(drawn(ONES[op]), x.astype(np.int64 if OPERATIONS[op].takes_integers else np.float32))


def test_each_operation_is_there_and_held_against_torch() -> None:
    assert {*MODULES, *FUNCTIONS, "previous"} == set(OPERATIONS) == {*ONES, "previous"}


def test_a_recurrent_network_over_an_episode() -> None:
    build = Builder()
    h_tm1 = build("h_tm1", "previous", of="h", shape=[6])
    x = build("joined", "concatenate", "observation.place", "observation.patch", h_tm1)
    h = build("h", "tanh", build("core", "linear", x, in_features=2 + 3 + 6, out_features=6, bias=True))
    graph = build.graph({"h": h}, {"op": "argmax", "input": h}, {})
    network = drawn(graph)
    agent, memory = Player(graph, network.tensors()), None
    for step in range(4):
        rng = np.random.default_rng(step)
        observation = {"place": rng.normal(size=(5, 2)).astype(np.float32), "patch": rng.integers(9, size=(5, 3))}
        outputs, memory = network({key: torch.from_numpy(array) for key, array in observation.items()}, memory)
        agent.act(observation, np.full(5, step == 0))
        np.testing.assert_allclose(agent.outputs()["h"], outputs["h"].detach().numpy(), rtol=1e-5, atol=1e-6)
    assert set(memory) == {"h"}


def test_from_torch_to_the_player_and_back() -> None:
    network = drawn(two_headed())
    again = GraphNetwork(parse(to_json(network.graph)))
    again.restore(network.tensors())
    assert again.graph == network.graph
    assert all(np.array_equal(array, again.tensors()[name]) for name, array in network.tensors().items())
    with pytest.raises(GraphError, match=r"tensor 'stem.weight' is missing"):
        again.restore({})
