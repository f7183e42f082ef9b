"""A fault in `load` or in the first call of a new record: a mistake of the user, and no record; afterwards a score."""

import dataclasses

import pytest

from rlbench import cli
from rlbench.errors import UserError
from rlbench.harness import submission
from rlbench.harness.evaluate import evaluate
from rlbench.harness.results import record
from rlbench.harness.tasks.limits import Limits

ACT = """
import os, sys, time
import numpy as np

class Agent:
    calls = 0
    def act(self, observation, first):
        self.calls += 1
        {act}
        return [1, 1, 1]

def load(task, spaces, seed):
    return Agent()
"""
FIRST_CALLS = {
    "exception": ("raise ValueError('odd')", r"\(crash\).*: ValueError: odd \(agent.py:9\)"),
    "sys.exit": ("sys.exit(0)", r"\(crash\).*: SystemExit: 0"),
    "NaN": ("return np.array([1, 1, np.nan])", r"\(invalid_action\).*must be integers, got float64"),
    "wrong shape": ("return [1]", r"\(invalid_action\).*got \(1,\)"),
    "one of three": ("return [1, 9, 1]", r"\(invalid_action\).*action = 9 is not within"),
    "out of memory": ("return bytearray(1 << 60)", r"\(oom\).*MemoryError"),
    "too late": ("time.sleep(60)", r"\(timeout_act\).*longer than 2 s"),
    "talks": (
        "for d in range(3, 64):\n            try: os.write(d, b'x')\n            except OSError: pass",
        r"\(protocol\)",
    ),
}
LOADS = {
    "module": ("import onlyhere", r"ModuleNotFoundError: No module named 'onlyhere' \(agent.py:1\)"),
    "nested": (
        "def weights():\n    return open('w')\ndef load(task, spaces, seed):\n    return weights()",
        r"FileNotFoundError: .* \(agent.py:4, agent.py:2\)",
    ),
    "note": (
        "error = ValueError('odd')\nerror.__notes__ = ['see the manual', 'twice']\nraise error",
        r"ValueError: odd \(agent.py:3\)",
    ),
    "long": ("raise ValueError('x' * 100_000)", r"ValueError: x{480}x* \(agent.py:1\)"),
    "syntax": ("import ast\ndef load(*a):\n    ast.parse('(')", r"SyntaxError: '\(' was never closed \(agent.py:3\)"),
    "syntax of a helper": (
        "import pathlib\nopen(__file__.replace('agent', 'helper'), 'w').write('x = (')\nimport helper",
        r"SyntaxError: '\(' was never closed \(agent.py:3, helper.py:1\)",
    ),
    "no entry": ("x = 1", "has no attribute 'load'"),
    "no act": ("def load(task, spaces, seed):\n    return 3", "int, which has no method act"),
    "exits": ("import os\nprint('bye', flush=True)\nos._exit(3)", "exited with code 3; it last printed: bye"),
    "killed": ("import os\nos.kill(os.getpid(), 9)", "died of SIGKILL"),
    "hangs": ("import time\ntime.sleep(60)", "load took longer than 2 s"),
}
OFTEN = ("exception", "one of three", "nested", "exits")
EVERY = {name: (ACT.format(act=act), words) for name, (act, words) in FIRST_CALLS.items()} | LOADS


@pytest.fixture
def task(grid_task):
    return dataclasses.replace(grid_task, limits=Limits(load=2.0, act=2.0), num_envs=3, episodes=6)


@pytest.mark.parametrize(
    "name", [name if name in OFTEN else pytest.param(name, marks=pytest.mark.slow) for name in EVERY]
)
def test_it_is_an_error_and_nothing_is_recorded(name, task, submit, tmp_path):
    source, words = EVERY[name]
    path = submit(source=source)
    with pytest.raises(UserError, match=words) as e:
        evaluate(task, path, tmp_path / "results", quiet=True)
    assert "nothing is recorded" in str(e.value)
    assert "\n" not in str(e.value)
    assert not (tmp_path / "results").exists()


def statuses(run):
    return [line["status"] for line in run.episodes]


@pytest.mark.parametrize("act", ["os._exit(7)", "os.kill(os.getpid(), 9)"])
def test_a_process_that_dies_without_a_word_in_act_is_scored_at_once(act, task, submit, tmp_path):
    run = record.read(evaluate(task, submit(source=ACT.format(act=act)), tmp_path / "results", quiet=True))
    assert statuses(run) == ["crash"] * 6


def test_the_second_call_is_scored(task, submit, tmp_path):
    act = "if self.calls == 2: return [1, 9, 1]"
    run = record.read(evaluate(task, submit(source=ACT.format(act=act)), tmp_path / "results", quiet=True))
    assert statuses(run) == ["ok", "invalid_action", "ok"] * 2


def test_later_blocks_and_resumed_records_are_scored(task, submit, tmp_path):
    """Else whoever does not like a block would make it fail, and play it again."""
    gate = tmp_path / "gate"
    act = f"assert not os.path.exists({str(gate)!r})"
    path = submit(source=ACT.format(act=act))
    made = evaluate(task, path, tmp_path / "results", quiet=True)
    run = record.read(made)
    lines = made.read_bytes()[: run.size].splitlines(keepends=True)
    made.write_bytes(b"".join(lines[:5]))  # the header and one block
    gate.write_text("", encoding="utf-8")
    again = record.read(evaluate(task, path, tmp_path / "results", quiet=True))
    assert statuses(again) == ["ok"] * 3 + ["crash"] * 3


def test_a_record_of_a_header_alone_is_new(task, submit, tmp_path):
    path = submit(source="raise SystemError")
    entrant = submission.read(path)
    made = record.path_of(tmp_path / "results", task, entrant)
    made.parent.mkdir(parents=True)
    made.write_text("", encoding="utf-8")
    with pytest.raises(UserError, match="nothing is recorded"):
        evaluate(task, path, tmp_path / "results", quiet=True)
    assert not made.exists()


def test_one_task_that_fails_does_not_lose_the_others(submit, tmp_path, capsys):
    source = """
        def load(task, spaces, seed):
            if task.name == "cart-pole":
                raise RuntimeError("not mine")
            class Agent:
                def act(self, observation, first):
                    return observation % 4
            return Agent()
        """
    path = submit(source=source, tasks=["cart-pole@1", "grid-world@1"])
    code = cli.main(["evaluate", str(path), "--suite", "quick", "--results", str(tmp_path / "results"), "--csv"])
    out, err = capsys.readouterr()
    assert code == 2
    assert [line.split(",")[0] for line in out.splitlines()] == ["task", "grid-world@1"]
    assert "on cart-pole@1: load failed, so nothing is recorded" in err
    assert "RuntimeError: not mine (agent.py:4)" in err
    assert [each.name for each in (tmp_path / "results").iterdir()] == ["grid-world@1"]


def test_a_submission_to_no_task_plays_the_one_that_is_named(submit, tmp_path, capsys):
    path = submit("return [1] * self.num_envs", tasks=[])
    options = ["--results", str(tmp_path / "results"), "--quiet"]
    assert cli.main(["evaluate", str(path), *options]) == 2
    assert capsys.readouterr().err == "error: probe lists no task; give one with --task\n"
    assert cli.main(["evaluate", str(path), "--task", "grid-world", *options]) == 0


def test_watching_says_why_an_agent_fails(submit, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    options = ["--no-window", "--record", "w.png", "--task", "grid-world"]
    broken = submit(source="import onlyhere", folder="broken")
    assert cli.main(["watch", str(broken), *options]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert "load failed: ModuleNotFoundError: No module named 'onlyhere' (agent.py:1)" in err
    cli.main(["watch", str(submit("raise ValueError('odd')")), *options])
    assert "the agent failed: crash: ValueError: odd (agent.py:10)" in capsys.readouterr().err
