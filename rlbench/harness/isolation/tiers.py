"""Tiers of isolation, from strong to weak, and which of them this machine has, found out by attacking it.

    landlock   the agent's process is walled in by the kernel (`sandbox`)
    process    a process of its own, as the same user: what the agent does there is up to the agent

The walls are believed only after a process behind them has tried to break out (`break_out`): kernels lack parts of
them, containers forbid others, and none of that is an error that the calls which build them would report.
"""

from __future__ import annotations

import functools
import json
import os
import socket
import subprocess
from typing import Literal, get_args

from rlbench import children, process
from rlbench.errors import UserError, printable
from rlbench.harness.isolation import interpreter, sandbox

Tier = Literal["landlock", "process"]
Asked = Literal["auto", "landlock", "process"]
TIERS: tuple[Tier, ...] = get_args(Tier)

_SECONDS = 30


def obtain(asked: Asked) -> Tier:
    """The tier that agents run in.

    Args:
        asked: A tier, or `auto` for the strongest that this machine has.

    Raises:
        UserError: This machine does not have the tier that was asked for.
    """
    if asked == "process":
        return "process"
    reason = what_landlock_lacks()
    if reason is None:
        return "landlock"
    if asked == "auto":
        return "process"
    raise UserError(f"isolation {asked} cannot be had here: {reason}; --isolation process runs agents without it")


@functools.cache
def what_landlock_lacks() -> str | None:
    """Why agents cannot be walled in on this machine, in words; None where the walls hold. Tried once per process."""
    with children.temporary_folder() as folder, process.standard_streams(), process.waitable_children():
        secret, scratch = folder / "secret", folder / "scratch"
        secret.write_text("secret", encoding="utf-8")
        scratch.mkdir()
        with socket.socket() as tcp, socket.socket(socket.AF_UNIX) as abstract:
            tcp.bind(("127.0.0.1", 0))
            tcp.listen()
            abstract.bind("")  # the kernel chooses an abstract name
            abstract.listen()
            targets = {
                "parent": os.getpid(),
                "secret": str(secret),
                "port": tcp.getsockname()[1],
                "abstract": abstract.getsockname()[1:].decode(),
                "sandbox": sandbox.policy(str(scratch), str(scratch), cuda=False).plain(),
            }
            done = subprocess.run(
                interpreter.command("break_out"),
                input=json.dumps(targets).encode(),
                capture_output=True,
                timeout=_SECONDS,
                cwd=scratch,
                env=interpreter.environment(str(scratch)),
            )
    if done.returncode != 0:
        return printable(done.stderr.decode(errors="replace").strip().rpartition("\n")[2]) or f"exit {done.returncode}"
    broken = json.loads(done.stdout or '["run a program"]')  # which took its place
    return f"behind its walls a process could still {', '.join(broken)}" if broken else None
