"""Agents of CleanRL, from their weights alone: the state dict that its scripts save.

CleanRL has no package, only one file per algorithm, but its networks are few, and the names and shapes of the weights
tell them apart:

    actor.0 ...                     ppo: tanh between layers
    actor_mean.0 ..., actor_logstd  ppo_continuous_action
    network.0 ..., actor            ppo_atari; with lstm, ppo_atari_lstm
    network.0 ...                   dqn, dqn_atari, pqn; with atoms, c51
    fc1, fc2, fc_mu                 ddpg_continuous_action, td3_continuous_action
    fc1, fc2, fc_mean               sac_continuous_action
    conv.0 ..., fc1, fc_logits      sac_atari

Source: Huang et al. (2022), CleanRL: high-quality single-file implementations of deep RL algorithms, JMLR 23(274).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from numpy.typing import NDArray
from torch.nn import functional

from rlbench.harness.adapters import torch_file
from rlbench.harness.adapters.actions import choose, clipped
from rlbench.harness.adapters.folder import CleanRLSettings

Weights = Mapping[str, torch.Tensor]
Layer = Callable[[torch.Tensor], torch.Tensor]

NESTED = ("model_weights", "state_dict", "model_state_dict", "agent", "actor", "model")
"""Names under which some scripts save a state dict, beside their arguments."""

PREFIXES = ("_orig_mod.", "module.", "agent.")
"""What torch.compile, DataParallel and wrappers put before every name."""

LOG_STD = -5.0, 2.0
"""Bounds of the logarithm of the standard deviation in sac_continuous_action."""

EPSILON, CLIP = 1e-8, 10.0
"""Of NormalizeObservation, and of what CleanRL's scripts do after it."""


class CleanRLAgent:
    """A network and its state, for N environments."""

    def __init__(self, network: Network, normalize: Layer, space: spaces.Space[Any], deterministic: bool) -> None:
        self.network, self.normalize, self.space, self.deterministic = network, normalize, space, deterministic

    def act(self, observation: NDArray[Any], first: NDArray[np.bool_]) -> NDArray[Any]:
        """Actions [N, ...]; a recurrent network forgets where `first` [N] is true."""
        with torch.no_grad():
            x = self.normalize(torch.as_tensor(observation, dtype=torch.float32))
            outputs, features = self.network(x, torch.as_tensor(first))
            if isinstance(self.space, spaces.Box):
                return clipped(self.network.continuous(outputs, features, self.deterministic), self.space)
            return choose(outputs, self.space, self.deterministic or self.network.values_actions)


class Network:
    """A network of CleanRL, made of weights by their names.

    Args:
        weights: The state dict.
        settings: Activation and strides, where they are others than CleanRL's.
    """

    def __init__(self, weights: Weights, settings: CleanRLSettings) -> None:
        self.weights, self.settings = weights, settings
        names = {name.rpartition(".")[0] for name in weights}
        self.recurrent = any(name.startswith("lstm.") for name in weights)
        self.state: tuple[torch.Tensor, torch.Tensor] | None = None
        self.values_actions = False  # of which the best one is taken, as nothing says how probable the others are
        trunk = next((each for each in ("network", "conv") if f"{each}.0" in names), None)
        relu, tanh = self._activation("relu"), self._activation("tanh")
        if self.recurrent:
            self.lstm = _lstm(weights)
        if "actor" in names:  # ppo_atari
            self.trunk = [*self._sequence(trunk or "network", relu), relu]
            self.head = self._sequence("actor", tanh)
        elif trunk == "network":  # dqn
            self.values_actions = True
            self.trunk, self.head = [], self._sequence("network", relu)
        elif "actor.0" in names or "actor_mean.0" in names:  # ppo
            self.trunk = []
            self.head = self._sequence("actor_mean" if "actor_mean.0" in names else "actor", tanh)
        elif "fc1" in names and (last := {"fc_mu", "fc_mean", "fc_logits"} & names):  # td3, sac
            self.trunk = [*self._sequence("conv", relu), relu] if trunk == "conv" else []
            numbered = sorted(name for name in names if re.fullmatch(r"fc\d+", name))
            hidden = [layer for name in numbered for layer in (self._linear(name), relu)]
            self.head = [*([torch.nn.Flatten()] if trunk else []), *hidden, self._linear(last.pop())]
        else:
            shown = ", ".join(sorted(weights)[:6])
            raise ValueError(
                f"these weights are of no network that CleanRL publishes ({shown}, ...); give the agent code of its own"
            )

    def __call__(self, x: torch.Tensor, first: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Logits, values of actions, or the mean of an action [N, A], and the features that they are made of [N, F]."""
        for layer in self.trunk:
            x = layer(x)
        if self.recurrent:
            x = self._remember(x, first)
        for layer in self.head[:-1]:
            x = layer(x)
        outputs = self.head[-1](x)
        if (atoms := self.weights.get("atoms")) is not None:  # c51: the mean of the distribution of each action
            outputs = (outputs.reshape(len(x), -1, len(atoms)).softmax(dim=2) * atoms).sum(dim=2)
        return outputs, x

    def continuous(self, mean: torch.Tensor, features: torch.Tensor, deterministic: bool) -> torch.Tensor:
        """Actions [N, A] of a Box, before they are clipped.

        Args:
            mean: [N, A], what the network puts out.
            features: [N, F], what it makes that of.
            deterministic: Whether the mean is taken; td3 and ddpg have nothing else.
        """
        if not deterministic:
            mean = mean + self._log_std(features).exp() * torch.randn_like(mean)
        if "action_scale" in self.weights:  # td3 and sac are squashed
            return mean.tanh() * self.weights["action_scale"] + self.weights["action_bias"]
        return mean

    def _log_std(self, features: torch.Tensor) -> torch.Tensor:
        """The logarithm of the standard deviation of an action [N, A]."""
        if "actor_logstd" in self.weights:
            return self.weights["actor_logstd"]
        if "fc_logstd.weight" in self.weights:
            low, high = LOG_STD
            return low + 0.5 * (high - low) * (self._linear("fc_logstd")(features).tanh() + 1)
        return torch.tensor(-torch.inf)

    def _remember(self, x: torch.Tensor, first: torch.Tensor) -> torch.Tensor:
        """What the LSTM makes of features [N, F] and of its state, which is zero where an episode begins."""
        if self.state is None:
            zeros = torch.zeros(1, len(x), self.lstm.hidden_size)
            self.state = zeros, zeros
        keep = (~first).float().reshape(1, -1, 1)
        hidden, self.state = self.lstm(x[None], (keep * self.state[0], keep * self.state[1]))
        return hidden[0]

    def _sequence(self, name: str, activation: Layer) -> list[Layer]:
        """The layers `name.0`, `name.1` and so on with what lies between them, or the one layer of that name.

        An activation follows every layer but the last, or the normalisation that is next to the layer; the first linear
        layer takes a flat input.
        """
        found = (re.fullmatch(rf"{name}\.(\d+)\.weight", each) for each in self.weights)
        numbers = sorted(int(match[1]) for match in found if match)
        if not numbers:
            return [self._linear(name)]
        made: list[Layer] = []
        is_flat = False
        convolutions = 0
        for number, following in zip(numbers, [*numbers[1:], None], strict=True):
            place = f"{name}.{number}"
            weight, bias = self.weights[f"{place}.weight"], self.weights.get(f"{place}.bias")
            if weight.ndim == 4:
                made.append(_convolution(weight, bias, self._stride(weight, convolutions)))
                convolutions += 1
            elif weight.ndim == 2:
                made += [] if is_flat else [torch.nn.Flatten()]
                made.append(_checked(place, weight, bias))
                is_flat = True
            else:
                made.append(_normalization_of_a_layer(weight, bias))
            if following is not None and (following > number + 1 or weight.ndim in (1, 3)):
                made.append(activation)
        return made

    def _linear(self, name: str) -> Layer:
        return _checked(name, self.weights[f"{name}.weight"], self.weights.get(f"{name}.bias"))

    def _stride(self, weight: torch.Tensor, number: int) -> int:
        """The stride of a convolution."""
        strides = self.settings.strides
        return strides[number] if number < len(strides) else max(weight.shape[-1] // 2, 1)

    def _activation(self, usual: str) -> Layer:
        name = self.settings.activation or usual
        found = getattr(torch, name, None) or getattr(functional, name, None)
        if not callable(found):
            raise ValueError(f"activation = {name!r} is no function of torch; write, for example, tanh")
        return found  # type: ignore[no-any-return]


def load(folder: str, settings: CleanRLSettings, played: Any, seed: int, device: str) -> CleanRLAgent:
    """The agent of a folder.

    Raises:
        ValueError: The file holds no weights of an agent of CleanRL.
    """
    torch.manual_seed(seed)
    observation = played.observation
    if not isinstance(observation, (spaces.Box, spaces.Discrete, spaces.MultiDiscrete, spaces.MultiBinary)):
        raise ValueError(
            f"CleanRL's networks take one array, the task has {observation}; give the agent code of its own"
        )
    network = Network(load_weights(Path(folder, settings.model)), settings)
    is_continuous = isinstance(played.action, spaces.Box)
    if is_continuous != ("actor_logstd" in network.weights or "action_scale" in network.weights):
        raise ValueError(
            f"the network is for {'discrete' if is_continuous else 'continuous'} actions, not {played.action}"
        )
    normalize = normalization(Path(folder, settings.normalization), observation)
    return CleanRLAgent(network, normalize, played.action, settings.deterministic)


def load_weights(path: Path) -> dict[str, torch.Tensor]:
    """The state dict in a file, without what wraps it."""
    found = torch_file.read(path, weights_only=True, save="agent.state_dict()")
    if isinstance(found, (tuple, list)) and found:  # td3 saves its actor and its critics
        found = found[0]
    if isinstance(found, Mapping):
        found = next((found[name] for name in NESTED if isinstance(found.get(name), Mapping)), found)
    if not isinstance(found, Mapping) or not all(isinstance(each, torch.Tensor) for each in found.values()):
        raise ValueError(f"{path.name} holds no state dict but {type(found).__name__}; save agent.state_dict()")
    shortened = {str(name): value.float() for name, value in found.items()}
    for prefix in PREFIXES:
        if shortened and all(name.startswith(prefix) for name in shortened):
            shortened = {name.removeprefix(prefix): value for name, value in shortened.items()}
    return shortened


def normalization(path: Path, space: spaces.Space[Any]) -> Layer:
    """What is done to observations before the network: by their statistics if there are any, pixels by 255."""
    if path.is_file():
        with np.load(path, allow_pickle=False) as arrays:
            if not {"mean", "var"} <= set(arrays):
                raise ValueError(f"{path.name} holds {', '.join(arrays)}; it needs the arrays mean and var")
            mean, deviation = arrays["mean"], np.sqrt(arrays["var"] + EPSILON)
        m, s = torch.as_tensor(mean, dtype=torch.float32), torch.as_tensor(deviation, dtype=torch.float32)
        return lambda x: ((x - m) / s).clamp(-CLIP, CLIP)
    if space.dtype == np.uint8 and len(space.shape or ()) == 3:
        return lambda x: x / 255.0
    return lambda x: x


def _lstm(weights: Weights) -> torch.nn.LSTM:
    """The LSTM of one layer that these weights are of."""
    mine = {name.removeprefix("lstm."): value for name, value in weights.items() if name.startswith("lstm.")}
    rows, inputs = mine["weight_ih_l0"].shape
    module = torch.nn.LSTM(inputs, rows // 4)
    module.load_state_dict(mine)
    return module


def _normalization_of_a_layer(weight: torch.Tensor, bias: torch.Tensor | None) -> Layer:
    return lambda x: functional.layer_norm(x, weight.shape, weight, bias)


def _convolution(weight: torch.Tensor, bias: torch.Tensor | None, stride: int) -> Layer:
    return lambda x: functional.conv2d(x, weight, bias, stride)


def _checked(name: str, weight: torch.Tensor, bias: torch.Tensor | None) -> Layer:
    """A linear layer that says which one it is where its input does not fit."""

    def linear(x: torch.Tensor) -> torch.Tensor:
        x = x.reshape(len(x), -1)
        if x.shape[1] != weight.shape[1]:
            raise ValueError(f"layer {name} takes {weight.shape[1]} numbers, and gets {x.shape[1]} of the observation")
        return functional.linear(x, weight, bias)

    return linear
