"""Files that are whole or not there."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rlbench.errors import UserError


def write(path: Path, data: bytes) -> None:
    """Put `data` at `path` in one step: even after a power cut the old file is there, or the new one.

    Raises:
        UserError: it cannot be written; the old file is kept.
    """
    fresh = path.with_name(path.name + ".new")
    with writing(path):
        try:
            with fresh.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(path)
        except OSError:
            fresh.unlink(missing_ok=True)
            raise
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """UserError where the system refuses to write at a path, such as on a full disk."""
    try:
        yield
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror or error}") from None
