"""Base of the objects that a checkpoint holds: each names the attributes that training changes."""

from __future__ import annotations

from copy import deepcopy
from typing import Any, ClassVar

import numpy as np

from baselines.types import Tree


class Stateful:
    """An object whose named attributes are stored in a checkpoint and restored from it.

    An attribute may be a number, a string, None, a tree of these, a NumPy array, a tensor, a NumPy generator, or
    Stateful itself. Tensors are restored in place, so that views of them stay views.
    """

    CHECKPOINTED: ClassVar[tuple[str, ...]] = ()

    def state(self) -> Tree:
        """Copies of what training changes, by name."""
        return {name: _stored(getattr(self, name)) for name in self.CHECKPOINTED}

    def restore(self, state: Tree) -> None:
        """Go on from `state()`."""
        for name in self.CHECKPOINTED:
            setattr(self, name, _restored(getattr(self, name), state[name]))


def _stored(value: Any) -> Any:
    if isinstance(value, Stateful):
        return value.state()
    if isinstance(value, np.random.Generator):
        return value.bit_generator.state
    if isinstance(value, np.ndarray):
        return value.copy()
    if hasattr(value, "detach"):  # a tensor; tabular agents import no torch
        return value.detach().cpu().numpy().copy()
    return deepcopy(value)


def _restored(current: Any, stored: Any) -> Any:
    """What the attribute is after restoring; `current` itself where it was changed in place."""
    if isinstance(current, Stateful):
        current.restore(stored)
    elif isinstance(current, np.random.Generator):
        current.bit_generator.state = stored
    elif isinstance(current, np.ndarray):
        return stored.copy()
    elif hasattr(current, "detach"):
        import torch

        current.copy_(torch.from_numpy(stored).view(current.shape))  # safetensors gives a number an axis
    else:
        return deepcopy(stored)
    return current
