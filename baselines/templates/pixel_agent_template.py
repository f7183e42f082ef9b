"""A trained agent that answers from pixels in NumPy: a convolutional network, and mostly the best action by it.

The trainers evaluate with this class; `nets.policy_graphs` says the same as layers, which are what is submitted and
which act with the same bits. (Rejected: torch, which starts in 5 s and answers no sooner.)
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]
Layers = list[tuple[Floats, Floats]]


class Convolutional:
    """An epsilon-greedy policy from stacked frames: convolutions, then dense layers, ReLU between, argmax_a at the end.

    `convolutions` holds (weight[O, C, k, k], bias[O]) float32 pairs, each with its stride; `layers` holds (weight[out,
    in], bias[out]) pairs. With probability `epsilon` an action is drawn at random.
    """

    kind = "convolutional"

    def __init__(
        self, convolutions: Layers, strides: list[int], layers: Layers, epsilon: float = 0.0, seed: int = 0
    ) -> None:
        self.convolutions, self.strides, self.layers, self.epsilon = convolutions, strides, layers, epsilon
        self.rng = np.random.default_rng(seed)

    def outputs(self, observation: NDArray[np.uint8]) -> Floats:
        """Q(s, .) [N, A] of observations uint8 [N, K, H, W]."""
        x = observation.transpose(0, 2, 3, 1).astype(np.float32) * np.float32(1 / 255)
        for (weight, bias), stride in zip(self.convolutions, self.strides, strict=True):
            x = np.maximum(convolve(x, weight, stride) + bias, 0)
        x = x.transpose(0, 3, 1, 2).reshape(len(x), -1)
        for weight, bias in self.layers[:-1]:
            x = np.maximum(x @ weight.T + bias, 0)
        weight, bias = self.layers[-1]
        return x @ weight.T + bias

    def act(self, observation: NDArray[np.uint8], first: NDArray[np.bool_]) -> NDArray[np.integer]:
        """The best action a[N] for each observation[N, K, H, W], or one at random."""
        q = self.said = self.outputs(observation)
        at_random = self.rng.random(len(q)) < self.epsilon
        return np.where(at_random, self.rng.integers(q.shape[1], size=len(q)), q.argmax(axis=1))

    def explain(self) -> dict[str, NDArray[Any]]:
        """What it thought at the last action: Q(s, .) [N, A] and its maximum [N]."""
        return {"action_values": self.said, "value": self.said.max(axis=1)}

    def tensors(self) -> dict[str, NDArray[Any]]:
        """The arrays to store, by name."""
        named = {}
        for name, pairs in (("convolutions", self.convolutions), ("layers", self.layers)):
            for i, (weight, bias) in enumerate(pairs):
                named |= {f"{name}.{i}.weight": weight, f"{name}.{i}.bias": bias}
        return named

    def settings(self) -> dict[str, Any]:
        """What else `load` needs, as JSON."""
        return {"kind": self.kind, "strides": self.strides, "epsilon": self.epsilon}


def convolve(x: Floats, weight: Floats, stride: int) -> Floats:
    """Sums of weight[O, C, k, k] over windows of x[N, H, W, C], `stride` apart -> [N, h, w, O], as a matrix product."""
    filters, C, k, _ = weight.shape
    windows = np.lib.stride_tricks.sliding_window_view(x, (k, k), axis=(1, 2))[:, ::stride, ::stride]
    N, h, w = windows.shape[:3]
    rows = windows.transpose(0, 1, 2, 4, 5, 3).reshape(N * h * w, k * k * C)
    return (rows @ weight.transpose(2, 3, 1, 0).reshape(k * k * C, filters)).reshape(N, h, w, filters)


def policy(settings: dict[str, Any], tensors: dict[str, NDArray[Any]], seed: int = 0) -> Convolutional:
    """The policy that `settings()` and `tensors()` described."""

    def pairs(name: str) -> Layers:
        depth = sum(known.startswith(f"{name}.") for known in tensors) // 2
        return [(tensors[f"{name}.{i}.weight"], tensors[f"{name}.{i}.bias"]) for i in range(depth)]

    return Convolutional(pairs("convolutions"), settings["strides"], pairs("layers"), settings["epsilon"], seed)
