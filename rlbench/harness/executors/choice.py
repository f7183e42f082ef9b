"""Which executor does the work."""

from __future__ import annotations

import os

from rlbench.errors import UserError
from rlbench.harness.executors.processes import ProcessExecutor
from rlbench.harness.executors.serial import SerialExecutor
from rlbench.harness.executors.work import Executor


def executor_of(jobs: int, pieces: int) -> Executor:
    """The executor that does so many pieces of work at once; this process does it alone where one is enough.

    Args:
        jobs: How many at once.
        pieces: How many there are.

    Raises:
        UserError: Fewer than one are asked for.
    """
    if jobs < 1:
        raise UserError(f"jobs is at least 1, got {jobs}")
    most = min(jobs, pieces)
    return ProcessExecutor(most) if most > 1 else SerialExecutor()


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
