"""Child processes: what they inherit, temporary folders for them, and what a fork must be told.

A helper program starts from stated environment variables, in a folder that is removed however this process ends. A
process that is forked has none of the threads that libraries believe in.
"""

from __future__ import annotations

import contextlib
import ctypes
import fnmatch
import functools
import os
import shutil
import sys
import tempfile
import time
import weakref
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from rlbench.process.termination import cleaning_up, termination

INHERITED = (
    *("PATH", "HOME", "USER", "LOGNAME", "TMPDIR", "TZ", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SYSTEMROOT"),
    *("PYTHONHOME", "PYTHONPATH", "PYTHONUSERBASE", "PYTHONNOUSERSITE", "PYTHONPYCACHEPREFIX"),
    *("CUDA_HOME", "CUDA_VISIBLE_DEVICES", "NVIDIA_VISIBLE_DEVICES", "NVIDIA_DRIVER_CAPABILITIES"),
    *("MUJOCO_GL", "PYOPENGL_PLATFORM", "EGL_PLATFORM", "LIBGL_ALWAYS_SOFTWARE", "GALLIUM_DRIVER"),
    *("DISPLAY", "WAYLAND_DISPLAY", "XAUTHORITY", "XDG_RUNTIME_DIR", "XDG_CACHE_HOME"),
    *("RLBENCH_*", "SDL_*", "NUMBA_*", "IMAGEIO_*"),
)
"""Variables that a helper program may see; `*` stands for any end of a name."""


def child_environment(inherited: Iterable[str] = INHERITED, **changes: str | None) -> dict[str, str]:
    """The environment variables of a helper program or child process: a stated list, so that nothing else decides.

    Text is UTF-8 and numbers have points, whatever the locale of this process.

    Args:
        inherited: The variables that it sees as this process does, by name; `*` stands for any end.
        **changes: Variables to set besides; None leaves one out.
    """
    patterns = list(inherited)
    kept = {name: os.environ[name] for name in os.environ if any(fnmatch.fnmatchcase(name, each) for each in patterns)}
    if "PYTHONPATH" in kept:
        kept["PYTHONPATH"] = _absolute(kept["PYTHONPATH"])
    stated = {"LANG": "C.UTF-8", "LC_ALL": "C.UTF-8", "PYTHONUTF8": "1", **kept, **changes}
    return {name: value for name, value in stated.items() if value is not None}


def search_path() -> list[str]:
    """This process's `sys.path`, absolute: a child may have another working folder."""
    folders = []
    for each in sys.path:
        with contextlib.suppress(FileNotFoundError):  # this working folder is deleted
            folders += [os.path.abspath(each)] if isinstance(each, str) else []  # Python looks in nothing else
    return folders


def _absolute(path: str) -> str:
    """A search path that holds in any working folder, without the folders that this process cannot find."""
    folders = []
    for folder in path.split(os.pathsep):
        with contextlib.suppress(FileNotFoundError):  # the working folder has been deleted
            folders.append(os.path.abspath(folder))
    return os.pathsep.join(folders)


TEMPORARY = "rlbench-tmp-"
SECONDS_TO_REMOVE = 30.0


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """An empty folder that is removed at the end, also when the end is SIGTERM.

    After `kill -9` the next process that makes one removes it: a lock on the folder says whether its process lives.
    """
    with termination():
        remove_leftovers()
        folder, lock = _locked_folder()
        try:
            yield folder
        finally:
            with cleaning_up():
                remove_folder(folder)
                if lock is not None:
                    os.close(lock)


def _locked_folder() -> tuple[Path, int | None]:
    """A new folder, and the descriptor that keeps it locked; None where nothing can be locked.

    Another process may take it for a leftover before it is locked, and remove it; then another one is made.
    """
    while True:
        folder = Path(tempfile.mkdtemp(prefix=TEMPORARY))
        with contextlib.suppress(FileNotFoundError, BlockingIOError):
            lock = _lock(folder)
            if lock is None or folder.exists():
                return folder, lock
            os.close(lock)


def remove_folder(folder: Path) -> None:
    """Remove a folder with all that is in it, also folders in folders by the thousand, and closed ones; no errors."""
    with contextlib.suppress(RecursionError):
        shutil.rmtree(folder, ignore_errors=True)
    if os.path.lexists(folder) and hasattr(os, "O_DIRECTORY"):  # Windows opens no folders
        with contextlib.suppress(OSError):
            _remove_deep(folder)


def _remove_deep(folder: Path) -> None:
    """Remove a folder by moving each folder that is found in it to its top, so that no path grows long."""
    top = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    deadline = time.monotonic() + SECONDS_TO_REMOVE
    try:
        left, token, number = ["."], os.urandom(8).hex(), 0  # a name that nobody has foreseen
        while left and time.monotonic() < deadline:
            current = os.open(left.pop(), os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=top)
            try:
                for entry in list(os.scandir(current)):
                    if not entry.is_dir(follow_symlinks=False):
                        os.unlink(entry.name, dir_fd=current)
                    else:
                        os.chmod(entry.name, 0o700, dir_fd=current)
                        number += 1
                        left.append(f"{token}{number}")
                        os.rename(entry.name, left[-1], src_dir_fd=current, dst_dir_fd=top)
            finally:
                os.close(current)
    finally:
        os.close(top)
    shutil.rmtree(folder, ignore_errors=True)  # the folders at the top are empty now


@functools.cache
def remove_leftovers() -> None:
    """Remove the temporary folders of processes of this user that were killed; once per process."""
    for folder in Path(tempfile.gettempdir()).glob(f"{TEMPORARY}*"):
        with contextlib.suppress(OSError):
            mine = hasattr(os, "getuid") and folder.lstat().st_uid == os.getuid()
            lock = _lock(folder) if mine and not folder.is_symlink() else None
            if lock is not None:
                remove_folder(folder)
                os.close(lock)


def _lock(folder: Path) -> int | None:
    """Descriptor that keeps a folder locked while it is open; None where nothing can be locked.

    Raises:
        BlockingIOError: Another process has locked it.
    """
    try:
        import fcntl  # only on Unix
    except ImportError:
        return None
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        if isinstance(error, BlockingIOError):
            raise
        return None
    return descriptor


FORKED_WITHOUT_EXEC = 0x40  # PF_FORKNOEXEC of Linux, in the ninth field of /proc/self/stat
_forked: list[bool] = []  # empty while it is not known


def is_forked() -> bool:
    """Whether this process is a copy of another made by fork: threads that libraries believe in have not come along."""
    if not _forked:
        try:
            flags = int(Path("/proc/self/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[6])
        except (OSError, ValueError, IndexError):
            flags = 0
        _forked.append(bool(flags & FORKED_WITHOUT_EXEC))
    return _forked[0]


class SurvivesFork(Protocol):
    """An object whose threads or child processes a forked process must do without."""

    def after_fork(self) -> None:
        """Called in the forked process, before anything else there."""


_survivors: weakref.WeakSet[SurvivesFork] = weakref.WeakSet()


def call_after_fork(survivor: SurvivesFork) -> None:
    """Call `after_fork` of this object, for as long as it lives, in every process that is forked from this one."""
    _survivors.add(survivor)


def never_delete(library_object: object) -> None:
    """Keep an object for ever: to delete it would wait for its threads, which have not come along."""
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(library_object))


def _after_fork() -> None:
    _forked[:] = [True]
    for survivor in list(_survivors):
        survivor.after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
