"""Messages in the words of Python: what is `--isolation=process` on the command line is `isolation='process'` here.

The rooms below serve commands and functions alike, and name what can be set as an option, which nothing else looks
like. Where such a message leaves a function of Python, its options become the arguments of that function. What stands
between backticks is a whole command, for a shell, and stays.
"""

from __future__ import annotations

import ast
import functools
import inspect
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, ParamSpec, TypeVar

from rlbench.errors import UserError

P = ParamSpec("P")
R = TypeVar("R")

OPTION = re.compile(r"`[^`]*`|(?<![\w-])--(?P<name>[a-z][a-z0-9-]*)(?:=(?P<value>[^\s;,()]+))?")
OTHER_NAMES = {"set": "env_kwargs"}
"""Options whose arguments have another name."""


def speaks_python(function: Callable[P, R]) -> Callable[P, R]:
    """The same function, whose mistakes name its arguments, and no options of the command line."""

    @functools.wraps(function)
    def speaking(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        except UserError as error:
            error.args = (in_python(str(error), function), *error.args[1:])
            raise

    return speaking


def in_python(message: str, function: Callable[..., Any]) -> str:
    """A message whose options are named as the arguments of a function; an option that it does not have stays.

    Args:
        message: The message.
        function: What was called.
    """
    parameters = inspect.signature(function).parameters

    def argument(found: re.Match[str]) -> str:
        if found["name"] is None:
            return found[0]
        name = OTHER_NAMES.get(found["name"], found["name"].replace("-", "_"))
        if name.startswith("no_") and name.removeprefix("no_") in parameters:
            return f"{name.removeprefix('no_')}=False"
        if name not in parameters and not takes_any(parameters):
            return found[0]
        if found["value"] is not None:
            return f"{name}={literal(found['value'])}"
        is_flag = name in parameters and isinstance(parameters[name].default, bool)
        return f"{name}=True" if is_flag else f"{name}=..."

    return OPTION.sub(argument, message)


def takes_any(parameters: Mapping[str, inspect.Parameter]) -> bool:
    """Whether a function takes arguments of any name, as `train` takes the settings of an algorithm."""
    return any(each.kind is each.VAR_KEYWORD for each in parameters.values())


def literal(text: str) -> str:
    """A value as Python writes it: a number as it is, else a string."""
    with suppress(ValueError, SyntaxError):
        if isinstance(ast.literal_eval(text), int | float):
            return text
    return repr(text)
