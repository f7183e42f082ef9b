"""`kill -9` of an evaluation at any moment: nothing committed is lost or doubled, and nobody is orphaned."""

import dataclasses
import os
import random
import signal
import subprocess
import sys
import time

import pytest

from rlbench.harness.evaluate import evaluate
from rlbench.harness.results import record
from rlbench.harness.tasks.suite import get_task
from tests.bubblewrap import skip_without

SCRIPT = """
import dataclasses, sys
from rlbench.harness.evaluate import evaluate
from rlbench.harness.isolation import spawn
from rlbench.harness.tasks.suite import get_task
start = spawn.start
def noted(*arguments):
    process = start(*arguments)
    with open(sys.argv[4], "a") as pids:
        print(process.pid, file=pids)
    return process
spawn.start = noted
print("up", flush=True)
task = dataclasses.replace(get_task("grid-world"), episodes=int(sys.argv[3]), num_envs=1)
evaluate(task, sys.argv[1], sys.argv[2], quiet=True, isolation=sys.argv[5])
"""
AGENT = """
    self.rng = getattr(self, "rng", np.random.default_rng(0))
    return self.rng.integers(4, size=self.num_envs)
    """


def killed_after(seconds, path, results, *more):
    """Start an evaluation and kill it that long after it is up; the seconds that it took, where it ends before."""
    command = [sys.executable, "-c", SCRIPT, path, results, *map(str, more)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, encoding="utf-8")
    assert process.stdout.readline() == "up\n"
    began = time.monotonic()
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
    process.wait()
    process.stdout.close()
    assert process.returncode in (0, -signal.SIGKILL)
    return time.monotonic() - began if process.returncode == 0 else None


def committed(results):
    """The bytes up to the last block line, none while there is only a header; and the run's record."""
    (path,) = results.glob("*/*.jsonl")
    run = record.read(path)
    return (path.read_bytes()[: run.size] if run and run.blocks else b""), run


def alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    with open(f"/proc/{pid}/stat", encoding="utf-8") as stat:
        return stat.read().rpartition(")")[2].split()[0] != "Z"


@pytest.mark.parametrize(
    ("kills", "episodes", "isolation"),
    [(6, 10, "auto"), *(pytest.param(50, 24, tier, marks=pytest.mark.slow) for tier in ("auto", "process", "strict"))],
)
def test_kill_at_random_moments(submit, tmp_path, kills, episodes, isolation, monkeypatch):
    if isolation == "strict":
        skip_without()
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    pids = tmp_path / "pids"
    path = submit(AGENT)
    task = dataclasses.replace(get_task("grid-world"), episodes=episodes, num_envs=1)
    uninterrupted = record.read(evaluate(task, path, tmp_path / "whole", quiet=True, isolation=isolation))
    duration = killed_after(600, path, tmp_path / "timed", episodes, tmp_path / "others", isolation)

    moments, rounds = random.Random(kills), 0
    while kills:
        rounds += 1
        results = tmp_path / f"results{rounds}"
        kept = b""
        for _ in range(kills):
            moment = moments.uniform(0, 0.6 * duration)
            done = killed_after(moment, path, results, episodes, pids, isolation) is not None
            kills -= not done
            if results.exists() and list(results.glob("*/*.jsonl")):
                now, run = committed(results)
                assert now.startswith(kept)
                kept = now
            if done:
                break
        evaluate(task, path, results, quiet=True, isolation=isolation)
        now, run = committed(results)
        assert now.startswith(kept)
        assert run.complete
        assert run.episodes == uninterrupted.episodes
        assert len(run.blocks) == task.blocks

    deadline = time.monotonic() + 10
    left = {int(pid) for pid in pids.read_text(encoding="utf-8").split()}
    while left and time.monotonic() < deadline:
        left = {pid for pid in left if alive(pid)}
    assert not left
