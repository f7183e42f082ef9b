"""The settings of Numba under which our code is compiled, whatever the environment says for other code."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from typing import Any

from rlbench import process
from rlbench.errors import UserError

STATED = {
    "NUMBA_DISABLE_JIT": "0",  # the generated text is no Python: it holds an intrinsic
    "NUMBA_OPT": "3",  # these decide what machine code is, and the names in the cache do not tell them
    "NUMBA_BOUNDSCHECK": "0",
    "NUMBA_DEBUGINFO": "0",
}


def check_thread_count() -> None:
    """Refuse, before Numba is imported, a number of threads that it cannot start with.

    Raises:
        UserError: NUMBA_NUM_THREADS is not a positive integer.
    """
    asked = os.environ.get("NUMBA_NUM_THREADS", "1")
    if not (asked.strip().isdecimal() and int(asked) > 0):
        raise UserError(f"NUMBA_NUM_THREADS is {asked!r}, not a number of threads; set it to 1 or more, or unset it")


def _state() -> Callable[[], Any]:
    check_thread_count()
    stack = contextlib.ExitStack()
    stack.enter_context(process.environment(**{name: STATED[name] for name in STATED if name in os.environ}))
    from numba.core import config

    config.reload_config()
    before, config.DISABLE_JIT = config.DISABLE_JIT, 0  # a program or a file may have set it, too

    def undo() -> None:
        config.DISABLE_JIT = before
        stack.close()
        config.reload_config()  # from the environment, where we have changed that

    return undo


numba_settings = process.SharedScope(_state)
"""Numba compiles by our settings inside, and by the caller's afterwards."""
