"""A rules module with its parameters, spaces and renderer: what the single and the batch shell share."""

from __future__ import annotations

import importlib
import sys
from typing import Any

import numpy as np
from gymnasium.error import UnsupportedMode
from numpy.typing import NDArray

from rlbench.core.rules import Rules, StateOf, load, make_params
from rlbench.core.spaces import space

RENDER_MODES = ("human", "rgb_array")


class World:
    """The world that a rules module and the keyword arguments of `make` describe. It can be pickled."""

    def __init__(self, name: str, render: str | None, kwargs: dict[str, Any]) -> None:
        self.name = name
        self.renderer_name = render or f"{name.rpartition('.')[0]}.render"
        self.params = make_params(self.rules, kwargs)
        self.observation_space = space(self.rules.observation_bounds(self.params))
        self.action_space = space(self.rules.action_bounds(self.params))

    @property
    def rules(self) -> Rules:
        """The rules module, looked up by name since modules cannot be pickled."""
        return load(self.name)

    @property
    def renderer(self) -> Any:
        """The render module: FRAMES_PER_SECOND and render(state, params) -> uint8[H, W, 3]."""
        return sys.modules.get(self.renderer_name) or importlib.import_module(self.renderer_name)

    def example_state(self) -> StateOf:
        """A state from noise 1/2, to read the types and shapes of the fields from."""
        return self.rules.initial((0.5,) * self.rules.DRAWS[0], self.params)

    def check_state(self, state: StateOf) -> None:
        """Raise ValueError for a state that the rules say cannot be; rules without `valid` take any."""
        valid = getattr(self.rules, "valid", None)
        if valid is not None and not valid(state, self.params):
            raise ValueError(f"{state} cannot be a state of {self.name}")

    def frame(self, state: StateOf) -> NDArray[np.uint8]:
        """The picture of a state, uint8[H, W, 3]."""
        return self.renderer.render(state, self.params)  # type: ignore[no-any-return]  # found by name

    def model(self) -> Any:
        """The exact dynamics P[s][a]; AttributeError where the rules define none."""
        module: Any = self.rules
        if not hasattr(module, "model"):
            raise AttributeError(f"{self.name} defines no exact model P")
        return module.model(self.params)

    def metadata(self, render_mode: str | None) -> dict[str, Any]:
        """An instance's metadata; raises UnsupportedMode for an unknown render mode."""
        known = {"render_modes": list(RENDER_MODES)}
        if render_mode is None:
            return known
        if render_mode not in RENDER_MODES:
            raise UnsupportedMode(f"render_mode {render_mode!r} is not one of {', '.join(RENDER_MODES)}")
        return {**known, "render_fps": self.renderer.FRAMES_PER_SECOND}
