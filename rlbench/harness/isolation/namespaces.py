"""The tier `strict`: namespaces and a private root, made by bubblewrap, around the sandbox of the tier `landlock`.

In there is no other process, no network but a loopback of its own, and of the file system what the agent may read: of
all else not even names, sizes and times can be asked for. Where the program is missing, or the machine gives it no
namespaces, the tier cannot be had (`tiers`).

An ordinary user needs a user namespace for the others; root needs none, and becomes nobody in there as in the tier
`landlock`. Rejected for root: a user namespace with the one user whom bubblewrap maps, who would be root himself.

Source: bwrap(1), namespaces(7), pid_namespaces(7).
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from rlbench.errors import UserError
from rlbench.harness.isolation.sandbox import Policy, is_library

PROGRAM = "bwrap"

PARENT = 1
"""The number of the agent's parent as it sees it: bubblewrap's own process, the first of the namespace."""

_OPTIONS = (
    *("--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try"),
    *("--hostname", "agent", "--die-with-parent"),
)
_OF_AN_ORDINARY_USER = ("--unshare-user",)
_RIGHTS = ("CHOWN", "KILL", "SETGID", "SETUID", "DAC_READ_SEARCH")
_OF_ROOT = ("--cap-drop", "ALL", *(word for right in _RIGHTS for word in ("--cap-add", f"CAP_{right}")))
"""What root needs to become nobody, and is lost then (`privileges.become_nobody`)."""

_SECONDS_TO_END, _PAUSE = 10.0, 0.001

_LINKS = "/etc/alternatives"
"""A folder of symbolic links through which Debian finds some libraries."""


def command(policy: Policy) -> list[str]:
    """The words before a command that run it in namespaces of its own, where it sees what a policy allows.

    Raises:
        UserError: bubblewrap is not installed, or the kernel too old.
    """
    program = shutil.which(PROGRAM)
    if program is None:
        raise UserError(f"{PROGRAM} is not installed (apt install bubblewrap)")
    if not os.path.exists(f"/proc/self/task/{os.getpid()}/children"):
        raise UserError("this kernel does not list the children of a process, so the agent's could not be watched")
    words = [program, *_OPTIONS, *(_OF_ROOT if policy.becomes_nobody else _OF_AN_ORDINARY_USER), "--proc", "/proc"]
    shown = _outermost([*policy.readable, *policy.devices, *_interpreter(), *_unresolved(), _LINKS])
    for path in filter(os.path.exists, shown):
        words += ["--dev-bind" if path.startswith("/dev/") else "--ro-bind", path, path]
    for link, target in _links(sys.executable):
        words += [] if _lies_in(link, shown) else ["--symlink", target, link]
    return [*words, "--bind", policy.scratch, policy.scratch, "--remount-ro", "/", "--chdir", policy.scratch, "--"]


def first_process(bubblewrap: int) -> int | None:
    """The first process of the namespaces, with which all others end; None where it has ended.

    Args:
        bubblewrap: The process that `command` started.
    """
    return _child(bubblewrap)


def wait_until_gone(bubblewrap: int) -> None:
    """Wait for the first process of the namespaces, once bubblewrap has been waited for.

    bubblewrap ends as soon as the program in them has ended, which is before that first process ends. It is a child of
    this process then, in the group that bubblewrap led.

    Args:
        bubblewrap: The process that `command` started, in a session of its own and inside `adopting_orphans`.
    """
    deadline = time.monotonic() + _SECONDS_TO_END
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-bubblewrap, os.WNOHANG) == (0, 0) and time.monotonic() < deadline:
            time.sleep(_PAUSE)


def agent(bubblewrap: int) -> int:
    """The agent's process, the child of the first one, by its number outside; bubblewrap's where it has ended.

    Args:
        bubblewrap: The process that `command` started.
    """
    first = _child(bubblewrap)
    return (first and _child(first)) or bubblewrap


def _child(pid: int) -> int | None:
    with contextlib.suppress(OSError, IndexError):
        return int(Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="utf-8").split()[0])
    return None


def _interpreter() -> Iterator[str]:
    """What Python starts from, besides its libraries: the program, and the settings of a virtual environment."""
    yield os.path.realpath(sys.executable)
    folder = Path(sys.executable).parent
    yield from (str(place / "pyvenv.cfg") for place in (folder, folder.parent))


def _links(path: str) -> Iterator[tuple[str, str]]:
    """The chain of symbolic links that starts at a path: each one, and where it points to."""
    while os.path.islink(path):
        target = os.readlink(path)
        yield path, target
        path = os.path.join(os.path.dirname(path), target)


def _unresolved() -> Iterator[str]:
    """Folders of installed packages by the paths that Python looks for them, where links may lie on the way."""
    yield from (os.path.abspath(each) for each in sys.path if is_library(each))


def _outermost(paths: Iterable[str]) -> list[str]:
    """The paths that do not lie in others, sorted; those in /proc are left out, as each namespace has its own."""
    kept: list[str] = []
    for path in sorted(set(paths)):
        kept += [] if _lies_in(path, [*kept, "/proc"]) else [path]
    return kept


def _lies_in(path: str, folders: Iterable[str]) -> bool:
    """Whether a path is one of these, or lies in one."""
    return any(Path(path).is_relative_to(each) for each in folders)
