"""The folder of an agent that searches: a graph of layers with its weights, and `search.json`."""

from __future__ import annotations

import hashlib
from pathlib import Path

from rlbench.errors import ArgumentError
from rlbench.harness.layers import player as layers
from rlbench.harness.layers.graph import Graph, GraphError
from rlbench.harness.layers.operations import Array
from rlbench.search.files import SEARCH, SearchedGame, parse

MAX_BYTES = 1 << 16
"""Size of `search.json`."""

POLICY, VALUE = "policy", "value"
"""The outputs that the graph must name: logits [N, A], and the value of the player to move, [N, 1] or [N], -1 to 1."""

PLAYED_BY = ("harness/layers/*", "harness/search_player/*", "search/*", "envs/go/board", "envs/go/rules")
"""Modules of rlbench that decide how such an agent plays."""


def read(folder: str | Path) -> tuple[Graph, dict[str, Array], SearchedGame]:
    """The graph, the weights and the search of a folder, checked; a GraphError for anything malformed."""
    graph, tensors = layers.read(folder)
    for name in (POLICY, VALUE):
        if name not in graph.outputs:
            raise GraphError(f"{layers.GRAPH}: a search needs the outputs {POLICY} and {VALUE}; there is no {name}")
    if recurrent := [node for node in graph.nodes if node.op == "previous"]:
        raise GraphError(f"{layers.GRAPH}: {recurrent[0]} remembers, which a network of a search cannot")
    try:
        return graph, tensors, _read_search(Path(folder, SEARCH))
    except (ArgumentError, GraphError, OSError, UnicodeDecodeError) as error:
        raise GraphError(f"{SEARCH}: {' '.join(str(error).split())}") from None


def _read_search(path: Path) -> SearchedGame:
    if not path.exists():
        raise GraphError(f"it is missing in {path.parent}")
    layers.check_file(path)
    with path.open("rb") as file:
        content = file.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise GraphError(f"it is longer than {MAX_BYTES:,} bytes")
    return parse(content.decode("utf-8-sig"))


def digest() -> str:
    """The sha256 over the files that play such agents."""
    root = Path(__file__).parents[2]
    files = [path for modules in PLAYED_BY for path in sorted(root.glob(f"{modules}.py"))]
    return hashlib.sha256(b"\0".join(file.read_bytes() for file in files)).hexdigest()
