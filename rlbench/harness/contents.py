"""The contents of a submission's folder: which files they are, and their digest."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from rlbench.errors import UserError

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
    for path in files(folder):
        name = os.fsencode("/".join(path.relative_to(folder).parts))
        total.update(_length(len(name)) + name)  # without lengths, "a" + "bc" would be "ab" + "c"
        try:
            with path.open("rb") as file:
                total.update(_length(os.fstat(file.fileno()).st_size))
                while chunk := file.read(_CHUNK):
                    total.update(chunk)
        except OSError as error:
            raise UserError(f"cannot read {path}: {error.strerror}; every file of a submission is digested") from None
    return total.hexdigest()


def files(folder: Path) -> list[Path]:
    """The files that make up a submission, sorted; without hidden ones and __pycache__.

    Raises:
        UserError: The folder holds a link to a folder, a link that leads nowhere, a pipe or the like, or cannot be
            listed.
    """
    return sorted(_walk(folder))


def _walk(folder: Path) -> Iterator[Path]:
    try:
        entries = list(os.scandir(folder))
    except OSError as error:
        raise UserError(f"cannot list {folder}: {error.strerror}; every file of a submission is digested") from None
    for entry in entries:
        path = Path(entry.path)
        if entry.name.startswith(".") or entry.name == "__pycache__":
            continue
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(path)
        elif _is_file(entry):
            yield path
        else:
            raise UserError(f"{path}: it is not a file but {_kind(path)}, which no digest covers; {_remedy(path)}")


def _is_file(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_file()
    except OSError:  # a link to itself, or into a folder that may not be entered
        return False


def _kind(path: Path) -> str:
    """What something is that is neither a file nor a folder of its own."""
    try:
        mode = path.stat().st_mode
    except OSError:
        return f"a link that leads nowhere, to {os.readlink(path)}"
    return "a link to a folder" if stat.S_ISDIR(mode) else _KINDS.get(stat.S_IFMT(mode), "something else")


def _remedy(path: Path) -> str:
    return "copy what it links to in its place" if path.is_symlink() else "remove it"


def _length(size: int) -> bytes:
    return size.to_bytes(8, "big")
