"""Encodings of observations as features for a network, and checks of the spaces that networks take."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import gymnasium
import numpy as np
from numpy.typing import NDArray

from baselines.templates.agent_template import Perceptron
from baselines.templates.policies import GraphPolicy
from rlbench.errors import UnfitError

MASK = "action_mask"
"""The entry of an observation that says which actions are legal, by 1 or 0."""

Layers = list[tuple[NDArray[Any], NDArray[Any]]]
"""Weight [outputs, inputs] and bias [outputs] of each linear layer."""

P_co = TypeVar("P_co", covariant=True)


class Encoder(Protocol[P_co]):
    """Features of observations, and the policies of networks that see them."""

    @property
    def size(self) -> int:
        """D, the number of features."""

    def __call__(self, observation: NDArray[Any]) -> NDArray[np.float32]:
        """Observations [N, ...] -> features [N, D]."""

    def policy(self, layers: Layers, activation: str) -> P_co:
        """The greedy policy, over observations, of a perceptron that sees the features."""


@dataclass(frozen=True)
class Encoding:
    """A box flattened, shifted and scaled, or one of n states one-hot: the encoder whose policies have a template."""

    scale: NDArray[np.float32]
    """Factor of each number, [D]."""

    states: int = 0
    """n; 0 for a box."""

    shift: NDArray[np.float32] | None = None
    """Subtracted before scaling, [D]; None for 0."""

    limit: float = 0.0
    """Bound of the scaled numbers, from which they are clipped; 0 for none."""

    @property
    def size(self) -> int:
        """D, the number of features."""
        return self.states or len(self.scale)

    def __call__(self, observation: NDArray[Any]) -> NDArray[np.float32]:
        """Observations [N, ...] -> features [N, D]."""
        return self.policy([], "relu").encode(observation)

    def policy(self, layers: Layers, activation: str) -> Perceptron:
        """The greedy policy, over observations, of a perceptron that sees the features."""
        return Perceptron(layers, activation, self.scale, self.states, self.shift, self.limit)


@dataclass(frozen=True)
class MaskedEncoding:
    """A Dict of a box and the mask of legal actions: both flattened, one behind the other.

    The mask is an input, too, as it may tell what the box does not, such as a point forbidden by superko.
    """

    key: str
    """Of the box."""

    numbers: int
    """In the box."""

    actions: int
    """A, the length of the mask."""

    @property
    def size(self) -> int:
        """D, the number of features."""
        return self.numbers + self.actions

    def __call__(self, observation: Any) -> NDArray[np.float32]:
        """Observations {key: [N, ...], action_mask: [N, A]} -> features [N, D], the mask last."""
        parts = observation[self.key], observation[MASK]
        return np.concatenate([part.reshape(len(part), -1) for part in parts], axis=1, dtype=np.float32)

    def policy(self, layers: Layers, activation: str) -> GraphPolicy:
        """The greedy policy, over observations, of a perceptron that sees the features: of legal actions alone."""
        from baselines.nets.policy_graphs import masked_perceptron  # which imports torch

        return GraphPolicy(*masked_perceptron(layers, activation, self.key, self.actions))


def encoding(space: gymnasium.Space[Any], scale: tuple[float, ...] = ()) -> Encoding:
    """The encoding of an observation space.

    Args:
        space: of one environment.
        scale: factor of each number of a box; empty for 1.

    Raises:
        UserError: for a space that a perceptron does not take, or a scale of another length.
    """
    if isinstance(space, gymnasium.spaces.Discrete) and space.start == 0:
        return Encoding(np.ones(1, np.float32), int(space.n))
    if not isinstance(space, gymnasium.spaces.Box):
        raise UnfitError(f"observations must be a Box or a Discrete that starts at 0, not {space}")
    size = math.prod(space.shape)
    if scale and len(scale) != size:
        raise UnfitError(
            f"observation_scale has {len(scale)} numbers, the observation {size}; give {size}, or none for a scale of 1"
            " (`--observation-scale` alone, `observation_scale=()` in Python)"
        )
    return Encoding(np.array(scale or (1.0,) * size, np.float32))


def masked_encoding(space: gymnasium.spaces.Dict, actions: int) -> MaskedEncoding:
    """The encoding of a Dict of one box and a mask.

    Args:
        space: of one environment.
        actions: A, of which the mask tells the legal ones.

    Raises:
        UnfitError: for a Dict of other entries.
    """
    boxes = {key: box for key, box in space.spaces.items() if key != MASK and isinstance(box, gymnasium.spaces.Box)}
    if len(boxes) != 1 or {*space.spaces} != {MASK, *boxes}:
        raise UnfitError(f"of Dicts only those of one Box and an {MASK} are learned from, not {space}")
    if space[MASK].shape != (actions,):
        raise UnfitError(f"{MASK} must have one number for each of {actions} actions, not shape {space[MASK].shape}")
    ((key, box),) = boxes.items()
    return MaskedEncoding(key, math.prod(box.shape), actions)


def frames_shape(space: gymnasium.Space[Any]) -> tuple[int, int, int]:
    """The shape (K, H, W) of stacked frames; UserError for a space that a convolution does not take."""
    if not isinstance(space, gymnasium.spaces.Box) or len(space.shape) != 3 or space.dtype != np.uint8:
        raise UnfitError(f"convolutions take stacked frames, uint8 [K, H, W], not {space}")
    stacked, height, width = space.shape
    return stacked, height, width


def discrete_actions(space: gymnasium.Space[Any]) -> int:
    """The number of actions; UserError where actions are not numbered from 0."""
    if not isinstance(space, gymnasium.spaces.Discrete) or space.start != 0:
        raise UnfitError(f"actions must be Discrete and start at 0, not {space}")
    return int(space.n)
