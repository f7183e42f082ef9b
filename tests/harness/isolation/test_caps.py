"""The watchdog: what a process takes beyond the kernel's limits is seen, whatever it hides behind."""

import dataclasses
import math
import mmap
import os
import re
import subprocess
import sys
import threading

import pytest

from rlbench.errors import UserError
from rlbench.harness.evaluate import evaluate
from rlbench.harness.isolation import landlock
from rlbench.harness.isolation.caps import CPU, MIB, Watchdog, within_time

SMALL = dataclasses.replace(CPU, memory=512 * MIB, files=10, scratch_bytes=MIB)


def looked_at(folder, **changes):
    """What is said of this very process."""
    return Watchdog(os.getpid(), str(folder), dataclasses.replace(SMALL, **changes)).excess()


def test_nothing_is_said_of_a_process_that_keeps_within(tmp_path):
    assert looked_at(tmp_path, memory=1 << 40) is None


@pytest.mark.parametrize("flags", [mmap.MAP_PRIVATE, mmap.MAP_SHARED])
def test_private_and_shared_memory_count(tmp_path, flags):
    with open("/proc/self/status", encoding="utf-8") as file:
        used = sum(int(line.split()[1]) << 10 for line in file if line.startswith(("RssAnon", "RssShmem")))
    with mmap.mmap(-1, 8 * MIB, flags=flags | mmap.MAP_ANONYMOUS) as memory:
        memory[:] = b"\1" * len(memory)
        status, words = looked_at(tmp_path, memory=used + 4 * MIB)
    assert status == "oom"
    assert words.endswith(f" MiB of memory; {used // MIB + 4:,} are allowed")


def test_threads_count(tmp_path):
    done = threading.Event()
    threads = [threading.Thread(target=done.wait) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        status, words = looked_at(tmp_path, memory=1 << 40, threads=3)
    finally:
        done.set()
    assert status == "crash"
    assert "3 are allowed" in words


@pytest.mark.parametrize("spoil", ["many", "large", "unlinked", "deep", "sparse"])
def test_files_count(tmp_path, spoil, monkeypatch):
    monkeypatch.chdir(tmp_path)
    kept = []
    if spoil == "many":
        for i in range(11):
            (tmp_path / str(i)).mkdir()
    elif spoil in ("large", "unlinked"):
        (tmp_path / "large").write_bytes(os.urandom(2 * MIB))
        if spoil == "unlinked":
            kept.append((tmp_path / "large").open("rb"))
            (tmp_path / "large").unlink()
    elif spoil == "sparse":
        with (tmp_path / "sparse").open("wb") as file:
            file.truncate(1 << 30)
    else:
        for _ in range(20):
            os.mkdir("d" * 250)
            os.chdir("d" * 250)
        os.chdir(tmp_path)
    found = looked_at(tmp_path, memory=1 << 40, files=100 if spoil == "deep" else 10)
    for file in kept:
        file.close()
    words = {"many": "more than 10 files", "large": "wrote 2 MiB", "unlinked": "wrote 2 MiB", "deep": "too deep"}
    assert found is None if spoil == "sparse" else words[spoil] in found[1]


def test_a_process_that_has_gone(tmp_path):
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    assert Watchdog(process.pid, str(tmp_path / "gone"), SMALL).excess() is None


@pytest.mark.skipif(not landlock.abi(), reason="this kernel has no Landlock")
def test_processor_time_is_what_all_cores_give_within_the_time_limits(submit, grid_task, tmp_path):
    """So that threads that compute between the calls, when the environment is stepped, cannot hold it up for ever."""
    said = """
        import resource
        raise SystemExit(resource.getrlimit(resource.RLIMIT_CPU))
        """
    seconds = int(os.cpu_count() * (grid_task.limits.load + grid_task.limits.run)) + 1
    with pytest.raises(UserError, match=re.escape(f"SystemExit: ({seconds}, {seconds})")):
        evaluate(grid_task, submit(said), tmp_path / "results", quiet=True, isolation="landlock")


def test_an_agent_without_a_time_limit_has_none_of_processor_time():
    assert within_time(CPU, math.inf) == CPU
