"""What the machine lacks: one line and exit code 2, nothing lost, nothing charged to the agent."""

import contextlib
import dataclasses
import errno
import os
import resource
import subprocess
import tempfile

import pytest

from rlbench import cli
from rlbench.errors import UserError
from rlbench.harness import blocks, kept
from rlbench.harness.evaluate import evaluate
from rlbench.harness.isolation import interpreter
from rlbench.harness.results import provenance, record

FULL = OSError(errno.ENOSPC, "No space left on device")
LACKS = {
    "shared memory": (os, "memfd_create", FULL, "No space left on device"),
    "memory files are forbidden": (os, "memfd_create", PermissionError(1, "Operation not permitted"), "not permitted"),
    "open files": (os, "pipe", OSError(errno.EMFILE, "Too many open files"), "Too many open files"),
    "processes": (subprocess, "Popen", BlockingIOError(11, "Resource temporarily unavailable"), "temporarily unavail"),
    "memory for a process": (subprocess, "Popen", OSError(errno.ENOMEM, "Cannot allocate memory"), "allocate memory"),
    "temporary folder": (tempfile, "mkdtemp", FileNotFoundError(2, "No usable temporary directory found"), "No usable"),
    "memory": (kept, "make_env", MemoryError(), "out of memory"),
    "threads": (kept, "make_env", RuntimeError("can't start new thread"), "can't start new thread"),
}


@pytest.mark.parametrize(("place", "name", "error", "words"), LACKS.values(), ids=LACKS)
def test_it_is_said_and_nothing_is_recorded(place, name, error, words, submit, tmp_path, monkeypatch, capsys):
    def fail(*arguments, **more):
        raise error

    path = submit("return observation % 4")
    monkeypatch.setattr(provenance, "machine", dict)  # it calls git
    monkeypatch.setattr(place, name, fail)
    code = cli.main(["evaluate", str(path), "--task", "grid-world", "--results", str(tmp_path / "results"), "--quiet"])
    monkeypatch.undo()
    out, err = capsys.readouterr()
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert err.startswith("error: grid-world@1, block 0 cannot be played on this machine: ")
    assert words in err
    assert "free memory, disk, processes or open files, and run again" in err
    assert not (tmp_path / "results").exists()


def test_blocks_before_are_safe(grid_task, submit, tmp_path, monkeypatch):
    path, play, played = submit("return [1] * self.num_envs"), blocks._play_block, []

    def fails_later(task, entrant, number, *more):
        played.append(number)
        if number == 1:
            raise FULL
        return play(task, entrant, number, *more)

    task = dataclasses.replace(grid_task, num_envs=1)
    monkeypatch.setattr(blocks, "_play_block", fails_later)
    with pytest.raises(UserError, match=r"grid@1, block 1 cannot be played .*; the blocks before are safe"):
        evaluate(task, path, tmp_path / "results", quiet=True)
    assert played == [0, 1, 1, 1]
    (made,) = record.find(tmp_path / "results")
    assert len(record.read(made).blocks) == 1
    monkeypatch.undo()
    assert record.read(evaluate(task, path, tmp_path / "results", quiet=True)).complete


def test_real_limits_of_open_files(grid_task, submit, tmp_path):
    path = submit("return [1] * self.num_envs")
    evaluate(grid_task, path, tmp_path / "warm", quiet=True)  # what is imported now opens no file later
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    highest = max(map(int, os.listdir("/proc/self/fd")))
    taken = []
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (highest + 6, before[1]))
        with contextlib.suppress(OSError):
            while True:
                taken.append(os.open(os.devnull, os.O_RDONLY))
        for descriptor in taken[-4:]:
            os.close(descriptor)
        with pytest.raises(UserError, match="Too many open files"):
            evaluate(grid_task, path, tmp_path / "results", quiet=True)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
        for descriptor in taken[:-4]:
            os.close(descriptor)
    assert not (tmp_path / "results").exists()


@pytest.mark.parametrize("words", ["MemoryError", "ImportError: libx.so: failed to map segment from shared object"])
def test_a_python_that_cannot_start_for_want_of_memory(grid_task, submit, tmp_path, monkeypatch, words):
    monkeypatch.setattr(interpreter, "_BOOT", f"print({words!r})")
    with pytest.raises(UserError, match="cannot be played on this machine: the agent's process did not start: "):
        evaluate(grid_task, submit("pass"), tmp_path / "results", quiet=True)


def test_the_commit_is_that_of_the_checkout_whatever_git_is_told(tmp_path, monkeypatch):
    root = os.fspath(provenance._ROOT)
    if not os.path.exists(os.path.join(root, ".git")):
        pytest.skip("installed, not a checkout")
    here = subprocess.run(["git", "-C", root, "rev-parse", "HEAD"], capture_output=True, check=True).stdout
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    monkeypatch.setenv("GIT_DIR", str(tmp_path / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(tmp_path))
    assert provenance.machine()["commit"] == here.decode().strip()
    monkeypatch.setenv("PATH", str(tmp_path))
    assert provenance.machine()["commit"] is None


def test_a_record_names_the_gpu_and_its_driver(tmp_path, monkeypatch):
    monkeypatch.setattr(provenance, "_NVIDIA", tmp_path)
    assert provenance.machine()["gpu"] is None
    card = tmp_path / "gpus" / "0000:01:00.0"
    card.mkdir(parents=True)
    (card / "information").write_text("Model: \t\t NVIDIA H200\nIRQ:   \t 147\n", encoding="utf-8")
    assert provenance.machine()["gpu"] == "NVIDIA H200"
    line = "NVRM version: NVIDIA UNIX x86_64 Kernel Module  570.86.15  Fri Jan 24 02:56:57 UTC 2025\n"
    (tmp_path / "version").write_text(line, encoding="utf-8")
    assert provenance.machine()["gpu"] == "NVIDIA H200 (driver 570.86.15)"
    line = "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.65.06  Release Build\n"
    (tmp_path / "version").write_text(line, encoding="utf-8")
    assert provenance.machine()["gpu"] == "NVIDIA H200 (driver 580.65.06)"
