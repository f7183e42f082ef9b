"""The schema of a record's lines, as JSON Schema in `record.schema.json`, and the check of a line against it.

The check knows the keywords that the file uses and refuses others. jsonschema, which knows all, takes 60 times as long
for a line, of which a record of a test set has ten thousand; a test holds this one against it.
"""

from __future__ import annotations

import functools
import json
import math
import re
from collections.abc import Callable, Mapping
from importlib import resources
from typing import Any

SCHEMA = 2
"""The version of the lines. A record of another schema is refused, never guessed at."""

FILE = "record.schema.json"

Test = Callable[[Any], bool]


def text() -> str:
    """The schema, as JSON."""
    return resources.files("rlbench.harness.results").joinpath(FILE).read_text(encoding="utf-8")


@functools.cache
def definitions() -> dict[str, Any]:
    """The schema of each kind of line, by its name."""
    found: dict[str, Any] = json.loads(text())["$defs"]
    return found


def violation(line: Mapping[str, Any]) -> str | None:
    """What is wrong with a line, in words; None where it is as the schema says."""
    kind = line.get("kind")
    if type(kind) is not str or kind not in definitions() or kind == "previous":
        return f"kind is {_shown(kind)}"
    required, tests = _fields(kind)
    for name in required:
        if name not in line:
            return f"no {name}"
    for name, value in line.items():
        test = tests.get(name)
        if test is None:
            return f"unknown field {_shown(name)}"
        if not test(value):
            return f"{name} is {_shown(value)}"
    return None


def _shown(value: object) -> str:
    """A value for a message, short and on one line."""
    return repr(str(value)[:40])


@functools.cache
def _fields(kind: str) -> tuple[tuple[str, ...], dict[str, Test]]:
    """The fields that a kind of line must have, and the test of each."""
    schema = definitions()[kind]
    return tuple(schema["required"]), {name: compiled(rule) for name, rule in schema["properties"].items()}


def compiled(rule: Mapping[str, Any]) -> Test:
    """The test of a value against a schema of one; ValueError for a keyword that is not known here."""
    if "$ref" in rule:
        return compiled(definitions()[rule["$ref"].rpartition("/")[2]])
    if unknown := rule.keys() - _KEYWORDS.keys() - {"description"}:
        raise ValueError(f"no check for {', '.join(sorted(unknown))}")
    tests = [_KEYWORDS[name](argument) for name, argument in rule.items() if name != "description"]
    return functools.reduce(_both, tests)


def _both(one: Test, other: Test) -> Test:
    return lambda value: one(value) and other(value)


_TYPES: dict[str, Test] = {
    "integer": lambda value: type(value) is int,  # bool is an int to isinstance
    "number": lambda value: type(value) is int or (type(value) is float and math.isfinite(value)),
    "string": lambda value: type(value) is str,
    "boolean": lambda value: type(value) is bool,
    "object": lambda value: type(value) is dict,
    "null": lambda value: value is None,
}


def _of_type(names: str | list[str]) -> Test:
    tests = [_TYPES[name] for name in ([names] if isinstance(names, str) else names)]
    return tests[0] if len(tests) == 1 else lambda value: any(test(value) for test in tests)


def _matching(pattern: str) -> Test:
    search = re.compile(pattern.replace("$", r"\Z")).search  # Python's $ allows a newline behind it
    return lambda value: type(value) is not str or search(value) is not None


def _values(rule: Mapping[str, Any]) -> Test:
    test = compiled(rule)
    return lambda value: type(value) is not dict or all(map(test, value.values()))


def _is(number: object) -> bool:
    return type(number) in (int, float)


_KEYWORDS: dict[str, Callable[[Any], Test]] = {
    "type": _of_type,
    "const": lambda constant: lambda value: type(value) is type(constant) and value == constant,
    "enum": lambda values: lambda value: type(value) is str and value in values,
    "minimum": lambda least: lambda value: not _is(value) or value >= least,
    "maximum": lambda most: lambda value: not _is(value) or value <= most,
    "maxLength": lambda most: lambda value: type(value) is not str or len(value) <= most,
    "pattern": _matching,
    "additionalProperties": _values,
}
"""What each keyword of JSON Schema asks of a value; like there, one that is about other types asks nothing."""
