"""Files that grow by whole pieces, each on the disk before the next, and that have one writer at a time."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from types import TracebackType

from rlbench.errors import UserError


class AppendedFile:
    """The only writer of one file; a context.

    Args:
        path: The file, which is made where there is none, with its folders.
        writer: What else writes such files, for the message: "evaluation".
        hint: What to do where the file cannot be written, for the message.

    Raises:
        UserError: Another writer has it open, or it cannot be written.
    """

    def __init__(self, path: Path, writer: str, hint: str) -> None:
        if not hasattr(os, "pwrite"):
            raise UserError(f"cannot write {path}: such files are locked, and written on Linux and macOS alone")
        self.path = path
        self._made = [each for each in path.parents if not each.exists()]  # the innermost first
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            if path.is_symlink():  # what it leads to might be cut
                raise UserError(f"cannot write {path}: it is a link, not a file; remove it, or {hint}")
            if path.exists() and not path.is_file():  # a pipe might never be read; a device is nobody's to lock
                raise UserError(f"cannot write {path}: it is no file; {hint}")
            self._file = self._open(writer)
        except OSError as error:
            raise UserError(f"cannot write {path}: {error.strerror}; {hint}") from None
        self.size = 0

    def _open(self, writer: str) -> int:
        """Open and lock the file; again, where another has removed it in between."""
        while True:
            file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_NONBLOCK | os.O_NOFOLLOW, 0o644)
            try:
                self._lock(file, writer)
                if self._is_there(file):
                    return file
                os.close(file)
            except BaseException:
                os.close(file)
                raise

    def length(self) -> int:
        """Number of bytes in the file, those that were not written whole among them."""
        return os.fstat(self._file).st_size

    def cut(self, size: int) -> None:
        """Truncate the file to `size` bytes, to remove what was not written whole."""
        try:
            os.ftruncate(self._file, size)
        except OSError as error:
            raise UserError(f"cannot write {self.path}: {error.strerror}; nothing is lost") from None
        self.size = size

    def write(self, data: bytes, safe: str) -> None:
        """Append bytes and flush them to the disk, all of them or none.

        Args:
            data: The bytes.
            safe: What a message about a failure says of earlier ones.

        Raises:
            UserError: The disk is full, or the like.
        """
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

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _is_there(self, file: int) -> bool:
        """Whether the path still leads to the open file."""
        with contextlib.suppress(OSError):
            return os.path.samestat(os.fstat(file), os.stat(self.path))
        return False

    def _lock(self, file: int, writer: str) -> None:
        """Lock the file for as long as it is open; the kernel releases it when this process ends."""
        import fcntl  # only on Unix; such files can be read elsewhere, too

        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UserError(f"{self.path} is being written by another {writer}; wait for it, or stop it") from None

    def _sync_folder(self) -> None:
        """Flush the folder, without which a new file may be lost in a power cut."""
        folder = os.open(self.path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
