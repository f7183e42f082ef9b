"""A file of JSON lines that only ever grows: one writer at a time, and whole lines on the disk or none."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from rlbench.errors import HarnessError, UserError


class Lines:
    """The single writer of one file; a context. UserError where another holds it, or the folder cannot be written."""

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
        """Keep so many bytes: what lies behind them is a torn tail."""
        self.size = size
        os.ftruncate(self._file, size)

    def append(self, lines: Sequence[Mapping[str, Any]], safe: str) -> None:
        """Write lines to the disk, all of them or none; an error says what of earlier ones is `safe`."""
        try:
            data = "".join(json.dumps(line, allow_nan=False) + "\n" for line in lines).encode()
        except ValueError as error:
            raise HarnessError(f"the environment gave what JSON cannot hold: {error}") from error
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
        """Let go of the file."""
        os.close(self._file)

    def __enter__(self) -> Lines:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _lock(self) -> None:
        """Keep others out for as long as the file is open; the kernel lets go when this process ends."""
        import fcntl  # not at the top: reading works where there is no such thing

        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise UserError(f"{self.path} is being written by another evaluation; wait for it, or stop it") from None

    def _sync_folder(self) -> None:
        """Else the file may be nameless after a power cut."""
        folder = os.open(self.path.parent, os.O_RDONLY)
        os.fsync(folder)
        os.close(folder)
