"""Policies of TorchRL, from what `torch.save` wrote: the module, or its state dict and a function that makes it.

A saved module is a pickle: import this in the agent's process only.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from numpy.typing import NDArray
from tensordict import TensorDict
from tensordict.nn import TensorDictModuleBase
from torchrl.envs.utils import ExplorationType, set_exploration_type

from rlbench.harness.adapters import torch_file
from rlbench.harness.adapters.actions import choose, clipped, counts, numbered
from rlbench.harness.adapters.folder import TorchRLSettings

OBSERVATION, ACTION, IS_INIT = "observation", "action", "is_init"
"""Keys as TorchRL's GymEnv names them; InitTracker writes `is_init`."""


class TorchRLAgent:
    """A policy, and what it remembers: the entries that it reads as `key` and writes as `next, key`."""

    def __init__(self, policy: Any, played: Any, settings: TorchRLSettings, device: str) -> None:
        self.policy, self.settings, self.device = policy, settings, device
        self.observation_space, self.action_space = played.observation, played.action
        self.memory: dict[Any, torch.Tensor] = {}
        written = set(map(_path, policy.out_keys))
        self.remembered = [key for key in map(_path, policy.in_keys) if ("next", *key) in written]
        inputs = [key[0] for key in map(_path, policy.in_keys) if key not in self.remembered and key != (IS_INIT,)]
        self.key = OBSERVATION if OBSERVATION in inputs or not inputs else inputs[0]
        self.exploration = ExplorationType.DETERMINISTIC if settings.deterministic else ExplorationType.RANDOM

    def act(self, observation: Any, first: NDArray[np.bool_]) -> NDArray[Any]:
        """Actions [N, ...]; a recurrent policy is told where `first` [N] is true by `is_init`."""
        given = TensorDict(self._entries(observation), batch_size=[len(first)], device=self.device)
        given[IS_INIT] = torch.as_tensor(first)[:, None]
        for key, value in self.memory.items():
            given[key] = value
        with torch.no_grad(), set_exploration_type(self.exploration):
            made = self.policy(given)
        self.memory = {key: made[("next", *key)] for key in self.remembered}
        return self._action(made[ACTION])

    def _entries(self, observation: Any) -> dict[str, torch.Tensor]:
        """The observation as entries of a TensorDict, [N, ...] each."""
        if not isinstance(self.observation_space, spaces.Dict):
            return {self.key: self._tensor(observation, self.observation_space)}
        return {name: self._tensor(observation[name], space) for name, space in self.observation_space.items()}

    def _tensor(self, array: NDArray[Any], space: spaces.Space[Any]) -> torch.Tensor:
        """An array [N, ...] as TorchRL has it: a Discrete entry as a one-hot vector, floats in single precision."""
        tensor = torch.as_tensor(array)
        if isinstance(space, spaces.Discrete):
            tensor = tensor.long() - int(space.start)
            return tensor if self.settings.categorical else torch.nn.functional.one_hot(tensor, int(space.n))
        return tensor.float() if tensor.is_floating_point() else tensor

    def _action(self, action: torch.Tensor) -> NDArray[Any]:
        """The policy's action as the task takes it: of one-hot vectors the place of the one."""
        space, action = self.action_space, action.detach().cpu()
        if isinstance(space, spaces.Box):
            return clipped(action, space)
        if action.ndim == 2 and action.shape[1] == sum(counts(space)) > len(counts(space)):
            return choose(action.float(), space, True)
        return numbered(action.reshape(len(action), -1).numpy(), space)


def load(folder: str, settings: TorchRLSettings, played: Any, seed: int, device: str) -> TorchRLAgent:
    """The agent of a folder.

    Raises:
        ValueError, TypeError: The file holds no policy, or one that does not say what it reads and writes.
    """
    torch.manual_seed(seed)
    policy = load_policy(folder, settings, played).to(device).eval()
    return TorchRLAgent(policy, played, settings, device)


def load_policy(folder: str, settings: TorchRLSettings, played: Any) -> Any:
    """The policy as it was saved, or as `build` makes it with the weights that were saved."""
    weights_alone = "policy.state_dict()" if settings.build else "policy.state_dict(), and name the function as build"
    found = torch_file.read(Path(folder, settings.model), weights_only=bool(settings.build), save=weights_alone)
    if settings.build:
        module, _, function = settings.build.partition(":")
        policy = getattr(importlib.import_module(module), function)(played.observation, played.action)
        policy.load_state_dict(found)
    elif isinstance(found, Mapping):
        raise ValueError(
            f"{settings.model} holds weights alone; save the policy itself, or name the function that makes it as "
            "build in adapter.toml"
        )
    else:
        policy = found
    if not isinstance(policy, TensorDictModuleBase) or ACTION not in policy.out_keys:
        raise TypeError(
            f"{type(policy).__name__} is no policy of TorchRL: it must be a TensorDictModule that writes {ACTION!r}"
        )
    return policy


def _path(key: str | tuple[str, ...]) -> tuple[str, ...]:
    """A key of a TensorDict as the way to its entry."""
    return (key,) if isinstance(key, str) else key
