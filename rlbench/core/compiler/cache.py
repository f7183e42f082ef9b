"""The cache of compiled rules on disk: files that prove whole when they are read, and are made anew otherwise.

A file may be cut by a power failure, damaged, or written by somebody else. Each ends in a digest of its name and of
what stands before it, and appears whole under its name or not at all. It is believed only if it and its folder belong
to this user or the administrator, and nobody else can write to them; a digest alone proves nothing, as whoever can
write a file can write its digest. Only then is machine code unpickled. Nothing here raises an error for a file: without
a cache, rules are compiled in every process.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

from rlbench.whole_files import take_place

LAST_WORDS = b"(step_parallel)\n"  # end of every generated module
MARK = b"\n# sha256 of name and content "  # a comment, as the files with generated code end in it, too
MARK_OF_OLD_FORMAT = b"\n# sha256 "  # without the name, a file could be put in the place of another
LEFT_BEHIND = ".tmp"  # ends the names of files whose writer was killed


def load(name: str) -> bytes | None:
    """The content of a file of the cache; None unless some folder holds it, whole."""
    for folder in _folders():
        with contextlib.suppress(OSError):
            if (content := _content(folder / name)) is not None:
                return content
    return None


def store(name: str, content: bytes) -> Path | None:
    """Write a file of the cache into the first folder that takes it; None if none does."""
    for folder in _folders():
        with contextlib.suppress(OSError):
            _make(folder)
            _write(folder / name, content + MARK + _digest(content, name))
            return folder / name
    return None


def copy_module(name: str, folder: Path) -> None:
    """Copy the files of a generated module to where another process of any user will find them.

    Args:
        name: Of the module.
        folder: That process's folder of cached files.
    """
    for path in sorted(cache_folder().glob(f"{name}.*.nbc")):
        copy = folder / path.name
        copy.write_bytes(path.read_bytes())
        copy.chmod(0o644)


def cache_folder() -> Path:
    """Where compiled rules are stored: RLBENCH_CACHE, the user's cache folder, or a temporary one; OSError for none."""
    for folder in _folders():
        with contextlib.suppress(OSError):
            _make(folder)
            if os.access(folder, os.W_OK | os.X_OK):
                return folder
    raise OSError("no folder can be written for the compiled rules; set RLBENCH_CACHE to one that can")


def damaged() -> list[Path]:
    """The files of the cache that are not whole, or not believed."""
    return [path for path in _not_whole() if not _is_of_old_format(path)]


def of_old_format() -> list[Path]:
    """The files that older versions have left in the cache, which are not read."""
    return [path for path in _not_whole() if _is_of_old_format(path)]


def _not_whole() -> list[Path]:
    with contextlib.suppress(OSError):
        return [path for path in sorted(cache_folder().iterdir()) if _is_ours(path) and not _is_whole(path)]
    return []


def not_private() -> Path | None:
    """The folder that would be used if nobody else could write to it; None where it is used, or does not exist."""
    first = next(_named_folders(), None)
    return None if first is None or _is_private(first) else first


def _folders() -> Iterator[Path]:
    """The folders to try, best first. None of them need exist."""
    yield from filter(_is_private, _named_folders())
    with contextlib.suppress(OSError):  # no temporary folder can be written
        fallback = Path(tempfile.gettempdir()) / f"rlbench-{_user()}"
        # Its name can be foreseen, so others may have made it, or a link.
        if not os.path.lexists(fallback) or _believable(fallback.lstat()):
            yield fallback


def _named_folders() -> Iterator[Path]:
    """The folder that the user has chosen, or the one of this user's caches."""
    if chosen := os.environ.get("RLBENCH_CACHE"):
        yield Path(chosen)
    elif os.path.isabs(home := os.environ.get("XDG_CACHE_HOME", "")):
        yield Path(home) / "rlbench"
    else:
        with contextlib.suppress(RuntimeError):  # an unknown user, without HOME
            yield Path.home() / ".cache" / "rlbench"


def _is_private(folder: Path) -> bool:
    """Whether nobody else can write to a folder, or it does not exist."""
    try:
        return _believable(folder.stat())
    except OSError:
        return True


def _make(folder: Path) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)


def _content(path: Path) -> bytes | None:
    with path.open("rb") as file:
        if not _believable(os.fstat(file.fileno())):
            return None
        content, _, digest = file.read().rpartition(MARK)
    return content if digest == _digest(content, path.name) else None


def _digest(content: bytes, name: str) -> bytes:
    return hashlib.sha256(name.encode() + b"\0" + content).hexdigest().encode() + b"\n"


def _believable(found: os.stat_result) -> bool:
    """Whether only this user and the administrator can write to a file or a folder: code from it will be run."""
    others = stat.S_IWGRP | stat.S_IWOTH
    return not hasattr(os, "getuid") or (found.st_uid in (os.getuid(), 0) and not found.st_mode & others)


def _user() -> str:
    return str(os.getuid()) if hasattr(os, "getuid") else "user"


def _write(path: Path, content: bytes) -> None:
    """Write a file that others see whole or not at all; several processes may write it at once."""
    descriptor, scratch = tempfile.mkstemp(LEFT_BEHIND, f"{path.name}.", path.parent)
    try:
        with open(descriptor, "wb") as file:
            file.write(content)
        take_place(Path(scratch), path)
    except BaseException:
        os.unlink(scratch)
        raise


def _is_ours(path: Path) -> bool:
    return path.name.startswith("rlbench_") and not path.name.endswith(LEFT_BEHIND)


def _is_whole(path: Path) -> bool:
    try:
        return _content(path) is not None
    except OSError:
        return False


def _is_of_old_format(path: Path) -> bool:
    """Whether a file is whole by the digest of an older version; or a generated module up to its last line, without."""
    try:
        content, _, digest = path.read_bytes().rpartition(MARK_OF_OLD_FORMAT)
        if digest == hashlib.sha256(content).hexdigest().encode() + b"\n":
            return _believable(path.stat())
        return path.suffix == ".py" and _believable(path.stat()) and path.read_bytes().endswith(LAST_WORDS)
    except OSError:
        return False
