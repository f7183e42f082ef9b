"""Kills the process groups of children whose parent, this process, has ended without doing so, as by `kill -9`.

A helper, `sh`, is told their numbers through a pipe, and kills them when the pipe ends. Rejected: `PR_SET_PDEATHSIG`,
which takes the thread that has started a child for its parent.
"""

from __future__ import annotations

import contextlib
import os
import threading

from rlbench.children import call_after_fork, child_environment
from rlbench.process.system import standard_streams

SHELL = "/bin/sh"
HELPER = """
groups=
while read -r change group; do
  kept=
  for each in $groups; do [ "$each" = "$group" ] || kept="$kept $each"; done
  groups=$kept
  [ "$change" = + ] && groups="$groups $group"
done
for each in $groups; do kill -9 "-$each"; done
"""


class ChildGuard:
    """The helper, which starts with the first group. Without a Unix shell there is none, and nothing is guarded."""

    def __init__(self) -> None:
        self._lock, self._pipe = threading.Lock(), -1
        call_after_fork(self)

    def add(self, group: int) -> None:
        """Guard a process group."""
        if not hasattr(os, "posix_spawn"):
            return
        with self._lock, contextlib.suppress(OSError):
            if self._pipe < 0:
                self._pipe = _start()
            os.write(self._pipe, b"+ %d\n" % group)

    def remove(self, group: int) -> None:
        """Forget a process group, which has been killed: another may get its number."""
        with self._lock, contextlib.suppress(OSError):
            if self._pipe >= 0:
                os.write(self._pipe, b"- %d\n" % group)

    def after_fork(self) -> None:
        """In a fork: the helper is the parent's, and must see the pipe end with the parent."""
        self._lock = threading.Lock()
        if self._pipe >= 0:
            os.close(self._pipe)
            self._pipe = -1


def _start() -> int:
    """Start the helper, out of reach of the terminal's Ctrl-C, and return the pipe to it."""
    with standard_streams():
        reading, writing = os.pipe()
        silent = [(os.POSIX_SPAWN_OPEN, number, os.devnull, os.O_WRONLY, 0) for number in (1, 2)]
        streams = [(os.POSIX_SPAWN_DUP2, reading, 0), *silent]
        try:
            # Not `subprocess`, which warns of programs that nobody has waited for; this one outlives this process.
            os.posix_spawn(SHELL, [SHELL, "-c", HELPER], child_environment(), file_actions=streams, setpgroup=0)
        except BaseException:
            os.close(writing)
            raise
        finally:
            os.close(reading)
    return writing


guard = ChildGuard()
"""That of this process."""
