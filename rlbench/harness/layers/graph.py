"""The format of `graph.json`, checked: the layers of a network, and what an agent does with its outputs.

    {"format": 1,
     "nodes": [{"name": "q", "op": "linear", "inputs": ["observation"],
                "in_features": 4, "out_features": 2, "bias": true}],
     "outputs": {"action_values": "q"},
     "act": {"op": "argmax", "input": "q"},
     "explain": {"action_values": "q"}}

Nodes stand in the order in which they are computed, each with its inputs and the attributes of its operation; its
tensors are stored as `<node>.<tensor>`. The name `observation` means the observation, `observation.key` the entry of
one that is a Dict. `outputs` names what the network computes, `explain` what is shown to those who watch.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from rlbench.harness.layers.operations import OPERATIONS, Attributes, Shapes, Tensors

FORMAT = 1

EXPLANATIONS = ("action_values", "probabilities", "value", "glimpses")
"""What `explain` may name. The node of `glimpses` is a location (x, y); those of the whole episode are shown."""

HEADS: dict[str, Mapping[str, str]] = {
    "output": {"input": "name"},
    "argmax": {"input": "name"},
    "epsilon_greedy": {"input": "name", "epsilon": "probability"},
    "uniform": {"low": "number", "high": "number", "shape": "shape"},
    "zeros": {"shape": "shape"},
    "dict": {"heads": "object"},
}
"""How an action is made, and the attributes of each way: the input itself; the first greatest of its A numbers; the
same, but a random one with probability epsilon; drawn from an interval; zeros; a Dict of the ways before."""

MAX_SIZE = 2**31
"""Sizes stay below what NumPy takes as one."""

MAX_NUMBER = 1e38
"""Numbers stay below the largest float32."""

MAX_NODES = 10_000

MAX_VALUES = 2**26
"""Numbers that a graph may compute for one environment: 256 MiB of float32."""

MAX_AXES = 30
"""Axes of an array, which NumPy limits too."""


def _is_size(value: object) -> bool:
    return type(value) is int and 0 < value < MAX_SIZE


def _is_shape(value: object) -> bool:
    if not isinstance(value, list) or len(value) > MAX_AXES or not all(map(_is_size, value)):
        return False
    return math.prod(value) <= MAX_VALUES


def _is_number(value: object) -> bool:
    return type(value) in (int, float) and -MAX_NUMBER < value < MAX_NUMBER  # type: ignore[operator]


KINDS: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "size": ("a positive integer", _is_size),
    "count": ("an integer of 0 or more", lambda value: type(value) is int and 0 <= value < MAX_SIZE),
    "number": ("a finite number", _is_number),
    "nonnegative": ("a finite number of 0 or more", lambda value: _is_number(value) and value >= 0),
    "probability": ("a finite number from 0 to 1", lambda value: _is_number(value) and 0 <= value <= 1),
    "flag": ("true or false", lambda value: type(value) is bool),
    "shape": (f"a list of sizes, {MAX_VALUES:,} numbers at most", _is_shape),
    "name": ("a name", lambda value: isinstance(value, str)),
    "object": ("an object", lambda value: isinstance(value, dict)),
    "list": ("a list", lambda value: isinstance(value, list)),
}
"""Kinds of attributes: what each is in words, and whether a value is one."""


class GraphError(ValueError):
    """What is wrong with a graph or its weights, in one line of 300 characters at most."""

    def __init__(self, message: str) -> None:
        super().__init__(message if len(message) <= 300 else f"{message[:297]}...")


class Node(NamedTuple):
    """One layer."""

    name: str
    op: str
    inputs: tuple[str, ...]
    attributes: Attributes

    def __str__(self) -> str:
        return f"node {self.name!r} ({self.op})"

    @property
    def tensors(self) -> Shapes:
        """Shapes of its tensors, by the operation's names of them."""
        return OPERATIONS[self.op].tensors(self.attributes)


class Graph(NamedTuple):
    """A checked graph."""

    nodes: tuple[Node, ...]
    outputs: Mapping[str, str]
    act: Mapping[str, Any]
    explain: Mapping[str, str]


def parse(data: Any) -> Graph:
    """The graph that JSON describes; a GraphError says what is wrong with it."""
    fields = {"format": "size", "nodes": "list", "outputs": "object", "act": "object", "explain": "object"}
    _check("the graph", data, fields)
    if data["format"] != FORMAT:
        raise GraphError(f"format {data['format']} is not {FORMAT}, the one that is played; export the agent again")
    if len(data["nodes"]) > MAX_NODES:
        raise GraphError(f"the graph has {len(data['nodes']):,} nodes; {MAX_NODES:,} are played")
    nodes: dict[str, Node] = {}
    for item in data["nodes"]:
        node = _node(item)
        if node.name in nodes:
            raise GraphError(f"two nodes are called {node.name!r}")
        for name in node.inputs:
            _check_known(name, nodes, f"{node} takes", "no node before it gives")
            if OPERATIONS[node.op].takes_integers and not is_observation(name):
                raise GraphError(f"{node} takes the integers of an observation, not {name!r}")
        nodes[node.name] = node
    for node in nodes.values():
        if node.op == "previous" and node.attributes["of"] not in nodes:
            raise GraphError(f"{node} remembers {node.attributes['of']!r}, which is no node")
    graph = Graph(tuple(nodes.values()), data["outputs"], data["act"], data["explain"])
    _check_ends(graph, nodes)
    return graph


def heads(act: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """How the parts of an action are made; there is one where the action is no Dict."""
    if act["op"] == "dict":
        yield from act["heads"].values()
    else:
        yield act


def is_observation(name: str) -> bool:
    """Whether a name means the observation or an entry of it."""
    return name.partition(".")[0] == "observation"


def check_tensors(graph: Graph, tensors: Tensors) -> None:
    """A GraphError unless these are the tensors of the graph's nodes, in name, shape and type, all numbers finite."""
    expected = {f"{node.name}.{name}": shape for node in graph.nodes for name, shape in node.tensors.items()}
    for name, shape in expected.items():
        if name not in tensors:
            raise GraphError(f"tensor {name!r} is missing")
        if tensors[name].shape != shape:
            raise GraphError(f"tensor {name!r} has shape {tensors[name].shape}; the graph says {shape}")
        if tensors[name].dtype not in (np.float32, np.float64):
            raise GraphError(f"tensor {name!r} is made of {tensors[name].dtype}, not float32 or float64")
        if not (finite := np.isfinite(tensors[name])).all():
            raise GraphError(f"tensor {name!r} holds {tensors[name][~finite][0]}, which is no finite number")
    for node in graph.nodes:
        if node.op == "batch_norm" and (tensors[f"{node.name}.running_var"] + node.attributes["eps"] <= 0).any():
            raise GraphError(f"{node} divides by the root of running_var + eps, which must be above 0 everywhere")
    if unused := [name for name in tensors if name not in expected]:
        raise GraphError(f"tensor {unused[0]!r} belongs to no node")


def _node(item: Any) -> Node:
    """One node of the list."""
    name, op = (item.get("name"), item.get("op")) if isinstance(item, dict) else (None, None)
    if not isinstance(name, str) or not re.fullmatch(r"[A-Za-z]\w*(\.\w+)*", name, re.ASCII) or is_observation(name):
        raise GraphError(f"a node is called {name!r}; names are letters, digits, _ and dots, and not 'observation'")
    if not isinstance(op, str) or op not in OPERATIONS:
        raise GraphError(f"node {name!r} has op {op!r}, not one of {', '.join(OPERATIONS)}")
    operation = OPERATIONS[op]
    _check(f"node {name!r} ({op})", item, {"name": "name", "op": "name", "inputs": "list", **operation.attributes})
    node = Node(name, op, tuple(item["inputs"]), {key: item[key] for key in operation.attributes})
    if len(node.inputs) != operation.inputs if operation.inputs is not None else not node.inputs:
        raise GraphError(f"{node} has {len(node.inputs)} inputs, not {operation.inputs or 'one or more'}")
    return node


def _check_ends(graph: Graph, nodes: Collection[str]) -> None:
    """A GraphError for outputs, explanations and ways to act that are not there."""
    for field in ("outputs", "explain"):
        for key, name in getattr(graph, field).items():
            _check_known(name, nodes, f"{field} {key!r} is", "no node gives")
    for key in graph.explain:
        if key not in EXPLANATIONS:
            raise GraphError(f"explain has {key!r}, not one of {', '.join(EXPLANATIONS)}")
    _check_head(graph.act, HEADS)
    for head in heads(graph.act):
        _check_head(head, [op for op in HEADS if op != "dict" or head is graph.act])
        if "input" in head:
            _check_known(head["input"], nodes, f"act ({head['op']}) takes", "no node gives")
        if head["op"] == "uniform" and head["low"] > head["high"]:
            raise GraphError(f"act (uniform) has low {head['low']} above high {head['high']}")


def _check_head(head: Any, ops: Collection[str]) -> None:
    op = head.get("op") if isinstance(head, dict) else None
    if not isinstance(op, str) or op not in ops:
        raise GraphError(f"act has op {op!r}, not one of {', '.join(ops)}")
    _check(f"act ({op})", head, {"op": "name", **HEADS[op]})


def _check(where: str, item: Any, fields: Mapping[str, str]) -> None:
    """A GraphError unless an item is an object of exactly these fields, each of its kind."""
    if not isinstance(item, dict):
        raise GraphError(f"{where} is no object")
    for name, kind in fields.items():
        words, fits = KINDS[kind]
        if name not in item:
            raise GraphError(f"{where} has no {name}, {words}")
        if not fits(item[name]):
            raise GraphError(f"{where} has {name} {item[name]!r}, not {words}")
    if unknown := [name for name in item if name not in fields]:
        raise GraphError(f"{where} has an unknown field {unknown[0]!r}; there is {', '.join(fields)}")


def _check_known(name: Any, nodes: Collection[str], subject: str, lack: str) -> None:
    if not isinstance(name, str) or not (name in nodes or is_observation(name)):
        raise GraphError(f"{subject} {name!r}, which {lack}")
