"""How much of the machine an agent's process may use: limits by the kernel, and what its parent looks after.

Source: getrlimit(2), proc_pid_status(5).
"""

from __future__ import annotations

import contextlib
import errno
import itertools
import math
import os
import stat
import time
from dataclasses import dataclass, replace
from pathlib import Path

MIB = 1 << 20


@dataclass(frozen=True)
class Caps:
    """What one agent's process may use at most."""

    memory: int = 2048 * MIB
    """Bytes of resident memory that no file backs."""

    address_space: int | None = 8192 * MIB
    """Bytes of virtual memory, where that is limited: torch takes 3.1 GiB before it computes anything."""

    threads: int = 64
    files: int = 1000
    """Files and folders in its scratch folder."""

    file_bytes: int = 64 * MIB
    """Size of one file."""

    scratch_bytes: int = 128 * MIB
    """Size of all files together."""

    descriptors: int = 256

    processor_seconds: int | None = None
    """Time of all its threads together, also between calls, when the harness needs the processor; None for no limit."""


CPU = Caps()

CUDA = Caps(memory=16384 * MIB, address_space=None, threads=256, descriptors=1024)
"""With a GPU: the driver reserves address space as large as the memory of all cards and the machine."""


def within_time(caps: Caps, seconds: float) -> Caps:
    """Limits with as much processor time as all cores together give in so many seconds, and one second more.

    None are added where an agent may take for ever: a player of Go is loaded for any number of games.
    """
    if math.isinf(seconds):
        return caps
    return replace(caps, processor_seconds=int(seconds * (os.cpu_count() or 1)) + 1)


def limit_process(caps: Caps, own_user: bool) -> None:
    """Set the kernel's limits of this process, for good where it is not root.

    Args:
        caps: What it may use.
        own_user: Whether no other process belongs to its user: the limit of threads counts all of a user's.
    """
    import resource  # only on Unix

    limits = {
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_FSIZE: caps.file_bytes,
        resource.RLIMIT_NOFILE: caps.descriptors,
        resource.RLIMIT_MEMLOCK: MIB,
        resource.RLIMIT_MSGQUEUE: 0,
        resource.RLIMIT_SIGPENDING: 1024,
    }
    if caps.address_space is not None:
        limits[resource.RLIMIT_AS] = caps.address_space
        limits[resource.RLIMIT_DATA] = caps.memory + 1024 * MIB  # misses shared memory, which the watchdog sees
    if caps.processor_seconds is not None:
        limits[resource.RLIMIT_CPU] = caps.processor_seconds
    if own_user:
        limits[resource.RLIMIT_NPROC] = caps.threads
    for kind, value in limits.items():
        _, hard = resource.getrlimit(kind)
        lowest = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(kind, (lowest, lowest))


class Watchdog:
    """Looks after what the kernel's limits miss: resident memory, threads, and what is in the scratch folder.

    Args:
        pid: The process.
        folder: Its scratch folder.
        caps: What it may use.
    """

    SECONDS, SECONDS_OF_FOLDER = 0.05, 0.5
    """Between two looks at the process, and at the folder, which takes longer."""

    def __init__(self, pid: int, folder: str, caps: Caps) -> None:
        self._status, self._folder, self._caps = Path(f"/proc/{pid}/status"), folder, caps
        self._folder_at = 0.0

    def excess(self) -> tuple[str, str] | None:
        """The status of an agent that uses more than it may, and what in words; None for one that does not."""
        used = self._used()
        memory = sum(used.get(name, 0) for name in ("RssAnon", "RssShmem")) << 10
        if memory > self._caps.memory:
            return "oom", f"used {memory // MIB:,} MiB of memory; {self._caps.memory // MIB:,} are allowed"
        if used.get("Threads", 0) > self._caps.threads:
            return "crash", f"ran {used['Threads']:,} threads; {self._caps.threads} are allowed"
        if time.monotonic() < self._folder_at + self.SECONDS_OF_FOLDER:
            return None
        self._folder_at = time.monotonic()
        return self._excess_of_files()

    def _used(self) -> dict[str, int]:
        """The lines of the process's status that are numbers; none once it is dead."""
        with contextlib.suppress(OSError):
            lines = [line.split() for line in self._status.read_text(encoding="utf-8", errors="replace").splitlines()]
            return {line[0][:-1]: int(line[1]) for line in lines if line[0] in ("RssAnon:", "RssShmem:", "Threads:")}
        return {}

    def _excess_of_files(self) -> tuple[str, str] | None:
        """Whether there are too many files, or too large ones; never looks at more than there may be."""
        files, size, folders = 0, self._bytes_of_unlinked_files() + self._bytes_of_mapped_files(), [self._folder]
        while folders:
            try:
                with os.scandir(folders.pop()) as listing:
                    entries = list(itertools.islice(listing, self._caps.files + 1))
            except OSError as error:
                if error.errno == errno.ENAMETOOLONG:
                    return "crash", "made folders in folders that are too deep to look into"
                if error.errno == errno.EACCES:
                    return "crash", "made a folder that nobody can look into"
                continue  # removed meanwhile
            files += len(entries)
            if files > self._caps.files:
                return "crash", f"made more than {self._caps.files:,} files in its folder, as many as may be"
            folders += [each.path for each in entries if each.is_dir(follow_symlinks=False)]
            size += sum(_bytes(each.path) for each in entries)
        if size > self._caps.scratch_bytes:
            return "crash", f"wrote {size // MIB:,} MiB to its folder; {self._caps.scratch_bytes // MIB:,} are allowed"
        return None

    def _bytes_of_unlinked_files(self) -> int:
        """Size of the files that it holds open without a name, as far as this process may see them."""
        try:
            names = os.listdir(self._status.with_name("fd"))
        except OSError:
            return 0
        return sum(_bytes(str(self._status.with_name("fd") / name), unlinked=True) for name in names)

    def _bytes_of_mapped_files(self) -> int:
        """Size of the files without a name of which it has mapped a part, whether they are open or not.

        Where their size is not told, as only to root, each counts as much as a file may have.
        """
        try:
            lines = self._status.with_name("maps").read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            return 0
        mappings = [line.split(maxsplit=5) for line in lines if line.endswith("(deleted)") and self._folder in line]
        spans = {inode: span for span, _, _, _, inode, _ in mappings}
        return sum(self._bytes_of_mapping(span) for span in spans.values())

    def _bytes_of_mapping(self, span: str) -> int:
        try:
            return os.stat(self._status.with_name("map_files") / span).st_blocks * 512
        except PermissionError:
            return self._caps.file_bytes
        except OSError:  # unmapped meanwhile
            return 0


def _bytes(path: str, unlinked: bool = False) -> int:
    """What a file takes on the disk; 0 for one that has gone, and where only those without a name count, for others.

    Args:
        path: Of the file, or of a descriptor in /proc.
        unlinked: Whether a file counts only without a name.
    """
    try:
        found = os.stat(path, follow_symlinks=unlinked)
    except OSError:
        return 0
    return 0 if unlinked and (found.st_nlink or not stat.S_ISREG(found.st_mode)) else found.st_blocks * 512
