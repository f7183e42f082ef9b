"""Networks of graphs of layers: trained in torch, stored for the player in NumPy.

`rlbench.harness.layers` says what a graph can hold.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from baselines.nets.graph_builder import Tensors
from rlbench.harness.layers.graph import Graph, Node, check_tensors
from rlbench.harness.layers.operations import OPERATIONS


class Normalize(nn.Module):
    """(x - shift) * scale, x[B, D], clipped to +-clip where clip is not 0."""

    def __init__(self, num_features: int, clip: float) -> None:
        super().__init__()
        self.clip = clip
        self.register_buffer("shift", torch.zeros(num_features))
        self.register_buffer("scale", torch.ones(num_features))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """See the class."""
        y = (x - self.shift) * self.scale
        return y.clamp(-self.clip, self.clip) if self.clip else y


class ToBox(nn.Module):
    """Actions x[B, A] in the units of a box, -1 and 1 being its bounds low and high, clipped to these."""

    def __init__(self, num_features: int) -> None:
        super().__init__()
        self.register_buffer("low", -torch.ones(num_features))
        self.register_buffer("high", torch.ones(num_features))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """See the class."""
        return (self.low + (x + 1) / 2 * (self.high - self.low)).clamp(self.low, self.high)


MODULES: dict[str, Callable[..., nn.Module]] = {
    "linear": nn.Linear,
    "conv2d": nn.Conv2d,
    "batch_norm": nn.BatchNorm2d,
    "layer_norm": nn.LayerNorm,
    "embedding": nn.Embedding,
    "normalize": Normalize,
    "to_box": ToBox,
}
"""Operations with tensors; a graph gives their arguments by torch's names."""

FUNCTIONS: dict[str, Callable[..., torch.Tensor]] = {
    "one_hot": lambda a, x: functional.one_hot(x, a["num_classes"]).float(),
    "scale": lambda a, x: x * a["factor"],
    "relu": lambda a, x: x.relu(),
    "tanh": lambda a, x: x.tanh(),
    "softmax": lambda a, x: x.softmax(dim=1),
    "max": lambda a, x: x.amax(dim=1),
    "flatten": lambda a, x: x.flatten(1),
    "add": lambda a, *x: sum(x[1:], start=x[0]),
    "concatenate": lambda a, *x: torch.cat(x, dim=1),
}
"""Operations without."""


class GraphNetwork(nn.Module):
    """A graph in torch, its weights drawn by torch's defaults; `tensors()` are what the player in NumPy takes."""

    def __init__(self, graph: Graph) -> None:
        super().__init__()
        self.graph, self.layers = graph, nn.Module()
        for node in graph.nodes:
            if node.op in MODULES:
                _place(self.layers, node.name, MODULES[node.op](**node.attributes))

    def forward(
        self, observation: Any, memory: Mapping[str, torch.Tensor] | None = None
    ) -> tuple[dict[str, torch.Tensor], dict[str, torch.Tensor]]:
        """The graph's outputs by name, and the memory for the next step.

        Args:
            observation: a tensor [B, ...], or a dict of them.
            memory: what the call before returned, rows of episodes that begin set to 0; None for a beginning.
        """
        values: dict[str, torch.Tensor] = {}
        for node in self.graph.nodes:
            if node.op == "previous":
                values[node.name] = _recall(node, observation, memory)
            else:
                values[node.name] = self._run(node, values, observation)
        remembered = {node.attributes["of"] for node in self.graph.nodes if node.op == "previous"}
        outputs = {key: values[name] for key, name in self.graph.outputs.items()}
        return outputs, {name: values[name] for name in remembered}

    def tensors(self) -> Tensors:
        """Copies of weights and statistics, by the names under which a submission stores them."""
        state, named = self.layers.state_dict(), _names(self.graph)
        return {name: state[name].cpu().numpy().copy() for name in named}

    def restore(self, tensors: Tensors) -> None:
        """Take weights and statistics from arrays; a GraphError where they are not those of the graph."""
        check_tensors(self.graph, tensors)
        self.layers.load_state_dict({name: torch.from_numpy(array) for name, array in tensors.items()}, strict=False)

    def _run(self, node: Node, values: Mapping[str, torch.Tensor], observation: Any) -> torch.Tensor:
        """One node's value."""
        as_they_are = OPERATIONS[node.op].takes_integers
        inputs = [values[name] if name in values else _entry(observation, name, as_they_are) for name in node.inputs]
        if node.op in MODULES:
            value: torch.Tensor = self.layers.get_submodule(node.name)(*inputs)
            return value
        return FUNCTIONS[node.op](node.attributes, *inputs)


def _place(root: nn.Module, name: str, module: nn.Module) -> None:
    """Register a module under its dotted name, so that its tensors have that name, too."""
    *parents, last = name.split(".")
    for parent in parents:
        if parent not in dict(root.named_children()):
            root.add_module(parent, nn.Module())
        root = root.get_submodule(parent)
    root.add_module(last, module)


def _names(graph: Graph) -> list[str]:
    """The names of all tensors of a graph."""
    return [f"{node.name}.{name}" for node in graph.nodes for name in node.tensors]


def _entry(observation: Any, name: str, as_they_are: bool = True) -> torch.Tensor:
    """The observation or an entry of it, as float32 unless it is wanted as it is."""
    for key in name.split(".")[1:]:
        observation = observation[key]
    tensor: torch.Tensor = observation
    return tensor if as_they_are else tensor.float()


def _recall(node: Node, observation: Any, memory: Mapping[str, torch.Tensor] | None) -> torch.Tensor:
    """The value that a node had in the step before; zeros at the beginning of an episode."""
    if memory is not None:
        return memory[node.attributes["of"]]
    some = next(iter(observation.values())) if isinstance(observation, Mapping) else observation
    return torch.zeros((len(some), *node.attributes["shape"]), device=some.device)
