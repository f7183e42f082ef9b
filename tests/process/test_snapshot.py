"""Public calls leave the process as it was: threads, generators, signals, locale, files and more, before and after."""

import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.process.snapshot import differences, snapshot

CALLS = Path(__file__).with_name("calls.py")


def changed_by(group, folder):
    """What the calls of a group change, in a program of their own: call -> what changed -> how."""
    (folder / "temporary").mkdir()
    environment = {**os.environ, "SDL_VIDEODRIVER": "dummy", "TMPDIR": str(folder / "temporary")}
    command = [sys.executable, str(CALLS), str(folder / "changes.json"), group]
    done = subprocess.run(
        command, env=environment, cwd=folder, capture_output=True, encoding="utf-8", timeout=600, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads((folder / "changes.json").read_text(encoding="utf-8"))


def test_a_sample_of_calls_leaves_the_process_as_it_was(tmp_path):
    changes = changed_by("sample", tmp_path)
    assert {name: change for name, change in changes.items() if change} == {}
    assert len(changes) > 5


@pytest.mark.slow
@pytest.mark.parametrize("group", ["environments", "conformance", "trainings", "commands"])
def test_every_call_leaves_the_process_as_it_was(group, tmp_path):
    changes = changed_by(group, tmp_path)
    assert {name: change for name, change in changes.items() if change} == {}


def test_a_snapshot_sees_what_a_call_may_change(monkeypatch, tmp_path):
    """The test above would be worth nothing if it looked away."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))  # other programs write to the usual one
    before, waiting = snapshot(), threading.Event()
    assert differences(before, snapshot()) == {}
    threads, generator, state = torch.get_num_threads(), torch.get_rng_state(), random.getstate()
    handler, reader, thread = signal.getsignal(signal.SIGUSR1), os.pipe(), threading.Thread(target=waiting.wait)
    with warnings.catch_warnings(), np.errstate(under="raise"), torch.no_grad():
        try:
            torch.set_num_threads(threads + 1)
            torch.rand(1), random.random()
            signal.signal(signal.SIGUSR1, lambda *_: None)
            warnings.simplefilter("always", BytesWarning)
            thread.start()
            monkeypatch.chdir(tmp_path)
            monkeypatch.setenv("RLBENCH_NEW", "1")
            found = differences(before, snapshot())
        finally:
            waiting.set()
            thread.join()
            torch.set_num_threads(threads)
            torch.set_rng_state(generator), random.setstate(state)
            signal.signal(signal.SIGUSR1, handler)
            for each in reader:
                os.close(each)
    assert set(found) == {
        *("torch threads", "torch generator", "torch gradients", "numpy errors", "random generator", "warnings"),
        *("signal handlers", "signal handlers of Python", "open files", "threads", "working folder", "environment"),
    }
