"""Several blocks at once, and the run is interrupted or its disk is full: it says so, and goes on later."""

import dataclasses
import errno
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from rlbench.errors import UserError
from rlbench.harness.evaluate import evaluate
from rlbench.harness.results import record
from rlbench.harness.tasks.suite import get_task
from tests.harness.executors.test_jobs import is_running, lines
from tests.harness.executors.test_shards import DRAWS

EPISODES = 12
PROGRAM = f"""
import dataclasses, sys
from rlbench.harness.evaluate import evaluate
from rlbench.harness.tasks.suite import get_task
from rlbench.program import run_program

task = dataclasses.replace(get_task("grid-world"), episodes={EPISODES}, num_envs=1)
sys.exit(run_program(lambda: print(evaluate(task, *sys.argv[1:], jobs=2, quiet=True)) or 0))
"""
SLOW_LATER = DRAWS.replace("return Agent(seed)", "import time; time.sleep(0.2); return Agent(seed)")


@pytest.fixture
def grid():
    """Twelve episodes of grid world, each a block."""
    return dataclasses.replace(get_task("grid-world"), episodes=EPISODES, num_envs=1)


def below(pid):
    """The numbers of the processes that a process has started, and they, and so on."""
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text(encoding="utf-8").rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        parents.setdefault(int(fields[1]), []).append(int(stat.parent.name))
    found = list(parents.get(pid, []))
    for each in found:
        found += parents.get(each, [])
    return found


def committed(path):
    """How many blocks of a record are safe."""
    run = record.read(path)
    return len(run.blocks) if run else 0


@pytest.mark.parametrize(
    ("number", "code", "words"), [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "terminated")]
)
def test_a_signal_ends_all_processes_and_the_run_goes_on_later(grid, submit, tmp_path, number, code, words):
    """Ctrl-C reaches every process of the terminal; SIGTERM the first one alone."""
    folder, results = submit(source=SLOW_LATER), tmp_path / "results"
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, folder, results],
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        start_new_session=True,
    )
    while not (found := list(results.glob("*/*.jsonl"))) or committed(found[0]) < 2:
        assert process.poll() is None
        time.sleep(0.01)
    started = below(process.pid)
    (os.killpg if number == signal.SIGINT else os.kill)(process.pid, number)
    _, printed = process.communicate()
    assert process.returncode == code
    assert printed == f"{words}; run the same command again to go on\n"
    assert len(started) > 2  # two that play, and what they have started
    assert not [pid for pid in started if is_running(pid)]
    assert 1 <= committed(found[0]) < EPISODES
    assert lines(evaluate(grid, folder, results, jobs=2, quiet=True)) == lines(
        evaluate(grid, folder, tmp_path / "one", quiet=True)
    )


def test_a_full_disk_keeps_the_blocks_before(grid, submit, tmp_path, monkeypatch):
    folder, results = submit(source=DRAWS), tmp_path / "results"
    write, written, before = os.pwrite, [], set(below(os.getpid()))

    def full_later(descriptor, data, offset):
        if len(written) == 4:
            raise OSError(errno.ENOSPC, "No space left on device")
        written.append(offset)
        return write(descriptor, data, offset)

    with monkeypatch.context() as patched:
        patched.setattr(os, "pwrite", full_later)
        with pytest.raises(
            UserError, match=r"No space left on device; written before, and safe: \d blocks?; run again"
        ):
            evaluate(grid, folder, results, jobs=2, quiet=True)
    (path,) = results.glob("*/*.jsonl")
    assert 1 <= committed(path) < EPISODES
    assert not [pid for pid in set(below(os.getpid())) - before if is_running(pid)]
    assert lines(evaluate(grid, folder, results, jobs=2, quiet=True)) == lines(
        evaluate(grid, folder, tmp_path / "one", quiet=True)
    )
