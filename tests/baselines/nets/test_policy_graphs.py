"""Trained policies played by the harness: the bits of the class they were trained with, and nearly torch's numbers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
import torch

from baselines.export import Origin, export
from baselines.nets.encoding import Encoding, encoding, masked_encoding
from baselines.nets.graph import GraphNetwork
from baselines.nets.graph_builder import Builder
from baselines.nets.networks import convolutional, numpy_pixel_policy, numpy_policy, perceptron
from baselines.nets.policy_graphs import policy_graph
from baselines.nets.recurrent_attention import RecurrentAttention
from baselines.templates.agent_template import Mean, Perceptron, Table
from baselines.templates.glimpse_template import RecurrentAttention as Glimpses
from baselines.templates.policies import GraphPolicy, Policy, policy
from rlbench.harness.layers.player import Player, load

ORIGIN = Origin("an-agent", ("cart-pole@1",), training_seed=3, training_steps=1000)
NORMALIZED = Encoding(np.float32([10, 0.1, 1, 2]), shift=np.float32([1, -2, 0, 0.5]), limit=3.0)


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def dense(outputs: int, activation: Any = "tanh", encode: Encoding = NORMALIZED, explained: str = "") -> Perceptron:
    network = perceptron((encode.size, 16, 8, outputs), activation, "orthogonal", generator())
    made = numpy_policy(network, activation, encode)
    made.tells = explained
    return made


def box_policy(squash: bool) -> Mean:
    return Mean(dense(2), np.float32([-0.4, -3]), np.float32([0.4, 1]), squash)


def pixels(epsilon: float) -> Policy:
    made = convolutional((4, 20, 20), ((8, 8, 4), (6, 3, 2)), (12, 5), generator())
    return numpy_pixel_policy(made, 4, epsilon, seed=7)


def glimpses(locations: str, hidden: int = 5) -> Glimpses:
    network = RecurrentAttention(pixels=2 * 9, classes=4, width=6, state=8, location_hidden=hidden)
    network.draw(generator())
    named = {name: p.detach().numpy() for name, p in network.named_parameters() if not name.startswith("baseline")}
    return Glimpses(named, locations, seed=7)


def normalized_layers() -> GraphPolicy:
    """A network that has no template: a layer is normalized."""
    build = Builder()
    x = build("flat", "flatten", "observation")
    x = build("hidden", "linear", x, in_features=4, out_features=8, bias=True)
    x = build("features", "relu", build("norm", "layer_norm", x, normalized_shape=[8], eps=1e-5))
    q = build("q", "linear", x, in_features=8, out_features=3, bias=True)
    shown = {"action_values": q, "value": build("value", "max", q)}
    graph = build.graph(shown, {"op": "argmax", "input": q}, shown)
    rng = np.random.default_rng(0)
    shapes = {f"{node.name}.{name}": shape for node in graph.nodes for name, shape in node.tensors.items()}
    return GraphPolicy(graph, {name: rng.normal(size=shape).astype(np.float32) for name, shape in shapes.items()})


def masked() -> GraphPolicy:
    """A perceptron that may take some actions only."""
    entries = {"planes": gymnasium.spaces.Box(0, 1, (2, 3), np.uint8), "action_mask": gymnasium.spaces.MultiBinary(5)}
    encode = masked_encoding(gymnasium.spaces.Dict(entries), 5)
    return numpy_policy(perceptron((11, 8, 5), "relu", "orthogonal", generator()), "relu", encode)


SCALED = encoding(gymnasium.spaces.Box(-1, 1, (2, 2)), (1.0, 2.0, 0.5, 3.0))
POLICIES = {
    "layer norm": normalized_layers(),
    "masked": masked(),
    "table": Table(np.random.default_rng(0).integers(3, size=(9, 4)) / 3),  # with equals, in double precision
    "relu": dense(3, "relu", SCALED, "action_values"),
    "logits": dense(3, "tanh", SCALED, "probabilities"),
    "normalized": dense(3),
    "states": dense(4, "relu", encoding(gymnasium.spaces.Discrete(9)), "action_values"),
    "Gaussian": box_policy(squash=False),
    "squashed Gaussian": box_policy(squash=True),
    "pixels": pixels(epsilon=0.0),
    "now and then at random": pixels(epsilon=0.4),
    "learned locations": glimpses("learned"),
    "learned locations without a hidden layer": glimpses("learned", hidden=0),
    "random locations": glimpses("random"),
    "the centre": glimpses("centre"),
}


def observations(made: Policy, N: int, rng: np.random.Generator) -> Any:
    """What a policy may see at one step."""
    match made:
        case Glimpses():
            patches, location = rng.random((N, 2, 3, 3), np.float32), rng.uniform(-1, 1, (N, 2)).astype(np.float32)
            return {"patches": patches, "location": location}
        case Table():
            return rng.integers(9, size=N)
        case Perceptron():
            return rng.integers(9, size=N) if made.states else rng.normal(scale=3, size=(N, 2, 2))
        case GraphPolicy() if "observation.action_mask" in made.paths:
            planes, legal = rng.integers(2, size=(N, 2, 3), dtype=np.uint8), rng.integers(2, size=(N, 5), dtype=np.int8)
            return {"planes": planes, "action_mask": legal}
        case GraphPolicy():
            return rng.normal(scale=3, size=(N, 2, 2))
    return rng.integers(256, size=(N, 4, 20, 20), dtype=np.uint8)


def assert_equal(a: Any, b: Any) -> None:
    """The same arrays, bit for bit, in the same dicts and lists."""
    if isinstance(a, dict):
        assert set(a) == set(b)
        for key in a:
            assert_equal(a[key], b[key])
    elif isinstance(a, list):
        assert len(a) == len(b)
        for mine, other in zip(a, b, strict=True):
            assert_equal(mine, other)
    else:
        assert np.asarray(a).dtype == np.asarray(b).dtype
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("kind", POLICIES)
def test_the_player_answers_with_the_bits_of_the_policy(kind: str, tmp_path: Path) -> None:
    """Actions and explanations over steps at which episodes begin now and then, read back from the files."""
    template = policy(POLICIES[kind].settings(), POLICIES[kind].tensors())
    if hasattr(template, "rng"):
        template.rng = np.random.default_rng(11)
    folder = export(POLICIES[kind], ORIGIN, tmp_path / "agent")
    rng = np.random.default_rng(0)
    agent = load(folder, observations(template, 1, rng), seed=11)
    for t in range(8):
        observation, first = observations(template, 30, rng), np.full(30, t == 0) | (rng.random(30) < 0.2)
        assert_equal(agent.act(observation, first), template.act(observation, first))
        if hasattr(template, "explain") and not isinstance(template, Mean):
            assert_equal(agent.explain(), template.explain())
    assert isinstance(agent, Player)


@pytest.mark.parametrize("kind", POLICIES)
def test_torch_computes_nearly_the_same(kind: str) -> None:
    graph, tensors = policy_graph(POLICIES[kind])
    network, agent, memory = GraphNetwork(graph), Player(graph, tensors), None
    network.restore(tensors)
    for t in range(3):
        observation = observations(POLICIES[kind], 30, np.random.default_rng(t))
        agent.act(observation, np.full(30, t == 0))
        named = observation if isinstance(observation, dict) else {"": observation}
        given = {key: torch.from_numpy(array) for key, array in named.items()}
        with torch.no_grad():
            outputs, memory = network(given.get("", given), memory)
        for name, array in agent.outputs().items():
            np.testing.assert_allclose(array, outputs[name].numpy(), rtol=1e-5, atol=1e-5)


def test_blocks_of_pixels_are_undone() -> None:
    """The first filters are stored as those of a plain convolution, whatever the order in which training reads."""
    graph, tensors = policy_graph(POLICIES["pixels"])
    first = next(node for node in graph.nodes if node.op == "conv2d")
    assert tensors[f"{first.name}.weight"].shape == (8, 4, 8, 8)
    assert (first.attributes["kernel_size"], first.attributes["stride"]) == (8, 4)


def test_a_network_without_a_template_is_exported_as_data(tmp_path: Path) -> None:
    folder = export(normalized_layers(), ORIGIN, tmp_path / "agent")
    assert {path.name for path in folder.iterdir()} == {"graph.json", "submission.toml", "weights.safetensors"}
