"""Files that are whole or not there."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rlbench.errors import UserError
from rlbench.whole_files import take_place


def write(path: Path, data: bytes) -> None:
    """Put `data` at `path` in one step: even after a power cut the old file is there, or the new one.

    Raises:
        UserError: it cannot be written; the old file is kept.
    """
    fresh = path.with_name(path.name + ".new")
    with writing(path):
        try:
            fresh.write_bytes(data)
            take_place(fresh, path)
        except OSError:
            fresh.unlink(missing_ok=True)
            raise


def check_folder(folder: Path, what: str) -> None:
    """Make a folder; UserError where it cannot be made, or nothing can be written into it, as on a full disk.

    Args:
        folder: to be there.
        what: what it is for, for the message: "train into".
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as probe:
            probe.write(bytes(4096))
            probe.flush()
            os.fsync(probe.fileno())
    except (OSError, ValueError) as error:  # a null character in the name is a ValueError
        raise UserError(f"cannot {what} {folder}: {getattr(error, 'strerror', None) or error}") from None


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """UserError where the system refuses to write at a path, such as on a full disk."""
    try:
        yield
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror or error}") from None
