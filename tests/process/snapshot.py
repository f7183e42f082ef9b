"""A snapshot of all that belongs to the whole process, and the differences between two.

Only what others could notice: threads that sleep in a pool of OpenMP are not in it, a thread of Python is.
"""

from __future__ import annotations

import contextlib
import ctypes
import decimal
import gc
import locale
import logging
import os
import random
import resource
import signal
import sys
import tempfile
import threading
import warnings
from pathlib import Path
from typing import Any

import gymnasium
import matplotlib as mpl
import numpy as np
import pandas as pd
import torch

LIBC = ctypes.CDLL(None)
LOCALES = ("LC_CTYPE", "LC_COLLATE", "LC_TIME", "LC_MONETARY", "LC_MESSAGES", "LC_NUMERIC")
LIMITS = [name for name in dir(resource) if name.startswith("RLIMIT_")]


def snapshot() -> dict[str, Any]:
    """The state of this process, by the name of what it is."""
    return {**of_torch(), **of_numbers(), **of_the_system(), **of_python()}


def differences(before: dict[str, Any], after: dict[str, Any]) -> dict[str, str]:
    """What is not as it was, shortened."""
    return {name: f"{before[name]!s:.200} -> {after[name]!s:.200}" for name in before if before[name] != after[name]}


def of_torch() -> dict[str, Any]:
    return {
        "torch threads": torch.get_num_threads(),
        "torch threads between operations": torch.get_num_interop_threads(),
        "torch generator": torch.get_rng_state().numpy().tobytes(),
        "torch gradients": torch.is_grad_enabled(),
        "torch inference mode": torch.is_inference_mode_enabled(),
        "torch dtype": torch.get_default_dtype(),
        "torch device": torch.get_default_device(),
        "torch determinism": (
            torch.are_deterministic_algorithms_enabled(),
            torch.backends.cudnn.deterministic,
            torch.backends.cudnn.benchmark,
            torch.get_float32_matmul_precision(),
        ),
        "denormal numbers": bool(torch.tensor(1e-310, dtype=torch.float64) * 1.0 == 0.0),
    }


def of_numbers() -> dict[str, Any]:
    openmp = getattr(LIBC, "omp_get_max_active_levels", None)
    return {
        "OpenMP levels": openmp() if openmp else None,
        "numpy generator": np.random.get_state()[1].tobytes(),  # noqa: NPY002  # what others use
        "numpy errors": np.geterr(),
        "numpy printing": np.get_printoptions(),
        "random generator": hash(random.getstate()),
        "decimal context": str(decimal.getcontext()),
        "pandas options": {name: pd.get_option(name) for name in ("display.width", "display.max_columns")},
        "matplotlib settings": {name: value for name, value in dict.items(mpl.rcParams) if name != "backend"},
    }


def of_the_system() -> dict[str, Any]:
    return {
        "signal handlers": {signal.Signals(each).name: action(each) for each in range(1, 32)},
        "blocked signals": signal.pthread_sigmask(signal.SIG_BLOCK, []),
        "timers": [signal.getitimer(each) for each in (signal.ITIMER_REAL, signal.ITIMER_VIRTUAL, signal.ITIMER_PROF)],
        "locale": {name: locale.setlocale(getattr(locale, name)) for name in LOCALES},
        "affinity": os.sched_getaffinity(0),
        "priority": os.getpriority(os.PRIO_PROCESS, 0),
        "limits": {name: resource.getrlimit(getattr(resource, name)) for name in LIMITS},
        "environment": dict(os.environ),
        "working folder": os.getcwd(),
        "umask": mask(),
        "session": (os.getsid(0), os.getpgid(0)),
        "open files": open_files(),
        "child processes": children(),
        "temporary files": sorted(os.listdir(tempfile.gettempdir())),
    }


def of_python() -> dict[str, Any]:
    root = logging.getLogger()
    return {
        "warnings": list(warnings.filters),
        "search path": list(sys.path),
        "import hooks": list(map(repr, sys.meta_path)),
        "hooks": (
            sys.excepthook,
            sys.unraisablehook,
            threading.excepthook,
            sys.displayhook,
            sys.getprofile(),
            sys.gettrace(),
        ),
        "streams": tuple(map(id, (sys.stdin, sys.stdout, sys.stderr))),
        "recursion limit": sys.getrecursionlimit(),
        "switch interval": sys.getswitchinterval(),
        "garbage collection": (gc.isenabled(), gc.get_threshold()),
        "logging": (root.level, list(root.handlers), logging.root.manager.disable, gymnasium.logger.min_level),
        "threads": sorted(thread.name for thread in threading.enumerate()),
        "signal handlers of Python": {each.name: signal.getsignal(each) for each in signal.Signals},
    }


def action(number: int) -> bytes:
    """The system's handler of a signal, and which signals it holds back; the rest is not written by every system."""
    buffer = ctypes.create_string_buffer(512)
    LIBC.sigaction(number, None, buffer)
    return buffer.raw[:16]


def mask() -> int:
    now = os.umask(0o077)
    os.umask(now)
    return now


def open_files() -> list[str]:
    """What the open descriptors lead to, but for the fonts that matplotlib holds open."""
    found = []
    for name in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):  # the one that lists them has gone again
            found.append(f"{name}: {os.readlink(f'/proc/self/fd/{name}')}")
    return sorted(each for each in found if not each.endswith(".ttf"))


def children() -> list[str]:
    lists = [path.read_text(encoding="ascii").split() for path in Path("/proc/self/task").glob("*/children")]
    return sorted(pid for each in lists for pid in each)
