"""Evaluations that a signal interrupts, at any line of what writes their records: what was recorded stays."""

import contextlib
import os
import random
import signal
import subprocess
import sys
import threading
import time

import pytest

from rlbench import appended_files
from rlbench.harness import open_run, schedule
from rlbench.harness.evaluate import evaluate
from rlbench.harness.play_block import PlayBlock, PlayedBlock
from rlbench.harness.proof import kept_actions
from rlbench.harness.results import jsonl, parts, provenance, record, writer
from rlbench.harness.results.record import BlockResult, EpisodeResult
from rlbench.harness.tasks.task import Task
from rlbench.process.termination import uninterrupted
from tests.harness.executors.test_interrupted import EPISODES, PROGRAM, SLOW_LATER, committed, grid, lines

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="agents are evaluated on Linux only")
__all__ = ["grid"]
TASK = Task("maze", 1, "rlbench/GridWorld-v0", episodes=4, num_envs=2)
WATCHED = {each.__file__ for each in (appended_files, open_run, schedule, kept_actions, jsonl, parts, record, writer)}
STEP = 29
"""Of how many lines one is tried where not all are; it has no factor in common with the lines of a block."""


def played(work, kept):
    """A block of made-up episodes, instead of playing it."""
    episodes = [
        EpisodeResult(i, 2**30 + i, 1.0, 1.0, 3, True, False, "ok", "0" * 16, {}) for i in work.task.block(work.number)
    ]
    return PlayedBlock(BlockResult(work.number, episodes, 0.5, 0.25, 0.125, 1, None), [[] for _ in episodes])


@pytest.fixture
def quick(monkeypatch):
    """Nothing is played, nobody pulls the plug, and the machine is looked at once."""
    machine = provenance.machine()
    monkeypatch.setattr(provenance, "machine", lambda: machine)
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)
    monkeypatch.setattr(PlayBlock, "__call__", played)


@contextlib.contextmanager
def signal_at(line):
    """Ctrl-C comes at the n-th line that is run of what writes records; yields how many lines were run, as a list."""
    passed = []

    def watch(frame, event, argument):
        if frame.f_code.co_filename not in WATCHED:
            return None
        if event == "line":
            passed.append(frame.f_lineno)
            if len(passed) == line:
                signal.raise_signal(signal.SIGINT)
        return watch

    before = sys.gettrace()
    sys.settrace(watch)
    try:
        yield passed
    finally:
        sys.settrace(before)


@pytest.mark.parametrize("traces", [False, True], ids=["", "with actions"])
@pytest.mark.parametrize("step", [STEP, pytest.param(1, marks=pytest.mark.slow)])
def test_at_any_line_what_was_recorded_stays_and_the_run_goes_on(traces, step, quick, submit, tmp_path, monkeypatch):
    folder, write, written = submit("pass"), os.pwrite, []

    def noted(descriptor, data, offset):
        size = write(descriptor, data, offset)
        written.append(bytes(data))
        return size

    def run(results):
        return evaluate(TASK, folder, results, quiet=True, isolation="process", traces=traces)

    with signal_at(None) as passed:
        whole = run(tmp_path / "whole")
    expected = [each.read_bytes() for each in sorted(whole.parent.iterdir())]
    assert len(passed) > 100
    monkeypatch.setattr(os, "pwrite", noted)
    for line in range(1, len(passed) + 1, step):
        written.clear()
        with contextlib.suppress(KeyboardInterrupt), signal_at(line):
            run(tmp_path / str(line))
        path = tmp_path / str(line) / TASK.key / whole.name
        blocks = sum(b'"kind": "block", "block"' in data and b'"leaves"' not in data for data in written)
        assert committed(path) == blocks, f"line {line}"
        assert path.exists() == bool(blocks), f"line {line}: a header alone is left"
        assert [each.read_bytes() for each in sorted(run(tmp_path / str(line)).parent.iterdir())] == expected


@pytest.fixture(autouse=True)
def python_answers_ctrl_c():
    """A shell starts what runs in its background with SIGINT ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_a_signal_is_raised_when_the_scope_ends():
    done = []

    def interrupted_inside():
        with uninterrupted():
            with uninterrupted():
                signal.raise_signal(signal.SIGINT)
                done.append("inner")
            done.append("outer")

    with pytest.raises(KeyboardInterrupt):
        interrupted_inside()
    assert done == ["inner", "outer"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_other_threads_and_ignored_signals_are_left_alone(monkeypatch):
    done = []

    def work():
        with uninterrupted():
            done.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with uninterrupted():
            signal.raise_signal(signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, before)
    assert done == [signal.default_int_handler]


@pytest.mark.slow
def test_at_any_time_a_run_goes_on_with_the_same_episodes(grid, submit, tmp_path):
    """Forty signals at random times; the run begins anew whenever it has come to its end."""
    folder, results, draws = submit(source=SLOW_LATER), tmp_path / "results", random.Random(0)
    whole = lines(evaluate(grid, folder, tmp_path / "whole", quiet=True))
    for _ in range(40):
        process = subprocess.Popen([sys.executable, "-c", PROGRAM, folder, results], stderr=subprocess.DEVNULL)
        time.sleep(draws.uniform(0.0, 4.0))
        found = list(results.glob("*/*.jsonl"))
        before = committed(found[0]) if found else 0
        process.send_signal(draws.choice([signal.SIGINT, signal.SIGTERM, signal.SIGHUP]))
        assert process.wait() in (0, 130, 143, 129, -signal.SIGTERM, -signal.SIGHUP, -signal.SIGINT)
        found = list(results.glob("*/*.jsonl"))
        after = committed(found[0]) if found else 0
        assert after >= before
        if after == EPISODES:
            assert lines(found[0]) == whole
            found[0].unlink()
    assert lines(evaluate(grid, folder, results, quiet=True)) == whole
