"""Starts the agent's process: what it is told, which descriptors it inherits, and its working folder."""

from __future__ import annotations

import contextlib
import dataclasses
import importlib
import json
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rlbench import space_tree
from rlbench.harness.isolation import interpreter
from rlbench.harness.isolation.agent import TaskInfo
from rlbench.harness.isolation.fork_server import ForkedProcess, ForkServer
from rlbench.harness.submission import Submission
from rlbench.search import files as search


def prepare(submission: Submission, task: TaskInfo, folder: str) -> None:
    """Put into the process's home what it would otherwise compile: the loops of a search."""
    if f"{submission.module}:{submission.function}" == search.ENTRY:
        importlib.import_module(search.PREPARATION).prepare(Path(folder), task.env_id, task.env_kwargs)


def load_arguments(
    submission: Submission,
    task: TaskInfo,
    observation: space_tree.Description,
    action: space_tree.Description,
    seed: int,
) -> dict[str, Any]:
    """What the agent's process needs to find `load` and to call it, as JSON."""
    return {
        "folder": str(submission.copy or submission.folder),
        "module": submission.module,
        "function": submission.function,
        "task": dataclasses.asdict(task),
        "observation": observation,
        "action": action,
        "seed": seed,
        "device": submission.device,
    }


def scratch_folder(folder: Path) -> Path:
    """An empty folder in one that this user keeps: its owner may become another, who must be able to reach it."""
    folder.chmod(0o755)
    scratch = folder / "scratch"
    scratch.mkdir(0o700)
    return scratch


def pipe(reader: contextlib.ExitStack, writer: contextlib.ExitStack) -> tuple[int, int]:
    """The reading and the writing end of a pipe, each closed with its owner's stack."""
    read_end, write_end = os.pipe()
    reader.callback(os.close, read_end)
    writer.callback(os.close, write_end)
    return read_end, write_end


def start(
    setup: dict[str, Any],
    descriptors: tuple[int, int, int],
    output: int,
    folder: str,
    namespaces: Sequence[str] = (),
    server: ForkServer | None = None,
) -> subprocess.Popen[bytes] | ForkedProcess:
    """Start the agent's process.

    Args:
        setup: What the worker needs, sent as JSON on standard input.
        descriptors: What it inherits besides standard input, output and error: the shared memory, calls and replies.
        output: Where it prints.
        folder: Its working folder, empty.
        namespaces: Words before its command, see `namespaces.command`.
        server: Starts it, where there is one and it can.
    """
    if server is not None and server.is_ready():
        return ForkedProcess(server.start(setup, descriptors, output, folder))
    setup = {**setup, **dict(zip(("memory", "calls", "reply"), descriptors, strict=True))}
    with open(os.memfd_create("rlbench-setup"), "w+b") as stdin:
        stdin.write(json.dumps(setup).encode())
        stdin.seek(0)
        return subprocess.Popen(
            [*namespaces, *interpreter.command()],
            stdin=stdin,
            stdout=output,
            stderr=output,
            pass_fds=descriptors,
            start_new_session=True,
            cwd=folder,
            env=interpreter.environment(folder),
        )
