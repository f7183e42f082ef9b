"""Who runs where: parent and child each on cores of their own, awake, or both on all of them, asleep between calls."""

from __future__ import annotations

import contextlib
import os

SPINS = 200
"""How often either side looks for its byte, about 0.1 ms in all, before it sleeps. To be woken on another core
costs 40 to 60 microseconds on a virtual machine, as much as a small network's whole answer, and to share one core
20, for neither side then finds its caches and branch predictors as it left them. On a busy machine it is the other
way round: who keeps to a core waits for it, and who looks takes it from those who work."""

CALLS = 1024
"""Calls, at most, between two trials of the other way: machines are busy for seconds, not for good."""


def halves(cores: set[int]) -> tuple[set[int], set[int]]:
    """Cores for the parent and for the child; all to both where there is only one."""
    ordered, half = sorted(cores), len(cores) // 2
    return (set(ordered[:half]), set(ordered[half:])) if half else (cores, cores)


def place(mine: set[int], theirs: set[int], child: int) -> None:
    """Keep the calling thread to some cores and the child to others; a child that is dead is let be."""
    os.sched_setaffinity(0, mine)
    with contextlib.suppress(ProcessLookupError):
        os.sched_setaffinity(child, theirs)
