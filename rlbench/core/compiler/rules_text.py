"""The text of rules, as it goes into a generated module: theirs and that of the modules beside them.

It is read from the files anew for every environment, since it may have been edited.
"""

from __future__ import annotations

import ast
import functools
import importlib
import inspect
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from rlbench.errors import RulesError

ALLOWED_IMPORTS = {"math", "typing", "numpy"}


def module_texts(module: Any, package: str) -> dict[str, str]:
    """The texts of a rules module and of the sibling modules that it imports from, by name, imported ones first."""
    text, siblings = _without_imports(text_of(module), module.__name__, package)
    texts = dict[str, str]()
    for name in siblings:
        texts |= module_texts(importlib.import_module(name), package)
    return {**texts, module.__name__: text}


def text_of(module: Any) -> str:
    """The text of a module, or of one that was made of other texts; RulesError where it cannot be had."""
    if hasattr(module, "rules_text"):
        return str(module.rules_text())
    try:
        return inspect.getsource(module)
    except (OSError, TypeError) as error:
        raise RulesError(f"a batch compiles the text of {module.__name__}, which cannot be had: {error}") from None


@functools.lru_cache(maxsize=64)  # every environment asks anew, since a text may have been edited
def _without_imports(text: str, module: str, package: str) -> tuple[str, tuple[str, ...]]:
    """The text of a module without what is defined elsewhere, and the siblings that it imports from.

    Imports from siblings are left out, since their names are defined then, and `configure`, which is never compiled.
    """
    lines, siblings = text.splitlines(), []
    for node in ast.parse(text).body:
        beside = isinstance(node, ast.ImportFrom) and package and (node.module or "").rpartition(".")[0] == package
        if beside:
            siblings.append(str(node.module))  # type: ignore[attr-defined]
        future = isinstance(node, ast.ImportFrom) and node.module == "__future__"  # stands above
        if beside or future or (isinstance(node, ast.FunctionDef) and node.name == "configure"):
            end = node.end_lineno or node.lineno
            lines[node.lineno - 1 : end] = [""] * (end - node.lineno + 1)
    kept = "\n".join(lines)
    _check_imports(module, ast.parse(kept))
    return kept, tuple(siblings)


@functools.lru_cache(maxsize=64)
def _definitions(text: str) -> tuple[str, ...]:
    """The names of the functions, classes and constants that a text defines."""
    nodes = ast.parse(text).body
    named = [node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.ClassDef)]
    targets = [target for node in nodes if isinstance(node, ast.Assign) for target in node.targets]
    return (*named, *(each.id for target in targets for each in ast.walk(target) if isinstance(each, ast.Name)))


@functools.lru_cache(maxsize=64)
def defined_functions(text: str) -> tuple[str, ...]:
    """The names of the functions that a text defines."""
    return tuple(node.name for node in ast.parse(text).body if isinstance(node, ast.FunctionDef))


def _check_imports(name: str, tree: ast.Module) -> None:
    for node in ast.walk(tree):
        imported = [a.name for a in node.names] if isinstance(node, ast.Import) else []
        imported += [node.module or "."] if isinstance(node, ast.ImportFrom) else []
        if foreign := sorted({each.split(".")[0] for each in imported} - ALLOWED_IMPORTS):
            raise RulesError(
                f"{name}, line {getattr(node, 'lineno', 1)}, imports {', '.join(foreign)}; "
                f"rules may import only {', '.join(sorted(ALLOWED_IMPORTS))}"
            )


def check_distinct(texts: Mapping[str, str]) -> None:
    """A RulesError where a name is defined by two of the texts, the later of which would win."""
    defined: dict[str, str] = {}
    for module, text in texts.items():
        for name in _definitions(text):
            if defined.setdefault(name, module) != module:
                raise RulesError(f"{module} defines {name}, as does {defined[name]}; they are compiled as one module")


def emptied(text: str, names: Collection[str]) -> str:
    """The text with functions of these names that only return 0."""
    lines, kept, at = text.splitlines(), [], 0
    for node in ast.parse(text).body:
        if isinstance(node, ast.FunctionDef) and node.name in names:
            first = node.body[0]
            if not lines[first.lineno - 1][: first.col_offset].strip():  # the body has lines of its own
                kept += [*lines[at : first.lineno - 1], "    return 0"]
                at = node.end_lineno or node.lineno
    return "\n".join([*kept, *lines[at:]])


def unused(text: str, roots: Iterable[str]) -> set[str]:
    """The functions of a text that these do not call, nor what they call."""
    nodes = [node for node in ast.parse(text).body if isinstance(node, ast.FunctionDef)]
    names = {node.name: {each.id for each in ast.walk(node) if isinstance(each, ast.Name)} for node in nodes}
    used, left = set[str](), [*roots]
    while left:
        name = left.pop()
        if name in names and name not in used:
            used.add(name)
            left += names[name]
    return names.keys() - used
