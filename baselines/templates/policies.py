"""Policies that can be exported, and how they are read back from settings and arrays."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from baselines.nets.graph_builder import to_json
from baselines.templates import agent_template, glimpse_template, pixel_agent_template
from baselines.templates.glimpse_template import RecurrentAttention
from baselines.templates.pixel_agent_template import Convolutional
from rlbench.harness.layers.graph import Graph, parse
from rlbench.harness.layers.player import Player
from rlbench.search import files as search_files


class GraphPolicy(Player):
    """The policy of any graph of layers."""

    kind = "graph"

    def __init__(self, graph: Graph, tensors: dict[str, NDArray[Any]]) -> None:
        super().__init__(graph, tensors)
        self._tensors = tensors

    def tensors(self) -> dict[str, NDArray[Any]]:
        """The arrays to store, by name."""
        return self._tensors

    def settings(self) -> dict[str, Any]:
        """What else is needed to read it back, as JSON."""
        return {"kind": self.kind, "graph": to_json(self.graph)}


class SearchPolicy:
    """A network of policy and value, and the search that plays it."""

    kind = "search"

    def __init__(self, graph: Graph, tensors: dict[str, NDArray[Any]], game: search_files.SearchedGame) -> None:
        self.graph, self.game = graph, game
        self._tensors = tensors

    def tensors(self) -> dict[str, NDArray[Any]]:
        """The arrays to store, by name."""
        return self._tensors

    def settings(self) -> dict[str, Any]:
        """What else is needed to read it back, as JSON."""
        return {"kind": self.kind, "graph": to_json(self.graph), "search": search_files.search_text(self.game)}


Policy = agent_template.Policy | Convolutional | RecurrentAttention | GraphPolicy | SearchPolicy

TEMPLATES = {Convolutional.kind: pixel_agent_template, RecurrentAttention.kind: glimpse_template}
"""The file that defines a kind of policy; `agent_template.py` defines the others."""


def policy(settings: dict[str, Any], tensors: dict[str, NDArray[Any]]) -> Policy:
    """The policy that `settings()` and `tensors()` described."""
    if settings["kind"] == GraphPolicy.kind:
        return GraphPolicy(parse(settings["graph"]), tensors)
    if settings["kind"] == SearchPolicy.kind:
        return SearchPolicy(parse(settings["graph"]), tensors, search_files.parse(settings["search"]))
    rebuilt: Policy = TEMPLATES.get(settings["kind"], agent_template).policy(settings, tensors)  # type: ignore[attr-defined]
    return rebuilt
