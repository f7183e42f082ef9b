"""CPU affinity and spin-waiting of harness and agent, used only on an idle machine.

What it buys: without it, evaluating the committed DQN agent of cart-pole takes 1.20 to 1.30 times as long (quartiles of
20 pairs, two cores), and what is waited for the agent 3.3 times.
"""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path

SPINS = 200
"""How often either side polls for the other, about 0.1 ms in all, before it sleeps. Waking a process on another core
takes 40 to 60 microseconds on a virtual machine, as long as a small network's whole answer. Sharing one core costs 20,
since each side evicts the other's caches and branch predictors."""

CALLS = 2048
"""Calls of a sleeping agent after which the load of a busy machine is measured again."""

_SAMPLES, _SECONDS_BETWEEN = 5, 2e-3


def pin_to_separate_cores(cores: set[int], child: int) -> bool:
    """Pin this thread to one half of `cores` and process `child` to the other, if the machine is idle enough.

    It is if one half has a core for every thread that runs. A `child` that has died, or that belongs
    to somebody else whom this process may not touch, is ignored.

    Returns:
        Whether the two were pinned.
    """
    ordered, half = sorted(cores), len(cores) // 2
    if half == 0 or _running_threads() > half:
        return False
    os.sched_setaffinity(0, ordered[:half])
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.sched_setaffinity(child, ordered[half:])
    return True


def _running_threads() -> int:
    """Number of threads that run on this machine, this one included: the lowest of a few samples."""
    samples = []
    for _ in range(_SAMPLES):
        samples.append(int(Path("/proc/loadavg").read_text(encoding="utf-8").split()[3].split("/")[0]))
        if samples[-1] == 1:
            break
        time.sleep(_SECONDS_BETWEEN)
    return min(samples)
