"""Actions from what a network puts out, and what a model was trained on compared with what it shall play."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from numpy.typing import NDArray

DISCRETE = (spaces.Discrete, spaces.MultiDiscrete, spaces.MultiBinary)


def choose(logits: torch.Tensor, space: spaces.Space[Any], deterministic: bool) -> NDArray[Any]:
    """Actions [N, ...] of a discrete space.

    Args:
        logits: [N, A] of a Discrete space, [N, A_1 + A_2 + ...] of a MultiDiscrete one.
        space: The action space.
        deterministic: Whether the largest is taken, else one is drawn by its probability.
    """
    sizes = counts(space)
    if logits.shape[1] != sum(sizes):
        raise ValueError(f"the network has {logits.shape[1]} outputs, the actions of the task need {sum(sizes)}")
    parts = logits.split(sizes, dim=1)
    if deterministic:
        columns = [part.argmax(dim=1) for part in parts]
    else:
        columns = [torch.distributions.Categorical(logits=part).sample() for part in parts]
    return numbered(torch.stack(columns, dim=1).numpy(), space)


def numbered(choices: NDArray[Any], space: spaces.Space[Any]) -> NDArray[Any]:
    """Choices [N, k] that count from 0 as actions [N, ...] of a discrete space, which may start elsewhere."""
    shape = space.shape or ()
    numbers: NDArray[Any] = choices.reshape(len(choices), *shape) + np.asarray(getattr(space, "start", 0))
    return numbers


def clipped(action: torch.Tensor, space: spaces.Box) -> NDArray[Any]:
    """Actions [N, ...] of a Box, within its bounds."""
    wanted = (len(action), *space.shape)
    if action.numel() != np.prod(wanted):
        raise ValueError(f"the network puts out {list(action.shape[1:])}, an action has shape {list(space.shape)}")
    numbers: NDArray[Any] = action.numpy().astype(space.dtype, copy=False).reshape(wanted)
    return numbers.clip(space.low, space.high)


def counts(space: spaces.Space[Any]) -> list[int]:
    """The number of choices in each part of a discrete space."""
    if isinstance(space, spaces.Discrete):
        return [int(space.n)]
    if isinstance(space, spaces.MultiDiscrete):
        return [int(n) for n in space.nvec.ravel()]
    raise TypeError(f"a network of this kind cannot choose an action of {space}")


def refuse_others(what: str, trained: spaces.Space[Any], played: spaces.Space[Any]) -> None:
    """Raise ValueError where a model cannot play, since its spaces are others than those of the task.

    Args:
        what: Observations or actions, for the message.
        trained: The space that the model was trained on.
        played: The space of the task.
    """
    if not _alike(trained, played):
        raise ValueError(f"the model was trained on {what} {trained}, the task has {played}")


def _alike(trained: spaces.Space[Any], played: spaces.Space[Any]) -> bool:
    """Whether elements of two spaces have the same form; images may have their channels first or last."""
    if isinstance(trained, spaces.Dict) and isinstance(played, spaces.Dict):
        return set(trained) == set(played) and all(_alike(trained[key], played[key]) for key in trained)
    if isinstance(trained, spaces.Box) and isinstance(played, spaces.Box):
        a, b = trained.shape, played.shape
        return a == b or (len(a) == len(b) == 3 and a in (b[-1:] + b[:-1], b[1:] + b[:1]))
    if type(trained) is not type(played):
        return False
    return trained.shape == played.shape and getattr(trained, "n", None) == getattr(played, "n", None)
