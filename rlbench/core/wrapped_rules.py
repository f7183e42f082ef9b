"""`wrap_rules`: rules from a module, a class or a notebook as environments, without a row of a registry."""

from __future__ import annotations

import ast
import dis
import inspect
import re
import sys
import textwrap
from collections.abc import Iterator, Mapping
from types import CodeType, FunctionType, ModuleType
from typing import Any

import gymnasium
import numpy as np

from rlbench.core.rules import load
from rlbench.errors import RulesError
from rlbench.registry import Environment, register

COMPILED = ("initial", "transition", "reward", "terminated", "observe", "result")
"""The functions of rules that batches compile, with all that they call."""

GLOBAL, ATTRIBUTE = ("LOAD_GLOBAL", "LOAD_NAME"), ("LOAD_ATTR", "LOAD_METHOD")

CONSTANTS = (bool, int, float, str, tuple, list, dict)


class WrappedRules(ModuleType):
    """A module made of a namespace, such as a class or the cells of a notebook."""

    def __init__(self, name: str, namespace: Mapping[str, Any], owner: str = "") -> None:
        super().__init__(name)
        self.__dict__.update({key: value for key, value in namespace.items() if not key.startswith("__")})
        self.__file__ = f"<{name}>"
        self._owner = owner

    def rules_text(self) -> str:
        """The text that is compiled: the functions of the rules as they were written, and all that they use.

        Raises RulesError where the text of one cannot be had.
        """
        return gathered(vars(self), self._owner)


def wrap_rules(
    rules: Any, *, id: str | None = None, max_episode_steps: int | None = None, render: str | None = None
) -> str:
    """Register rules in this process, for `gymnasium.make`, `make_vec` and all of rlbench that takes an id here.

    Wrapping again under the same id replaces the rules. Batches compile the text of functions, so these must have one:
    those of files and of notebooks do, those typed at Python's own prompt do not.

    Args:
        rules: A rules module, as `rlbench.core.rules` describes it; a class with the same names as its attributes; or
            a mapping of them, such as `globals()` in a notebook.
        id: The id, by default made of the name of the module or class: `wrapped/MountainCar-v0`.
        max_episode_steps: Time limit, None for none.
        render: Dotted name of a module that draws it; by default the rules themselves, where they have `render`.

    Returns:
        The id.

    Raises:
        RulesError: They lack something that rules have; the message says what.
    """
    module = rules if isinstance(rules, ModuleType) else _module(rules)
    sys.modules.setdefault(module.__name__, module)
    load(module.__name__)  # names what is missing
    name = id or f"wrapped/{_camel_case(module.__name__.rpartition('.')[2])}-v0"
    if render is None and hasattr(module, "render"):
        render = module.__name__
    gymnasium.registry.pop(name, None)
    register(Environment(name, module.__name__, max_episode_steps, render=render))
    return name


def _module(rules: Any) -> ModuleType:
    """A module of what a class or a mapping has, under a name of its own, in place of an earlier one."""
    if isinstance(rules, Mapping):
        name, namespace = "notebook", rules
    elif isinstance(rules, type):
        name, namespace = rules.__name__, {key: getattr(rules, key) for key in dir(rules)}
    else:
        raise RulesError(f"rules are a module, a class or a mapping of names, got {type(rules).__name__}")
    module = WrappedRules(f"wrapped_{name}", namespace, "" if isinstance(rules, Mapping) else name)
    sys.modules[module.__name__] = module
    return module


def _camel_case(name: str) -> str:
    words = name.removeprefix("wrapped_").split("_")
    return "".join(word[:1].upper() + word[1:] for word in words)


def gathered(namespace: Mapping[str, Any], owner: str = "") -> str:
    """The text of the compiled functions of rules, and of all that they use.

    Args:
        namespace: What the rules define.
        owner: Name of the class that has them, by which they may call each other.
    """
    records = {key: value for key, value in namespace.items() if _is_record(value)}
    functions = {name: namespace[name] for name in COMPILED if name in namespace}
    constants, left = dict[str, Any](), list(functions.values())
    while left:
        for name, value in _used(left.pop(), namespace, owner):
            if isinstance(value, FunctionType) and name not in functions:
                functions[name] = value
                left.append(value)
            elif _is_record(value):
                records[name] = value
            elif not isinstance(value, FunctionType | type):
                constants[name] = value
    lines = ["import math", "from typing import NamedTuple", "", "import numpy as np", ""]
    lines += [_constant(name, value) for name, value in sorted(constants.items())]
    lines += [_record(name, value) for name, value in records.items()]
    lines += [_function(name, value, owner) for name, value in functions.items()]
    return "\n".join(lines)


def _is_record(value: Any) -> bool:
    return isinstance(value, type) and issubclass(value, tuple) and hasattr(value, "_fields")


def _used(function: FunctionType, namespace: Mapping[str, Any], owner: str) -> Iterator[tuple[str, Any]]:
    """The names that a function uses, with what they stand for: of its module, of what is around it, of the rules."""
    closure = dict(zip(function.__code__.co_freevars, function.__closure__ or (), strict=True))
    around = {name: cell.cell_contents for name, cell in closure.items()}
    known = {**namespace, **function.__globals__, **around}
    names = {*_loaded(function.__code__, GLOBAL), *around}
    if owner:
        names |= _loaded(function.__code__, ATTRIBUTE) & namespace.keys()
    for name in sorted(names & known.keys()):
        yield name, namespace[name] if name in namespace else known[name]


def _loaded(code: CodeType, kinds: tuple[str, ...]) -> set[str]:
    """The names that the code of a function loads, and of functions and comprehensions inside it."""
    own = {str(each.argval) for each in dis.get_instructions(code) if each.opname in kinds}
    return own.union(*(_loaded(each, kinds) for each in code.co_consts if isinstance(each, CodeType)))


def _constant(name: str, value: Any) -> str:
    """The line that defines a name: a number, an array, a module that rules may import, or a function of one."""
    if isinstance(value, ModuleType):
        return f"import {value.__name__} as {name}"
    if isinstance(value, np.ndarray):
        return f"{name} = np.array({value.tolist()!r}, np.{value.dtype})"
    if isinstance(value, np.generic):
        return f"{name} = {value.item()!r}"
    module = getattr(value, "__module__", None)
    if module in ("math", "numpy"):
        return f"from {module} import {value.__name__} as {name}"
    return f"{name} = {value!r}" if isinstance(value, CONSTANTS) else f"# {name}: {type(value).__name__}"


def _record(name: str, record: Any) -> str:
    """A NamedTuple, whose types compiled code does not ask for."""
    defaults = record._field_defaults
    fields = (f"    {each}: object" + (f" = {defaults[each]!r}" if each in defaults else "") for each in record._fields)
    return "\n".join(["", "", f"class {name}(NamedTuple):", *fields])


def _function(name: str, function: Any, owner: str) -> str:
    """The text of a function, at the left, without decorators, under the name that the rules give it."""
    try:
        text = textwrap.dedent(inspect.getsource(function))
        tree = ast.parse(text)
    except (OSError, TypeError, SyntaxError):
        tree = ast.Module([], [])
    node = tree.body[0] if tree.body else None
    if not isinstance(node, ast.FunctionDef):
        raise RulesError(
            f"a batch compiles the text of {name}, which cannot be had; define it by `def` in a file or a notebook"
        )
    lines = text.splitlines()[node.lineno - 1 : node.end_lineno]
    lines[0] = re.sub(r"\bdef \w+", f"def {name}", lines[0], count=1)
    written = "\n".join(lines)
    return "\n\n" + (re.sub(rf"\b{re.escape(owner)}\.(?=\w)", "", written) if owner else written)
