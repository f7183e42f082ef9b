"""RulesEnv: the only single-world Gymnasium shell. It knows no environment, as the rules know no Gymnasium."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import gymnasium
import numpy as np
from gymnasium import error, spaces
from numpy.typing import NDArray

from rlbench.core.rng import check_seed
from rlbench.core.rules import StateOf, make_state
from rlbench.core.spaces import Arrays
from rlbench.core.world import RENDER_MODES, World


class RulesEnv(gymnasium.Env[Any, Any]):
    """One world that follows a rules module, in plain Python.

    `rules` names the rules module; its sibling `render`, or the module named `render`, draws it. All other keyword
    arguments become the rules' parameters. `state` can be read and set, so that planners can look ahead.
    Compiling a single step is slower than plain Python: the call costs more than the arithmetic (measured).
    """

    metadata: dict[str, Any] = {"render_modes": list(RENDER_MODES)}  # noqa: RUF012  # Gymnasium declares it so

    def __init__(self, rules: str, render: str | None = None, render_mode: str | None = None, **params: Any) -> None:
        self.world = World(rules, render, params)
        self.params = self.world.params
        self.observation_space, self.action_space = self.world.observation_space, self.world.action_space
        self.metadata = self.world.metadata(render_mode)
        self.render_mode = render_mode
        module = self.world.rules
        self._transition, self._reward = module.transition, module.reward
        self._terminated, self._observe = module.terminated, module.observe
        self._check_action = self.world.actions.check
        self._is_plain = self.world.observations.record is None and not self.world.observe_compiled
        self._is_discrete = isinstance(self.observation_space, spaces.Discrete)
        self._shape, self._dtype = self.observation_space.shape or (1,), self.observation_space.dtype
        self._observer: Any = None
        self._draws, self._scratch = self.world.draws, self.world.scratch()
        self._state: StateOf = None
        self._has_arrays = bool(self.world.blank())
        self._ended = False
        self._viewer: Any = None

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Begin an episode; `options` are the rules' own, or `{"state": {field: value}}` to begin it in that state.

        The draws of the start are consumed either way, so that later episodes do not depend on the option.
        """
        super().reset(seed=None if seed is None else check_seed(seed))
        options = options or {}
        draws = tuple(self.np_random.random(self._draws[0]).tolist())
        self._state, self._ended = self.world.initial(draws, options), False
        if "state" in options:
            self.state = options["state"]
        if self.render_mode == "human":
            self.render()
        return self._observation(), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """One transition. Raises InvalidAction for an action outside the space, ResetNeeded after the end."""
        state, params = self._state, self.params
        if state is None or self._ended:
            raise error.ResetNeeded("the episode has not begun or has ended; call reset() before step()")
        action = self._check_action(action)
        draws = tuple(self.np_random.random(self._draws[1]).tolist()) if self._draws[1] else ()
        next_state = self._state = self._transition(state, action, draws, params, *self._scratch)
        reward = self._reward(state, action, next_state, params)
        self._ended = ended = bool(self._terminated(next_state, params))
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
            if self._observer is None:
                from rlbench.core.compiler.observe import Observer  # which imports Numba

                self._observer = Observer(self.world)
            return self._observer(self._state)  # type: ignore[no-any-return]  # Any for the import's sake
        layout = self.world.observations
        arrays = layout.empty()
        self._observe(self._state, self.params, layout.as_rules(arrays), *self._scratch)
        return arrays

    @property
    def state(self) -> StateOf:
        """The world at this instant, a NamedTuple of the rules, its arrays copied; None before the first reset."""
        shared = self._has_arrays and self._state is not None  # later steps write to the arrays
        return make_state(self._state, self._state) if shared else self._state

    @state.setter
    def state(self, values: Any) -> None:
        state = make_state(values, self._state or self.world.example_state())
        self.world.check_state(state)
        self._state = state
        self._ended = bool(self._terminated(self._state, self.params))

    @cached_property
    def P(self) -> Any:
        """The exact dynamics, P[s][a] -> [(probability, next state, reward, terminated)], where the rules know them."""
        return self.world.model()

    def render(self) -> NDArray[np.uint8] | None:
        """The frame uint8[H, W, 3] in mode `rgb_array`; in mode `human` the frame goes to a window."""
        if self.render_mode is None:
            gymnasium.logger.warn("render() needs a mode: gymnasium.make(id, render_mode='rgb_array')")
            return None
        if self._state is None:
            raise error.ResetNeeded("there is nothing to render yet; call reset() first")
        frame = self.world.frame(self._state)
        if self.render_mode == "rgb_array":
            return frame
        if self._viewer is None:
            from rlbench.drawing.window import Viewer

            self._viewer = Viewer(self.spec.id if self.spec else self.world.name, self.metadata["render_fps"])
        self._viewer.show(frame)
        return None

    def small_frame(self, factor: int) -> NDArray[np.uint8] | None:
        """The frame smaller by a whole factor, for grids of many lanes; None where it can only be shrunk."""
        return self.world.small_frame(self._state, factor)

    def close(self) -> None:
        """Close the window, if one is open."""
        if self._viewer is not None:
            self._viewer.close()
            self._viewer = None
