"""Checks of what users give an environment: arguments of `make` and `make_vec`, and options of `reset`.

Every environment checks through this module, the single one and the batch alike, so both accept and refuse the same.
Where Gymnasium's own `make` has a say, such as on `max_episode_steps`, the checks follow it. A message is one line:
what was wrong, with which value, and what would be right.
"""

from __future__ import annotations

import inspect
import math
import numbers
import operator
import os
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
from gymnasium.error import UnsupportedMode
from gymnasium.vector import AutoresetMode
from numpy.typing import NDArray

from rlbench.errors import (
    ArgumentError,
    ArgumentTypeError,
    TooLargeError,
    UnexpectedArgumentError,
    nearest,
    shortened,
    unknown,
)

RENDER_MODES = ("human", "rgb_array")
BATCH_RENDER_MODES = ("rgb_array",)
TEXT_MODE = "ansi"  # Gymnasium's name for frames that are text; of environments that can be written
INTERNAL = frozenset(("rules", "render", "num_envs"))  # parameters that the registry or Gymnasium itself fills in
PASSED_ON = "arguments"  # the name of `**` where a constructor hands them to that of its base
NO_LIMIT = int(np.iinfo(np.int64).max)
MAX_NUMBER = 1e30  # of either sign; squares stay finite, and so does what is float32

Check = Callable[[Any], Any]
"""A function from what the user gave to its checked form; ArgumentError where it is wrong."""


def check_known(adapter: type, given: Iterable[str], more: Iterable[str] = ()) -> None:
    """Raise UnexpectedArgumentError, in Python's own words, for an argument that does not exist.

    Args:
        adapter: The class of the environment, whose `__init__` took these arguments as `**kwargs`; `TAKEN_BY_MAKER`
            names those that what makes it takes besides.
        given: Their names.
        more: Names that exist besides those of `__init__`.
    """
    known = {*own_parameters(adapter), *getattr(adapter, "TAKEN_BY_MAKER", ())}
    for name in sorted(set(given) - set(more)):
        raise UnexpectedArgumentError(
            f"{adapter.__name__}.__init__() got an unexpected keyword argument {name!r}; "
            f"{nearest(name, {*known, *more} - INTERNAL)}"
        )


def own_parameters(adapter: type) -> set[str]:
    """Names of the parameters of a class, and of those of its bases to which `**arguments` are passed on."""
    known: set[str] = set()
    for each in adapter.__mro__:
        if "__init__" in vars(each):
            parameters = inspect.signature(each).parameters
            known.update(name for name, one in parameters.items() if one.kind is not one.VAR_KEYWORD)
            if PASSED_ON not in parameters:
                break
    return known


def check_options(options: Any, checks: Mapping[str, Check]) -> dict[str, Any]:
    """The options of a reset, each in its checked form.

    Args:
        options: What `reset(options=...)` was given; None for no options.
        checks: The options that the environment takes, and the check of each.

    Raises:
        ArgumentError: The options are no dict, one of them is unknown, or a check raises it.
    """
    if options is None:
        return {}
    if not isinstance(options, Mapping):
        raise ArgumentTypeError(f"options is a dict or None, got {shortened(options)}")
    for name in options:
        if name not in checks:
            if name == "reset_mask":
                raise ArgumentError("reset_mask is an option of a batch; one environment is reset without it")
            raise unknown("option", name, checks, ArgumentError)
    return {name: checks[name](value) for name, value in options.items()}


def check_render_mode(render_mode: Any, known: Iterable[str] = RENDER_MODES) -> None:
    """Raise UnsupportedMode for a render mode that is not known; None is none."""
    if render_mode is not None and render_mode not in tuple(known):
        of_batch = "" if "human" in known else " of a batch"
        raise UnsupportedMode(f"render_mode {shortened(render_mode)}{of_batch} is not one of {', '.join(known)}")


def check_num_envs(num_envs: Any) -> int:
    """The number of environments of a batch as an int; ArgumentError for anything but a positive integer."""
    if isinstance(num_envs, bool) or not isinstance(num_envs, numbers.Integral) or num_envs < 1:
        raise ArgumentError(f"num_envs is a positive integer, got {shortened(num_envs)}")
    return int(num_envs)


def check_autoreset_mode(mode: Any) -> AutoresetMode:
    """The autoreset mode, which may be given by its value; ArgumentError for one that does not exist."""
    try:
        return AutoresetMode(mode)
    except ValueError:
        known = ", ".join(each.value for each in AutoresetMode)
        raise ArgumentError(f"autoreset_mode {shortened(mode)} is not one of {known}") from None


def step_limit(max_episode_steps: Any) -> int:
    """After how many steps an episode is truncated, as `gymnasium.make` has it.

    Args:
        max_episode_steps: A positive integer; -1 or None for no limit.

    Raises:
        TypeError: It is no integer of Python's, as for `gymnasium.wrappers.TimeLimit`.
        ValueError: It is 0 or below -1.
    """
    if max_episode_steps is None or is_no_limit(max_episode_steps):
        return NO_LIMIT
    if not isinstance(max_episode_steps, int):
        raise ArgumentTypeError(f"max_episode_steps is an integer, got {shortened(max_episode_steps)}")
    if max_episode_steps <= 0:
        raise ArgumentError(f"max_episode_steps is a positive integer, or -1 for no limit, got {max_episode_steps}")
    return min(int(max_episode_steps), NO_LIMIT)


def is_no_limit(max_episode_steps: Any) -> bool:
    """Whether `gymnasium.make` takes this value for -1, with which it applies no time limit."""
    return isinstance(max_episode_steps, numbers.Real) and max_episode_steps == -1


def number(name: str, value: Any, low: float = -MAX_NUMBER, high: float = MAX_NUMBER, what: str = "") -> float:
    """The value of an argument as a float.

    Args:
        name: Of the argument.
        value: Anything.
        low: The smallest number allowed.
        high: The largest.
        what: What the number is, for the message; by default its bounds are named.

    Raises:
        ArgumentError: The value is no real number, NaN, or out of bounds.
    """
    is_real = isinstance(value, numbers.Real) and not isinstance(value, bool | np.bool_)
    try:
        real = float(value) if is_real else math.nan  # before the bounds, which NumPy would make a float16 for one
    except OverflowError:
        real = math.nan
    if not low <= real <= high:
        raise ArgumentError(f"{name} is {what or f'a number from {low:g} to {high:g}'}, got {shortened(value)}")
    return real


def integer(name: str, value: Any, low: int, high: int | None = None, why: str = "") -> int:
    """The value of an argument as an int.

    Args:
        name: Of the argument.
        value: Anything.
        low: The smallest integer allowed.
        high: The largest; None for no bound but that of 64 bits.
        why: What the upper bound, or without one the lower bound, comes from, for the message.

    Raises:
        ArgumentError: The value is no integer, or out of bounds.
    """
    try:
        whole = low - 1 if isinstance(value, bool | np.bool_) else operator.index(value)
    except TypeError:
        whole = low - 1
    if not low <= whole <= (NO_LIMIT if high is None else high):
        upwards = "an integer of 64 bits" if whole > NO_LIMIT else f"an integer from {low} on"
        bounds = upwards if high is None else f"an integer {low} to {high}"
        raise ArgumentError(f"{name} is {bounds}{f' ({why})' if why else ''}, got {shortened(value)}")
    return whole


def flag(name: str, value: Any) -> bool:
    """The value of an argument as a bool; ArgumentError for anything else, 0 and 1 included."""
    if not isinstance(value, bool | np.bool_):
        raise ArgumentError(f"{name} is True or False, got {shortened(value)}")
    return bool(value)


def choice(kind: str, value: Any, known: Iterable[str]) -> str:
    """The value of an argument that is one of several names; ArgumentError names the nearest."""
    names = tuple(known)
    if not isinstance(value, str) or value not in names:
        raise unknown(kind, value, names, ArgumentError)
    return value


def either(name: str, value: Any, *known: str) -> str:
    """The value of an argument that is one of a few words; ArgumentError names them all."""
    if not isinstance(value, str) or value not in known:
        raise ArgumentError(f"{name} is {' or '.join(map(repr, known))}, got {shortened(value)}")
    return value


def array(name: str, value: Any) -> NDArray[Any]:
    """The value as a NumPy array; ArgumentError for what is none, such as ragged lists."""
    try:
        return np.asarray(value)
    except (TypeError, ValueError, RuntimeError) as error:  # a RuntimeError of torch: the tensor needs a gradient
        raise ArgumentError(f"{name} is no array: {' '.join(str(error).split())}") from None


def check_memory(what: str, needed: float) -> None:
    """Raise TooLargeError for something that needs more bytes than this machine has.

    Asked before anything is made: the operating system promises memory that it lacks, and ends the process later.

    Args:
        what: The argument that asks for it, with its value.
        needed: Bytes, at least.
    """
    total = _memory_of_machine()
    if needed > total:
        sizes = f"{needed / 1e9:,.3g} GB of memory, this machine has {total / 1e9:,.3g} GB"
        raise TooLargeError(f"{what} needs {sizes}; take less")


def _memory_of_machine() -> float:
    """Bytes; infinite where the operating system does not say."""
    if not hasattr(os, "sysconf"):
        return math.inf
    return float(os.sysconf("SC_PAGE_SIZE")) * os.sysconf("SC_PHYS_PAGES")
