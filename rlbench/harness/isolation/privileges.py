"""Who an agent's process is: nobody in particular, even where root evaluates, and never more than that again.

Source: capabilities(7), credentials(7), prctl(2).
"""

from __future__ import annotations

import ctypes
import os
import signal
import struct
from pathlib import Path

from rlbench.harness.isolation.system_calls import checked

FIRST_USER, USERS = 61184, 4336
"""Users that belong to nobody, which systemd sets aside for such purposes; containers have them, too. Each process gets
one of its own, by the number of its folder: so limits by user count its threads alone, and agents cannot touch each
other. Rejected: the number of the process, which is the same in every namespace."""

GROUP = FIRST_USER
"""The group of all agents: what they have in common, they may read through it."""

_SET_DEATH_SIGNAL, _SET_KEEPCAPS, _SET_NO_NEW_PRIVS = 1, 8, 38
_CHOWN, _READ_SEARCH, _KILL, _SETGID, _SETUID = 0, 2, 5, 6, 7
_NEEDED = (_CHOWN, _KILL, _SETGID, _SETUID)
_CAPABILITIES_VERSION = 0x20080522


def can_become_nobody() -> bool:
    """Whether this process is root with all that it takes: to give files away, become somebody else, and kill him."""
    if os.geteuid() != 0:
        return False
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    effective = int(status.partition("CapEff:")[2].split()[0], 16)
    return all(effective >> each & 1 for each in _NEEDED)


def become_nobody(owned: str, may_search: bool) -> None:
    """Become a user without rights, from root.

    Args:
        owned: A folder that the new user shall own.
        may_search: Whether it may read what only root can: where Python itself lies in such a folder. Landlock then
            decides alone what can be read.

    Raises:
        OSError: This process may not.
    """
    user = FIRST_USER + os.stat(owned).st_ino % USERS
    os.chown(owned, user, GROUP)
    checked("prctl", _SET_KEEPCAPS, 1, 0, 0, 0)
    os.setgroups([])
    os.setresgid(GROUP, GROUP, GROUP)
    os.setresuid(user, user, user)
    kept = 1 << _READ_SEARCH if may_search else 0
    header = ctypes.create_string_buffer(struct.pack("Ii", _CAPABILITIES_VERSION, 0), 8)
    sets = ctypes.create_string_buffer(struct.pack("6I", kept, kept, 0, 0, 0, 0), 24)
    checked("capset", header, sets)


def give_up_gaining() -> None:
    """Never gain privileges by running a program: what Landlock and filters of system calls ask for."""
    checked("prctl", _SET_NO_NEW_PRIVS, 1, 0, 0, 0)


def die_with(parent: int, by: int | None = None) -> None:
    """Have the kernel kill this process when the one that started it ends, however it ends.

    Whoever becomes another user must ask for it again.

    Args:
        parent: The process that started this one.
        by: The signal; SIGKILL by default.
    """
    checked("prctl", _SET_DEATH_SIGNAL, signal.SIGKILL if by is None else by, 0, 0, 0)
    if os.getppid() != parent:  # it ended before the line above
        os._exit(1)


def readable_by_agents(path: str) -> bool:
    """Whether a user without rights, in the group of agents, can reach a path and read it."""
    resolved = Path(path).resolve()
    return all(_grants(each, 0o1) for each in resolved.parents) and _grants(resolved, 0o4)


def _grants(path: Path, right: int) -> bool:
    """Whether a path's mode grants a right (4 to read, 1 to search) to others, or to the group of agents."""
    found = path.stat()
    mode = found.st_mode | (found.st_mode >> 3 if found.st_gid == GROUP else 0)
    return bool(mode & right)
