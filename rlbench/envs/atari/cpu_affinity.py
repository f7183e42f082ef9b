"""CPU affinity: two threads that take turns run on one core.

A single game is emulated in a thread of ale-py's, for which the caller waits. The two never run at once, so that a
second core gains nothing; yet the scheduler wakes the sleeper on a core that idles, which takes a seventh of a step.
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

TASKS = Path("/proc/self/task")


def threads_of_process() -> set[int]:
    """The threads of this process; empty on systems that do not list them."""
    return {int(task.name) for task in TASKS.iterdir()} if TASKS.exists() else set()


def on_one_core(helpers: Iterable[int], work: Callable[..., Any]) -> Callable[..., Any]:
    """A function that does the work with the calling thread and its helper on one core.

    Args:
        helpers: The threads that `work` waits for; unless there is exactly one, `work` is returned as it is.
        work: Called with the caller's affinity restricted to its current core, which is restored afterwards.

    Returns:
        The function; `work` itself where the system has no thread affinity.
    """
    known = list(helpers)
    if len(known) != 1 or not sys.platform.startswith("linux"):
        return work
    helper, place = known[0], -1
    here: Callable[[], int] = ctypes.CDLL(None).sched_getcpu

    def together(*arguments: Any) -> Any:
        nonlocal place
        allowed, core = os.sched_getaffinity(0), here()
        try:
            os.sched_setaffinity(0, {core})
            if core != place:
                os.sched_setaffinity(helper, {core})
                place = core
        except OSError:  # not permitted, or the core was taken away between two lines
            return work(*arguments)
        try:
            return work(*arguments)
        finally:
            os.sched_setaffinity(0, allowed)

    return together
