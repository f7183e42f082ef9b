"""The manifest of a submission, `submission.toml`: its fields, and their one reader and one writer."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rlbench.errors import UserError, shortened
from rlbench.harness.field_rules import LINE, FieldRule, check_fields, is_line
from rlbench.text_files import decoded, parsed_toml

MANIFEST = "submission.toml"

MAX_BYTES = 1 << 16

MAX_COUNT = 2**63 - 1
"""Tables of episodes hold 64-bit integers."""

_UNSEEN = (
    r"\u0000-\u001f\u007f-\u00a0\u00ad\u034f\u061c\u115f\u1160\u1680\u17b4\u17b5\u180b-\u180f\u2000-\u200f\u2028-\u202f"
    r"\u205f-\u206f\u2800\u3000\u3164\ud800-\udfff\ue000-\uf8ff\ufe00-\ufe0f\ufeff\uffa0\ufff0-\uffff"
    "\U000e0000-\U0010ffff"
)
"""Characters that cannot be seen, or turn others round, or are no characters; JSON Schema has no classes of Unicode."""

OWNER = f"^[^ {_UNSEEN}]([^{_UNSEEN}]*[^ {_UNSEEN}])?$"
"""The pattern of an owner, here and in a record: none may look like another."""

PRECISIONS = "float64", "float32", "tf32", "bfloat16", "float16"
"""In which a network may have been trained: the coarsest of its products."""


def read_manifest(path: Path) -> dict[str, Any]:
    """The checked fields of a manifest, lists as tuples, with defaults for optional ones.

    Raises:
        UserError: The file is missing or no TOML, or a field is missing, unknown or not valid.
    """
    try:
        data = _bytes(path)
    except FileNotFoundError:
        raise UserError(f"no {MANIFEST} in {path.parent}; write one with {', '.join(_REQUIRED)}") from None
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}") from None
    checked = with_defaults(parsed_toml(decoded(data, str(path)), path), str(path))
    return {name: tuple(value) if isinstance(value, list) else value for name, value in checked.items()}


def manifest_text(fields: Mapping[str, Any]) -> str:
    """The text of a manifest with these fields, checked; `read_manifest` returns them again.

    JSON's strings, whole numbers and flat lists are TOML's as well, once control characters are refused.
    """
    with_defaults(fields)
    return "".join(
        f"{name} = {json.dumps(value, ensure_ascii=False)}\n" for name, value in fields.items() if value is not None
    )


def with_defaults(fields: Mapping[str, Any], source: str = MANIFEST) -> dict[str, Any]:
    """The fields of a manifest, checked, with defaults for optional ones.

    Args:
        fields: Values by name; None for an optional field that is not given.
        source: Where they stand, for messages.

    Raises:
        UserError: A field is missing, unknown or not valid.
    """
    given = {name: value for name, value in fields.items() if value is not None}
    check_fields(given, _RULES, _REQUIRED, source)
    return {**_OPTIONAL, **given}


def check_name(value: object, field: str = "name") -> None:
    """Raise UserError where a value cannot be the name or the version of an agent.

    Args:
        value: The name or version.
        field: What it is, for the message.
    """
    if not _is_name(value):
        raise UserError(f"{field} = {shortened(value)} is not valid; write, for example, my-agent: {_NAME_RULE}")


def _bytes(path: Path) -> bytes:
    """The contents of a file; OSError for a pipe or a device, as reading it may never end, and for a large one."""
    if path.exists() and not path.is_file():
        raise OSError(0, "it is not a file")
    with path.open("rb") as file:
        data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise OSError(0, f"it has more than {MAX_BYTES:,} bytes")
    return data


def _is_name(value: object) -> bool:
    return isinstance(value, str) and re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,63}", value) is not None


def _is_entry(value: object) -> bool:
    return isinstance(value, str) and re.fullmatch(r"[A-Za-z_]\w*:[A-Za-z_]\w*", value, re.ASCII) is not None


def _is_list(value: object) -> bool:
    """Whether it is a list of words that print on one line."""
    return isinstance(value, (list, tuple)) and all(
        isinstance(each, str) and each.strip() and each.isprintable() for each in value
    )


def _is_owner(value: object) -> bool:
    """Whether it can be the owner in a record: a line of which all is seen, as no other may look the same."""
    return isinstance(value, str) and is_line(value) and re.search(OWNER.replace("$", r"\Z"), value) is not None


def _are_authors(value: object) -> bool:
    """Whether it is a list of names that together could be an owner."""
    return isinstance(value, (list, tuple)) and _is_list(value) and value != [] and _is_owner(default_owner(value))


def default_owner(authors: Sequence[str]) -> str:
    """The owner of a submission whose manifest names none: its authors, in up to 200 characters."""
    return ", ".join(map(str.strip, authors))[:200].strip()


def _is_count(value: object) -> bool:
    return type(value) is int and 0 <= value <= MAX_COUNT  # bool is an int to isinstance


_NAME_RULE = "1 to 64 letters, digits and . _ + -, a letter or digit first"
_SEEN = "without characters that cannot be seen, or spaces at the ends"
_COUNT_RULE = "a whole number from 0 on, below 2^63"

_RULES: dict[str, FieldRule] = {
    "name": FieldRule('"my-agent"', _is_name, _NAME_RULE),
    "version": FieldRule('"1"', _is_name, _NAME_RULE),
    "authors": FieldRule('["Ada Lovelace"]', _are_authors, f"a list of names, {_SEEN}"),
    "owner": FieldRule('"Ada Lovelace"', _is_owner, f"{LINE}, {_SEEN}"),
    "contact": FieldRule('"ada@example.org"', is_line, LINE),
    "tasks": FieldRule('["cart-pole@1"]', _is_list, "a list of tasks, or none"),
    "entry": FieldRule('"agent:load"', _is_entry, "module:function of the folder"),
    "training_seed": FieldRule("0", _is_count, _COUNT_RULE),
    "training_steps": FieldRule("50000", _is_count, _COUNT_RULE),
    "training_device": FieldRule('"NVIDIA H200"', is_line, LINE),
    "training_precision": FieldRule('"float32"', lambda value: value in PRECISIONS, "nothing else is known"),
    "device": FieldRule('"cpu" or "cuda"', lambda value: value in ("cpu", "cuda"), "nothing else is known"),
}
"""Every field."""

_OPTIONAL: dict[str, Any] = {
    "owner": None,
    "contact": None,
    "training_seed": None,
    "training_steps": None,
    "training_device": None,
    "training_precision": None,
    "device": "cpu",
}
_REQUIRED = tuple(name for name in _RULES if name not in _OPTIONAL)
