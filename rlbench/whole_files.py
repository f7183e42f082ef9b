"""Files that appear whole or not at all, whatever interrupts their writing."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_OTHERS = {
    stat.S_IFREG: "a file",
    stat.S_IFDIR: "a folder",
    stat.S_IFLNK: "a link",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A scratch file beside `path`, to be written inside; it takes the place of `path` when the scope ends well.

    A link stays and its target is replaced. A device or a pipe is written itself.
    """
    check_writable(path)
    target, scratch = places(path)
    try:
        yield scratch
        if scratch != target:
            take_place(scratch, target)
    except BaseException:
        discard(path)
        raise


@contextmanager
def replacing_regular(path: Path, folders: int = 0) -> Iterator[Path]:
    """As `replacing`, of a file in a folder that others fill, too: no link is followed, and no pipe waited for.

    Args:
        path: The file.
        folders: How many of the folders above it must be no links, either; they are made.

    Raises:
        OSError: Something else is in its place, or it cannot be written.
    """
    scratch = check_replaceable(path, folders)
    if folders:
        path.parent.mkdir(parents=True, exist_ok=True)
    try:
        yield scratch
        take_place(scratch, path)
    except BaseException:
        scratch.unlink(missing_ok=True)
        raise


def check_replaceable(path: Path, folders: int = 0) -> Path:
    """Raise OSError where `replacing_regular` would; the scratch file beside `path`."""
    scratch = path.with_name(path.name + ".part")
    for place in (path, scratch):
        check_place(place, folders)
    return scratch


def check_place(path: Path, folders: int = 0) -> None:
    """Raise OSError where writing a file would follow a link or wait for a pipe; `strerror` says what is to be removed.

    Args:
        path: The file, which may be absent.
        folders: How many of the folders above it are looked at as well, which may be absent, too.
    """
    for folder in reversed(path.parents[:folders]):
        _check(folder, stat.S_IFDIR, f"the folder {folder.name}", "a folder")
    _check(path, stat.S_IFREG, "it", "a file")


def _check(path: Path, right: int, name: str, what: str) -> None:
    """Raise OSError where something of another kind is at a path."""
    try:
        kind = stat.S_IFMT(os.lstat(path).st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return
    if kind != right:
        remedy = "give another place" if kind in (stat.S_IFCHR, stat.S_IFBLK) else "remove it"
        told = f"{name} is {_OTHERS.get(kind, 'something else')}, not {what}; {remedy}"
        raise OSError(errno.EINVAL, told, str(path))


def take_place(scratch: Path, target: Path) -> None:
    """Let a written file take the place of another: even after a power failure the old one is there, or all of this."""
    _sync(scratch, os.O_RDWR)  # Windows flushes no file that is open to be read alone
    scratch.replace(target)
    _sync_folder(target.parent)


def _sync_folder(folder: Path) -> None:
    """Flush a folder, where the system opens folders and its file system flushes them."""
    with contextlib.suppress(OSError):
        _sync(folder, os.O_RDONLY)


def _sync(path: Path, how: int) -> None:
    descriptor = os.open(path, how)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def places(path: Path) -> tuple[Path, Path]:
    """The file itself and the scratch file beside it; the same one twice for a device or a pipe."""
    target = Path(os.path.realpath(path))
    if target.exists() and not target.is_file():
        return target, target
    return target, target.with_name(target.name + ".part")


def discard(path: Path) -> None:
    """Remove the scratch file."""
    target, scratch = places(path)
    if scratch != target:
        scratch.unlink(missing_ok=True)


def check_writable(path: Path) -> None:
    """Raise OSError where `path` cannot be written; nothing is left behind."""
    target, scratch = places(path)
    if target.is_fifo():
        return  # to open and close it would tell its reader that all is written
    tried = target if target.exists() else scratch
    there = tried.exists()
    with tried.open("ab"):
        pass
    if not there:
        tried.unlink()


def appear(path: Path, data: bytes) -> None:
    """Write a new file, which is there with all of its data or not at all, and never takes the place of another.

    Raises:
        FileExistsError: Something is there already.
        OSError: The file cannot be written.
    """
    descriptor, name = _nameless(path.parent)
    try:
        written = 0
        while written < len(data):
            written += os.write(descriptor, data[written:])
        os.fchmod(descriptor, 0o644)
        os.fsync(descriptor)
        if name:
            os.link(name, path)
        else:  # with a descriptor Python calls linkat, which follows the link in /proc to the file itself
            os.link(f"/proc/self/fd/{descriptor}", path, src_dir_fd=descriptor)
        _sync_folder(path.parent)
    finally:
        os.close(descriptor)
        if name:
            os.unlink(name)


def _nameless(folder: Path) -> tuple[int, str]:
    """A file in a folder, open to be written, without a name: nothing is left of it where the process is killed.

    Where the system has no such files, the second value is its name, a hidden one.
    """
    with contextlib.suppress(OSError, AttributeError):
        return os.open(folder, os.O_TMPFILE | os.O_WRONLY, 0o600), ""
    return tempfile.mkstemp(prefix=".", suffix=".part", dir=folder)
