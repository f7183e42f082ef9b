"""Rules of the fields that people write in TOML, and the one check of them: of submissions, tasks and suites."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rlbench.errors import UserError, shortened, unknown

LINE = "a line of up to 200 characters"


@dataclass(frozen=True)
class FieldRule:
    """What a field may be: an example in TOML, whether a value is valid, the rule and the meaning in words."""

    example: str
    fits: Callable[[object], bool]
    rule: str
    meaning: str = ""


def check_fields(given: Mapping[str, Any], rules: Mapping[str, FieldRule], required: Sequence[str], where: str) -> None:
    """Raise UserError where fields are missing, unknown or not valid.

    Args:
        given: Values by name.
        rules: What the fields may be.
        required: Those that must be there.
        where: File and table, for the message.
    """
    for name in given:
        if name not in rules:
            raise UserError(f"{where}: {unknown('field', name, rules)}")
    for name in required:
        if name not in given:
            raise UserError(f"{where} has no {name}; add, for example, {name} = {rules[name].example}")
    for name, value in given.items():
        if not rules[name].fits(value):
            raise UserError(
                f"{where}: {name} = {shortened(value)} is not valid; write, for example, {name} = "
                f"{rules[name].example}: {rules[name].rule}"
            )


def is_line(value: object) -> bool:
    """Whether it is text that prints on one line of a record and of a page."""
    return isinstance(value, str) and bool(value.strip()) and value.isprintable() and len(value) <= 200
