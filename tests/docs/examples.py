"""The examples of the documentation: where they stand, how they are run, and what they say comes out."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from tests.docs.pages import PAGES, prose, text

ARRAY = re.compile(r'(?:"(\w+)": )?\b(bool|int|u?int\d+|float\d+)\[([^\]]*)\]')
"""An array in a comment, `float32[64, 11]`; before it the key under which it lies in a dictionary."""


class Block(NamedTuple):
    """A code block: its page, its number there counted from 0, its language and its text."""

    page: str
    number: int
    language: str
    text: str


def blocks() -> list[Block]:
    """Every code block of every page."""
    return [
        Block(page, number, *found)
        for page in PAGES
        for number, found in enumerate(re.findall(r"^```(\w*)\n(.*?)^```$", text(page), re.DOTALL | re.MULTILINE))
    ]


class Command(NamedTuple):
    """A command line in a shell block or in a table, and what its comment or its last cell says of it."""

    page: str
    line: str
    says: str


def commands() -> Iterator[Command]:
    """Every command of the shell blocks, and those that begin a row of a table."""
    for block in blocks():
        for line in block.text.splitlines() if block.language == "" and not is_drawing(block) else ():
            command, _, says = line.partition("#")
            yield Command(block.page, command.strip(), says.strip())
    for page in PAGES:
        for command, says in re.findall(r"^\| `(rlbench [^`]+)` \|.*\| ([^|]+) \|$", prose(page), re.MULTILINE):
            yield Command(page, command, says)


def is_drawing(block: Block) -> bool:
    """Whether a block without a language is a drawing: it begins with blanks."""
    return block.text.startswith(" ")


def numbers(says: str) -> list[float]:
    """The numbers in a text, in order."""
    return [float(each.replace(",", "")) for each in re.findall(r"(?<![\w.@-])-?\d[\d,]*(?:\.\d+)?", says)]


def run(code: str) -> dict[str, Any]:
    """Run an example statement by statement, and compare values with the comments that state them; its names."""
    names: dict[str, Any] = {}
    comments = {
        token.start[0]: token.string.lstrip("# ")
        for token in tokenize.generate_tokens(io.StringIO(code).readline)
        if token.type == tokenize.COMMENT
    }
    for statement in ast.parse(code).body:
        says = comments.get(statement.end_lineno or 0, "")
        if isinstance(statement, ast.Expr):
            value = eval(compile(ast.Expression(statement.value), "<example>", "eval"), names)
            check_value(value, says)
        else:
            exec(compile(ast.Module([statement], []), "<example>", "exec"), names)
            if isinstance(statement, ast.Assign):
                check_arrays(first(names, statement.targets[0]), says)
    return names


def first(names: dict[str, Any], target: ast.expr) -> Any:
    """The value of an assignment, the first one where there are several."""
    while isinstance(target, ast.Tuple):
        target = target.elts[0]
    return eval(ast.unparse(target), names)


def check_value(value: Any, says: str) -> None:
    """Compare a value with a comment that states one, `# -2.0; the optimum`, or the type and shape of an array."""
    check_arrays(value, says)
    try:
        stated = ast.literal_eval(says.partition(";")[0].strip())
    except (SyntaxError, ValueError):
        return  # words
    assert value == stated, f"{value!r} is not {says}"


def check_arrays(value: Any, says: str) -> None:
    """Compare arrays with what a comment says of their types and shapes; a letter stands for any number."""
    for key, kind, shape in ARRAY.findall(says):
        each = value[key] if key else value
        for array in each if isinstance(each, tuple) and "each" in says else (each,):
            assert np.asarray(array).dtype == np.dtype(kind), says
            sides = [side.strip() for side in shape.split(",")]
            there = np.shape(array)
            assert len(there) == len(sides), says
            assert all(str(n) == side or not side.isdigit() for n, side in zip(there, sides, strict=True)), says
