"""An agent that acts by a graph of layers, and the folder that it is read from."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rlbench.harness.layers.graph import (
    MAX_VALUES,
    Graph,
    GraphError,
    Node,
    check_tensors,
    heads,
    is_observation,
    parse,
)
from rlbench.harness.layers.operations import OPERATIONS, Array, Tensors

ENTRY = "rlbench:layers"
"""The entry that a data-only submission names in its manifest."""

GRAPH, WEIGHTS = "graph.json", "weights.safetensors"

MAX_GLIMPSES = 100
"""Steps of an episode whose locations are remembered, to be shown."""


class Player:
    """An agent of N environments that acts by a graph; `seed` is that of its random actions."""

    def __init__(self, graph: Graph, tensors: Tensors, seed: int = 0) -> None:
        self.graph, self.rng = graph, np.random.default_rng(seed)
        self.weights = {
            node.name: OPERATIONS[node.op].prepare({name: tensors[f"{node.name}.{name}"] for name in node.tensors})
            for node in graph.nodes
        }
        self.recurrent = [node for node in graph.nodes if node.op == "previous"]
        self.remembered = [node.attributes["of"] for node in self.recurrent]
        inputs = [head["input"] for head in heads(graph.act) if "input" in head]
        self.glimpse = graph.explain.get("glimpses")
        needed = _ancestors(graph, [*inputs, *self.remembered, *([self.glimpse] if self.glimpse else [])])
        computed = [node for node in graph.nodes if node.op != "previous"]
        self.acting = [node for node in computed if node.name in needed]
        self.explaining = [node for node in computed if node.name not in needed]
        ends = [*inputs, *graph.outputs.values(), *graph.explain.values()]
        names = {name for node in graph.nodes for name in node.inputs} | set(ends)
        self.paths = {name: name.split(".")[1:] for name in sorted(names) if is_observation(name)}
        self.observed: dict[str, Array] = {}  # the last observation's entries as they are
        self.values: dict[str, Array] = {}  # the same as float32, and what the nodes made of them
        self.memory: dict[str, Array] = {}  # values of the remembered nodes after the last action
        self.glimpses: list[tuple[NDArray[np.bool_], Array]] = []  # first[N] and locations[N, 2] of each step

    def act(self, observation: Any, first: NDArray[np.bool_]) -> Any:
        """Actions [N, ...] for observation [N, ...]; `first` [N] is true where an environment begins an episode."""
        self._observe(observation, first)
        for node in self.acting:
            self.values[node.name] = self._run(node)
        self.memory = {name: self.values[name] for name in self.remembered}
        if self.glimpse:
            kept = [] if first.all() else self.glimpses[1 - MAX_GLIMPSES :]
            self.glimpses = [*kept, (first, self.values[self.glimpse])]
        return self._choose(self.graph.act, len(first))

    def outputs(self) -> dict[str, Array]:
        """The graph's outputs [N, ...] at the last action, by name."""
        self._finish()
        return {key: self.values[name] for key, name in self.graph.outputs.items()}

    def explain(self) -> dict[str, Any]:
        """What the graph explains of the last action, [N, ...] each; of glimpses a list [k, 2] per environment."""
        self._finish()
        shown: dict[str, Any] = {key: self.values[name] for key, name in self.graph.explain.items()}
        return {**shown, "glimpses": self._paths()} if self.glimpse else shown

    def check(self, observation: Any) -> None:
        """A GraphError where the graph cannot be played on an observation [N, ...] of the task; call it before `act`.

        Shapes and sizes come first, by a batch of no environments, in which nothing is computed; then an action is
        chosen.
        """
        N = len(next(iter(observation.values())) if isinstance(observation, Mapping) else observation)
        try:
            self._observe(observation, np.ones(N, np.bool_))
        except (KeyError, IndexError, TypeError):
            raise GraphError(f"the observation does not have all of {', '.join(self.paths)}") from None
        except (ValueError, MemoryError):
            raise GraphError("what the graph remembers is too large") from None
        given, observed = self.values, self.observed
        self.observed = {name: array[:0] for name, array in observed.items()}
        self.values = {name: array[:0] for name, array in given.items()}
        self._compute_checked()
        self._check_ends()
        self.values, self.observed = given, observed
        self._compute_checked()
        try:
            self._choose(self.graph.act, N)
        except (ValueError, TypeError, ArithmeticError, MemoryError):
            raise GraphError(f"act ({self.graph.act['op']}) cannot choose an action") from None

    def _compute_checked(self) -> None:
        """Every node's value; a GraphError for the first that does not fit its inputs, or where all are too large."""
        total = 0
        for node in (*self.acting, *self.explaining):
            value = self.values[node.name] = self._checked(node)
            total += math.prod(value.shape[1:])
            shape = self.values[node.inputs[0]].shape[1:]
            if total + OPERATIONS[node.op].scratch(node.attributes, shape) > MAX_VALUES:
                raise GraphError(f"{node} is too large: up to it the graph computes more than {MAX_VALUES:,} numbers")

    def _check_ends(self) -> None:
        """A GraphError where what is remembered, or what chooses the action, has another shape than it must have."""
        for node in self.recurrent:
            of, shape = node.attributes["of"], tuple(node.attributes["shape"])
            if self.values[of].shape[1:] != shape:
                raise GraphError(f"{node} has shape {list(shape)}, {of!r} {list(self.values[of].shape[1:])}")
        for head in heads(self.graph.act):
            if head["op"] in ("argmax", "epsilon_greedy") and self.values[head["input"]].ndim != 2:
                raise GraphError(f"act ({head['op']}) takes one number per action, not {head['input']!r}")

    def _observe(self, observation: Any, first: NDArray[np.bool_]) -> None:
        """The inputs of the graph: the observation, and what is remembered of those that go on."""
        self.observed = {name: _entry(observation, path) for name, path in self.paths.items()}
        self.values = {name: array.astype(np.float32, copy=False) for name, array in self.observed.items()}
        for node in self.recurrent:
            before = self.memory.get(node.attributes["of"])
            if before is None or len(before) != len(first):
                before = np.zeros((len(first), *node.attributes["shape"]), np.float32)
            begins = first.reshape(-1, *[1] * (before.ndim - 1))
            self.values[node.name] = np.where(begins, np.float32(0), before)

    def _run(self, node: Node) -> Array:
        operation = OPERATIONS[node.op]
        known = self.observed if operation.takes_integers else self.values
        return operation.run(node.attributes, self.weights[node.name], *(known[name] for name in node.inputs))

    def _checked(self, node: Node) -> Array:
        """A node's value; a GraphError where its inputs do not fit it."""
        shapes = [self.values[name].shape[1:] for name in node.inputs]
        try:
            value = self._run(node)
        except (ValueError, IndexError, TypeError, ArithmeticError, MemoryError):
            value = None
        keeps = OPERATIONS[node.op].keeps_shape
        if value is None or (keeps and {*shapes} != {value.shape[1:]}):
            raise GraphError(f"{node} does not fit its inputs of shape {', '.join(str(list(s)) for s in shapes)}")
        return value

    def _finish(self) -> None:
        """Compute what no action needed."""
        for node in self.explaining:
            if node.name not in self.values:
                self.values[node.name] = self._run(node)

    def _choose(self, head: Mapping[str, Any], N: int) -> Any:
        """The action [N, ...], or a part of it."""
        match head["op"]:
            case "dict":
                return {key: self._choose(part, N) for key, part in head["heads"].items()}
            case "zeros":
                return np.zeros((N, *head["shape"]), np.float32)
            case "uniform":
                return self.rng.uniform(head["low"], head["high"], (N, *head["shape"])).astype(np.float32)
        x = self.values[head["input"]]
        match head["op"]:
            case "argmax":
                return x.argmax(axis=1)
            case "epsilon_greedy":
                at_random = self.rng.random(N) < head["epsilon"]
                return np.where(at_random, self.rng.integers(x.shape[1], size=N), x.argmax(axis=1))
        return x

    def _paths(self) -> list[list[Array]]:
        """Where each environment looked in this episode, the oldest first."""
        paths: list[list[Array]] = [[] for _ in self.glimpses[-1][0]]
        for first, locations in self.glimpses:
            for i, location in enumerate(locations):
                paths[i] = [*([] if first[i] else paths[i]), location]
        return paths


def read(folder: str | Path) -> tuple[Graph, dict[str, Array]]:
    """The graph and the weights in a folder, checked against each other; a GraphError for anything malformed."""
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    file = GRAPH
    try:
        check_file(Path(folder, GRAPH))
        graph = parse(json.loads(Path(folder, GRAPH).read_text(encoding="utf-8-sig")))
        file = WEIGHTS
        check_file(Path(folder, WEIGHTS))
        tensors: dict[str, Array] = load_file(Path(folder, WEIGHTS))
        check_tensors(graph, tensors)
    except GraphError as error:
        raise GraphError(f"{file}: {error}") from None
    except FileNotFoundError:
        raise GraphError(f"{file} is missing; {ENTRY} plays {GRAPH} with {WEIGHTS}") from None
    except (TypeError, AttributeError) as error:  # safetensors asks NumPy for a dtype that it lacks, such as bfloat16
        raise GraphError(f"{file} cannot be read: {error}; store float32") from None
    except (OSError, ValueError, KeyError, RecursionError, MemoryError, SafetensorError) as error:
        raise GraphError(f"{file} cannot be read: {' '.join(str(error).split()) or type(error).__name__}") from None
    return graph, tensors


def check_file(path: Path) -> None:
    """A GraphError for what is there but is no file, such as a pipe, from which reading would wait for ever."""
    if path.exists() and not path.is_file():
        raise GraphError("it is not a file")


def load(folder: str | Path, observation: Any, seed: int) -> Player:
    """The agent in a folder, checked with an observation [N, ...] of the task; a GraphError where it does not fit."""
    graph, tensors = read(folder)
    Player(graph, tensors).check(observation)
    return Player(graph, tensors, seed)


def digest() -> str:
    """The sha256 over the files of the player: how a data-only submission was played."""
    files = sorted(Path(__file__).parent.glob("*.py"))
    return hashlib.sha256(b"\0".join(file.read_bytes() for file in files)).hexdigest()


def _entry(observation: Any, path: list[str]) -> Array:
    for key in path:
        observation = observation[key]
    return np.asarray(observation)


def _ancestors(graph: Graph, names: list[str]) -> set[str]:
    """The nodes that must be computed for the nodes of these names."""
    inputs = {node.name: node.inputs for node in graph.nodes}
    found: set[str] = set()
    while names:
        name = names.pop()
        if name not in found and name in inputs:
            found.add(name)
            names.extend(inputs[name])
    return found
