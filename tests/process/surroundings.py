"""Surroundings that a program may be started in, and that its author's machine does not have."""

from __future__ import annotations

import ctypes
import os
import resource
import shutil
import signal
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

UNKNOWN_USER = 54321
CLONE_NEWUSER = 0x10000000


@dataclass(frozen=True)
class Surroundings:
    """How a program is started.

    Args:
        variables: Environment variables that differ; None for one that is not set. `{folder}` is a folder for the test.
        before: Called in the child before the program begins, with that folder.
        needed: What the machine must have.
        refused: Names of the commands that are refused here, with exit code 2 and in one line.
    """

    variables: Mapping[str, str | None] = field(default_factory=dict)
    before: Callable[[Path], object] = lambda folder: None
    needed: Callable[[], bool] = lambda: True
    refused: tuple[str, ...] = ()


def become_unknown(folder: Path) -> None:
    """A user without a name, in a namespace of users of its own; its rights to files stay."""
    user, group = os.getuid(), os.getgid()
    if ctypes.CDLL(None).unshare(CLONE_NEWUSER):
        raise OSError("no namespace")
    Path("/proc/self/setgroups").write_text("deny", encoding="ascii")
    Path("/proc/self/uid_map").write_text(f"{UNKNOWN_USER} {user} 1", encoding="ascii")
    Path("/proc/self/gid_map").write_text(f"{UNKNOWN_USER} {group} 1", encoding="ascii")


def can_become_unknown() -> bool:
    """Whether this system lets its users have namespaces."""
    try:
        subprocess.run(["true"], preexec_fn=lambda: become_unknown(Path()), check=True)
    except (OSError, subprocess.SubprocessError):
        return False
    return True


def cut_off(folder: Path) -> None:
    """The working folder is deleted."""
    gone = folder / f"gone{os.getpid()}"
    gone.mkdir()
    os.chdir(gone)
    gone.rmdir()


def limit(name: str, value: int) -> Callable[[Path], object]:
    return lambda folder: resource.setrlimit(getattr(resource, name), (value, value))


def ignore(*names: str) -> Callable[[Path], object]:
    return lambda folder: [signal.signal(getattr(signal, name), signal.SIG_IGN) for name in names]


def block_all(folder: Path) -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())


def german(folder: Path) -> Path:
    """A folder of locales that has German, whose numbers have commas."""
    locales = folder / "locales"
    if not locales.exists():
        locales.mkdir()
        subprocess.run(
            ["localedef", "-i", "de_DE", "-f", "UTF-8", str(locales / "de_DE.UTF-8")], capture_output=True, check=False
        )
    return locales


NO_TERMINAL = {"TERM": None, "COLUMNS": "0", "LINES": "0"}
SURROUNDINGS = {
    "SIGCHLD ignored": Surroundings(before=ignore("SIGCHLD")),
    "SIGPIPE and SIGHUP ignored": Surroundings(before=ignore("SIGPIPE", "SIGHUP", "SIGTERM")),
    "every signal blocked": Surroundings(before=block_all),
    "standard input closed": Surroundings(before=lambda folder: os.close(0)),
    "standard error closed": Surroundings(before=lambda folder: os.close(2)),
    "all standard streams closed": Surroundings(before=lambda folder: os.closerange(0, 3)),
    "no home": Surroundings({"HOME": None, "USER": None, "LOGNAME": None, "XDG_CACHE_HOME": None}),
    "a home that is not there": Surroundings({"HOME": "/nowhere/at/all", "XDG_CONFIG_HOME": None}),
    "an unknown user without a home": Surroundings(
        {"HOME": None, "USER": None, "LOGNAME": None, "XDG_CACHE_HOME": None, "RLBENCH_CACHE": None},
        become_unknown,
        can_become_unknown,
    ),
    "German": Surroundings(
        {"LC_ALL": "de_DE.UTF-8", "LOCPATH": "{folder}/locales"}, needed=lambda: shutil.which("localedef") is not None
    ),
    "ASCII": Surroundings({"LC_ALL": "C", "LANG": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}),
    "output in ASCII": Surroundings({"PYTHONIOENCODING": "ascii"}),
    "a locale that is not there": Surroundings({"LC_ALL": "xx_YY.UTF-8", "LANG": "xx_YY.UTF-8"}),
    "a notebook's matplotlib": Surroundings({"MPLBACKEND": "module://matplotlib_inline.no_backend"}),
    "matplotlib without a folder": Surroundings({"MPLCONFIGDIR": "/proc/nowhere", "XDG_CONFIG_HOME": "/proc/nowhere"}),
    "optimised Python": Surroundings({"PYTHONOPTIMIZE": "2"}),
    "no bytecode": Surroundings({"PYTHONDONTWRITEBYTECODE": "1", "PYTHONNODEBUGRANGES": "1", "PYTHONSAFEPATH": "1"}),
    "warnings are errors": Surroundings({"PYTHONWARNINGS": "error"}),
    "no user site": Surroundings({"PYTHONNOUSERSITE": "1", "PYTHONUSERBASE": "/nowhere"}),
    "a relative search path": Surroundings({"PYTHONPATH": "here:.:"}),
    "a hash seed": Surroundings({"PYTHONHASHSEED": "7", "PYTHONMALLOC": "debug", "PYTHONFAULTHANDLER": "1"}),
    "a temporary folder with blanks": Surroundings({"TMPDIR": "{folder}/with blanks and \udce4 bytes"}),
    "a temporary folder that is not there": Surroundings({"TMPDIR": "/nowhere"}),
    "the working folder deleted": Surroundings(before=cut_off, refused=("train", "train by torch", "doctor")),
    "a working folder that cannot be written": Surroundings(before=lambda folder: os.chdir("/proc")),
    "a cache that cannot be written": Surroundings({"RLBENCH_CACHE": "/proc/cache", "NUMBA_CACHE_DIR": "/proc/numba"}),
    "umask 0": Surroundings(before=lambda folder: os.umask(0)),
    "a narrow umask": Surroundings(before=lambda folder: os.umask(0o077)),
    "OpenMP bogus": Surroundings({"OMP_NUM_THREADS": "bogus", "MKL_NUM_THREADS": "", "OMP_PLACES": "bogus"}),
    "OpenMP of one thread": Surroundings({"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}),
    "Numba of one thread": Surroundings({"NUMBA_NUM_THREADS": "1", "NUMBA_THREADING_LAYER": "workqueue"}),
    "Numba without a threading layer": Surroundings({"NUMBA_THREADING_LAYER": "tbb"}),
    "one core": Surroundings(before=lambda folder: os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})),
    "64 open files": Surroundings(before=limit("RLIMIT_NOFILE", 64)),
    "no core files": Surroundings(before=limit("RLIMIT_CORE", 0)),
    "a low priority": Surroundings(before=lambda folder: os.nice(5)),
    "an odd time zone": Surroundings({"TZ": ":/nowhere/Zone", "SOURCE_DATE_EPOCH": "0"}),
    "no columns": Surroundings({"COLUMNS": "0", "LINES": "0"}),
    "one column": Surroundings({"COLUMNS": "1"}),
    "columns bogus": Surroundings({"COLUMNS": "many", "LINES": "-1"}),
    "no terminal": Surroundings({"TERM": None}),
    "a dumb terminal": Surroundings({"TERM": "dumb", "NO_COLOR": "1"}),
    "colours": Surroundings({"FORCE_COLOR": "1", "TERM": "xterm-256color", "CLICOLOR_FORCE": "1"}),
    "a display that does not answer": Surroundings({"DISPLAY": ":987", "WAYLAND_DISPLAY": "nowhere-0"}),
    "OpenGL bogus": Surroundings({"MUJOCO_GL": "bogus", "PYOPENGL_PLATFORM": "bogus"}),
    "git elsewhere": Surroundings({"GIT_DIR": "/nowhere", "GIT_WORK_TREE": "/nowhere", "PATH": "/nowhere"}),
    "nothing set": Surroundings(
        {"PATH": None, "HOME": None, "LANG": None, "LC_ALL": None, "TERM": None, "TMPDIR": None}
    ),
}
