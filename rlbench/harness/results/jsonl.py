"""Files of JSON lines: one writer at a time, whole lines or none; and what a file is, by its first line."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rlbench.appended_files import AppendedFile
from rlbench.errors import HarnessError, UserError

MAX_FIRST_LINE = 1 << 20

KINDS = {"header": "record", "trace": "trace", "verification": "verification"}
"""What a file is, by the field `kind` of its first line."""


def kind_of(path: Path) -> str | None:
    """What a file of JSON lines is: `record`, `trace`, `verification` or `curve`; None for none of them.

    Raises:
        UserError: The file cannot be read.
    """
    try:
        if not path.is_file():  # a pipe might never end
            raise UserError(f"cannot read {path}: {'it is not a file' if path.exists() else 'no such file'}")
        with path.open("rb") as file:
            first = as_object(file.readline(MAX_FIRST_LINE))
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}") from None
    return "curve" if first.get("event") == "started" else KINDS.get(str(first.get("kind")))


def as_object(line: bytes) -> dict[str, Any]:
    """A line as a JSON object, empty where it is none, or in another encoding than UTF-8."""
    try:
        value = json.loads(line.decode("utf-8-sig"))  # bytes would be taken for UTF-16 or UTF-32, too
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


class JsonlWriter(AppendedFile):
    """The only writer of one file; a context. UserError where another has it open, or it cannot be written."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, "evaluation", "give another folder for results")

    def append(self, lines: Sequence[Mapping[str, Any]], safe: str) -> None:
        """Append lines and flush them to the disk, all of them or none.

        Args:
            lines: JSON objects.
            safe: What a message about a failure says of earlier lines.

        Raises:
            HarnessError: A line holds NaN or an infinity.
            UserError: The disk is full, or the like.
        """
        try:
            data = "".join(json.dumps(line, allow_nan=False) + "\n" for line in lines).encode()
        except ValueError as error:
            raise HarnessError(f"the environment returned a number that JSON cannot hold: {error}") from error
        self.write(data, safe)

    def __enter__(self) -> JsonlWriter:
        return self
