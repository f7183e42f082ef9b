"""The sandbox of the tier `landlock`: what the kernel denies an agent's process, from before the agent is loaded.

No layer is enough by itself, so each closes what the others leave open:

    privileges   nobody instead of root, and no way back
    caps         limits on memory, threads, files and descriptors
    landlock     which files can be read and written, and no signals, sockets or processes outside
    seccomp      which system calls can be made: no network, no other programs, no large interfaces of the kernel

The harness says what is to be readable (`policy`); the agent's process applies it (`apply`), with nothing but Python's
own modules and NumPy imported. What it does not stop: the kernel is shared, and a fault of it opens every layer; the
times and sizes of files outside can be asked for; caches of the processor can be measured.
"""

from __future__ import annotations

import os
import site
import sys
import sysconfig
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rlbench.harness.isolation import landlock, privileges, seccomp
from rlbench.harness.isolation.caps import CPU, CUDA, Caps, limit_process, within_time

_SYSTEM = (
    *("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib", "/etc/ld.so.cache"),
    *("/etc/localtime", "/usr/share/zoneinfo", "/dev/random", "/dev/urandom"),  # not /dev/zero: see `shared_memory`
    *("/proc/cpuinfo", "/proc/meminfo", "/proc/sys/vm/overcommit_memory"),
    *("/sys/devices/system/cpu", "/sys/devices/system/node"),
)
"""Files of the system that libraries read when they are loaded."""

_OF_CUDA = (
    "/dev/zero",
    "/usr/local/cuda",
    "/proc/driver/nvidia",
    "/proc/devices",
    "/sys/module/nvidia",
    "/sys/bus/pci/devices",
)
_PACKAGE = Path(__file__).resolve().parents[2]
_LIBRARIES = ("site-packages", "dist-packages")


@dataclass(frozen=True)
class Policy:
    """What an agent's process may reach."""

    readable: tuple[str, ...]
    devices: tuple[str, ...]
    scratch: str
    """Its working folder, the only one that it can write to."""

    caps: Caps
    becomes_nobody: bool
    """Whether it is started by root, and becomes somebody else."""

    may_search: bool
    """Whether it may go through folders that only root may; see `privileges.become_nobody`."""

    shared_memory: bool
    """Whether it may share memory without a file, as CUDA does: of that, no limit counts what is not mapped."""

    def plain(self) -> dict[str, Any]:
        """As JSON, for `from_plain`."""
        return asdict(self)

    @classmethod
    def from_plain(cls, plain: dict[str, Any]) -> Policy:
        """The policy of which `plain` made JSON."""
        return cls(**{**plain, "caps": Caps(**plain["caps"])})


def policy(submission: str, scratch: str, cuda: bool, seconds: float = 60.0) -> Policy:
    """The policy for an agent.

    Args:
        submission: Folder of the submission.
        scratch: Its working folder.
        cuda: Whether it computes on a GPU.
        seconds: The time that it has, in all its calls.
    """
    readable = tuple(dict.fromkeys([submission, *_libraries(), *_SYSTEM, *(_OF_CUDA if cuda else ())]))
    becomes_nobody = privileges.can_become_nobody()
    ours = [each for each in readable if each not in _SYSTEM and os.path.exists(each)]
    return Policy(
        readable=readable,
        devices=("/dev/null", *(_nvidia() if cuda else ())),
        scratch=scratch,
        caps=within_time(CUDA if cuda else CPU, seconds),
        becomes_nobody=becomes_nobody,
        shared_memory=cuda,
        may_search=becomes_nobody and not all(map(privileges.readable_by_agents, [*ours, str(Path(scratch).parent)])),
    )


def apply(wanted: Policy, parent: int) -> None:
    """Put this process into the sandbox, for good. It must run one thread, and have opened what it needs from outside.

    Args:
        wanted: What it may reach.
        parent: The process that started it, with which it ends.

    Raises:
        OSError: A layer cannot be applied; the process must not go on.
    """
    limit_process(wanted.caps, own_user=wanted.becomes_nobody)
    if wanted.becomes_nobody:
        privileges.become_nobody(wanted.scratch, wanted.may_search)
    privileges.die_with(parent)  # a system call that the filter denies
    privileges.give_up_gaining()
    own = f"/proc/{os.getpid()}"
    landlock.restrict((*wanted.readable, own), wanted.devices, (wanted.scratch,))
    seccomp.install(wanted.shared_memory)


def _libraries() -> Iterator[str]:
    """Where Python and installed packages lie; and this package, which agents may import.

    Not all of `sys.path`: the root of a checkout is there for an editable installation, and beside the package lie
    results and other people's submissions.
    """
    standard = [sysconfig.get_path(name) for name in ("stdlib", "platstdlib")]
    shared = [str(Path(prefix, "lib")) for prefix in (sys.base_prefix, sys.exec_prefix, sys.prefix)]
    packages = [each for each in [*sys.path, site.getusersitepackages()] if is_library(each)]
    named = [each for each in os.environ.get("LD_LIBRARY_PATH", "").split(os.pathsep) if os.path.isabs(each)]
    yield from _narrow([*standard, *shared, *packages, *named, str(_PACKAGE)])


def is_library(path: str) -> bool:
    """Whether an entry of `sys.path` is a folder of installed packages, lies in one, or is an archive."""
    parts = Path(os.path.abspath(path)).parts
    return any(name in parts for name in _LIBRARIES) or (path.endswith(".zip") and os.path.isfile(path))


def _narrow(paths: Iterable[str]) -> Iterator[str]:
    """The real paths, without those that hold a home folder or everything: nobody keeps libraries there alone."""
    home = Path(os.path.expanduser("~")).resolve()
    for each in paths:
        path = Path(each).resolve()
        if not home.is_relative_to(path) and len(path.parts) > 1:
            yield str(path)


def _nvidia() -> list[str]:
    """The devices of NVIDIA's GPUs."""
    return sorted(entry.path for entry in os.scandir("/dev") if entry.name.startswith("nvidia"))
