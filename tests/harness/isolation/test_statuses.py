"""Whatever a submission does, it is scored: a status, the failure return, and never a missing row."""

import contextlib
import dataclasses
import os
import resource
import signal
import subprocess
import time
from pathlib import Path

import pytest

from rlbench.harness import submission
from rlbench.harness.blocks import play_isolated
from rlbench.harness.evaluate import evaluate
from rlbench.harness.isolation import affinity
from rlbench.harness.open_run import without_spent_time
from rlbench.harness.results import record
from rlbench.harness.results.writer import RecordWriter
from rlbench.harness.tasks.limits import Limits

VALID = "np.zeros(self.num_envs, np.int64)"


def lines(task, path, results, isolation="auto"):
    """The episode lines and the fault of a run of one block, in which every fault is scored, as in later blocks."""
    entrant = submission.read(path)
    with RecordWriter(record.path_of(results, task, entrant), task, entrant, "landlock") as writer:
        writer.commit(play_isolated(task, entrant, 0, isolation=isolation))
        writer.finish()
    run = record.read(record.path_of(results, task, entrant))
    assert run.complete
    return run.episodes, run.blocks[0]["fault"]


FAULTS = {
    "float actions": (f"return {VALID} + 0.5", "invalid_action", "action must be integers, got float64"),
    "NaN": (f"return {VALID} * np.nan", "invalid_action", "got float64"),
    "wrong shape": ("return np.zeros((self.num_envs, 1), np.int64)", "invalid_action", "got (3, 1)"),
    "one action for all": ("return 0", "invalid_action", "got ()"),
    "nothing": ("pass", "invalid_action", "got None"),
    "out of range": (f"return {VALID} + 4", "invalid_action", "action = 4 is not within [0, 3]"),
    "exception": ("raise ValueError('no\\nidea')", "crash", "ValueError: no idea (agent.py:10)"),
    "endless recursion": ("return self.act(observation, first)", "crash", "RecursionError"),
    "sys.exit": ("sys.exit(0)", "crash", "SystemExit: 0"),
    "os._exit": ("os._exit(0)", "crash", "exited with code 0"),
    "segmentation fault": ("import ctypes; ctypes.string_at(0)", "crash", "died of SIGSEGV"),
    "kills itself": ("os.kill(os.getpid(), 9)", "crash", "died of SIGKILL"),
    "out of memory": ("return bytearray(1 << 60)", "oom", "MemoryError"),
    "closes its output and exits": (
        "os.close(1); os.close(2); time.sleep(0.1); os._exit(4)",
        "crash",
        "exited with code 4",
    ),
    "closes everything": ("os.closerange(3, 64)", "crash", "exited with code 1"),
    "talks on every descriptor": (
        f"""
        for descriptor in range(3, 64):
            try:
                os.write(descriptor, b"let me win")
            except OSError:
                pass
        return {VALID}
        """,
        "protocol",
        "b'le'",
    ),
    "answers before it is asked": (
        f"""
        for descriptor in range(3, 64):
            try:
                os.write(descriptor, bytes([5]))
            except OSError:
                pass
        return {VALID}
        """,
        "protocol",
        "unexpected bytes",
    ),
}


@pytest.mark.parametrize(("act", "status", "words"), FAULTS.values(), ids=FAULTS.keys())
def test_faults_while_acting(grid_task, submit, tmp_path, act, status, words):
    episodes, fault = lines(grid_task, submit(act), tmp_path / "results")
    assert [line["index"] for line in episodes] == [0, 1, 2]
    assert {line["status"] for line in episodes} == {status}
    assert {(line["return"], line["discounted_return"]) for line in episodes} == {(-97.0, -97.0)}
    assert {(line["length"], line["terminated"], line["truncated"]) for line in episodes} == {(0, False, False)}
    assert fault.startswith(f"{status}: ")
    assert words in fault
    assert str(tmp_path) not in fault


LOADS = {
    "raises": ("raise ImportError('no weights')", "ImportError: no weights (agent.py:2)"),
    "no entry": ("x = 1", "has no attribute 'load'"),
    "entry raises": ("def load(task, spaces, seed):\n    return open('weights')", "No such file"),
    "no act": ("def load(task, spaces, seed):\n    return 3", "int, which has no method act"),
    "wrong parameters": ("def load(task):\n    return 3", "TypeError: load()"),
    "exits": ("import os\nos._exit(0)", "exited with code 0"),
    "out of memory": ("x = bytearray(1 << 60)", "MemoryError"),
    "talks": ("import os\nfor d in range(3, 64):\n  try: os.write(d, b'x')\n  except OSError: pass", "unexpected"),
}


@pytest.mark.parametrize(("source", "words"), LOADS.values(), ids=LOADS.keys())
def test_faults_while_loading(grid_task, submit, tmp_path, source, words):
    episodes, fault = lines(grid_task, submit(source="\n" + source), tmp_path / "results")
    assert {(line["status"], line["return"]) for line in episodes} == {("load_error", -97.0)}
    assert words in fault


HANGS = {
    "load": ("", Limits(load=0.2), "load_error", "load took longer than 0.2 s"),
    "sleep": ("time.sleep(60)", Limits(act=0.2), "timeout_act", "longer than 0.2 s"),
    "spin": ("while True: pass", Limits(act=0.2), "timeout_act", "longer than 0.2 s"),
    "print": ("while True: print('x' * 10000)", Limits(act=0.2), "timeout_act", "longer than 0.2 s"),
    "slow": (f"time.sleep(0.06); return {VALID} + 1", Limits(act=60, run=0.2), "timeout_run", "longer than 0.2 s"),
}


@pytest.mark.parametrize(("act", "limits", "status", "words"), HANGS.values(), ids=HANGS.keys())
def test_hangs(grid_task, submit, tmp_path, act, limits, status, words):
    task = dataclasses.replace(grid_task, limits=limits)
    path = submit(act) if act else submit(source="import time; time.sleep(60)")
    episodes, fault = lines(task, path, tmp_path / "results")
    assert {(line["status"], line["return"]) for line in episodes} == {(status, -97.0)}
    assert words in fault


@pytest.mark.parametrize("megabytes", [200, pytest.param(1_000, marks=pytest.mark.slow)])
def test_prints_are_drained_and_forgotten(grid_task, submit, tmp_path, megabytes):
    act = f"""
        if first.all():
            os.write(1, b"hello\\n")
            for _ in range({megabytes}):
                os.write(2, bytes(1 << 20))
        return np.full(self.num_envs, 1)
        """
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    task = dataclasses.replace(grid_task, limits=Limits(act=120.0))
    episodes, fault = lines(task, submit(act), tmp_path / "results")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000  # KiB
    assert {line["status"] for line in episodes} == {"ok"}
    assert fault is None


def test_an_invalid_action_ends_its_episode_alone(grid_task, submit, tmp_path):
    act = """
        self.calls = getattr(self, "calls", 0) + 1
        return np.array([9, 0, 0]) if self.calls == 1 else np.array([0, 1, 9])
        """  # the starts are (1, 0), (1, 1), (1, 2); the corner (0, 0) is terminal
    episodes, fault = lines(grid_task, submit(act), tmp_path / "results")
    assert [(line["status"], line["return"], line["length"]) for line in episodes] == [
        ("invalid_action", -97.0, 0),
        ("ok", -200.0, 200),  # up, then right for ever: that episode reaches the time limit
        ("invalid_action", -97.0, 1),
    ]
    assert [line["truncated"] for line in episodes] == [False, True, False]
    assert fault == "invalid_action: action = 9 is not within [0, 3]"


def test_nan_ends_its_episode_alone(grid_task, submit, tmp_path):
    task = dataclasses.replace(
        grid_task, env_id="rlbench/CartPole-v0", env_kwargs={"continuous": True}, options=(), failure_return=8.0
    )
    act = "return np.array([[0.0], [np.nan], [0.5]])"
    episodes, _ = lines(task, submit(act), tmp_path / "results")
    assert [line["status"] for line in episodes] == ["ok", "invalid_action", "ok"]
    assert episodes[1]["return"] == 8.0
    assert episodes[0]["return"] == episodes[0]["length"] > 0


def test_a_crash_spares_the_episodes_that_are_over(grid_task, submit, tmp_path):
    act = """
        if not first.all():
            raise RuntimeError("too late")
        return np.zeros(3, np.int64)
        """
    episodes, fault = lines(grid_task, submit(act), tmp_path / "results")
    assert [(line["status"], line["return"], line["length"]) for line in episodes] == [
        ("ok", -1.0, 1),  # from (1, 0) up into the corner
        ("crash", -97.0, 1),
        ("crash", -97.0, 1),
    ]
    assert "too late" in fault


def test_a_fault_in_an_episode_that_does_not_count_is_not_charged(grid_task, submit, tmp_path):
    act = """
        self.calls = getattr(self, "calls", 0) + 1
        actions = np.full(3, 1)  # right: from (1, 1) and (1, 2) against the wall for ever
        actions[0] = 0 if self.calls == 1 else 77
        return actions
        """
    episodes, _ = lines(grid_task, submit(act), tmp_path / "results")
    assert [line["status"] for line in episodes] == ["ok", "ok", "ok"]


def test_every_block_begins_anew(grid_task, submit, tmp_path):
    task = dataclasses.replace(grid_task, num_envs=1)
    act = """
        self.calls = getattr(self, "calls", 0) + 1
        if self.calls > 1:
            raise RuntimeError("second call")
        return np.zeros(1, np.int64)
        """
    run = record.read(evaluate(task, submit(act), tmp_path / "results", quiet=True))
    assert [line["status"] for line in run.episodes] == ["ok", "crash", "crash"]
    assert [block["fault"] is None for block in run.blocks] == [True, False, False]


def wait_until_dead(pid):
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        with open(f"/proc/{pid}/stat", encoding="utf-8") as stat:
            if stat.read().rpartition(")")[2].split()[0] == "Z":
                return True
        time.sleep(0.01)
    return False


def test_what_an_agent_starts_dies_with_it(grid_task, submit, tmp_path):
    act = f"""
        import subprocess
        child = subprocess.Popen(["sleep", "600"])
        open({str(tmp_path / "pid")!r}, "w").write(str(child.pid))
        os._exit(3)
        """
    _, fault = lines(grid_task, submit(act), tmp_path / "results", "process")  # the walls allow no other programs
    assert "exited with code 3" in fault
    assert wait_until_dead(int((tmp_path / "pid").read_text(encoding="utf-8")))


def test_one_that_escapes_with_the_pipes_cannot_hold_up_the_harness(grid_task, submit, tmp_path):
    act = f"""
        if os.fork() == 0:
            os.setsid()
            open({str(tmp_path / "pid")!r}, "w").write(str(os.getpid()))
            time.sleep(600)
        time.sleep(0.2)
        os._exit(4)
        """
    began = time.monotonic()
    try:
        _, fault = lines(grid_task, submit(act), tmp_path / "results", "process")
        assert "exited with code 4" in fault
        assert time.monotonic() - began < 60  # not 600
        assert wait_until_dead(int((tmp_path / "pid").read_text(encoding="utf-8")))
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(int((tmp_path / "pid").read_text(encoding="utf-8")), signal.SIGKILL)


def test_one_that_hides_where_it_comes_from_dies_with_the_agent(grid_task, submit, tmp_path):
    """It has lost its parent, its session and its environment."""
    act = f"""
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                open({str(tmp_path / "pid")!r}, "w").write(str(os.getpid()))
                os.execve("/bin/sleep", ["sleep", "600"], {{}})
            os._exit(0)
        time.sleep(0.2)
        os._exit(4)
        """
    children = Path(f"/proc/self/task/{os.getpid()}/children")
    before = children.read_text(encoding="utf-8")
    with subprocess.Popen(["sleep", "600"], start_new_session=True) as mine:
        try:
            _, fault = lines(grid_task, submit(act), tmp_path / "results", "process")
            assert "exited with code 4" in fault
            assert not Path("/proc", (tmp_path / "pid").read_text(encoding="utf-8")).exists()
            assert mine.poll() is None
        finally:
            mine.kill()
    assert children.read_text(encoding="utf-8") == before


def test_one_that_traces_the_agent_cannot_hold_up_the_harness(grid_task, submit, tmp_path):
    """Whose fork may hang, as that of any process with threads: then another one is begun."""
    act = f"""
        import ctypes, signal
        agent, tracer = os.getpid(), {str(tmp_path / "pid")!r}
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGCHLD])  # at which a traced process stops
        for _ in range(3):
            if os.fork() == 0:
                os.setsid()
                if os.fork():
                    os._exit(0)
                ctypes.CDLL(None).ptrace(0x4206, agent, None, None)  # PTRACE_SEIZE
                open(tracer, "w").write(str(os.getpid()))
                time.sleep(600)
            until = time.monotonic() + 2
            while not os.path.exists(tracer) and time.monotonic() < until:
                time.sleep(0.01)
            if os.path.exists(tracer):
                break
        os._exit(4)
        """
    _, fault = lines(grid_task, submit(act), tmp_path / "results", "process")
    assert fault.startswith("crash: ")
    assert wait_until_dead(int((tmp_path / "pid").read_text(encoding="utf-8")))


def test_the_limit_of_a_whole_run(grid_task, submit, tmp_path):
    """Blocks for which no time is left are failures; a run that is resumed has taken what it took before."""
    task = dataclasses.replace(grid_task, num_envs=1, total_seconds=1.0)
    path = submit("time.sleep(1.2 if first[0] else 0); return [1]")
    entrant = submission.read(path)
    taken = {"load_seconds": 0.25, "act_seconds": 0.75}
    blocks = [play_isolated(without_spent_time(task, [taken] * number), entrant, number) for number in range(2)]
    assert [block.episodes[0].status for block in blocks] == ["timeout_run", "timeout_run"]
    assert blocks[1].fault == "timeout_run: the agent has used up its time for the whole run"
    assert blocks[1].act_seconds == 0
    slow = dataclasses.replace(task, total_seconds=2.0)
    run = record.read(evaluate(slow, submit("time.sleep(0.9 if first[0] else 0); return [1]"), tmp_path, quiet=True))
    assert [line["status"] for line in run.episodes][0::2] == ["ok", "timeout_run"]


def test_secrets_and_surroundings_stay_outside(grid_task, submit, tmp_path, monkeypatch):
    monkeypatch.setenv("API_TOKEN", "hunter2")
    act = """
        if not first.all():
            return np.full(3, 1)
        assert "API_TOKEN" not in os.environ
        assert os.environ["OMP_NUM_THREADS"] == "1"
        assert os.listdir(".") == []
        assert sys.stdin.read() == ""
        assert "rlbench" not in sys.modules
        assert not {"gymnasium", "numba", "pandas", "scipy", "torch", "safetensors"} & set(sys.modules)
        import rlbench
        assert rlbench.ENVIRONMENTS
        return np.full(3, 1)
        """
    episodes, fault = lines(grid_task, submit(act), tmp_path / "results")
    assert fault is None
    assert {line["status"] for line in episodes} == {"ok"}


@pytest.fixture(params=[[1], [99], [99, 99, 1]], ids=["idle machine", "busy machine", "busy at first"])
def machine(request, monkeypatch):
    """Where the machine is idle both sides stay awake on cores of their own, where it is busy they sleep."""
    running = list(request.param)
    monkeypatch.setattr(affinity, "_running_threads", lambda: running.pop(0) if len(running) > 1 else running[0])
    monkeypatch.setattr(affinity, "CALLS", 10)
    before = os.sched_getaffinity(0)
    yield
    assert os.sched_getaffinity(0) == before


@pytest.mark.parametrize(
    ("last", "limits", "status"),
    [
        ("pass", Limits(), "invalid_action"),
        ("time.sleep(60)", Limits(act=0.2), "timeout_act"),
        ("os._exit(1)", Limits(), "crash"),
        ("print('x' * 2_000_000)", Limits(), "invalid_action"),
        ("return np.ones(3, np.int64)", Limits(), "ok"),
        ("return np.ones(3, np.int64)", Limits(run=1e-5), "timeout_run"),
    ],
)
def test_idle_or_busy_it_ends_alike(machine, grid_task, submit, tmp_path, last, limits, status):
    task = dataclasses.replace(grid_task, limits=limits)
    act = f"""
        self.calls = getattr(self, "calls", 0) + 1
        if self.calls < 150:
            return np.ones(3, np.int64)
        {last}
        """
    episodes, _ = lines(task, submit(act), tmp_path / "results")
    assert {line["status"] for line in episodes} == {status}
    assert status == "timeout_run" or {line["length"] for line in episodes} == {200 if status == "ok" else 149}
