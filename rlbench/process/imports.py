"""Libraries whose import would move the generator of `random` or change the warning filters."""

from __future__ import annotations

import importlib
import random
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rlbench.process.termination import raise_if_terminated


@contextmanager
def random_generator() -> Iterator[None]:
    """The global generator of `random` is afterwards as it was."""
    before = random.getstate()
    try:
        yield
    finally:
        random.setstate(before)


def import_library(name: str) -> Any:
    """A library's module, whose import leaves the global generator of `random` and the warning filters as they were.

    Terminated is raised where a signal has come meanwhile: an import may make an ImportError of it.
    """
    if name in sys.modules:
        return importlib.import_module(name)  # waits where another thread is importing it
    try:
        with random_generator(), warnings.catch_warnings():
            return importlib.import_module(name)
    finally:
        raise_if_terminated()
