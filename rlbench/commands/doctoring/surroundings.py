"""The surroundings of a command: home, temporary folder, locale, terminal, cores and threads, arithmetic, limits.

rlbench works in all of these, or says in one line why it cannot; here stands what it found, and what would be better.
"""

from __future__ import annotations

import locale
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from rlbench import arithmetic
from rlbench.commands.doctoring.check import Check

MIN_ROOM = 100 << 20  # bytes for temporary files: a submission, a film
MIN_FILES = 256  # open files
THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")


def check_home() -> Check:
    """Whether there is a home folder that can be written: caches lie there unless RLBENCH_CACHE says where."""
    try:
        home = Path.home()
    except RuntimeError as error:
        return Check("home", "warn", str(error), "set HOME to a folder that can be written, or RLBENCH_CACHE")
    if not home.is_dir() or not os.access(home, os.W_OK | os.X_OK):
        return Check("home", "warn", f"cannot be written: {home}", "set HOME to a folder of yours, or RLBENCH_CACHE")
    return Check("home", "ok", str(home))


def check_temporary_folder() -> Check:
    """Whether temporary files can be written, and whether there is room for them."""
    advice = "set TMPDIR to a folder that can be written"
    try:
        folder = tempfile.gettempdir()
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(bytes(4096))
            file.flush()
        free = shutil.disk_usage(folder).free
    except OSError as error:
        return Check("temporary files", "fail", str(error), advice)
    found = f"{folder}, {free >> 20:,} MiB free"
    return Check("temporary files", "warn" if free < MIN_ROOM else "ok", found, advice if free < MIN_ROOM else "")


def check_locale() -> Check:
    """Which locale there is, and how it writes numbers; libraries that read them are given the C locale."""
    name = next((os.environ[each] for each in ("LC_ALL", "LC_NUMERIC", "LANG") if os.environ.get(each)), "C")
    before = locale.setlocale(locale.LC_NUMERIC)
    try:
        locale.setlocale(locale.LC_NUMERIC, "")
        point = str(locale.localeconv()["decimal_point"])
    except locale.Error:
        return Check("locale", "warn", f"{name} is not installed", "export LC_ALL=C.UTF-8")
    finally:
        locale.setlocale(locale.LC_NUMERIC, before)
    return Check("locale", "ok", name if point == "." else f"{name}, decimal {point!r}; rlbench reads and writes '.'")


def check_terminal() -> Check:
    """How text is written on standard output."""
    encoding = getattr(sys.stdout, "encoding", None) or "none"
    if encoding.lower().replace("-", "") != "utf8":
        return Check("terminal", "warn", f"{encoding}: lines and signs are replaced by ASCII", "export PYTHONUTF8=1")
    return Check("terminal", "ok", encoding)


def check_cores() -> Check:
    """How many cores this process may use, and what the environment says of threads."""
    there = os.cpu_count() or 1
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else there
    given = {name: os.environ[name] for name in THREAD_VARIABLES if name in os.environ}
    found = ", ".join([f"{usable} of {there}", *(f"{name}={value}" for name, value in given.items())])
    if wrong := [name for name, value in given.items() if not value.isdecimal() or int(value) < 1]:
        return Check("cores", "warn", found, f"unset {' '.join(wrong)}, or give a number of threads")
    return Check("cores", "ok", found)


def check_arithmetic() -> Check:
    """Which library multiplies matrices for NumPy, and the arithmetic of agents and of training."""
    config = np.show_config(mode="dicts")
    blas = config["Build Dependencies"]["blas"] if config else {}
    found = f"NumPy {np.__version__} with {blas.get('name', 'no BLAS')} {blas.get('version', '')}".strip()
    kernel = os.environ.get("OPENBLAS_CORETYPE")
    found = f"{found}, OPENBLAS_CORETYPE={kernel}" if kernel else found
    if (name := arithmetic.name()) == arithmetic.NATIVE:
        return Check("arithmetic", "ok", f"{found}; agents and training: native, as this CPU has it")
    return Check("arithmetic", "ok", f"{found}; agents and training: {name}")


def check_limits() -> Iterator[Check]:
    """What the process that started this one has limited or switched off; nothing where that is all as usual."""
    if sys.platform == "win32":
        return
    import resource

    files = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if files != resource.RLIM_INFINITY and files < MIN_FILES:
        yield Check("limits", "warn", f"{files} open files", f"ulimit -n {MIN_FILES}")
    if signal.getsignal(signal.SIGCHLD) is signal.SIG_IGN:
        yield Check("signals", "ok", "SIGCHLD is ignored; rlbench's own processes begin with the default")
