"""Submissions as archives, `.zip` and `.tar.gz`: unpacked with bounds, whatever the archive says of itself."""

from __future__ import annotations

import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO

from rlbench import children
from rlbench.errors import UserError
from rlbench.harness.contents import MAX_BYTES, MAX_DEPTH, MAX_FILES
from rlbench.harness.manifest import MANIFEST

ENDINGS = (".zip", ".tar.gz", ".tgz")

OF_SB3 = "_stable_baselines3_version"
"""A file in every model of stable-baselines3."""

MAX_RATIO = 200
"""By how much contents may be larger than the archive: zeros, which nobody submits, are packed 1,000 to 1."""

MAX_DIRECTORY = 1 << 20
"""Bytes of the list of files at the end of a zip archive, all of which is read at once."""

OF_MACOS = "__MACOSX"
"""A folder that macOS adds to the archives that it makes; nothing in it is the user's."""

_CHUNK = 1 << 16
_END = b"PK\5\6"


@contextmanager
def unpacked(path: str) -> Iterator[str]:
    """The folder in an archive; of anything else the path itself. A context, at whose end the folder is removed.

    Args:
        path: Of an archive, or whatever else names a submission.

    Raises:
        UserError: The archive is damaged, too large, or holds something else than files and folders.
    """
    archive = Path(path)
    if not path.endswith(ENDINGS) or not archive.is_file():
        yield path
        return
    with children.temporary_folder() as folder:
        try:
            _unpack(archive, folder)
        except (OSError, EOFError, ValueError, zipfile.BadZipFile, tarfile.TarError, zlib.error) as error:
            raise UserError(f"{path} cannot be unpacked: {error or type(error).__name__}; pack it again") from None
        except (NotImplementedError, RuntimeError) as error:  # another compression; encrypted
            raise UserError(f"{path} cannot be unpacked: {error}; pack it without") from None
        if (folder / OF_SB3).exists():
            raise UserError(
                f"{path} is a model of stable-baselines3 and no submission; `rlbench new-agent DIR --kind sb3 "
                f"--weights {path}` makes one of it"
            )
        top = _top(folder)
        if not (top / MANIFEST).exists():
            raise UserError(f"no {MANIFEST} in {path}; pack the folder that holds it")
        yield str(top)


def _top(folder: Path) -> Path:
    """The folder that holds the manifest: that of the archive, or the only one in it."""
    inside = list(folder.iterdir())
    one = len(inside) == 1 and inside[0].is_dir() and not (folder / MANIFEST).exists()
    return inside[0] if one else folder


def _unpack(archive: Path, folder: Path) -> None:
    """Unpack an archive into a folder."""
    left = min(MAX_BYTES, MAX_RATIO * archive.stat().st_size)
    if archive.name.endswith(".zip"):
        _check_directory(archive)
        with zipfile.ZipFile(archive) as packed:
            for number, entry in enumerate(packed.infolist()):
                if entry.external_attr >> 28 not in (0, 0o4, 0o10):  # no mode, a folder, a file
                    raise UserError(f"{archive}: {entry.filename!r} is neither a file nor a folder; leave it out")
                target = _place(folder, entry.filename, archive, number)
                if not entry.is_dir() and PurePosixPath(entry.filename).parts[0] != OF_MACOS:
                    with packed.open(entry) as source:
                        left = _write(source, target, left, archive)
        return
    with tarfile.open(archive, "r|gz") as stream:
        for number, member in enumerate(stream):
            target = _place(folder, member.name, archive, number)
            source_or_none = stream.extractfile(member) if member.isreg() else None
            if source_or_none is not None:
                left = _write(source_or_none, target, left, archive)
            elif not member.isdir():
                raise UserError(f"{archive}: {member.name!r} is neither a file nor a folder; leave it out")


def _check_directory(archive: Path) -> None:
    """A UserError where the list of files of a zip archive is too long to be read."""
    with archive.open("rb") as file:
        file.seek(max(archive.stat().st_size - (1 << 16) - 22, 0))
        tail = file.read()
    ends = {tail.rfind(_END), len(tail) - 22} - {-1}
    sizes = [int.from_bytes(tail[end + 12 : end + 16], "little") for end in ends if tail[end : end + 4] == _END]
    if max(sizes, default=0) > MAX_DIRECTORY:
        raise UserError(f"{archive} lists more files than may be, {MAX_FILES:,}; keep what the agent needs")


def _place(folder: Path, name: str, archive: Path, number: int) -> Path:
    """Where an entry goes; UserError for a name that leads elsewhere, and for one entry too many."""
    parts = PurePosixPath(name).parts
    if number >= 2 * MAX_FILES:  # folders count here
        raise UserError(f"{archive} holds more than {MAX_FILES:,} files; keep what the agent needs")
    if ".." in parts or PurePosixPath(name).is_absolute() or len(parts) > MAX_DEPTH or "\0" in name:
        raise UserError(f"{archive}: {name[:80]!r} leads out of the folder, or too deep into it; pack it again")
    return folder.joinpath(*parts)


def _write(source: IO[bytes], target: Path, left: int, archive: Path) -> int:
    """Write a file and return how many bytes are left; UserError where it is larger, or is there twice."""
    if target.exists():
        raise UserError(f"{archive} holds {target.name!r} twice; pack it again")
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("xb") as made:
        while chunk := source.read(_CHUNK):
            left -= len(chunk)
            if left < 0:
                raise UserError(
                    f"{archive} holds more than {MAX_BYTES >> 20:,} MiB, or {MAX_RATIO} times what it takes itself, "
                    f"up to {target.name}; use smaller weights"
                )
            made.write(chunk)
    return left
