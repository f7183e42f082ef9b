"""What an agent has started and what has left its process group: found in /proc, and killed.

For the tier `process`, where an agent may start what it likes. A process that has lost its parent is known by the home
folder in its environment, which no other process has; one that also runs a program with another environment is lost.
"""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path

ROUNDS = 5
"""How often processes are looked for: between two looks they may have started others."""


def kill_descendants(pid: int, home: str) -> None:
    """Kill what a process has started, and not the process itself.

    Args:
        pid: The process.
        home: The folder that is HOME in its environment.
    """
    for _ in range(ROUNDS):
        found = set(_descendants(pid, home)) - {pid, os.getpid()}
        for each in found:
            with contextlib.suppress(OSError):
                os.kill(each, signal.SIGKILL)
        if not found:
            return


def _descendants(pid: int, home: str) -> Iterator[int]:
    """Processes that descend from one, and those with its home; zombies are left out."""
    parents = {}
    for entry in os.scandir("/proc"):
        if entry.name.isdigit():
            with contextlib.suppress(OSError, ValueError, IndexError):
                fields = Path(entry.path, "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2]
                state, parent = fields.split()[:2]
                if state != "Z":
                    parents[int(entry.name)] = int(parent)
    for each, ancestor in parents.items():
        while ancestor not in (0, 1, pid):
            ancestor = parents.get(ancestor, 0)
        if ancestor == pid or _has_home(each, home):
            yield each


def _has_home(pid: int, home: str) -> bool:
    try:
        return os.fsencode(f"HOME={home}\0") in Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return False
