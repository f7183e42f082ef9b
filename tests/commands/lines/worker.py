"""A process that has loaded rlbench, and forks a child for each command line: fast, and none of them leaves a trace.

It reads a line of JSON per command, `{"argv", "cwd", "seconds"}`, and answers with `{"code", "out", "err", "left"}`.
`code` is None for a command that ran out of time, `left` says whether processes of it were left behind.
"""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

MEMORY = 10 << 30
QUICK_TASKS = ("grid-world@1", "cart-pole@1")
HEADLESS = {"SDL_VIDEODRIVER": "dummy", "SDL_AUDIODRIVER": "dummy", "OMP_NUM_THREADS": "1", "COLUMNS": "80"}


class Worker:
    """The process, seen from outside.

    Args:
        environment: variables besides those of this process.
    """

    def __init__(self, environment: dict[str, str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.commands.lines.worker"],
            cwd=Path(__file__).parents[3],
            env={**os.environ, **HEADLESS, **environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            encoding="ascii",
        )

    def run(self, argv: list[str], cwd: Path, seconds: float) -> dict[str, Any]:
        """Run a command line; the answer of the process."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"argv": argv, "cwd": str(cwd), "seconds": seconds}) + "\n")
        self._process.stdin.flush()
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        return answer

    def close(self) -> None:
        """End the process."""
        self._process.communicate()


def load() -> None:
    """Import what commands import, and leave only tasks that take a second."""
    import importlib

    from rlbench.cli import COMMANDS
    from rlbench.commands.shared.agents import algorithms, training
    from rlbench.harness.tasks import suite

    for name in COMMANDS:
        importlib.import_module(f"rlbench.commands.{name.replace('-', '_')}")
    for name in algorithms():
        training().load(name)
    for name in ("tyro", "matplotlib.figure", "numba", "rlbench.core.vector", "scipy.stats"):
        importlib.import_module(name)
    run = importlib.import_module("rlbench.commands.run")
    run.PLANS["quick"] = run.PLANS["quick"][:1]
    for key in set(suite.TASKS) - set(QUICK_TASKS):
        del suite.TASKS[key]
    suite.TASKS["cart-pole@1"] = dataclasses.replace(suite.TASKS["cart-pole@1"], episodes=4, num_envs=2)
    for name, tasks in list(suite.SUITES.items()):
        suite.SUITES[name] = tuple(suite.TASKS[task.key] for task in tasks if task.key in QUICK_TASKS)


def serve() -> None:
    """Answer until the input ends."""
    load()
    for line in sys.stdin:
        asked = json.loads(line)
        sys.stdout.write(json.dumps(run(asked["argv"], asked["cwd"], asked["seconds"])) + "\n")
        sys.stdout.flush()


def run(argv: list[str], cwd: str, seconds: float) -> dict[str, Any]:
    """Run a command line in a child.

    Args:
        argv: its words.
        cwd: working directory.
        seconds: after which it is killed.
    """
    with tempfile.TemporaryFile(dir="/tmp") as out, tempfile.TemporaryFile(dir="/tmp") as err:
        child = os.fork()
        if child == 0:
            begin(argv, cwd, out.fileno(), err.fileno())
        code = wait(child, seconds)
        left = kill_group(child)
        texts = []
        for file in (out, err):
            file.seek(0)
            texts.append(file.read().decode("utf-8", "backslashreplace"))
    return {"code": code, "out": texts[0], "err": texts[1], "left": left}


def begin(argv: list[str], cwd: str, out: int, err: int) -> None:
    """Be the command: its group, its directory and streams, then the command line."""
    import resource  # not on Windows, where this module is imported, too

    code = 3
    try:
        os.setpgid(0, 0)
        os.chdir(cwd)
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(out, 1)
        os.dup2(err, 2)
        from rlbench.cli import main

        try:
            code = main(argv)
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else int(end.code is not None)
        sys.stdout.flush()
    finally:
        os._exit(code)


def wait(child: int, seconds: float) -> int | None:
    """The exit code of a child; negative for a signal, None when the time is over."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.005)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return None


def kill_group(group: int) -> bool:
    """Kill what a child has left behind; whether there was anything."""
    try:
        os.killpg(group, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


if __name__ == "__main__":
    serve()
