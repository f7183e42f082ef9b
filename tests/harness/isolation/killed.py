"""An evaluation that kills itself, as by `kill -9`, at the n-th time that it touches a file; run as a program.

`python killed.py SUBMISSION FOLDER STEP` prints how often an evaluation touches files: opens, truncates, renames, makes
or removes one below FOLDER, writes to one or syncs one. Then, for every STEP-th moment, it prints a JSON line on what
an evaluation that is killed there leaves, and what the next one makes of that. Evaluations are forks of this process,
which has imported everything.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rlbench import children
from rlbench.harness.evaluate import evaluate
from rlbench.harness.isolation import tiers
from rlbench.harness.results import record
from rlbench.harness.results.writer import RecordWriter
from rlbench.harness.tasks.suite import get_task

TASK = dataclasses.replace(get_task("grid-world"), episodes=2, num_envs=1)
TOUCHING = ("open", "os.truncate", "os.rename", "os.mkdir", "os.remove", "os.rmdir", "os.chmod", "os.link")
"""Events of Python's auditing that are counted, where their first argument is a path in the folder, or a descriptor."""


class Moments:
    """Counts the moments, and kills this process at one of them.

    Args:
        folder: Where files count.
        last: The moment at which it ends; None to count only. A write is two: before it, and halfway.
    """

    def __init__(self, folder: str, last: int | None) -> None:
        self.folder, self.last, self.count = folder, last, 0
        sys.addaudithook(self.audit)
        for name in ("fsync", "write", "pwrite"):
            setattr(os, name, self.wrapped(name, getattr(os, name)))

    def audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Called by Python before it does something."""
        if event in TOUCHING:
            path = arguments[0]
            if isinstance(path, int) or self.folder in os.fsdecode(path):
                self.pass_by()

    def wrapped(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """A function of `os` before which, and in the middle of which, the process may end."""

        def call(descriptor: int, *arguments: Any) -> Any:
            if os.path.realpath(f"/proc/self/fd/{descriptor}").startswith(self.folder):
                self.pass_by()
                if arguments and self.last == self.count + 1:
                    function(descriptor, arguments[0][: len(arguments[0]) // 2], *arguments[1:])
                self.count += bool(arguments)
                self.end_if_last()
            return function(descriptor, *arguments)

        return call

    def pass_by(self) -> None:
        """One more moment."""
        self.count += 1
        self.end_if_last()

    def end_if_last(self) -> None:
        """End here, if this is the last moment."""
        if self.count == self.last:
            os.kill(os.getpid(), signal.SIGKILL)


def forked(work: Callable[[], Any]) -> tuple[Any, bool]:
    """What a function returns in a fork of this process, as JSON, and whether the fork was killed instead."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reading)
        try:
            with open(writing, "w", encoding="utf-8") as pipe:
                json.dump(work(), pipe)
        finally:
            os._exit(0)
    os.close(writing)
    with open(reading, encoding="utf-8") as pipe:
        text = pipe.read()
    _, status = os.waitpid(pid, 0)
    return json.loads(text) if text else None, os.WIFSIGNALED(status)


def counted(submission: str, folder: Path, last: int | None) -> int:
    """The number of moments of an evaluation, which ends at one of them. Notes each block once it is committed."""
    commit, commits = RecordWriter.commit, folder / "commits"

    def noted(*arguments: Any) -> None:
        commit(*arguments)
        with commits.open("a", encoding="utf-8") as file:
            file.write("x")

    RecordWriter.commit = noted  # type: ignore[method-assign]
    moments = Moments(str(folder / "watched"), last)
    evaluate(TASK, submission, folder / "watched" / "results", quiet=True)
    return moments.count


def committed(folder: Path) -> tuple[bytes, int]:
    """The committed bytes of the record and how many blocks they hold."""
    for path in folder.glob("watched/results/*/*.jsonl"):
        if run := record.read(path):
            return path.read_bytes()[: run.size], len(run.blocks)
    return b"", 0


def processes_of(folder: Path) -> list[int]:
    """Agents' processes, which have their home in the folder."""
    found = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):
            found += [int(path.parent.name)] if f"HOME={folder}".encode() in path.read_bytes() else []
    return found


def killed_at(moment: int, submission: str, world: Path) -> dict[str, Any]:
    """What is left of an evaluation that is killed at a moment, and what the next makes of it."""
    folder = world / str(moment)
    temporary = folder / "watched" / "temporary"
    temporary.mkdir(parents=True)
    tempfile.tempdir = str(temporary)
    _, died = forked(lambda: counted(submission, folder, moment))
    kept, blocks = committed(folder)
    said = len((folder / "commits").read_bytes()) if (folder / "commits").exists() else 0
    path, _ = forked(lambda: str(evaluate(TASK, submission, folder / "watched" / "results", quiet=True)))
    deadline = time.monotonic() + 10
    while (alive := processes_of(temporary)) and time.monotonic() < deadline:
        time.sleep(0.05)
    run = record.read(Path(path))
    found = {
        "moment": moment,
        "killed": died,
        "lost blocks": said - blocks if said > blocks else 0,
        "is continued": committed(folder)[0].startswith(kept),
        "complete": run.complete and len(run.blocks) == TASK.blocks,
        "episodes": [{**line, "previous": None} for line in run.episodes],
        "left files": sorted(str(each.relative_to(folder)) for each in temporary.iterdir()),
        "left records": [each.name for each in (folder / "watched").glob("results/*/*") if each != Path(path)],
        "alive": alive,
    }
    shutil.rmtree(folder)
    return found


def main() -> None:
    """Count, then kill at each moment."""
    submission, world, step = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    tiers.obtain("auto")  # once for all
    children.remove_leftovers.cache_clear()
    whole = world / "whole"
    (whole / "watched" / "temporary").mkdir(parents=True)
    tempfile.tempdir = str(whole / "watched" / "temporary")
    count, _ = forked(lambda: counted(submission, whole, None))
    run = record.read(next(whole.glob("watched/results/*/*.jsonl")))
    print(json.dumps({"moments": count, "episodes": [{**line, "previous": None} for line in run.episodes]}), flush=True)
    for moment in range(1, count + 1, step):
        print(json.dumps(killed_at(moment, submission, world)), flush=True)


if __name__ == "__main__":
    main()
