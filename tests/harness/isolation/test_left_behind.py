"""An evaluation in namespaces leaves no process, not even a dead one for which nobody has waited."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from rlbench.process.system import adopting_orphans
from tests.bubblewrap import skip_without

SCRIPT = """
import dataclasses, sys
from rlbench.harness.evaluate import evaluate
from rlbench.harness.tasks.suite import get_task
from rlbench.program import own_process
with own_process():
    print("up", flush=True)
    task = dataclasses.replace(get_task("grid-world"), episodes=1, num_envs=1)
    evaluate(task, sys.argv[1], sys.argv[2], quiet=True, isolation="strict")
"""
PROBE = """
from rlbench.harness.isolation import tiers
tiers._SECONDS = 0.1
print("up", flush=True)
tiers.what_is_lacking("strict")
"""
SECONDS_TO_DIE = 10.0
"""After `kill -9` processes in namespaces end by themselves, a moment later."""


def children():
    """Children of this process, the dead ones among them."""
    texts = [path.read_text(encoding="utf-8") for path in Path("/proc/self/task").glob("*/children")]
    return {int(each) for text in texts for each in text.split()}


def left_by(command, ending=None, after=0.0):
    """How many processes a program leaves, dead ones too, and how many of them live on; their parent becomes this one.

    Args:
        command: The program, which prints a line before it evaluates.
        ending: A signal that is sent to it.
        after: That many seconds after the line.
    """
    with adopting_orphans():
        before = children()
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as program:
            assert program.stdout.readline() == b"up\n"
            if ending is not None:
                time.sleep(after)
                program.send_signal(ending)
        left = children() - before
        alive, deadline = left, time.monotonic() + SECONDS_TO_DIE
        while alive and time.monotonic() < deadline:
            with contextlib.suppress(ChildProcessError):
                alive = {each for each in alive if os.waitpid(each, os.WNOHANG) == (0, 0)}
        return len(left), len(alive)


@pytest.fixture(autouse=True)
def bubblewrap():
    skip_without()


AGENTS = {
    "plays": "return [1] * self.num_envs",
    "ends": "import os; os._exit(0)",
    "dies": "import os; os.abort()",
    "makes a mistake": "1 / 0",
}


@pytest.mark.parametrize("body", AGENTS.values(), ids=AGENTS)
def test_evaluation(body, submit, tmp_path):
    assert left_by([sys.executable, "-c", SCRIPT, submit(body), tmp_path / "results"]) == (0, 0)


def test_a_probe_that_takes_too_long(tmp_path):
    assert left_by([sys.executable, "-c", PROBE]) == (0, 0)


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGKILL])
def test_a_signal(ending, submit, tmp_path):
    path = submit("while True: pass")
    for after in (0.3, 0.9):
        _, alive = left_by([sys.executable, "-c", SCRIPT, path, tmp_path / "results"], ending, after)
        assert not alive
