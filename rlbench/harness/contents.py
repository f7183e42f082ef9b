"""The contents of a submission's folder: which files they are, their digest, and copies of them.

Only regular files count. A folder may come from anybody: what could hang, fill the disk or the memory, or lead
elsewhere (pipes, devices, links, files that are too large or too many) is refused before it is read.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from rlbench.errors import UserError
from rlbench.regular_files import open_regular

MAX_FILES = 2_000
MAX_BYTES = 1 << 30
MAX_DEPTH = 32

_CHUNK = 1 << 20
_KINDS = {
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


def digest(folder: Path) -> str:
    """Sha256 of a folder: of its sorted paths and contents, without hidden files and __pycache__.

    Raises:
        UserError: The folder holds something that the digest would not cover, or cannot be read.
    """
    total = hashlib.sha256()
    _add(total, folder, files(folder))
    return total.hexdigest()


def played(folder: Path, manifest: str, settings: Sequence[str]) -> str:
    """Sha256 of what plays: of every file but the manifest, and of the settings in it that decide how they are run.

    Names, authors, training seed and steps are left out: the same agent with another manifest is the same.

    Args:
        folder: Of the submission.
        manifest: Name of the file that is left out.
        settings: Entry and device.

    Raises:
        UserError: As of `digest`.
    """
    total = hashlib.sha256()
    for each in settings:
        total.update(_length(len(each.encode())) + each.encode())
    _add(total, folder, [path for path in files(folder) if path != folder / manifest])
    return total.hexdigest()


def _add(total: hashlib._Hash, folder: Path, paths: Sequence[Path]) -> None:
    """Add the names and contents of files to a digest."""
    for path in paths:
        name = os.fsencode("/".join(path.relative_to(folder).parts))
        total.update(_length(len(name)) + name)  # without lengths, "a" + "bc" would be "ab" + "c"
        with _opened(path) as file:
            total.update(_length(os.fstat(file.fileno()).st_size))
            for chunk in _chunks(file):
                total.update(chunk)


def copy(folder: Path, to: Path) -> None:
    """Copy the files that make up a submission into a new folder; UserError as of `digest`."""
    to.mkdir(0o700)
    for path in files(folder):
        target = to / path.relative_to(folder)
        target.parent.mkdir(0o700, parents=True, exist_ok=True)
        with _opened(path) as source, target.open("xb") as made:
            for chunk in _chunks(source):
                made.write(chunk)


def files(folder: Path) -> list[Path]:
    """The files that make up a submission, sorted; without hidden ones and __pycache__.

    Raises:
        UserError: The folder holds a link, a pipe or the like, more or larger files than may be, or cannot be listed.
    """
    found: list[Path] = []
    size = 0
    for path in _walk(folder, MAX_DEPTH):
        found.append(path)
        if len(found) > MAX_FILES:
            raise UserError(f"{folder} holds more than {MAX_FILES:,} files; keep what the agent needs")
        size += path.lstat().st_size
        if size > MAX_BYTES:
            raise UserError(f"{folder} holds more than {MAX_BYTES >> 20:,} MiB, up to {path.name}; use smaller weights")
    return sorted(found)


def _walk(folder: Path, depth: int) -> Iterator[Path]:
    if depth == 0:
        raise UserError(f"{folder} is {MAX_DEPTH} folders deep; a submission's files lie less deep")
    try:
        entries = os.scandir(folder)
    except OSError as error:
        raise UserError(f"cannot list {folder}: {error.strerror}; every file of a submission is digested") from None
    with entries:
        for entry in entries:
            path = Path(entry.path)
            if entry.name.startswith(".") or entry.name == "__pycache__":
                continue
            if entry.is_dir(follow_symlinks=False):
                yield from _walk(path, depth - 1)
            elif entry.is_file(follow_symlinks=False):
                yield path
            else:
                raise UserError(f"{path}: it is not a file but {_kind(path)}, which no digest covers; {_remedy(path)}")


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    """A file to read, which is not waited for: it may have become a pipe since it was listed."""
    try:
        with open_regular(path) as file:
            yield file
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}; every file of a submission is digested") from None


def _chunks(file: BinaryIO) -> Iterator[bytes]:
    """The contents in pieces, up to MAX_BYTES: a file may grow while it is read."""
    left = MAX_BYTES
    while left > 0 and (chunk := file.read(min(_CHUNK, left))):
        left -= len(chunk)
        yield chunk


def _kind(path: Path) -> str:
    """What something is that is neither a file nor a folder of its own."""
    try:
        mode = path.stat().st_mode
    except OSError:
        return f"a link that leads nowhere, to {os.readlink(path)}"
    if stat.S_ISREG(mode):
        return "a link to a file"
    return "a link to a folder" if stat.S_ISDIR(mode) else _KINDS.get(stat.S_IFMT(mode), "something else")


def _remedy(path: Path) -> str:
    return "copy what it links to in its place" if path.is_symlink() else "remove it"


def _length(size: int) -> bytes:
    return size.to_bytes(8, "big")
