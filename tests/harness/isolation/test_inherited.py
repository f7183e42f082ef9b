"""What the harness was started with decides nothing: signals, streams, masks, byte code; and what it leaves behind."""

import contextlib
import os
import py_compile
import signal
import subprocess
import sys
import tempfile
import time
import zipfile

import pytest

from rlbench import children
from rlbench.harness.evaluate import evaluate
from rlbench.harness.results import record


def played(task, path, results):
    """The statuses of the episodes, and the first fault."""
    run = record.read(evaluate(task, path, results, quiet=True))
    return {line["status"] for line in run.episodes}, run.blocks[0]["fault"]


@contextlib.contextmanager
def children_ignored():
    before = signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    yield
    assert signal.signal(signal.SIGCHLD, before) is signal.SIG_IGN


@contextlib.contextmanager
def signals_blocked():
    before = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    yield
    signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextlib.contextmanager
def streams_closed():
    kept = [os.dup(number) for number in range(3)]
    for number in range(3):
        os.close(number)
    yield
    for number, copy in enumerate(kept):
        os.dup2(copy, number)
        os.close(copy)


@contextlib.contextmanager
def odd_umask():
    before = os.umask(0o077)
    yield
    os.umask(before)


SURROUNDINGS = [children_ignored, signals_blocked, streams_closed, odd_umask]


@pytest.mark.parametrize("surroundings", SURROUNDINGS, ids=lambda each: each.__name__)
def test_an_agents_process_starts_from_a_stated_environment(surroundings, grid_task, submit, tmp_path):
    act = """
        import signal
        self.calls = getattr(self, "calls", 0) + 1
        assert not signal.pthread_sigmask(signal.SIG_BLOCK, [])
        assert signal.getsignal(signal.SIGCHLD) is signal.SIG_DFL
        assert os.umask(0) == 0o022
        os.umask(0o022)
        assert sys.stdin.read() == ""
        print("loud", flush=True)
        if self.calls == 3:
            os._exit(7)
        return np.full(3, 1)
        """
    folder = submit(act)
    with surroundings():
        statuses, fault = played(grid_task, folder, tmp_path / "results")
    assert (statuses, fault) == ({"crash"}, "crash: the agent's process exited with code 7; it last printed: loud")


def test_an_agent_imports_from_a_zip_file_of_its_own(grid_task, submit, tmp_path):
    path = submit("""
        import pathlib, sys
        sys.path.insert(0, str(pathlib.Path(__file__).with_name("vendor.zip")))
        import zipped
        return zipped.actions()
    """)
    with zipfile.ZipFile(path / "vendor.zip", "w") as archive:
        archive.writestr("zipped.py", "def actions(): return [1] * 3\n")
    assert played(grid_task, path, tmp_path / "results") == ({"ok"}, None)


def test_byte_code_beside_a_source_does_not_run(grid_task, submit, tmp_path):
    """It is not in the digest, so it may not decide an episode."""
    path = submit("import helper; return helper.actions()")
    helper = path / "helper.py"
    for name, action in (("helper", 77), ("agent", 78)):
        source = path / f"{name}.py"
        text = source.read_text(encoding="utf-8") if source.exists() else ""
        source.write_text(f"def actions(): return [{action}] * 3\nload = None\n", encoding="utf-8")
        py_compile.compile(str(source), invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)
        source.write_text(text, encoding="utf-8")
    helper.write_text("def actions(): return [1] * 3\n", encoding="utf-8")
    assert len(list((path / "__pycache__").iterdir())) == 2
    assert played(grid_task, path, tmp_path / "results") == ({"ok"}, None)
    assert len(list((path / "__pycache__").iterdir())) == 2


SCRIPT = """
import sys
from rlbench.harness.evaluate import evaluate
from rlbench.harness.isolation import agent_process
from rlbench.harness.tasks.suite import get_task
load = agent_process.AgentProcess.load
def noted(process):
    act = load(process)
    with open(sys.argv[3], "w") as pid:
        pid.write(str(process._process.pid))
    return act
agent_process.AgentProcess.load = noted
evaluate(get_task("grid-world"), sys.argv[1], sys.argv[2], quiet=True)
"""
SLEEPER = """
    open("left", "w").write("x")
    time.sleep(600)
    """


def wait_until(condition):
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def ended(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as stat:
            return stat.read().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


RARE = [pytest.param(number, marks=pytest.mark.slow) for number in (signal.SIGHUP, signal.SIGINT)]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL, *RARE])
def test_an_evaluation_that_is_ended_leaves_nothing(number, submit, tmp_path, monkeypatch):
    temporary, pid = tmp_path / "temporary", tmp_path / "pid"
    temporary.mkdir()
    path = submit(SLEEPER)
    command = [sys.executable, "-c", SCRIPT, str(path), str(tmp_path / "results"), str(pid)]
    with subprocess.Popen(command, env={**os.environ, "TMPDIR": str(temporary)}, stderr=subprocess.DEVNULL) as running:
        wait_until(lambda: pid.exists() and pid.read_text(encoding="utf-8"))
        running.send_signal(number)
        running.wait()
    assert running.returncode == -number
    wait_until(lambda: ended(int(pid.read_text(encoding="utf-8"))))
    if number == signal.SIGKILL:  # what nobody could remove is removed by the next one
        left = list(temporary.iterdir())
        assert len(left) == 3  # the agent's, the copy of the submission, and that of the template of agents' processes
        monkeypatch.setattr(tempfile, "tempdir", str(temporary))
        children.remove_leftovers.cache_clear()
        with children.temporary_folder() as mine:
            assert list(temporary.iterdir()) == [mine]
            children.remove_leftovers.cache_clear()
            children.remove_leftovers()
            assert mine.exists()
        children.remove_leftovers.cache_clear()
        assert not any(each.exists() for each in left)
    else:
        assert not (tmp_path / "results").exists()
    assert list(temporary.iterdir()) == []
