"""A trained agent that answers in NumPy: a table or a multi-layer perceptron, and the best or mean action by it.

The trainers evaluate with these classes; `nets.policy_graphs` says the same as layers, which are what is submitted and
which act with the same bits.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]

ACTIVATIONS = {"relu": lambda x: np.maximum(x, 0, out=x), "tanh": lambda x: np.tanh(x, out=x)}


class Table:
    """The greedy policy of action values Q[S, A]: argmax_a Q(s, a), the first of equals."""

    kind = "table"

    def __init__(self, Q: Floats) -> None:
        self.Q = Q
        self.best = Q.argmax(axis=1)
        self.seen: NDArray[np.integer] = np.zeros(0, np.int64)  # the last observation

    def act(self, observation: NDArray[np.integer], first: NDArray[np.bool_]) -> NDArray[np.integer]:
        """The best action a[N] in each state observation[N]."""
        self.seen = observation
        return self.best[observation]

    def explain(self) -> dict[str, NDArray[Any]]:
        """What it thought at the last action: Q(s, .) [N, A] and its maximum [N]."""
        Q = self.Q[self.seen]
        return {"action_values": Q, "value": Q.max(axis=1)}

    def tensors(self) -> dict[str, NDArray[Any]]:
        """The arrays to store, by name."""
        return {"Q": self.Q}

    def settings(self) -> dict[str, Any]:
        """What else `load` needs, as JSON."""
        return {"kind": self.kind}


class Perceptron:
    """The greedy policy of a perceptron with hidden layers: argmax_a of its outputs, the first of equals.

    `tells` says what the outputs are: `action_values`, or the logits of `probabilities`; empty where neither.
    `layers` holds (weight[out, in], bias[out]) float32 pairs. Of the flattened observation, `shift[D]` is subtracted,
    then `scale[D]` multiplies it, and where `limit` is not 0 the result is cut to +-limit; `states` > 0 says that the
    observation is one of so many states, to be encoded one-hot.
    """

    kind = "perceptron"
    tells = "action_values"

    def __init__(
        self,
        layers: list[tuple[Floats, Floats]],
        activation: str,
        scale: Floats,
        states: int = 0,
        shift: Floats | None = None,
        limit: float = 0.0,
    ) -> None:
        self.layers, self.activation, self.scale, self.states = layers, activation, scale, states
        self.shift, self.limit = np.zeros_like(scale) if shift is None else shift, limit

    def encode(self, observation: NDArray[Any]) -> Floats:
        """Observations [N, ...] as float32 features [N, D]."""
        if self.states:
            return np.eye(self.states, dtype=np.float32)[observation]
        features = (observation.reshape(len(observation), -1).astype(np.float32) - self.shift) * self.scale
        return features.clip(-self.limit, self.limit) if self.limit else features

    def outputs(self, features: Floats) -> Floats:
        """The network's outputs [N, A] for features [N, D]: Q(s, .), or the logits or means of a policy."""
        activate = ACTIVATIONS[self.activation]
        x = features
        for weight, bias in self.layers[:-1]:
            x = activate(x @ weight.T + bias)
        weight, bias = self.layers[-1]
        return x @ weight.T + bias

    def act(self, observation: NDArray[Any], first: NDArray[np.bool_]) -> NDArray[np.integer]:
        """The best action a[N] for each observation[N, ...]."""
        self.said = self.outputs(self.encode(observation))
        return self.said.argmax(axis=1)

    def explain(self) -> dict[str, NDArray[Any]]:
        """What it thought at the last action: Q(s, .) [N, A] and its maximum [N], or pi(.|s) [N, A]."""
        if self.tells == "action_values":
            return {"action_values": self.said, "value": self.said.max(axis=1)}
        if self.tells == "probabilities":
            p = np.exp(self.said - self.said.max(axis=1, keepdims=True))
            return {"probabilities": p / p.sum(axis=1, keepdims=True)}
        return {}

    def tensors(self) -> dict[str, NDArray[Any]]:
        """The arrays to store, by name."""
        named = {"scale": self.scale, "shift": self.shift}
        for i, (weight, bias) in enumerate(self.layers):
            named |= {f"layers.{i}.weight": weight, f"layers.{i}.bias": bias}
        return named

    def settings(self) -> dict[str, Any]:
        """What else `load` needs, as JSON."""
        return {
            "kind": self.kind,
            "activation": self.activation,
            "states": self.states,
            "limit": self.limit,
            "tells": self.tells,
        }


def to_box(unit: Floats, low: Floats, high: Floats) -> Floats:
    """Actions unit[N, A], -1 and 1 being the bounds low[A] and high[A]; what lies beyond is cut, as float32."""
    return (low + (unit + 1) / 2 * (high - low)).clip(low, high).astype(np.float32)


class Mean(Perceptron):
    """The mean action of a Gaussian policy over a box, its mean the perceptron's outputs, its bounds low[A], high[A].

    `squash` bends the outputs into the bounds by tanh; else what lies beyond them is cut.
    """

    kind = "mean"
    tells = ""

    def __init__(self, network: Perceptron, low: Floats, high: Floats, squash: bool) -> None:
        super().__init__(
            network.layers, network.activation, network.scale, network.states, network.shift, network.limit
        )
        self.low, self.high, self.squash = low, high, squash

    def act(self, observation: NDArray[Any], first: NDArray[np.bool_]) -> Floats:
        """The mean action a[N, A] for each observation[N, ...]."""
        mu = self.outputs(self.encode(observation))
        return to_box(np.tanh(mu) if self.squash else mu, self.low, self.high)

    def tensors(self) -> dict[str, NDArray[Any]]:
        """The arrays to store, by name."""
        return super().tensors() | {"low": self.low, "high": self.high}

    def settings(self) -> dict[str, Any]:
        """What else `load` needs, as JSON."""
        return super().settings() | {"squash": self.squash}


Policy = Table | Perceptron


def policy(settings: dict[str, Any], tensors: dict[str, NDArray[Any]]) -> Policy:
    """The policy that `settings()` and `tensors()` described."""
    if settings["kind"] == Table.kind:
        return Table(tensors["Q"])
    depth = sum(name.endswith(".weight") for name in tensors)
    layers = [(tensors[f"layers.{i}.weight"], tensors[f"layers.{i}.bias"]) for i in range(depth)]
    scale, shift = tensors["scale"], tensors["shift"]
    network = Perceptron(layers, settings["activation"], scale, settings["states"], shift, settings["limit"])
    network.tells = settings["tells"]
    if settings["kind"] == Mean.kind:
        return Mean(network, tensors["low"], tensors["high"], settings["squash"])
    return network
