"""Go for Gymnasium: the single environment and the batch, whose `info` holds the legal actions and the winner."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from gymnasium.error import InvalidAction

from rlbench.core.adapter import BatchStep, Step
from rlbench.core.autoreset import Bools, with_masks
from rlbench.core.compiled_env import CompiledRulesEnv
from rlbench.core.vector import RulesVectorEnv


class GoEnv(CompiledRulesEnv):
    """One game of Go.

    `info` holds at every reset and step `action_mask`, int8[n n + 1], 1 for what is legal, and `winner`: 1 Black, -1
    White, 0 nobody, so far or in a draw. At the end it holds `score`, Black's area less White's and komi, and `ending`,
    one of the numbers PASSES to FORFEIT of the rules.
    """

    def step(self, action: Any) -> Step:
        """The agent's move and the opponent's answer."""
        if not self.params.loses and not self._has_ended:
            checked = self.world.actions.check(action)
            if not self._state.legal[checked]:
                raise InvalidAction(f"action {checked} is not legal here; see info['action_mask']")
        return super().step(action)

    def _step_info(self) -> dict[str, Any]:
        return {"action_mask": self._state.legal.copy(), "winner": self._state.winner}


class GoVectorEnv(RulesVectorEnv):
    """N games of Go, with the same `info` as arrays [N, ...]."""

    def _start(self, mask: Bools, seeds: list[int | None], options: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
        observations, info = super()._start(mask, seeds, options)
        return observations, {**info, **self._step_info()}

    def step(self, actions: Any) -> BatchStep:
        """Step all games in the compiled loop."""
        if not self.params.loses and self._has_begun:
            self._check_legal(actions)
        *outcome, info = super().step(actions)
        return (*outcome, {**info, **self._step_info()})

    def _check_legal(self, actions: Any) -> None:
        """Raise InvalidAction for an action that is not legal, before any game has moved."""
        (array,) = self.world.actions.check_batch(actions, self.num_envs)
        legal = self._field("legal")
        within = (array >= 0) & (array < legal.shape[1])  # the loop says what is wrong with the others
        refused = within & ~self._done & (legal[np.arange(self.num_envs), np.where(within, array, 0)] == 0)
        if refused.any():
            i = int(refused.argmax())
            raise InvalidAction(f"action {array[i]} of environment {i} is not legal; see info['action_mask']")

    def _step_info(self) -> dict[str, Any]:
        entries = {"action_mask": self._field("legal").copy(), "winner": self._field("winner").copy()}
        return with_masks(entries, np.ones(self.num_envs, np.bool_))

    def _field(self, name: str) -> Any:
        return self._fields[self._like._fields.index(name)]
