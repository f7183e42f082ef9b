"""Glimpses for libraries that take only boxes: actions and observations as one vector each."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from gymnasium.wrappers import FlattenObservation
from numpy.typing import NDArray

from rlbench.core.spaces import NO_ARRAY, no_array
from rlbench.errors import shortened


class FlatAction(gymnasium.ActionWrapper[Any, NDArray[np.float32], Any], gymnasium.utils.RecordConstructorArgs):
    """A glimpse environment whose action is float32[2 + classes] in [-1, 1]: a location, and a value for each label.

    The label is the one of the largest value, the first of several.
    """

    def __init__(self, env: gymnasium.Env[Any, Any]) -> None:
        gymnasium.utils.RecordConstructorArgs.__init__(self)  # so that gymnasium.make(env.spec) makes another
        gymnasium.ActionWrapper.__init__(self, env)
        if not isinstance(env.action_space, spaces.Dict) or set(env.action_space) != {"location", "label"}:
            raise TypeError(f"FlatAction takes actions of location and label, this environment {env.action_space}")
        label: Any = env.action_space["label"]
        self.action_space = spaces.Box(-1.0, 1.0, (2 + int(label.n),), np.float32)

    def action(self, action: NDArray[np.float32]) -> dict[str, Any]:
        """The action as the environment takes it."""
        try:
            vector = np.asarray(action)
        except NO_ARRAY as error:
            raise no_array("action", error) from None
        if vector.shape != self.action_space.shape or vector.dtype.kind not in "fiu" or np.isnan(vector).any():
            raise gymnasium.error.InvalidAction(f"action {shortened(action)} is not in {self.action_space}")
        return {"location": vector[:2], "label": int(np.argmax(vector[2:]))}


def flat(env: gymnasium.Env[Any, Any]) -> gymnasium.Env[Any, Any]:
    """A glimpse environment with vectors for actions and observations: float32[k g g + 2], location before patches.

    Raises TypeError for a batch and for another environment.
    """
    if isinstance(env, gymnasium.vector.VectorEnv):
        raise TypeError("flat takes one environment; for many, make_vec(id, N, 'sync', wrappers=[flat])")
    return FlattenObservation(FlatAction(env))
