"""Tiers of isolation, from strong to weak, and which of them this machine has, found out by attacking it.

    strict     in namespaces of its own, with a private root (`namespaces`), and in the sandbox of `landlock`
    landlock   the agent's process is sandboxed by the kernel (`sandbox`)
    process    a process of its own, as the same user: what the agent does there is up to the agent

A sandbox is believed only after a process in it has tried to break out (`break_out`): kernels lack parts of it,
containers forbid others, and the calls that build it need not report that as an error.

`auto` is `landlock`, not `strict`: what an agent can do, and whether a run can be continued on another machine, is not
to depend on a package that happens to be installed; and a process in namespaces starts by about a fifth slower.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import socket
import subprocess
from pathlib import Path
from typing import Any, Literal, get_args

from rlbench import children
from rlbench.errors import UserError, printable
from rlbench.harness.isolation import interpreter, linux, namespaces, sandbox
from rlbench.process import system

Tier = Literal["strict", "landlock", "process"]
Asked = Literal["auto", "strict", "landlock", "process"]
TIERS: tuple[Tier, ...] = get_args(Tier)

_SECONDS = 30


def obtain(asked: Asked) -> Tier:
    """The tier that agents run in.

    Args:
        asked: A tier, or `auto` for `landlock` where this machine has it, else `process`.

    Raises:
        UserError: This machine does not have the tier that was asked for, or is not a Linux one.
    """
    linux.require()
    if asked == "process":
        return "process"
    reason = what_is_lacking("landlock" if asked == "auto" else asked)
    if reason is None:
        return "landlock" if asked == "auto" else asked
    if asked == "auto":
        return "process"
    weaker = TIERS[TIERS.index(asked) + 1]
    raise UserError(f"isolation {asked} cannot be had here: {reason}; --isolation={weaker} runs agents without it")


@functools.cache
def what_is_lacking(tier: Literal["strict", "landlock"]) -> str | None:
    """Why this machine does not have a tier, in words; None where its sandbox holds. Tried once per process."""
    with children.temporary_folder() as folder, system.standard_streams(), system.waitable_children():
        secret, scratch = folder / "secret", folder / "scratch"
        secret.write_text("secret", encoding="utf-8")
        scratch.mkdir()
        policy = sandbox.policy(str(scratch), str(scratch), cuda=False)
        try:
            around = namespaces.command(policy) if tier == "strict" else []
        except UserError as error:
            return str(error)
        with socket.socket() as tcp, socket.socket(socket.AF_UNIX) as abstract:
            tcp.bind(("127.0.0.1", 0))
            tcp.listen()
            abstract.bind("")  # the kernel chooses an abstract name
            abstract.listen()
            targets = {
                "parent": os.getpid(),
                "starter": namespaces.PARENT if around else os.getpid(),
                "namespaces": bool(around),
                "machine": os.uname().nodename,
                "secret": str(secret),
                "port": tcp.getsockname()[1],
                "abstract": abstract.getsockname()[1:].decode(),
                "sandbox": policy.plain(),
            }
            done = _attack(around, targets, scratch)
    if done.returncode != 0:
        return printable(done.stderr.decode(errors="replace").strip().rpartition("\n")[2]) or f"exit {done.returncode}"
    broken = json.loads(done.stdout or '["run a program"]')  # which took its place
    return f"in its sandbox a process could still {', '.join(broken)}" if broken else None


def _attack(around: list[str], targets: dict[str, Any], scratch: Path) -> subprocess.CompletedProcess[bytes]:
    """Let a process try to break out; nothing of it is left afterwards, also where it takes too long."""
    with system.adopting_orphans(), contextlib.ExitStack() as at_the_end:
        attacker = subprocess.Popen(
            [*around, *interpreter.command("break_out")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            cwd=scratch,
            env=interpreter.environment(str(scratch)),
        )
        at_the_end.callback(namespaces.wait_until_gone, attacker.pid)
        at_the_end.enter_context(attacker)
        at_the_end.callback(attacker.kill)
        out, err = attacker.communicate(json.dumps(targets).encode(), _SECONDS)
    return subprocess.CompletedProcess(attacker.args, attacker.returncode, out, err)
