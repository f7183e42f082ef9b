"""CompiledRulesEnv: a rules module as a single Gymnasium environment, compiled, for rules that compute much."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from rlbench.core.adapter import Step
from rlbench.core.compiler.single import CompiledSingle
from rlbench.core.env import RulesEnv
from rlbench.core.rules import StateOf
from rlbench.core.spaces import Arrays


class CompiledRulesEnv(RulesEnv):
    """One environment that follows a rules module whose COMPILED is true: the same episodes as in plain Python."""

    @cached_property
    def _single(self) -> CompiledSingle:
        return CompiledSingle(self.world)

    def _start(self, seed: int | None, options: Mapping[str, Any]) -> dict[str, Any]:
        self._seen = self._single.begin(self.np_random.random(self._draws[0]), options["Options"])
        self._state, self._has_ended = self._single.state, False
        if "state" in options:
            self._set_state(options["state"])
        return self._step_info()

    def step(self, action: Any) -> Step:
        """One transition of the rules."""
        if self._has_ended:
            raise self._reset_needed()
        return self._advance(self._check_action(action))

    def _advance(self, action: Any) -> Step:
        self._seen, reward, ended = self._single.advance(action, self.np_random.random(self._draws[1]))
        self._state, self._has_ended = self._single.state, ended
        if self.render_mode == "human":
            self.render()
        info = self._step_info()
        return self._observation(), reward, ended, False, {**info, **self._info()} if ended else info

    def _step_info(self) -> dict[str, Any]:
        """What `info` holds at every reset and step; nothing by default."""
        return {}

    def _observed(self) -> Arrays:
        return tuple(array.copy() for array in self._seen)  # whoever gets an observation may write to it

    def _set_state(self, state: StateOf) -> None:
        self._single.state = state
        self._seen = self._single.begin(self.np_random.random(0), self._no_options["Options"], False)
        super()._set_state(self._single.state)
