"""Trained policies as graphs of layers with their weights: what a data-only submission stores of each.

The player computes the same operations in the same order as the class that the policy was trained with, so that it
answers with the same bits.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from baselines.maths.equations import ILLEGAL
from baselines.nets.graph_builder import Builder, Tensors
from baselines.templates.agent_template import Mean, Perceptron, Table
from baselines.templates.glimpse_template import RecurrentAttention
from baselines.templates.pixel_agent_template import Convolutional
from baselines.templates.policies import GraphPolicy, Policy
from rlbench.harness.layers.graph import Graph


def policy_graph(policy: Policy) -> tuple[Graph, Tensors]:
    """The graph and the weights of a policy."""
    match policy:
        case Table():
            return table(policy)
        case Mean():
            return mean(policy)
        case Perceptron():
            return perceptron(policy)
        case Convolutional():
            return convolutional(policy)
        case RecurrentAttention():
            return recurrent_attention(policy)
        case GraphPolicy():
            return policy.graph, policy.tensors()
    raise TypeError(f"no graph is known for a {type(policy).__name__}")


def table(policy: Table) -> tuple[Graph, Tensors]:
    """A table Q(s, a), whose greatest action value is chosen."""
    build = Builder()
    states, actions = policy.Q.shape
    Q = build("Q", "embedding", "observation", num_embeddings=states, embedding_dim=actions)
    return of_action_values(build, Q, {"op": "argmax", "input": Q}), {"Q.weight": policy.Q}


def perceptron(policy: Perceptron) -> tuple[Graph, Tensors]:
    """A perceptron, whose greatest output is chosen."""
    build = Builder()
    x, tensors = _perceptron(build, policy)
    act = {"op": "argmax", "input": x}
    if policy.tells == "action_values":
        return of_action_values(build, x, act), tensors
    if policy.tells == "probabilities":
        shown = {"probabilities": build("probabilities", "softmax", x)}
        return build.graph({"logits": x, **shown}, act, shown), tensors
    return build.graph({"outputs": x}, act, {}), tensors


def masked_perceptron(layers: list[tuple[Any, Any]], activation: str, key: str, actions: int) -> tuple[Graph, Tensors]:
    """A perceptron over an entry of the observation and its mask, whose greatest output of a legal action is chosen."""
    build, mask = Builder(), "observation.action_mask"
    features = build("features", "concatenate", build("flat", "flatten", f"observation.{key}"), mask)
    x, tensors = _dense(build, features, layers, activation)
    lowered = build("illegal", "normalize", mask, num_features=actions, clip=0)
    logits = build("logits", "add", x, lowered)
    shown = {"probabilities": build("probabilities", "softmax", logits)}
    graph = build.graph({"logits": logits, **shown}, {"op": "argmax", "input": logits}, shown)
    ones = np.ones(actions, np.float32)
    return graph, {**tensors, f"{lowered}.shift": ones, f"{lowered}.scale": ILLEGAL * ones}


def mean(policy: Mean) -> tuple[Graph, Tensors]:
    """The mean of a Gaussian policy, within the bounds of its box."""
    build = Builder()
    mu, tensors = _perceptron(build, policy)
    unit = build("squashed", "tanh", mu) if policy.squash else mu
    action = build("action", "to_box", unit, num_features=len(policy.low))
    graph = build.graph({"mean": mu, "action": action}, {"op": "output", "input": action}, {})
    return graph, {**tensors, "action.low": policy.low, "action.high": policy.high}


def convolutional(policy: Convolutional) -> tuple[Graph, Tensors]:
    """A convolutional network of action values, with an epsilon-greedy choice."""
    build, tensors = Builder(), {}
    x = build("pixels", "scale", "observation", factor=1 / 255)
    for i, ((weight, bias), stride) in enumerate(zip(policy.convolutions, policy.strides, strict=True)):
        filters, channels, size, _ = weight.shape
        kernel = {"kernel_size": size, "stride": stride, "padding": 0, "bias": True}
        x = build(f"convolutions.{i}", "conv2d", x, in_channels=channels, out_channels=filters, **kernel)
        tensors |= {f"{x}.weight": weight, f"{x}.bias": bias}
        x = build(f"seen.{i}", "relu", x)
    x, dense = _dense(build, build("flat", "flatten", x), policy.layers, "relu")
    act = {"op": "epsilon_greedy", "input": x, "epsilon": policy.epsilon}
    return of_action_values(build, x, act), tensors | dense


def recurrent_attention(policy: RecurrentAttention) -> tuple[Graph, Tensors]:
    """The recurrent attention model: next location and class; its boxes are those of `nets.recurrent_attention`."""
    build, w = Builder(), policy.weights

    def linear(name: str, x: str) -> str:
        outputs, inputs = w[f"{name}.weight"].shape
        return build(name, "linear", x, in_features=inputs, out_features=outputs, bias=f"{name}.bias" in w)

    rho_t, l_t = build("patches", "flatten", "observation.patches"), "observation.location"
    what, where = linear("glimpse_network.what", rho_t), linear("glimpse_network.where", l_t)
    both = build("what_and_where", "relu", build("joined", "concatenate", what, where))
    g_t = build("glimpse", "relu", linear("glimpse_network.both", both))
    h_tm1 = build("h_tm1", "previous", of="h_t", shape=[len(w["core.state.weight"])])
    h_t = build("h_t", "relu", build("core", "add", linear("core.glimpse", g_t), linear("core.state", h_tm1)))
    logits = linear("action_network", h_t)
    x = linear("location_network.layers.0", h_t)
    for i in range(1, policy.depth):
        x = linear(f"location_network.layers.{2 * i}", build(f"location_hidden.{i}", "relu", x))
    location = build("location", "tanh", x)
    probabilities = build("probabilities", "softmax", logits)
    places: dict[str, dict[str, Any]] = {
        "learned": {"op": "output", "input": location},
        "random": {"op": "uniform", "low": -1.0, "high": 1.0, "shape": [2]},
        "centre": {"op": "zeros", "shape": [2]},
    }
    heads = {"location": places[policy.locations], "label": {"op": "argmax", "input": logits}}
    outputs = {"logits": logits, "location": location}
    shown = {"probabilities": probabilities, "glimpses": l_t}
    return build.graph(outputs, {"op": "dict", "heads": heads}, shown), dict(w)


def of_action_values(build: Builder, q: str, act: dict[str, Any]) -> Graph:
    """The graph whose node `q` has the action values, from which `act` chooses."""
    shown = {"action_values": q, "value": build("value", "max", q)}
    return build.graph(shown, act, shown)


def _perceptron(build: Builder, policy: Perceptron) -> tuple[str, Tensors]:
    """Nodes from the observation to the outputs."""
    seen, given = features(build, policy)
    x, tensors = _dense(build, seen, policy.layers, policy.activation)
    return x, {**tensors, **given}


def features(build: Builder, encode: Perceptron) -> tuple[str, Tensors]:
    """Nodes from the observation to the features that a network sees."""
    if encode.states:
        return build("features", "one_hot", "observation", num_classes=encode.states), {}
    flat, size = build("flat", "flatten", "observation"), len(encode.scale)
    x = build("features", "normalize", flat, num_features=size, clip=encode.limit)
    return x, {f"{x}.shift": encode.shift, f"{x}.scale": encode.scale}


def _dense(build: Builder, x: str, layers: list[tuple[Any, Any]], activation: str) -> tuple[str, Tensors]:
    """Nodes of linear layers with an activation between them."""
    tensors = {}
    for i, (weight, bias) in enumerate(layers):
        outputs, inputs = weight.shape
        x = build(f"hidden.{i}", activation, x) if i else x
        x = build(f"layers.{i}", "linear", x, in_features=inputs, out_features=outputs, bias=True)
        tensors |= {f"{x}.weight": weight, f"{x}.bias": bias}
    return x, tensors
