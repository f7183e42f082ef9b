"""`rlbench.train`: the weights of the command, from a process of its own; progress, mistakes and interruptions here."""

import contextlib
import io
import os
import signal
import subprocess
import sys
import time

import gymnasium
import numpy as np
import pytest

import rlbench
from rlbench import arithmetic
from rlbench.api.training import settings_of_agent
from rlbench.api.training_process import Remarks, interrupt_at_end, read_line
from rlbench.progress import reporting

pytest.importorskip("torch", reason="pip install 'rlbench[baselines]'")

STEPS = 2_000


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def files(submission):
    return {path.name: path.read_bytes() for path in sorted(submission.iterdir())}


@pytest.mark.parametrize("name", ["q-learning", pytest.param("dqn", marks=pytest.mark.slow)])
def test_the_weights_are_those_of_the_command_and_progress_is_shown_here(name, folder):
    hidden = {"hidden": [8]} if name == "dqn" else {}
    bars = []
    with reporting(lambda *bar: bars.append(bar)):
        made = rlbench.train(name, "grid-world", seed=np.int64(3), total_env_steps=STEPS, **hidden)
    words = [name, "--task", "grid-world", "--seed", "3", "--total-env-steps", str(STEPS)]
    words += ["--hidden", "8"] if hidden else []
    command = [sys.executable, "-m", "rlbench", "train", *words, "--out", "command", "--quiet"]
    subprocess.run(command, check=True, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)})
    assert files(made.submission) == files(folder / "command" / "submission")
    assert made.path.parts == ("runs", "train", "grid-world@1", f"{name}-s3")
    assert (made.algorithm, made.agent, made.task, made.seed) == (name, name, "grid-world@1", 3)
    assert {title for title, *_ in bars} == {f"{name}, seed 3"}
    curve = made.curve
    assert 0 < curve["steps"].max() <= STEPS
    assert curve.loc[curve["event"] == "evaluated", "mean"].max() >= made.best.mean
    assert os.fspath(made) == os.fspath(made.submission)
    assert f"{name} on grid-world@1" in made._repr_html_()


def test_training_here_knows_what_only_this_process_has_registered(folder, capsys):
    gymnasium.register("Registered/Here-v0", entry_point=lambda **kwargs: gymnasium.make("rlbench/GridWorld-v0"))
    made = rlbench.train("q-learning", "Registered/Here-v0", total_env_steps=500, here=True)
    assert made.task == "Registered/Here-v0"
    said = capsys.readouterr().err
    assert ("not pinned" in said) == (arithmetic.current() != arithmetic.PINNED)


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        (["dqn"], {}, "is no algorithm"),
        ("dqm", {}, "unknown algorithm 'dqm'; did you mean dqn"),
        ("q-learning", {"step": 3}, "unknown setting 'step'"),
        ("q-learning", {"preset": "fast"}, "unknown preset 'fast'; there is lecture"),
        ("q-learning", {"task": "cart-pole"}, "q-learning with the preset lecture is for other environments"),
        ("q-learning", {"task": 3}, "task must be text, not 3"),
        ("q-learning", {"seed": -1}, "seed must be a whole number"),
        ("q-learning", {"seed": "x"}, "seed must be a whole number"),
        ("q-learning", {"out": "/proc/x"}, "cannot train into /proc/x"),
    ],
)
def test_a_mistake_is_one_line(name, settings, message, folder):
    with pytest.raises(rlbench.UserError, match=message) as raised:
        rlbench.train(name, here=True, quiet=True, **settings)
    assert "\n" not in str(raised.value)
    assert not list(folder.iterdir())


def test_a_mistake_crosses_from_the_process_that_trains(folder):
    with pytest.raises(rlbench.UserError, match="unknown setting 'step'"):
        rlbench.train("value-iteration", step=3)
    gymnasium.register("Registered/Only-v0", entry_point=lambda **kwargs: gymnasium.make("rlbench/GridWorld-v0"))
    with pytest.raises(rlbench.UserError, match="only this process has registered Registered/Only-v0: give here=True"):
        rlbench.train("value-iteration", "Registered/Only-v0")
    with pytest.raises(rlbench.UserError, match="is no value of a setting"):
        rlbench.train("value-iteration", seed=object())


def test_agents_of_the_leaderboard_bring_their_settings():
    assert settings_of_agent("ppo") == ("actor-critic", {"preset": "locomotion"})
    assert settings_of_agent("recurrent-attention-150") == (
        "recurrent-attention",
        {"preset": "translated", "epochs": 150, "agent": "recurrent-attention-150"},
    )


def test_a_line_is_read_whole_the_end_interrupts_and_remarks_are_lines():
    reading, writing = os.pipe()
    os.write(writing, b"torn ")
    os.write(writing, b"line\n")
    assert read_line(reading) == b"torn line\n"
    os.close(writing)
    with contextlib.suppress(KeyboardInterrupt):  # of the main thread, which this is
        interrupt_at_end(reading)
        time.sleep(1)
        pytest.fail("the end of the input has interrupted nothing")
    os.close(reading)
    sent = []
    stream = Remarks(lambda **message: sent.append(message))
    print("going", "on", file=stream)
    print("torn", end="", file=stream)
    assert sent == [{"remark": "going on"}]
    assert not isinstance(stream, io.TextIOBase)


SCRIPT = """
import rlbench
try:
    rlbench.train("dqn", "cart-pole", total_env_steps=10_000_000, checkpoint_every_env_steps=1_000, quiet=False)
except KeyboardInterrupt as interruption:
    print(interruption)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="interrupts by a signal")
@pytest.mark.parametrize("kill", [False, True])
def test_who_interrupts_or_kills_the_caller_ends_training_with_its_snapshot(folder, kill):
    """The process that trains ends by itself, as its input does."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    caller = subprocess.Popen(
        [sys.executable, "-c", SCRIPT], stdout=subprocess.PIPE, text=True, encoding="utf-8", env=environment
    )
    run = folder / "runs" / "train" / "cart-pole@1" / "dqn-s0"
    deadline = time.monotonic() + 120
    while not (run / "checkpoint.safetensors").exists():
        assert time.monotonic() < deadline
        time.sleep(0.1)
    caller.send_signal(signal.SIGKILL if kill else signal.SIGINT)
    out, _ = caller.communicate(timeout=60)
    if not kill:
        assert "interrupted; the same command" in out
    while time.monotonic() < deadline:  # another run may write into the folder: the lock has gone
        done = rlbench_train_briefly(folder)
        if "another training run" not in done:
            break
        time.sleep(0.5)
    assert "another training run" not in done


def rlbench_train_briefly(folder):
    try:
        rlbench.train("dqn", "cart-pole", total_env_steps=STEPS, resume=False, quiet=True)
    except rlbench.UserError as error:
        return str(error)
    return ""
