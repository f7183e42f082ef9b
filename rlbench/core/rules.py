"""What a rules module defines: the dynamics of one environment, as plain functions that know no API.

A rules module imports only `math`, `typing`, `numpy` and functions of modules beside it that keep to this too (the
batch compiler copies their text into a module of its own), and defines:

    class State(NamedTuple)   the state: scalars (int, float, bool) or fixed-shape NumPy arrays
    class Params(NamedTuple)  independent constants with units; `make(id, name=value)` sets them
    DRAWS = (k0, k1)          how many uniforms in [0, 1) `initial` and `transition` take, used or not
    initial(random_draws, params) -> State
    transition(state, action, random_draws, params) -> State
    reward(state, action, next_state, params) -> float
    terminated(state, params) -> bool
    observe(state, params, out) -> None         writes the observation into a given array
    observation_bounds(params), action_bounds(params)
                              an int n for Discrete(n); (low, high), two arrays or tuples, for a float32 Box, or one
                              of int8 or uint8 where both are such arrays; or an instance of a NamedTuple of the
                              module whose fields are such bounds, for a Dict

and may define:

    configure(**kwargs) -> Params   when the arguments of `make` are not the parameters themselves; it is never
                                    compiled, so inside it may import anything
    draws(params) -> (k0, k1)       instead of DRAWS, where the counts depend on the parameters
    PARAM_BOUNDS = {name: (low, high)}  in which numbers of Params must lie; all must be finite
    class Options(NamedTuple)       numbers that `reset(options={name: value})` may give, with their defaults; then it
                                    is `initial(random_draws, params, options)`, and
    option_bounds(params) -> Options    says of each field where its option must lie: n for an integer 0 to n - 1,
                                    (low, high) for a float
    options_fit(options, params) -> bool    which options may be given together; all by default
    blank(params) -> State          where a state has arrays: one that holds them; then `initial` takes it as its last
                                    argument, fills them and passes them on, and nothing compiled may make an array
    class Scratch(NamedTuple)       arrays to work in, whatever they hold; then
    scratch(params) -> Scratch      makes them, and `transition` and `observe` take them as their last argument; so
                                    does `initial` if it has one parameter more
    COMPILED = True                 where `transition` is so much work that the single environment calls all compiled;
                                    its adapter is `rlbench.core.compiled_env`
    CALLED = (name, ...)            functions that compiled code calls; it takes in all others wherever they are used,
                                    which is faster, but for large ones takes long to compile
    CPU_ONLY = (name, ...)          functions that a GPU does not have, where they return 0; then
    needs_cpu(params) -> str        says what of the parameters needs them, or ""
    OBSERVE_COMPILED = True         where `observe` is so much work that the single environment, too, calls it compiled
    class Result(NamedTuple)        scalars that `info` holds when an episode terminates, and never before
    result(state, params) -> Result
    valid(state, params) -> bool    which states may be set; all of them by default
    model(params) -> P              the exact dynamics, P[s][a] -> [(probability, next state, reward, terminated)]

Arguments are positional, hence free to have other names:

* `random_draws` is a tuple of uniforms in [0, 1) (compiled, with `draws`, an array), so every function is
  deterministic.
* `action` is an int for Discrete, a float for a Box of one number, else a float64 array.
* `out` has the observation's shape and dtype; for a Discrete observation it is int64[1].
* For a Dict, `action` and `out` are the NamedTuple of the bounds, its fields filled with the above.

`transition` makes a new State of new scalars; the arrays of a state are the environment's own memory, which it may
write to and passes on. The rules know neither time limits nor resets nor seeds.
"""

from __future__ import annotations

import importlib
import inspect
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, TypeAlias, cast, get_type_hints

import numpy as np
from numpy.typing import NDArray

from rlbench.core import arguments
from rlbench.errors import ArgumentError, RulesError, shortened

StateOf: TypeAlias = Any  # an instance of the rules module's own State
ParamsOf: TypeAlias = Any  # likewise
RandomDraws: TypeAlias = "tuple[float, ...]"
Bounds: TypeAlias = Any  # int | tuple[ArrayLike, ArrayLike] | a NamedTuple of these


class Rules(Protocol):
    """The interface of a rules module; the module's docstring says what each name means."""

    __name__: str
    DRAWS: tuple[int, int]
    State: type
    Params: type
    initial: Callable[..., StateOf]
    transition: Callable[[StateOf, Any, RandomDraws, ParamsOf], StateOf]
    reward: Callable[[StateOf, Any, StateOf, ParamsOf], float]
    terminated: Callable[[StateOf, ParamsOf], bool]
    observe: Callable[[StateOf, ParamsOf, NDArray[Any]], None]
    observation_bounds: Callable[[ParamsOf], Bounds]
    action_bounds: Callable[[ParamsOf], Bounds]


def load(name: str) -> Rules:
    """The rules module of that dotted name; UserError where there is none, RulesError names what it lacks."""
    module: Any = import_named("rules", name)
    wanted = {*Rules.__annotations__} - ({"DRAWS"} if hasattr(module, "draws") else set())
    missing = [each for each in Rules.__annotations__ if each in wanted and not hasattr(module, each)]
    if missing:
        raise RulesError(f"{name} is not a rules module: it lacks {', '.join(missing)} (see rlbench.core.rules)")
    return cast(Rules, module)


def import_named(what: str, name: Any) -> Any:
    """The module of that dotted name; ArgumentError where there is none. What it fails to import itself is its fault.

    Args:
        what: The argument that names it.
        name: Of the module.
    """
    if isinstance(name, str) and name in sys.modules:
        return sys.modules[name]
    if not isinstance(name, str) or not all(part.isidentifier() for part in name.split(".")):
        raise ArgumentError(f"{what}= is the dotted name of a module, got {shortened(name)}")
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{name}.".startswith(f"{error.name}."):
            raise  # the module is there, and imports another that is not
        raise ArgumentError(f"{what}={name!r} is no module that can be imported") from None


def make_params(rules: Rules, kwargs: Mapping[str, Any], adapter: type) -> ParamsOf:
    """The parameters for the keyword arguments of `make`.

    Args:
        rules: The rules module.
        kwargs: The arguments.
        adapter: The class of the environment, for messages.

    Raises:
        UnexpectedArgumentError: An argument does not exist.
        ArgumentError: A value is wrong.
    """
    configure: Callable[..., ParamsOf] | None = getattr(rules, "configure", None)
    arguments.check_known(adapter, kwargs, inspect.signature(configure or rules.Params).parameters)
    if configure is not None:
        return configure(**kwargs)
    kinds, bounds = declared_types(rules.Params), getattr(rules, "PARAM_BOUNDS", {})
    checked = {name: _param(name, value, kinds.get(name), bounds.get(name, ())) for name, value in kwargs.items()}
    return rules.Params(**checked)


def declared_types(record: type) -> dict[str, Any]:
    """The types of a record's fields by name; none where one of them is a name that only type checkers import."""
    try:
        return get_type_hints(record)
    except NameError:
        return {}


def _param(name: str, value: Any, kind: Any, bounds: tuple[Any, ...]) -> Any:
    """A parameter of the declared type, within its bounds if it has any; those of other types are not checked."""
    if kind is bool:
        return arguments.flag(name, value)
    if kind is int:
        return arguments.integer(name, value, *(bounds or (-arguments.NO_LIMIT, None)))
    return arguments.number(name, value, *bounds) if kind is float else value


def make_state(values: Any, like: StateOf) -> StateOf:
    """A State from the values of its fields.

    Args:
        values: A mapping or a sequence of them.
        like: A State whose fields have the types and shapes wanted.

    Raises:
        ArgumentError: A field is missing, unknown, not finite, or of another type or shape; the message names it.
    """
    fields = _fields(values, like, ())
    return type(like)(*(field if field.ndim else field.item() for field in fields))


def make_states(values: Any, like: StateOf, num_envs: int) -> StateOf:
    """The same for N environments: every field has a first axis of length N, or is the same for all without it."""
    return type(like)(*_fields(values, like, (num_envs,)))


def _fields(values: Any, like: StateOf, batch: tuple[int, ...]) -> list[NDArray[Any]]:
    names = like._fields
    if isinstance(values, Mapping):
        given = [values[name] for name in names] if set(values) == set(names) else []
    else:
        given = list(values) if isinstance(values, Sequence) or np.ndim(values) else []
    if len(given) != len(names):
        raise ArgumentError(f"a state has the fields {', '.join(names)}, got {shortened(values)}")
    return [_field(*each, batch) for each in zip(names, given, like, strict=True)]


def _field(name: str, value: Any, old: Any, batch: tuple[int, ...]) -> NDArray[Any]:
    array, wanted = arguments.array(f"field {name!r} of the state", value), np.asarray(old)
    shape = batch + wanted.shape
    kinds = {"f": "fiu", "i": "iu", "u": "iu"}.get(wanted.dtype.kind, wanted.dtype.kind)
    if array.shape not in (shape, wanted.shape) or array.dtype.kind not in kinds:
        raise ArgumentError(f"field {name!r} of the state is {wanted.dtype} of shape {shape}, got {shortened(value)}")
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise ArgumentError(f"field {name!r} of the state is finite, got {shortened(value)}")
    held = np.broadcast_to(array, shape).astype(wanted.dtype)
    if held.dtype.kind in "iu" and not (held == array).all():
        raise ArgumentError(f"field {name!r} of the state does not fit into {wanted.dtype}, got {shortened(value)}")
    return held
