"""Files of JSON lines: one writer at a time, whole lines or none; and what a file is, by its first line."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rlbench.appended_files import AppendedFile
from rlbench.errors import HarnessError, UserError
from rlbench.regular_files import open_regular
from rlbench.whole_files import check_place

BESIDE = "move it away, or copy the records to a folder of yours"
"""What to do where a file beside a record cannot be written."""

MAX_FIRST_LINE = 1 << 20

KINDS = {"header": "record", "part": "part", "trace": "trace", "verification": "verification"}
"""What a file is, by the field `kind` of its first line."""


MAX_LINES = 1 << 20
"""Of a file: a hundred times as many as the longest has, where lines of a few bytes would take all memory."""


def whole_lines(data: bytes, path: Path) -> list[bytes]:
    """The lines of a file that have their newline, without it; what follows the last one was not written whole.

    Raises:
        UserError: There are more than any such file has.
    """
    if data.count(b"\n") > MAX_LINES:
        raise UserError(f"{path} has more than {MAX_LINES:,} lines; move it away")
    return data.split(b"\n")[:-1]


def kind_of(path: Path) -> str | None:
    """What a file of JSON lines is: `record`, `part` of one, `trace`, `verification` or `curve`; None for none of them.

    Raises:
        UserError: The file cannot be read.
    """
    try:
        with open_regular(path) as file:
            first = as_object(file.readline(MAX_FIRST_LINE))
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}") from None
    return "curve" if first.get("event") == "started" else KINDS.get(str(first.get("kind")))


def as_object(line: bytes) -> dict[str, Any]:
    """A line as a JSON object, empty where it is none, or in another encoding than UTF-8."""
    try:
        text = line.decode("utf-8-sig")  # bytes might be taken for UTF-16
        value = _DECODER.decode(text)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _refused(constant: str) -> None:
    """NaN and the infinities, which JSON does not have."""
    raise ValueError(constant)


def _once(fields: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object whose fields have a name each: of two with one, another reader might take the first."""
    made = dict(fields)
    if len(made) < len(fields):
        raise ValueError("a field twice")
    return made


_DECODER = json.JSONDecoder(parse_constant=_refused, object_pairs_hook=_once)
_ENCODER = json.JSONEncoder(allow_nan=False)


def as_line(value: Mapping[str, Any]) -> bytes:
    """An object as a line, without its newline; HarnessError where it holds NaN or an infinity."""
    try:
        return _ENCODER.encode(value).encode()
    except ValueError as error:
        raise HarnessError(f"the environment returned a number that JSON cannot hold: {error}") from error


def line_digest(line: bytes) -> str:
    """What the line behind carries as `previous`: the start of the sha256 of a line, without its newline."""
    return hashlib.sha256(line).hexdigest()[:16]


def linked(lines: Iterable[Mapping[str, Any]], previous: str | None) -> tuple[list[bytes], str | None]:
    """Lines as they are written, each with the digest of the one before as `previous`; and the digest of the last.

    Args:
        lines: Objects, in order.
        previous: Digest of the line before the first; None where there is none.
    """
    made = []
    for line in lines:
        made.append(as_line(line if previous is None else {**line, "previous": previous}))
        previous = line_digest(made[-1])
    return made, previous


def broken(line: Mapping[str, Any], before: bytes) -> str | None:
    """What is wrong with a line in the chain; None where it carries the digest of the line before."""
    return None if line["previous"] == line_digest(before) else "the line before it was changed"


class JsonlWriter(AppendedFile):
    """The only writer of one file; a context. Arguments and errors as of `AppendedFile`."""

    def __init__(self, path: Path, writer: str = "evaluation", hint: str = "give another folder for results") -> None:
        try:
            check_place(path, folders=1)
        except OSError as error:
            raise UserError(f"cannot write {path}: {error.strerror}, or {hint}") from None
        super().__init__(path, writer, hint)

    def append(self, lines: Sequence[Mapping[str, Any]], safe: str) -> None:
        """Append lines and flush them to the disk, all of them or none.

        Args:
            lines: JSON objects.
            safe: What a message about a failure says of earlier lines.

        Raises:
            HarnessError: A line holds NaN or an infinity.
            UserError: The disk is full, or the like.
        """
        self._write_lines(map(as_line, lines), safe)

    def append_linked(self, lines: Iterable[Mapping[str, Any]], previous: str | None, safe: str) -> str | None:
        """Append lines as `append` does, each with the digest of the one before; the digest of the last.

        Args:
            lines: JSON objects.
            previous: Digest of the last line that is there; None where there is none.
            safe: What a message about a failure says of earlier lines.
        """
        made, last = linked(lines, previous)
        self._write_lines(made, safe)
        return last

    def _write_lines(self, lines: Iterable[bytes], safe: str) -> None:
        self.write(b"".join(line + b"\n" for line in lines), safe)

    def __enter__(self) -> JsonlWriter:
        return self
