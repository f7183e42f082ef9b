"""A rules module with its parameters, spaces and renderer: what the single environment and the batch share."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Mapping
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from rlbench.core.adapter import RENDER_MODES, check_render_mode
from rlbench.core.rules import RandomDraws, Rules, StateOf, load, make_params
from rlbench.core.spaces import Layout


class World:
    """A rules module with its parameters, spaces and renderer. It can be pickled.

    Args:
        name: The dotted name of the rules module.
        render: That of the render module; by default the rules module's sibling `render`.
        kwargs: The keyword arguments of `make`, of which the rules make their parameters.
    """

    def __init__(self, name: str, render: str | None, kwargs: dict[str, Any]) -> None:
        self.name = name
        self.renderer_name = render or f"{name.rpartition('.')[0]}.render"
        self.params = make_params(self.rules, kwargs)
        self.observations = Layout(self.rules.observation_bounds(self.params))
        self.actions = Layout(self.rules.action_bounds(self.params))
        self.observation_space, self.action_space = self.observations.space, self.actions.space

    @property
    def rules(self) -> Rules:
        """The rules module, looked up by name since modules cannot be pickled."""
        return load(self.name)

    @property
    def renderer(self) -> Any:
        """The render module: FRAMES_PER_SECOND and render(state, params) -> uint8[H, W, 3].

        It may define small(state, params, factor), which draws the frame smaller by a whole factor.
        """
        return sys.modules.get(self.renderer_name) or importlib.import_module(self.renderer_name)

    @property
    def draws(self) -> tuple[int, int]:
        """How many uniforms `initial` and `transition` take."""
        draws: Any = getattr(self.rules, "draws", None)
        return self.rules.DRAWS if draws is None else draws(self.params)

    def initial(self, random_draws: RandomDraws, options: Mapping[str, Any]) -> StateOf:
        """The start for these random draws, and for those options that the rules know."""
        arguments = [random_draws, self.params]
        if (known := self.options) is not None:
            given = {name: self._checked_options(name, options[name], ()) for name in known._fields if name in options}
            arguments.append(known._replace(**{name: int(value) for name, value in given.items()}))
        return self.rules.initial(*arguments, *self.blank())

    @property
    def observe_compiled(self) -> bool:
        """Whether the single environment, too, calls the compiled `observe`."""
        return bool(getattr(self.rules, "OBSERVE_COMPILED", False))

    def blank(self) -> tuple[StateOf, ...]:
        """The argument of `initial` that holds a state's arrays, as a tuple; () where the rules need none."""
        blank: Any = getattr(self.rules, "blank", None)
        return () if blank is None else (blank(self.params),)

    def scratch(self) -> tuple[Any, ...]:
        """The rules' Scratch, arrays to work in, as a tuple; () where the rules need none."""
        scratch: Any = getattr(self.rules, "scratch", None)
        return () if scratch is None else (scratch(self.params),)

    def working_memory(self) -> dict[str, NDArray[Any]]:
        """The memory of one thread of a batch: the rules' scratch, and the draws where their number is no constant."""
        memory = {f"scratch_{name}": array for record in self.scratch() for name, array in record._asdict().items()}
        if hasattr(self.rules, "draws"):
            memory |= {f"draws_{k}": np.zeros(count) for k, count in enumerate(self.draws)}
        return memory

    @property
    def options(self) -> Any:
        """The rules' Options with their defaults; None where the rules have none."""
        record = getattr(self.rules, "Options", None)
        return None if record is None else record()

    def batch_options(self, options: Mapping[str, Any], num_envs: int) -> tuple[NDArray[np.int64], ...]:
        """The options of N environments, int64[N] per field of the rules' Options; ValueError for a bad value."""
        fields = () if self.options is None else self.options._asdict().items()
        return tuple(
            self._checked_options(name, options[name], (num_envs,))
            if name in options
            else np.full(num_envs, default, np.int64)
            for name, default in fields
        )

    def _checked_options(self, name: str, value: Any, shape: tuple[int, ...]) -> NDArray[np.int64]:
        array, rules = np.asarray(value), cast(Any, self.rules)
        n = getattr(rules.option_bounds(self.params), name)
        if array.dtype.kind not in "iu" or array.shape != shape or not ((array >= 0) & (array < n)).all():
            wanted = f"integers of shape {shape}" if shape else "an integer"
            raise ValueError(f"option {name!r} takes {wanted}, 0 to {n - 1}, got {value!r}")
        return array.astype(np.int64)

    def result(self, state: StateOf) -> Any:
        """What `info` holds when an episode terminates, a NamedTuple of the rules; () where they define nothing."""
        result: Any = getattr(self.rules, "result", None)
        return () if result is None else result(state, self.params)

    def example_state(self) -> StateOf:
        """A state from random draws of 1/2, to read the types and shapes of the fields from."""
        state = self.initial((0.5,) * self.draws[0], {})
        if not self.blank() and any(np.ndim(value) for value in state):
            raise TypeError(f"{self.name} has arrays in its State; it needs blank(params) to make them")
        return state

    def check_state(self, state: StateOf) -> None:
        """Raise ValueError for a state that the rules say cannot be; rules without `valid` take any."""
        valid = getattr(self.rules, "valid", None)
        if valid is not None and not valid(state, self.params):
            raise ValueError(f"{state} cannot be a state of {self.name}")

    def frame(self, state: StateOf) -> NDArray[np.uint8]:
        """The picture of a state, uint8[H, W, 3]."""
        return self.renderer.render(state, self.params)  # type: ignore[no-any-return]  # found by name

    def small_frame(self, state: StateOf, factor: int) -> NDArray[np.uint8] | None:
        """The picture of a state, drawn smaller by a whole factor; None where the renderer knows only one size."""
        small = getattr(self.renderer, "small", None)
        return small(state, self.params, factor) if small else None

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
        check_render_mode(render_mode)
        return {**known, "render_fps": self.renderer.FRAMES_PER_SECOND}
