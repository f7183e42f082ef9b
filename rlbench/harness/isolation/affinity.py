"""Who runs where: parent and child each on cores of their own, awake, while there is room; else where there is."""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path

SPINS = 200
"""How often either side looks for its byte, about 0.1 ms in all, before it sleeps. To be woken on another core
costs 40 to 60 microseconds on a virtual machine, as much as a small network's whole answer, and to share one core
20, for neither side then finds its caches and branch predictors as it left them."""

CALLS = 2048
"""Calls of an agent that is waited for asleep, since the machine is busy, after which it is asked again whether."""

LOOKS, SECONDS_BETWEEN = 5, 2e-3


def part(cores: set[int], child: int) -> bool:
    """Whether there is room: then the calling thread keeps to half of `cores` from now on, the child to the others.

    There is where half of them are enough for all that runs. A child that is dead is let be.
    """
    ordered, half = sorted(cores), len(cores) // 2
    if half == 0 or _running() > half:
        return False
    os.sched_setaffinity(0, ordered[:half])
    with contextlib.suppress(ProcessLookupError):
        os.sched_setaffinity(child, ordered[half:])
    return True


def _running() -> int:
    """How many threads this machine runs, this one among them; the least of some looks, since much is over soon."""
    looks = []
    for _ in range(LOOKS):
        looks.append(int(Path("/proc/loadavg").read_text().split()[3].split("/")[0]))
        if looks[-1] == 1:
            break
        time.sleep(SECONDS_BETWEEN)
    return min(looks)
