"""The uniform policy over legal actions, for tasks whose observation holds an `action_mask`."""

from __future__ import annotations

from typing import Any

import numpy as np


class RandomLegal:
    """Samples one legal action per environment."""

    def __init__(self, seed: int) -> None:
        self._random = np.random.Generator(np.random.PCG64(seed))

    def act(self, observation: Any, first: Any) -> Any:
        """Actions int64[N], for masks [N, A]."""
        mask = observation["action_mask"] > 0
        return np.where(mask, self._random.random(mask.shape), -1.0).argmax(axis=1)


def load(task: Any, spaces: Any, seed: int) -> RandomLegal:
    """The agent for one block."""
    return RandomLegal(seed)
