"""A rules module with its parameters, spaces and renderer: what the single environment and the batch share."""

from __future__ import annotations

import functools
import inspect
import math
import numbers
from collections.abc import Iterable, Mapping
from typing import Any, cast

import numpy as np
from gymnasium.error import UnsupportedMode
from numpy.typing import NDArray

from rlbench.core import arguments
from rlbench.core.rules import (
    ParamsOf,
    RandomDraws,
    Rules,
    StateOf,
    declared_types,
    import_named,
    load,
    make_params,
    make_state,
    make_states,
)
from rlbench.core.spaces import FlatLayout, Layout
from rlbench.errors import ArgumentError, RulesError, shortened

RENDERER_HAS = {
    "FRAMES_PER_SECOND": "FRAMES_PER_SECOND = 30, or another pace",
    "render": "render(state, params), which returns uint8[H, W, 3]",
}
"""What a render module defines, and how to write it."""
BYTES_PER_ENTRY = 200  # of an exact model: one outcome of one action in one state


class World:
    """A rules module with its parameters, spaces and renderer. It can be pickled.

    Args:
        name: The dotted name of the rules module.
        render: That of the render module; by default the rules module's sibling `render`.
        kwargs: The keyword arguments of `make`, of which the rules make their parameters; `flat` is not theirs.
        adapter: The class of the environment, for messages about arguments.
    """

    def __init__(self, name: str, render: str | None, kwargs: dict[str, Any], adapter: type = object) -> None:
        self.name = name
        kwargs = dict(kwargs)
        self.flat = arguments.flag("flat", kwargs.pop("flat", False))
        self._begin(render, make_params(self.rules, kwargs, adapter))

    @classmethod
    def with_params(cls, name: str, params: ParamsOf) -> World:
        """The world of a rules module for parameters that are there already."""
        world = cls.__new__(cls)
        world.name, world.flat = name, False
        world._begin(None, params)
        return world

    def _begin(self, render: str | None, params: ParamsOf) -> None:
        self.params = params
        self.renderer_name = render or f"{self.name.rpartition('.')[0]}.render".lstrip(".")
        self.observations = (FlatLayout if self.flat else Layout)(self.rules.observation_bounds(self.params))
        self.actions = Layout(self.rules.action_bounds(self.params))
        self.observation_space, self.action_space = self.observations.space, self.actions.space

    def __getstate__(self) -> dict[str, Any]:
        """What a copy or a pickle holds: all but the module, which cannot be pickled and is found by its name."""
        return {name: value for name, value in self.__dict__.items() if name != "rules"}

    @functools.cached_property
    def rules(self) -> Rules:
        """The rules module."""
        return load(self.name)

    @property
    def renderer(self) -> Any:
        """The render module: FRAMES_PER_SECOND and render(state, params) -> uint8[H, W, 3].

        It may define small(state, params, factor), which draws the frame smaller by a whole factor, and
        ansi(state, params) -> str, which writes the state as text.
        """
        return import_named("render", self.renderer_name)

    @functools.cached_property
    def draws(self) -> tuple[int, int]:
        """How many uniforms `initial` and `transition` take."""
        draws: Any = getattr(self.rules, "draws", None)
        return self.rules.DRAWS if draws is None else draws(self.params)

    def initial(self, random_draws: RandomDraws, options: Any) -> StateOf:
        """The start for these random draws, and for the rules' Options where they have some."""
        given = () if options is None else (options,)
        work = self.scratch() if self.initial_takes_scratch else ()
        return self.rules.initial(random_draws, self.params, *given, *self.blank(), *work)

    @functools.cached_property
    def initial_takes_scratch(self) -> bool:
        """Whether `initial`, too, takes the rules' Scratch."""
        others = 2 + (self.options is not None) + len(self.blank())
        return len(inspect.signature(self.rules.initial).parameters) > others

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

    def option_checks(self, shape: tuple[int, ...]) -> dict[str, arguments.Check]:
        """The check of each of the rules' options; it returns an array of the shape, () or [N]."""
        defaults = {} if self.options is None else self.options._asdict()
        return {name: functools.partial(self._checked_option, name, shape) for name in defaults}

    def _checked_option(self, name: str, shape: tuple[int, ...], value: Any) -> NDArray[Any]:
        array = arguments.array(f"option {name!r}", value)
        bounds = getattr(cast(Any, self.rules).option_bounds(self.params), name)
        is_float = isinstance(bounds, tuple)
        low, high = bounds if is_float else (0, bounds - 1)
        fits = array.dtype.kind in ("iuf" if is_float else "iu") and array.shape in (shape, ())
        if not fits or not ((array >= low) & (array <= high)).all():
            one, many = ("a number", "numbers") if is_float else ("an integer", "integers")
            wanted = f"{many} of shape {shape}" if shape else one
            within = f"{low:g} to {high:g}" if is_float else f"{low} to {high}"
            or_one = ", or one for all" if shape else ""
            raise ArgumentError(f"option {name!r} takes {wanted}, {within}{or_one}, got {shortened(value)}")
        return np.broadcast_to(array, shape).astype(np.float64 if is_float else np.int64)

    def own_options(self, options: Mapping[str, Any]) -> Any:
        """The rules' Options of one environment, for options that were checked; None where the rules have none."""
        if self.options is None:
            return None
        given = {name: options[name].item() for name in self.options._fields if name in options}
        return self._fitting(self.options._replace(**given))

    def batch_options(self, options: Mapping[str, Any], num_envs: int) -> tuple[NDArray[Any], ...]:
        """The same of N environments: an array [N] per field, of int64 or float64."""
        if self.options is None:
            return ()
        fields = self.options._asdict()
        arrays = tuple(options.get(name, np.full(num_envs, default)) for name, default in fields.items())
        if fields.keys() & options.keys():
            for row in zip(*(array.tolist() for array in arrays), strict=True):
                self._fitting(type(self.options)(*row))
        return arrays

    def _fitting(self, options: Any) -> Any:
        """The options themselves; ArgumentError where the rules say that they cannot be given together."""
        fit: Any = getattr(self.rules, "options_fit", None)
        if fit is not None and not fit(options, self.params):
            given = ", ".join(f"{name}={value}" for name, value in options._asdict().items())
            raise ArgumentError(f"options {given} cannot be given together")
        return options

    def result(self, state: StateOf) -> Any:
        """What `info` holds when an episode terminates, a NamedTuple of the rules; () where they define nothing."""
        result: Any = getattr(self.rules, "result", None)
        return () if result is None else result(state, self.params)

    def example_state(self) -> StateOf:
        """A state to read the types and shapes of the fields from: a blank one, or one from random draws of 1/2."""
        if blank := self.blank():
            return blank[0]  # at a start, an opponent may already have searched for its first move
        state = self.initial((0.5,) * self.draws[0], self.options)
        self._check_fields(state)
        return state

    def _check_fields(self, state: StateOf) -> None:
        """Raise RulesError for a State that a batch cannot hold: one of other things than numbers."""
        declared = declared_types(type(state))
        for name, value in state._asdict().items():
            if isinstance(value, np.ndarray):
                raise RulesError(f"{self.name} has an array in its State, {name}; it needs blank(params) to make it")
            if not isinstance(value, numbers.Real | np.bool_):
                raise RulesError(
                    f"{self.name}: initial gives the field {name} of State {shortened(value)}; a state holds numbers "
                    "and arrays of fixed shape, which blank(params) makes"
                )
            if declared.get(name) is float and isinstance(value, numbers.Integral):
                raise RulesError(
                    f"{self.name}: initial gives the field {name} of State, a float, the integer {value}, and batches "
                    f"would round what follows; write {value}.0"
                )

    def make_state(self, values: Any, like: StateOf) -> StateOf:
        """A State of these values; ArgumentError for one that cannot be. Rules without `valid` take any finite one."""
        state = make_state(values, like)
        self._check_state(state)
        return state

    def make_states(self, values: Any, like: StateOf, num_envs: int) -> StateOf:
        """The same for N environments: a State whose fields are arrays [N, ...]."""
        states = make_states(values, like, num_envs)
        for state in self.singles(states):
            self._check_state(state)
        return states

    def singles(self, states: StateOf) -> list[StateOf]:
        """The State of each environment, of Python scalars, from one whose fields are arrays [N, ...]."""
        columns = [field.tolist() if field.ndim == 1 else list(field.copy()) for field in states]
        return [type(states)(*row) for row in zip(*columns, strict=True)]

    def _check_state(self, state: StateOf) -> None:
        valid = getattr(self.rules, "valid", None)
        if valid is not None and not valid(state, self.params):
            raise ArgumentError(f"{shortened(state)} cannot be a state of {self.name}")

    def frame(self, state: StateOf) -> NDArray[np.uint8]:
        """The picture of a state, uint8[H, W, 3]."""
        return self.renderer.render(state, self.params)  # type: ignore[no-any-return]  # found by name

    def small_frame(self, state: StateOf, factor: int) -> NDArray[np.uint8] | None:
        """The picture of a state, drawn smaller by a whole factor; None where the renderer knows only one size."""
        small = getattr(self.renderer, "small", None)
        return small(state, self.params, factor) if small else None

    def text(self, state: StateOf) -> str:
        """A state as text; only where the renderer can write it."""
        return self.renderer.ansi(state, self.params)  # type: ignore[no-any-return]  # found by name

    def _modes(self, known: Iterable[str]) -> list[str]:
        """The modes of `known` that the renderer has."""
        try:
            has_text = hasattr(self.renderer, "ansi")
        except ArgumentError:
            has_text = False
        return [mode for mode in known if mode != arguments.TEXT_MODE or has_text]

    def model(self) -> Any:
        """The exact dynamics P[s][a]; AttributeError where the rules define none."""
        module: Any = self.rules
        if not hasattr(module, "model"):
            raise AttributeError(f"{self.name} defines no exact model P")
        entries = math.prod(int(getattr(space, "n", 1)) for space in (self.observation_space, self.action_space))
        arguments.check_memory(f"the exact model of {entries:,} states and actions", BYTES_PER_ENTRY * entries)
        return module.model(self.params)

    def metadata(self, render_mode: str | None, known: Iterable[str]) -> dict[str, Any]:
        """An instance's metadata.

        Args:
            render_mode: The mode, or None.
            known: The modes that the adapter has.

        Raises:
            UnsupportedMode: The mode is unknown, or the environment has no render module.
        """
        metadata = {"render_modes": self._modes(known)}
        if render_mode is None:
            return metadata
        arguments.check_render_mode(render_mode, metadata["render_modes"])
        try:
            renderer = self.renderer
        except ArgumentError as error:
            raise UnsupportedMode(
                f"{self.name} has no frames: {error}; register the environment with render=, the name of one"
            ) from None
        if missing := [name for name in RENDERER_HAS if not hasattr(renderer, name)]:
            raise UnsupportedMode(
                f"{self.name} has no frames: {self.renderer_name} lacks {' and '.join(missing)}; add "
                + " and ".join(RENDERER_HAS[name] for name in missing)
            )
        return {**metadata, "render_fps": renderer.FRAMES_PER_SECOND}
