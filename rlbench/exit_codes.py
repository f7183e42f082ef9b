"""Exit codes: which one a command ends with, by the exception that ended it, and the line that says why."""

from __future__ import annotations

import sys

from rlbench.errors import HarnessError, UserError, one_line

OURS = ("rlbench", "baselines")
EXTRAS = {
    **dict.fromkeys(("torch", "tensorboard"), "rlbench[baselines]"),
    **dict.fromkeys(("pygame", "imageio_ffmpeg"), "rlbench[play]"),
    **{"PIL": "pillow", "ale_py": "rlbench[atari]", "mujoco": "rlbench[mujoco]"},
}
"""Package -> what installs it, where that is not the package of the same name."""

OURS_TO_HANDLE = (ConnectionError, ChildProcessError, ProcessLookupError, InterruptedError)
"""Errors of the system about processes that rlbench itself has started."""

MEMORY = ("out of memory", "can't allocate memory", "cannot allocate memory", "unable to allocate", "failed to map")
"""Words of libraries that got no memory, or could not be loaded for want of it."""


def exit_code(error: Exception) -> tuple[int, str]:
    """The exit code of a command that ended in an exception, and the line that says why.

    Returns:
        2 for a mistake of the user and for what the surroundings lack: a package, memory, room on a disk, a right;
        3 for a fault of rlbench.
    """
    if isinstance(error, UserError):
        return 2, f"error: {one_line(error)}"
    if isinstance(error, HarnessError):
        return 3, f"harness fault: {one_line(error)}"
    lacking = lacked(error)
    if lacking is not None:
        return 2, f"error: {lacking}"
    return 3, "this is a fault of rlbench, not yours; please report the lines above"


def lacked(error: Exception) -> str | None:
    """What the surroundings lack, where an exception says so; None for any other exception."""
    missing = getattr(sys.modules.get("gymnasium.error"), "DependencyNotInstalled", ())
    if isinstance(error, missing):
        return one_line(error)
    of_library = isinstance(error, RuntimeError | ImportError)
    if isinstance(error, MemoryError) or (of_library and any(words in str(error).lower() for words in MEMORY)):
        return f"out of memory{one_line(error) and f' ({one_line(error)})'}; use fewer or smaller things at once"
    if isinstance(error, ImportError):
        return not_importable(error)
    if isinstance(error, RuntimeError) and "can't start new thread" in str(error):
        return "can't start new thread; raise the limit of processes (ulimit -u)"
    if isinstance(error, OSError) and error.strerror and not isinstance(error, OURS_TO_HANDLE):
        names = " and ".join(repr(str(name)) for name in (error.filename, error.filename2) if name is not None)
        return f"{names or 'the system'}: {error.strerror}"
    return None


def not_importable(error: ImportError) -> str | None:
    """What to install for an import that failed; None where a module of ours is the one that is missing."""
    package = (error.name or "").partition(".")[0]
    if not package or package in OURS:
        return None
    if isinstance(error, ModuleNotFoundError) and "." not in str(error.name):
        return f'{package} is not installed; pip install "{EXTRAS.get(package, package)}"'
    return f"{error.name} cannot be imported: {one_line(error)}; install {package}, or what it needs, again"
