"""Which executor does the work."""

from __future__ import annotations

import importlib
import os
from typing import Any, Literal

from rlbench.errors import UserError
from rlbench.harness.executors.processes import ProcessExecutor
from rlbench.harness.executors.serial import SerialExecutor
from rlbench.harness.executors.work import Executor

ExecutorName = Literal["processes", "ray"]


def executor_of(name: ExecutorName, jobs: int | None, pieces: int) -> Executor:
    """The executor that does so many pieces of work at once; this process does it alone where one is enough.

    Args:
        name: Whether processes of this machine do it, or a cluster of Ray.
        jobs: How many at once; None for one per core.
        pieces: How many there are.

    Raises:
        UserError: Fewer than one are asked for, or Ray is not installed.
    """
    if jobs is not None and jobs < 1:
        raise UserError(f"jobs is at least 1, got {jobs}")
    if name == "ray":
        on_ray: Any = importlib.import_module("rlbench.harness.executors.on_ray")
        executor: Executor = on_ray.RayExecutor(jobs)
        return executor
    most = min(jobs or cores(), pieces)
    return ProcessExecutor(most) if most > 1 else SerialExecutor()


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
