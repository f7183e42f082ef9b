"""What Numba says about rules, as one line: file and line of the rules, what is wrong, what to write instead."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from rlbench.errors import RulesError, UserError, one_line, shortened


class RulesText(NamedTuple):
    """A text that went into a generated module as it stands in a file."""

    file: str
    text: str


Places = Callable[[ast.AST, str], bool]


def _assigns(node: ast.AST, name: str) -> bool:
    targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
    return any(isinstance(each, ast.Attribute) and each.attr == name for each in targets)


def _names(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


class Mistake(NamedTuple):
    """A kind of mistake: what Numba says, and what that means in rules."""

    said: str
    """Regular expression of Numba's message."""

    meaning: str
    """With {0}, {1} for the groups of the expression: what is wrong; what to write instead."""

    place: Places | None = None
    """Finds the line by the syntax, with the last group, where Numba does not say it."""


MISTAKES = (
    Mistake(
        r"Untyped global name '(\w+)': Cannot determine Numba type of <class 'dict'>",
        "{0} is a dict, which compiled code does not have; write a tuple or np.array([...]), indexed by integers",
    ),
    Mistake(
        r"use of a reflected list.* assigned to variable '(\w+)' in globals",
        "{0} is a list at the top of the module; write a tuple, or np.array([...])",
    ),
    Mistake(
        r"Untyped global name '(\w+)': Cannot determine Numba type of <class '(?:\w+\.)*(\w+)'>",
        "{0} is of the class {1}, which compiled code does not have; use numbers, tuples, arrays and functions",
    ),
    Mistake(
        r"type of variable '(\w+)', have imprecise type: (?:list|Dict|Set)",
        "the type of what {0} holds is not known; keep values in arrays of the State, which blank(params) makes",
    ),
    Mistake(
        r"NameError: name '(\w+)' is not defined",
        "the name {0} is not defined; define it in the module, or take it from params",
        _names,
    ),
    Mistake(
        r"Unknown attribute '_replace' of type (\w+)",
        "compiled code has no _replace; write {0}(...) with all of its fields",
    ),
    Mistake(
        r"Unknown attribute '(\w+)' of type (?:Uni)?Tuple\(",
        "initial and transition return an instance of State, not a tuple; write State(...)",
    ),
    Mistake(
        r"Unknown attribute '(\w+)' of type Module\(<module '([\w.]+)'",
        "compiled code has no {1}.{0}; write it with other functions of math or numpy, or as a loop",
    ),
    Mistake(r"Unknown attribute '(\w+)' of type (\w+)\(", "a {1} has no {0}; add the field, or use one that it has"),
    Mistake(
        r"No definition for lowering (\w+)\(.*\)\.(\w+) = ",
        "the field {1} of a {0} cannot be changed; return a new State(...) that has the new value",
        _assigns,
    ),
    Mistake(
        r"Cannot modify readonly array",
        "an array at the top of the module is a constant; keep what changes in the State",
    ),
    Mistake(
        r"tuple index out of range",
        "a tuple has not so many elements; as many random draws are given as DRAWS says",
    ),
    Mistake(
        r">>> getitem\(Tuple\(.*\), int",
        "a tuple whose elements have different types cannot be indexed by a variable; give all the same type",
    ),
    Mistake(
        r"Cannot unify (.+?) and (.+?) for '",
        "a variable's type is {0} on one way and {1} on another; give it one type",
    ),
    Mistake(
        r"format spec in f-strings not supported",
        "compiled code does not format text; leave print and f-strings out",
    ),
    Mistake(
        r"Exception matching is limited to",
        "compiled code does not catch errors by their class; ask before, as `if x != 0`",
    ),
    Mistake(r"\.(\w+)'>': missing a required argument: '(\w+)'", "{0}(...) lacks {1}; give a value for every field"),
    Mistake(
        r"No implementation of function Function\(<function (\w+) at .*?found for signature:\s+>>> \w+\((.*?)\)\n",
        "compiled code has no {0} of ({1}); write it for numbers, such as min(max(x, low), high) for a clip, or a loop",
    ),
    Mistake(
        r"No implementation of function Function\(<built-in function (\w+)>\).*?>>> \w+\((.*?)\)\n",
        "{0} of ({1}) does not exist in compiled code; use numbers of one type",
    ),
)
"""Kinds of mistakes, the first that fits is meant."""


def explained(error: Exception, generated: str, text: str, origins: tuple[RulesText, ...]) -> UserError:
    """The error of rules that Numba cannot compile.

    Args:
        error: What Numba raised.
        generated: File name of the generated module in Numba's message.
        text: Its text.
        origins: The texts of the rules that it was made from.
    """
    said = "\n".join(line for line in str(error).splitlines() if not line.startswith("Failed in nopython mode"))
    said = re.sub(r"Literal\[(\w+)\]\([^)]*\)", r"\1", said).replace("unicode_type", "str").strip()
    found, meaning = _meaning(said)
    place = _place(str(error), generated, text, origins)
    if place is None and found is not None and found.place is not None:
        groups = re.search(found.said, said)
        name = groups.groups()[-1] if groups and groups.groups() else ""
        place = next(_searched(origins, found.place, name), None)
    if place is None:
        return RulesError(f"{origins[-1].file} cannot be compiled: {meaning}")
    file, line, source = place
    return RulesError(f"{file}, line {line}: {meaning}: {shortened(source.strip())[1:-1]}")


def _meaning(said: str) -> tuple[Mistake | None, str]:
    """The kind of a mistake, and what it means; Numba's own words for an unknown one."""
    for each in MISTAKES:
        if match := re.search(each.said, said, re.DOTALL if "\\n" in each.said else 0):
            return each, each.meaning.format(*match.groups())
    return None, f"Numba says: {one_line(said.partition('During:')[0].partition('File ')[0])[:300]}"


def _place(message: str, generated: str, text: str, origins: tuple[RulesText, ...]) -> tuple[str, int, str] | None:
    """The file, line and text of the first line of the rules that Numba names; None where it names none."""
    numbers = re.findall(rf'{re.escape(generated)}(?:", line | \()(\d+)', message)
    for number in map(int, numbers):
        for file, written in origins:
            first = text[: text.index(written)].count("\n") if written in text else len(text)
            lines = written.splitlines()
            if 0 < number - first <= len(lines):
                return file, number - first, lines[number - first - 1]
    return None


def _searched(origins: tuple[RulesText, ...], fits: Places, name: Any) -> Iterator[tuple[str, int, str]]:
    """The file, line and text of the nodes of the rules that fit a name."""
    for file, written in reversed(origins):
        for node in ast.walk(ast.parse(written)):
            if isinstance(node, ast.FunctionDef) and node.name != "configure":
                for each in ast.walk(node):
                    if fits(each, name) and hasattr(each, "lineno"):
                        yield file, each.lineno, written.splitlines()[each.lineno - 1]
