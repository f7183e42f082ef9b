"""What an agent has started and what has left its process group: found in /proc, and killed.

For the tier `process`, where an agent may start what it likes. A process that has lost its parent is a child of the
harness (`adopting_orphans`), and can never gain privileges, as the agent's process gave that up; or it is known
by the home folder in its environment, which no other process has.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Collection, Iterator
from pathlib import Path

ROUNDS = 5
"""How often processes are looked for: between two looks they may have started others."""

_SECONDS, _PAUSE = 10.0, 0.005


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


def kill_orphans(ours: Collection[int]) -> None:
    """Kill what agents have left to this process, until there is nothing, and wait for it; nothing that we started.

    Where this process cannot gain privileges either, orphans look like children of its own, and are left alone.

    Args:
        ours: Processes of agents that this process has started.
    """
    deadline = time.monotonic() + _SECONDS
    while _gave_up_gaining("self") is False and time.monotonic() < deadline:
        orphans = [each for each in _children() - {*ours} if _is_detached(each) and _gave_up_gaining(str(each))]
        if not orphans:
            return
        for each in orphans:
            with contextlib.suppress(OSError):
                os.kill(each, signal.SIGKILL)
                os.waitpid(each, os.WNOHANG)
        time.sleep(_PAUSE)


def _children() -> set[int]:
    """Children of this process, the dead ones among them."""
    found = set()
    for path in Path("/proc/self/task").glob("*/children"):
        with contextlib.suppress(OSError):
            found |= {int(each) for each in path.read_text(encoding="utf-8").split()}
    return found


def _is_detached(pid: int) -> bool:
    """Whether a process is in another session than this one, as all that agents start."""
    with contextlib.suppress(OSError):
        return os.getsid(pid) != os.getsid(0)
    return False


def _gave_up_gaining(pid: str) -> bool | None:
    """Whether a process can never gain privileges; None where that cannot be known."""
    with contextlib.suppress(OSError, IndexError):
        status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8", errors="replace")
        return status.partition("NoNewPrivs:")[2].split()[0] == "1"
    return None


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
