"""Graphs of layers, written node by node and stored as JSON; `rlbench.harness.layers` says what a graph can hold.

Nothing here imports torch, so that tables are exported without it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray

from rlbench.harness.layers.graph import FORMAT, Graph, parse

Tensors = dict[str, NDArray[Any]]


class Builder:
    """Builder of a graph: `x = build("hidden", "linear", x, in_features=4, out_features=8, bias=True)`."""

    def __init__(self) -> None:
        self.nodes: list[dict[str, Any]] = []

    def __call__(self, name: str, op: str, *inputs: str, **attributes: Any) -> str:
        """Append a node; its name."""
        self.nodes.append({"name": name, "op": op, "inputs": list(inputs), **attributes})
        return name

    def graph(self, outputs: Mapping[str, str], act: Mapping[str, Any], explain: Mapping[str, str]) -> Graph:
        """The checked graph; a GraphError says what is wrong with it."""
        nodes = {"format": FORMAT, "nodes": self.nodes}
        return parse({**nodes, "outputs": dict(outputs), "act": dict(act), "explain": dict(explain)})


def to_json(graph: Graph) -> dict[str, Any]:
    """The content of `graph.json`."""
    nodes = [{"name": n.name, "op": n.op, "inputs": list(n.inputs), **n.attributes} for n in graph.nodes]
    return {"format": FORMAT, "nodes": nodes, **{name: getattr(graph, name) for name in ("outputs", "act", "explain")}}
