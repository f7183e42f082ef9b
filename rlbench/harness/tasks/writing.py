"""The text of a TOML file with one task, a comment beside what needs one."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from rlbench.errors import UserError


def task_text(fields: Mapping[str, Any], comments: Mapping[str, str], heading: str) -> str:
    """A `[[task]]`.

    Args:
        fields: Values by name, in order.
        comments: Comments on some of them, by name.
        heading: The comment above it.

    Raises:
        UserError: TOML has no such value.
    """
    lines = [f"# {heading}", "", "[[task]]"]
    for name, value in fields.items():
        if name in comments:
            lines.append(f"# {comments[name]}")
        lines.append(f"{name} = {value_text(value, name)}")
    return "\n".join(lines) + "\n"


def value_text(value: Any, name: str) -> str:
    """A value in TOML, on one line.

    Args:
        value: A string, number, flag, list or table of such.
        name: Whose value it is, for the message.
    """
    if isinstance(value, Mapping):
        pairs = (f"{_key(key)} = {value_text(each, name)}" for key, each in value.items())
        return f"{{ {', '.join(pairs)} }}" if value else "{}"
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(value_text(each, name) for each in value)}]"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, (int, float)):
        return repr(value)
    raise UserError(f"{name} holds {value!r}, which TOML does not have; leave it out")


def _key(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else json.dumps(key, ensure_ascii=False)
