"""Text files that users give: UTF-8, with or without a byte order mark; anything else is refused in one line."""

from __future__ import annotations

import codecs
import sys
from pathlib import Path
from typing import Any

from rlbench.errors import UserError, one_line

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

MAX_BYTES = 16 << 20  # more than any text written by hand
OTHER_MARKS = {codecs.BOM_UTF16_LE: "UTF-16", codecs.BOM_UTF16_BE: "UTF-16"}  # also the first bytes of UTF-32


def read_text(path: Path, what: str = "file", max_bytes: int = MAX_BYTES) -> str:
    r"""The text of a file, its lines ended by `\n`.

    Args:
        path: the file.
        what: what it is, for messages, such as "maze".
        max_bytes: longest file that is read.

    Raises:
        UserError: the file cannot be read, is too long, or is not UTF-8; then it names the line and the byte.
    """
    try:
        with path.open("rb") as file:
            data = file.read(max_bytes + 1)
    except OSError as error:
        raise UserError(f"cannot read the {what} {path}: {error.strerror}") from None
    if len(data) > max_bytes:
        raise UserError(f"cannot read the {what} {path}: it is longer than {max_bytes:,} bytes")
    return decoded(data, f"the {what} {path}")


def decoded(data: bytes, name: str) -> str:
    r"""Bytes as text, its lines ended by `\n`.

    Args:
        data: UTF-8, with or without a byte order mark.
        name: what the bytes are of, for messages.

    Raises:
        UserError: the bytes are not UTF-8.
    """
    if encoding := OTHER_MARKS.get(data[:2]):
        raise UserError(f"{name} is not text in UTF-8 but in {encoding}, by its byte order mark; save it as UTF-8")
    data = data.removeprefix(codecs.BOM_UTF8)
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        at = data.rfind(b"\n", 0, error.start) + 1
        line = data.count(b"\n", 0, error.start) + 1
        where = f"byte {error.start - at + 1} of line {line} is 0x{data[error.start]:02x}"
        raise UserError(f"{name} is not text in UTF-8: {where}; save it as UTF-8") from None
    return text.replace("\r\n", "\n").replace("\r", "\n")


def parsed_toml(text: str, name: object) -> dict[str, Any]:
    """The tables and values of a text in TOML.

    Args:
        text: the text.
        name: what it is of, for messages.

    Raises:
        UserError: it is no TOML.
    """
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise UserError(f"{name} cannot be read as TOML: {one_line(error)}") from None
