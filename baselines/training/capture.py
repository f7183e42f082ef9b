"""Functions whose work on a GPU is captured once, as a CUDA graph, and then replayed without Python.

Launching a small network's operations one by one takes a GPU far longer than computing them. What is captured must
neither wait nor copy between devices, and must find and leave all that changes in tensors that stay where they are.
Numbers of Python that it uses are baked in, so that a schedule has to be computed from a tensor. Two kinds are allowed:
choices, which are arguments and have a graph each; and counters, which every call raises alike.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

import torch

WARM_UP = 3
"""Calls of each choice before it is captured, in which libraries allocate what they work in."""

Counter = tuple[Any, str]
"""An object and the name of an attribute of it that counts."""


class DeviceGraph(Protocol):
    """What can be captured and replayed."""

    def capture(self) -> Any:
        """A scope whose operations on the device are noted and not done."""

    def replay(self) -> None:
        """Do them."""


class CudaGraph:
    """A CUDA graph of torch."""

    def __init__(self) -> None:
        self.graph = torch.cuda.CUDAGraph()

    @contextmanager
    def capture(self) -> Iterator[None]:
        """A scope whose operations are noted and not done."""
        with torch.cuda.graph(self.graph):
            yield

    def replay(self) -> None:
        """Do them, on the current stream."""
        self.graph.replay()


class Captured:
    """A function that is captured after a few calls, where its device has graphs; on a CPU, just the function.

    Args:
        function: Called with choices. What it returns stays where it is: the next call overwrites it.
        device: Where it works.
        counters: Numbers of Python that every call with the same choices raises alike.
    """

    def __init__(self, function: Callable[..., Any], device: torch.device, counters: Sequence[Counter] = ()) -> None:
        self.function, self.device, self.counters = function, device, counters
        self.calls: dict[tuple[Any, ...], int] = {}
        self.graphs: dict[tuple[Any, ...], tuple[DeviceGraph, Any, list[int]]] = {}

    def __call__(self, *choices: Any) -> Any:
        """Call the function, or replay what it does."""
        if choices in self.graphs:
            graph, result, raised = self.graphs[choices]
            graph.replay()
            for (owner, name), by in zip(self.counters, raised, strict=True):
                setattr(owner, name, getattr(owner, name) + by)
            return result
        self.calls[choices] = self.calls.get(choices, 0) + 1
        if self.device.type == "cpu":
            return self.function(*choices)
        if self.calls[choices] <= WARM_UP:
            with own_stream(self.device):
                return self.function(*choices)
        before, graph = self._counted(), new_graph()
        with graph.capture():
            result = self.function(*choices)
        raised = [now - then for now, then in zip(self._counted(), before, strict=True)]
        self.graphs[choices] = graph, result, raised
        graph.replay()
        return result

    def _counted(self) -> list[int]:
        return [getattr(owner, name) for owner, name in self.counters]


def new_graph() -> DeviceGraph:
    """A graph of the device that there is."""
    return CudaGraph()


@contextmanager
def own_stream(device: torch.device) -> Iterator[None]:
    """A scope on a stream of its own, as CUDA wants it of calls before a capture; nothing on other devices."""
    if device.type != "cuda":
        yield
        return
    stream = torch.cuda.Stream(device)
    stream.wait_stream(torch.cuda.current_stream(device))
    with torch.cuda.stream(stream):
        yield
    torch.cuda.current_stream(device).wait_stream(stream)
