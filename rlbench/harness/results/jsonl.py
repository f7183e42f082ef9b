"""Files of JSON lines: one writer at a time, whole lines or none; and what a file is, by its first line."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

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


class JsonlWriter:
    """The only writer of one file; a context. UserError where another has it open, or it cannot be written."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._made = [each for each in path.parents if not each.exists()]  # the innermost first
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self._open()
        except OSError as error:
            raise UserError(f"cannot write {path}: {error.strerror}; give another folder for results") from None
        self.size = 0

    def _open(self) -> int:
        """Open and lock the file; again, where another has removed it in between."""
        while True:
            file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_NONBLOCK, 0o644)
            try:
                self._lock(file)
                if self._is_there(file):
                    return file
                os.close(file)
            except BaseException:
                os.close(file)
                raise

    def cut(self, size: int) -> None:
        """Truncate the file to `size` bytes, to remove lines that were not written whole."""
        try:
            os.ftruncate(self._file, size)
        except OSError as error:
            raise UserError(f"cannot write {self.path}: {error.strerror}; nothing is lost") from None
        self.size = size

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
        try:
            written = 0
            while written < len(data):
                written += os.pwrite(self._file, data[written:], self.size + written)
            os.fsync(self._file)
            if self.size == 0:
                self._sync_folder()
        except OSError as error:
            self.cut(self.size)
            raise UserError(f"cannot write {self.path}: {error.strerror}; {safe}") from None
        self.size += len(data)

    def close(self) -> None:
        """Close the file and release its lock; an empty file is removed, with the folders that were made for it."""
        with contextlib.suppress(OSError):
            if os.fstat(self._file).st_size == 0:
                self.path.unlink()
                for folder in self._made:
                    folder.rmdir()
        os.close(self._file)

    def __enter__(self) -> JsonlWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _is_there(self, file: int) -> bool:
        """Whether the path still leads to the open file."""
        with contextlib.suppress(OSError):
            return os.path.samestat(os.fstat(file), os.stat(self.path))
        return False

    def _lock(self, file: int) -> None:
        """Lock the file for as long as it is open; the kernel releases it when this process ends."""
        import fcntl  # only on Unix; records can be read elsewhere, too

        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UserError(f"{self.path} is being written by another evaluation; wait for it, or stop it") from None

    def _sync_folder(self) -> None:
        """Flush the folder, without which a new file may be lost in a power cut."""
        folder = os.open(self.path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
