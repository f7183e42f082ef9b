"""JSONL writer: appends JSON lines to a file, one writer at a time, whole lines or none."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from rlbench.errors import HarnessError, UserError


class JsonlWriter:
    """The only writer of one file; a context. UserError where another has it open, or it cannot be written."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            raise UserError(f"cannot write {path}: {error.strerror}; give another folder for results") from None
        self.size = 0
        try:
            self._lock()
        except BaseException:
            self.close()
            raise

    def cut(self, size: int) -> None:
        """Truncate the file to `size` bytes, to remove lines that were not written whole."""
        self.size = size
        os.ftruncate(self._file, size)

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
        except OSError as error:
            os.ftruncate(self._file, self.size)
            raise UserError(f"cannot write {self.path}: {error.strerror}; {safe}") from None
        if self.size == 0:
            self._sync_folder()
        self.size += len(data)

    def close(self) -> None:
        """Close the file and release its lock."""
        os.close(self._file)

    def __enter__(self) -> JsonlWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _lock(self) -> None:
        """Lock the file for as long as it is open; the kernel releases it when this process ends."""
        import fcntl  # only on Unix; records can be read elsewhere, too

        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise UserError(f"{self.path} is being written by another evaluation; wait for it, or stop it") from None

    def _sync_folder(self) -> None:
        """Flush the folder, without which a new file may be lost in a power cut."""
        folder = os.open(self.path.parent, os.O_RDONLY)
        os.fsync(folder)
        os.close(folder)
