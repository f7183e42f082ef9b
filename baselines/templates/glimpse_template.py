"""A trained recurrent attention model that answers in NumPy: where to look next, and what the image shows.

The training evaluates with this class; `nets.policy_graphs` says the same as layers, which are what is submitted. The
model is that of `nets.recurrent_attention`: Mnih, Heess, Graves & Kavukcuoglu (2014).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]

MAX_GLIMPSES = 99  # that are remembered, for `explain`


class RecurrentAttention:
    """The greedy policy: looks where the location network's mean is, says the class with the largest logit.

    `weights` holds weight[out, in] and bias[out] of every layer under its name in the PyTorch model. Two other
    `locations` are there to compare with: `random` looks at uniformly random places, `centre` always at the middle.
    """

    kind = "recurrent-attention"

    def __init__(self, weights: dict[str, Floats], locations: str = "learned", seed: int = 0) -> None:
        self.weights, self.locations = weights, locations
        self.depth = sum(name.startswith("location_network") for name in weights) // 2
        self.rng = np.random.default_rng(seed)
        self.h = np.zeros((0, len(weights["core.state.weight"])), np.float32)
        self.history: list[tuple[NDArray[np.bool_], Floats]] = []  # first[N] and l_t[N, 2] of each glimpse

    def linear(self, name: str, x: Floats) -> Floats:
        """A layer: x[N, in] -> [N, out]."""
        return x @ self.weights[f"{name}.weight"].T + self.weights[f"{name}.bias"]

    def look(self, h_tm1: Floats, rho_t: Floats, l_t: Floats) -> Floats:
        """One glimpse: h_tm1[N, H], rho_t[N, D], l_t[N, 2] -> h_t[N, H]."""
        what, where = self.linear("glimpse_network.what", rho_t), self.linear("glimpse_network.where", l_t)
        g_t = relu(self.linear("glimpse_network.both", relu(np.concatenate((what, where), axis=1))))
        return relu(self.linear("core.glimpse", g_t) + h_tm1 @ self.weights["core.state.weight"].T)

    def location(self, h_t: Floats) -> Floats:
        """Where to look next: h_t[N, H] -> l_t[N, 2]."""
        if self.locations == "random":
            return self.rng.uniform(-1.0, 1.0, (len(h_t), 2)).astype(np.float32)
        if self.locations == "centre":
            return np.zeros((len(h_t), 2), np.float32)
        x = h_t
        for i in range(self.depth - 1):
            x = relu(self.linear(f"location_network.layers.{2 * i}", x))
        return np.tanh(self.linear(f"location_network.layers.{2 * (self.depth - 1)}", x))

    def act(self, observation: dict[str, NDArray[Any]], first: NDArray[np.bool_]) -> dict[str, NDArray[Any]]:
        """Location [N, 2] and label [N] after one more glimpse; where an episode begins, the state is 0."""
        patches, l_t = observation["patches"], observation["location"]
        if len(self.h) != len(first):
            self.h = np.zeros((len(first), self.h.shape[1]), np.float32)
        h_tm1 = np.where(first[:, None], np.float32(0), self.h)
        self.h = self.look(h_tm1, patches.reshape(len(first), -1).astype(np.float32), l_t.astype(np.float32))
        self.history = [*([] if first.all() else self.history[-MAX_GLIMPSES:]), (first, l_t)]
        self.logits = self.linear("action_network", self.h)
        return {"location": self.location(self.h), "label": self.logits.argmax(axis=1)}

    def explain(self) -> dict[str, Any]:
        """Of the last action: pi(.|s) [N, A] of the labels, and where each environment's k glimpses were, [k, 2]."""
        p = np.exp(self.logits - self.logits.max(axis=1, keepdims=True))
        paths: list[list[Any]] = [[] for _ in self.logits]
        for first, l_t in self.history:
            for i, place in enumerate(l_t):
                paths[i] = [*([] if first[i] else paths[i]), place]
        return {"probabilities": p / p.sum(axis=1, keepdims=True), "glimpses": paths}

    def tensors(self) -> dict[str, NDArray[Any]]:
        """The arrays to store, by name."""
        return self.weights

    def settings(self) -> dict[str, Any]:
        """What else `load` needs, as JSON."""
        return {"kind": self.kind, "locations": self.locations}


def relu(x: Floats) -> Floats:
    """max(x, 0), in place."""
    return np.maximum(x, 0, out=x)


def policy(settings: dict[str, Any], tensors: dict[str, NDArray[Any]], seed: int = 0) -> RecurrentAttention:
    """The policy that `settings()` and `tensors()` described."""
    return RecurrentAttention(tensors, settings["locations"], seed)
