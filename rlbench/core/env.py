"""RulesEnv: a rules module as a single Gymnasium environment, in plain Python."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
from gymnasium import spaces

from rlbench.core.adapter import EnvAdapter, Image, Step
from rlbench.core.arguments import RENDER_MODES, TEXT_MODE, Check
from rlbench.core.rules import StateOf, make_state
from rlbench.core.spaces import Arrays
from rlbench.core.world import World


class RulesEnv(EnvAdapter):
    """One environment that follows a rules module.

    `rules` names the rules module; its sibling `render`, or the module named `render`, draws it. `flat=True` makes each
    observation one vector, as Gymnasium's wrapper `FlattenObservation` does. All other keyword arguments become the
    rules' parameters. `state` can be read and set, so that planners can look ahead.
    Compiling a single step is slower than plain Python: the call costs more than the arithmetic (measured).
    """

    metadata: dict[str, Any] = {"render_modes": [*RENDER_MODES, TEXT_MODE]}  # noqa: RUF012  # of an instance, those it has
    TAKEN_BY_MAKER: ClassVar[tuple[str, ...]] = ("flat",)
    """Arguments that `World` takes."""

    def __init__(self, rules: str, render: str | None = None, render_mode: str | None = None, **params: Any) -> None:
        self.world = World(rules, render, params, type(self))
        super().__init__(self.world.name, render_mode)
        self.params = self.world.params
        self.observation_space, self.action_space = self.world.observation_space, self.world.action_space
        self.metadata = self.world.metadata(render_mode, type(self).metadata["render_modes"])
        module = self.world.rules
        self._transition, self._reward = module.transition, module.reward
        self._terminated, self._observe = module.terminated, module.observe
        self._check_action = self.world.actions.check
        self._is_plain = self.world.observations.record is None and not (self.world.flat or self.world.observe_compiled)
        self._is_discrete = isinstance(self.observation_space, spaces.Discrete)
        self._shape, self._dtype = self.observation_space.shape or (1,), self.observation_space.dtype
        self._compiled_observe: Any = None
        self._draws, self._scratch = self.world.draws, self.world.scratch()
        self._state: StateOf = None
        self._has_arrays = bool(self.world.blank())
        self._no_options = {"Options": self.world.own_options({})}

    def _option_checks(self) -> dict[str, Check]:
        return {**self.world.option_checks(()), "state": self._checked_state}

    def _checked_options(self, options: Any) -> dict[str, Any]:
        if options is None:
            return self._no_options
        checked = super()._checked_options(options)
        return {**checked, "Options": self.world.own_options(checked)}

    def _start(self, seed: int | None, options: Mapping[str, Any]) -> dict[str, Any]:
        self._state = self.world.initial(tuple(self.np_random.random(self._draws[0]).tolist()), options["Options"])
        self._has_ended = False
        if "state" in options:
            self._set_state(options["state"])
        return {}

    def step(self, action: Any) -> Step:
        """One transition of the rules."""
        if self._has_ended:
            raise self._reset_needed()
        state, params = self._state, self.params
        action = self._check_action(action)
        draws = tuple(self.np_random.random(self._draws[1]).tolist()) if self._draws[1] else ()
        next_state = self._state = self._transition(state, action, draws, params, *self._scratch)
        reward = self._reward(state, action, next_state, params)
        self._has_ended = ended = bool(self._terminated(next_state, params))
        if self.render_mode == "human":
            self.render()
        return self._observation(), reward, ended, False, self._info() if ended else {}

    def _info(self) -> dict[str, Any]:
        result = self.world.result(self._state)
        return result._asdict() if result else {}

    def _observation(self) -> Any:
        if not self._is_plain:
            return self.world.observations.single(self._observed())
        out = np.empty(self._shape, self._dtype)
        self._observe(self._state, self.params, out, *self._scratch)
        return out[0] if self._is_discrete else out

    def _observed(self) -> Arrays:
        """The arrays of the observation, one per leaf."""
        if self.world.observe_compiled:
            if self._compiled_observe is None:
                from rlbench.core.compiler.observe import CompiledObserve  # which imports Numba

                self._compiled_observe = CompiledObserve(self.world)
            return self._compiled_observe(self._state)  # type: ignore[no-any-return]  # Any for the import's sake
        layout = self.world.observations
        arrays = layout.empty()
        self._observe(self._state, self.params, layout.as_rules(arrays), *self._scratch)
        return arrays

    @property
    def state(self) -> StateOf:
        """The current state, a NamedTuple of the rules, its arrays copied; None before the first reset."""
        shared = self._has_arrays and self._state is not None  # later steps write to the arrays
        return make_state(self._state, self._state) if shared else self._state

    @state.setter
    def state(self, values: Any) -> None:
        self._set_state(self._checked_state(values))
        self._has_ended |= not self._has_begun

    def _checked_state(self, values: Any) -> StateOf:
        return self.world.make_state(values, self._state or self.world.example_state())

    def _set_state(self, state: StateOf) -> None:
        self._state = state
        self._has_ended = bool(self._terminated(state, self.params))

    @cached_property
    def P(self) -> Any:
        """The exact dynamics, P[s][a] -> [(probability, next state, reward, terminated)], where the rules know them."""
        return self.world.model()

    def _frame(self) -> Image:
        return self.world.frame(self._state)

    def _text(self) -> str:
        return self.world.text(self._state)

    def small_frame(self, factor: int) -> Image | None:
        """The frame smaller by a whole factor, for grids of many environments; None where it can only be shrunk."""
        return self.world.small_frame(self._state, factor)
