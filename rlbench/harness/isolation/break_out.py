"""Attempts to break out of the sandbox, made by a process in it to find out whether it holds (`tiers`).

Run as a program, with the policy and the targets as JSON on standard input. Writes a JSON list of what succeeded.
"""

from __future__ import annotations

import ctypes
import json
import mmap
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from rlbench.harness.isolation import sandbox
from rlbench.harness.isolation.system_calls import call

ATTEMPTS: dict[str, Callable[[dict[str, Any]], object]] = {
    "read a file": lambda of: os.open(of["secret"], os.O_RDONLY),
    "write a file": lambda of: os.open(of["secret"], os.O_WRONLY),
    "list a folder": lambda of: os.listdir(os.path.dirname(of["secret"])),
    "remove a file": lambda of: os.unlink(of["secret"]),
    "change a file's mode": lambda of: os.chmod(of["secret"], 0o777),
    "cut a file": lambda of: os.truncate(of["secret"], 0),
    "read the memory of the harness": lambda of: os.open(f"/proc/{of['parent']}/mem", os.O_RDONLY),
    "read the environment of the harness": lambda of: os.open(f"/proc/{of['parent']}/environ", os.O_RDONLY),
    "trace the harness": lambda of: call("ptrace", 0x4206, of["parent"], 0, 0),
    "copy the memory of the harness": lambda of: call("process_vm_readv", of["parent"], None, 0, None, 0, 0),
    "signal the harness": lambda of: os.kill(of["parent"], 0),
    "limit the harness": lambda of: call("prlimit64", of["parent"], 7, None, None),
    "open a process": lambda of: call("pidfd_open", of["parent"], 0),
    "connect by TCP": lambda of: socket.create_connection(("127.0.0.1", of["port"]), 1),
    "send by UDP": lambda of: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("127.0.0.1", of["port"])),
    "connect to an abstract socket": lambda of: socket.socket(socket.AF_UNIX).connect("\0" + of["abstract"]),
    "start a program": lambda of: subprocess.run(["/bin/true"], check=True, env={}),
    "run a program": lambda of: os.execv("/bin/true", ["true"]),
    "make user namespaces": lambda of: call("unshare", 0x10000000),
    "use io_uring": lambda of: call("io_uring_setup", 1, room()),
    "use keyrings": lambda of: call("keyctl", 0, -1, 0),
    "make shared memory that outlives it": lambda of: call("shmget", 0, 4096, 0o1600),
    "become root": lambda of: os.setuid(0),
    "lift its limits": lambda of: lift_limits(),
}
"""What is tried, in words that follow `could still`; success is to raise nothing."""

OF_NAMESPACES: dict[str, Callable[[dict[str, Any]], object]] = {
    "see other processes": lambda of: found(each for each in os.listdir("/proc") if each.isdigit() and int(each) > 3),
    "see the machine's network": lambda of: found(name for _, name in socket.if_nameindex() if name != "lo"),
    "see other processes' sockets": lambda of: Path("/proc/self/net/unix").read_text("utf-8").index(of["abstract"]),
    "ask for the size of a file": lambda of: os.stat(of["secret"]),
    "see the name of the machine": lambda of: found([os.uname().nodename].count(of["machine"]) * ["it"]),
    **{name: ATTEMPTS[name] for name in ("read a file", "remove a file", "connect by TCP")},
    "connect to an abstract socket": ATTEMPTS["connect to an abstract socket"],
}
"""What namespaces must stop by themselves, before the sandbox in them is up."""


def found(them: Iterable[str]) -> None:
    """Raise LookupError where there are none."""
    if not list(them):
        raise LookupError("nothing was found")


def lift_limits() -> None:
    """Allow itself as many descriptors as the machine has."""
    import resource  # only on Unix

    resource.setrlimit(resource.RLIMIT_NOFILE, (1 << 19, 1 << 19))


def room() -> ctypes.Array[ctypes.c_char]:
    """Room for the parameters of io_uring."""
    return ctypes.create_string_buffer(mmap.PAGESIZE)


def forks() -> bool:
    """Whether it can make a process."""
    try:
        child = os.fork()
    except OSError:
        return False
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
    return True


def succeeded(of: dict[str, Any], attempts: Mapping[str, Callable[[dict[str, Any]], object]]) -> Iterator[str]:
    """The attempts that succeed."""
    for name, attempt in attempts.items():
        try:
            attempt(of)
        except Exception:  # whatever stopped it
            continue
        yield name


def main() -> None:
    """Enter the sandbox, and try; in namespaces, before that, too."""
    of = json.load(sys.stdin)
    broken = [f"{name} before the inner sandbox" for name in succeeded(of, OF_NAMESPACES)] if of["namespaces"] else []
    sandbox.apply(sandbox.Policy.from_plain(of["sandbox"]), of["starter"])
    broken += ["make processes"] if forks() else []
    broken += succeeded(of, ATTEMPTS)
    os.write(1, json.dumps(broken).encode())
