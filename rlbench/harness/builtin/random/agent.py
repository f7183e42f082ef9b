"""The uniform policy: every action equally likely, whatever is observed."""

from __future__ import annotations

from typing import Any

from gymnasium.vector.utils import batch_space


class Random:
    """Samples one action per environment."""

    def __init__(self, action: Any, num_envs: int, seed: int) -> None:
        self._actions = batch_space(action, num_envs)
        self._actions.seed(seed)

    def act(self, observation: Any, first: Any) -> Any:
        """Actions [N, ...]."""
        return self._actions.sample()


def load(task: Any, spaces: Any, seed: int) -> Random:
    """The agent for one block."""
    return Random(spaces.action, task.num_envs, seed)
