"""The OpenBLAS that NumPy has loaded, found in the memory of this process."""

from __future__ import annotations

import ctypes
from pathlib import Path
from typing import Any

import numpy as np
import pytest


def openblas() -> Any:
    """The library of NumPy's wheel; skips the test where NumPy has another BLAS."""
    np.ones((2, 2)) @ np.ones((2, 2))
    maps = Path("/proc/self/maps")
    paths = {line.split()[-1] for line in maps.read_text("utf-8").splitlines()} if maps.exists() else set()
    for path in sorted(paths):
        if "numpy.libs" in path and "scipy_openblas64" in path:
            return ctypes.CDLL(path)
    return pytest.skip("NumPy has no OpenBLAS of its own here")


def blas_threads() -> int:
    """On how many threads NumPy multiplies matrices."""
    return int(openblas().scipy_openblas_get_num_threads64_())


def set_blas_threads(count: int) -> None:
    """Let NumPy multiply matrices on so many threads."""
    openblas().scipy_openblas_set_num_threads64_(count)
