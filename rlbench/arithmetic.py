"""Pinned arithmetic: numerical libraries use kernels that every x86-64 CPU with AVX2 has, so that numbers repeat.

NumPy, OpenBLAS, PyTorch, MKL and oneDNN choose kernels by the CPU, and kernels round differently: on a CPU with AVX-512
a robot's episode soon differs from the one on a CPU without. The libraries read what to choose from environment
variables when they are loaded. So the processes of agents are started with these, and a program that trains starts
itself anew with them.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import importlib
import os
import platform
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

from rlbench.process.numerics import openblas

PINNED, NATIVE = "x86-64-avx2", "native"
"""Names of the two arithmetics: the pinned one, and the one that libraries choose by the CPU."""

CHOICE = "RLBENCH_ARITHMETIC"
"""Variable by which a user chooses `native` for training."""

_CPU = {"avx2", "fma", "f16c", "bmi1", "bmi2", "movbe", "abm"}
"""Names in /proc/cpuinfo of what the pinned kernels need: x86-64-v3."""

_OF_NUMPY = {"SSSE3", "SSE41", "POPCNT", "SSE42", "AVX", "F16C", "FMA3", "AVX2", "X86_V2", "X86_V3"}
"""NumPy's names of the features that its kernels may use."""

_FIXED = {
    "OPENBLAS_CORETYPE": "Haswell",
    "ATEN_CPU_CAPABILITY": "avx2",
    "ONEDNN_MAX_CPU_ISA": "AVX2",
    "DNNL_MAX_CPU_ISA": "AVX2",
    # MKL takes its other branches, as AVX2, for "whatever is best" on a CPU that is not Intel's: seen on AMD's.
    "MKL_CBWR": "COMPATIBLE",
}
CONTRADICTING = ("NPY_ENABLE_CPU_FEATURES", "MKL_DEBUG_CPU_TYPE", "MKL_ENABLE_INSTRUCTIONS")
"""Variables that a process with pinned arithmetic must not see."""

_MKL_BRANCH, _MKL_COMPATIBLE = 1, 3  # MKL_CBWR_BRANCH, MKL_CBWR_COMPATIBLE of mkl_types.h

_PACKAGES = ("numpy", "torch", "safetensors")


def describe() -> dict[str, Any]:
    """The arithmetic of agents' processes on this machine, for the header of a record.

    Returns:
        `name`, PINNED or NATIVE; the versions of `numpy`, `torch` and `safetensors`, None where one is not installed;
        and of `libc`, whose exponential and trigonometric functions differ between versions.
    """
    return {"name": name(), **{package: installed_version(package) for package in _PACKAGES}, "libc": _libc()}


def name() -> str:
    """PINNED where this machine has the pinned arithmetic, so that agents' processes run under it, else NATIVE."""
    return PINNED if variables() else NATIVE


def variables() -> dict[str, str]:
    """The environment variables of a process with pinned arithmetic; none where this machine cannot have it."""
    if not _has_kernels():
        return {}
    beyond = [each for each in _umath().__cpu_dispatch__ if each not in _OF_NUMPY]
    # NumPy warns of an empty list, and of names that it does not know.
    return _FIXED | ({"NPY_DISABLE_CPU_FEATURES": " ".join(beyond)} if beyond else {})


def wanted() -> dict[str, str]:
    """`variables`, for a process that trains; none where the user has chosen the native arithmetic."""
    return variables() if os.environ.get(CHOICE) != NATIVE else {}


def current() -> str:
    """The arithmetic of this very process: PINNED where every library that is loaded has taken it, else NATIVE."""
    return PINNED if variables() and not list(deviations()) else NATIVE


def deviations() -> Iterator[str]:
    """What in this process is not as pinned, in words: variables, and what the libraries say that they have chosen."""
    for variable, value in variables().items():
        if (found := os.environ.get(variable)) != value:
            yield f"{variable} is {found!r} instead of {value!r}"
    used = [each for each in _umath().__cpu_dispatch__ if each not in _OF_NUMPY and _umath().__cpu_features__[each]]
    if used:
        yield f"NumPy uses {', '.join(used)}"
    if (kernel := _openblas_text("get_corename")) != _FIXED["OPENBLAS_CORETYPE"]:
        yield f"OpenBLAS has the kernels of {kernel}"
    if (torch := sys.modules.get("torch")) is None:
        return
    if (capability := torch.backends.cpu.get_cpu_capability()) != "AVX2":
        yield f"PyTorch has the kernels of {capability}"
    if (branch := _mkl_branch(torch)) not in (_MKL_COMPATIBLE, None):
        yield f"MKL_CBWR has not been taken, but branch {branch}"


def start_anew() -> None:
    """Start this program anew under the pinned arithmetic, in the same process; nothing where that cannot be.

    It has it already, or RLBENCH_ARITHMETIC is `native`, or the machine has none, or Python was not started for a file
    or a module: what came from a terminal or through a pipe cannot be read again.
    """
    pinned = wanted()
    program = getattr(sys.modules["__main__"], "__file__", None)
    if not pinned or program is None or not os.path.isfile(program) or pinned.items() <= os.environ.items():
        return
    environment = {each: os.environ[each] for each in os.environ if each not in CONTRADICTING} | pinned
    with contextlib.suppress(OSError):  # then it goes on, natively
        os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], environment)


@functools.cache
def _has_kernels() -> bool:
    """Whether CPU, system and NumPy's BLAS have the pinned kernels, and let them be chosen."""
    if sys.platform != "linux" or platform.machine() != "x86_64":
        return False
    return _cpu_features() >= _CPU and "DYNAMIC_ARCH" in _openblas_text("get_config")


def _cpu_features() -> set[str]:
    """The features of this machine's CPU, by the names of the kernel."""
    with contextlib.suppress(OSError), Path("/proc/cpuinfo").open(encoding="utf-8", errors="replace") as lines:
        for line in lines:
            if line.startswith("flags"):
                return set(line.split())
    return set()


def _umath() -> Any:
    """NumPy's module that knows which kernels there are and which are in use."""
    try:
        return importlib.import_module("numpy._core._multiarray_umath")
    except ImportError:  # before NumPy 2
        return importlib.import_module("numpy.core._multiarray_umath")


def _openblas_text(function: str) -> str:
    """What a function of NumPy's OpenBLAS says; empty where NumPy has another BLAS."""
    call = openblas(function)
    if call is None:
        return ""
    call.restype = ctypes.c_char_p
    return (call() or b"").decode("ascii", "replace")


def _mkl_branch(torch: Any) -> int | None:
    """The branch of MKL that PyTorch computes with; None where it has no MKL, or does not show it."""
    library = Path(torch.__file__).parent / "lib" / "libtorch_cpu.so"
    with contextlib.suppress(OSError, AttributeError):
        return int(ctypes.CDLL(str(library)).mkl_serv_cbwr_get(_MKL_BRANCH))
    return None


@functools.cache
def installed_version(package: str) -> str | None:
    """The version of a package that this process finds first, None where it is not installed."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _libc() -> str | None:
    """Name and version of the C library, such as `glibc 2.36`; None where the system does not say."""
    with contextlib.suppress(AttributeError, OSError, ValueError):
        return os.confstr("CS_GNU_LIBC_VERSION")
    return None
