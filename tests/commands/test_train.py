"""`rlbench train`: names of settings, agents and tasks, mistakes before any work, and the advice at the end."""

from __future__ import annotations

import errno
import json
import os
import shlex
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from baselines import ALGORITHMS
from baselines.training import runner
from rlbench import cli
from rlbench.api import trainable
from rlbench.commands import train
from rlbench.commands.shared.agents import agents
from rlbench.harness.submission import read

PAIRS: list[tuple[str, dict[str, str]]] = [
    ("q-learning", {"--steps": "--total-env-steps", "--lanes": "--num-envs"}),
    (
        "q-learning",
        {"--evaluate-every": "--eval-every-env-steps", "--checkpoint-every": "--checkpoint-every-env-steps"},
    ),
    ("dqn", {"--steps": "--total-env-steps", "--lanes": "--num-envs", "--batch": "--batch-size"}),
    ("dqn", {"--refresh-every": "--target-update-period", "--evaluate-every": "--eval-every-env-steps"}),
    ("dqn", {"--checkpoint-every": "--checkpoint-every-env-steps"}),
    ("reinforce", {"--steps": "--total-env-steps", "--trajectories": "--num-envs"}),
    ("reinforce", {"--evaluate-every": "--eval-every-updates", "--checkpoint-every": "--checkpoint-every-updates"}),
    ("actor-critic", {"--lanes": "--num-envs", "--steps": "--total-env-steps"}),
    ("actor-critic", {"--evaluate-every": "--eval-every-updates", "--checkpoint-every": "--checkpoint-every-updates"}),
    ("recurrent-attention", {"--batch": "--batch-size", "--evaluate-every": "--eval-every-epochs"}),
    ("recurrent-attention", {"--checkpoint-every": "--checkpoint-every-epochs"}),
    ("soft-actor-critic", {"--steps": "--total-env-steps", "--lanes": "--num-envs", "--batch": "--batch-size"}),
    ("soft-actor-critic", {"--evaluate-every": "--eval-every-env-steps"}),
    ("soft-actor-critic", {"--checkpoint-every": "--checkpoint-every-env-steps"}),
]


def settings(algorithm: str, arguments: list[str]) -> Any:
    return train.parse([algorithm, *arguments]).settings


@pytest.mark.parametrize("joined", [False, True])
@pytest.mark.parametrize(("algorithm", "names"), PAIRS)
def test_a_former_name_gives_the_same_settings(algorithm: str, names: dict[str, str], joined: bool) -> None:
    preset = settings(algorithm, [])
    for i, (former, present) in enumerate(names.items()):
        value = str(37 + i)
        ways = [[f"{name}={value}"] if joined else [name, value] for name in (former, present)]
        old, new = (settings(algorithm, way) for way in ways)
        assert old == new == replace(preset, **{present.removeprefix("--").replace("-", "_"): 37 + i})
        assert old != preset


@pytest.mark.parametrize("former", ["--max-grad-norm", "--most-gradient"])
def test_a_former_name_of_a_number(former: str) -> None:
    assert settings("actor-critic", [former, "0.25"]).max_grad_norm == 0.25


def test_former_names_with_underscores() -> None:
    assert settings("dqn", ["--evaluate_every", "96"]).eval_every_env_steps == 96


def test_every_alias_stands_for_a_setting_of_some_algorithm() -> None:
    known = {field for name in ALGORITHMS for field in vars(settings(name, []))}
    for former, names in train.ALIASES.items():
        assert former not in known
        assert {*names} & known


@pytest.mark.parametrize("name", sorted(agents()))
def test_a_name_of_the_leaderboard_trains_the_agent_of_that_name(name: str) -> None:
    assert settings(name, []).agent == {"soft-actor-critic": "sac"}.get(name, name)  # an algorithm of that name
    assert settings(name.upper(), ["--seed", "3"]).seed == 3


def test_every_agent_on_the_leaderboard_has_such_a_name() -> None:
    shown = {path.stem.split("@")[0] for path in Path(__file__).parents[2].glob("results/*/*.jsonl")}
    assert shown - {"random", "random-legal"} <= {*agents()}


def test_what_stands_after_an_agents_name_goes_before_what_it_stands_for() -> None:
    assert settings("ppo", ["--preset", "fast"]) == settings("actor-critic", [])
    assert settings("RAM", []) == settings("recurrent-attention", [])
    assert settings("a2c", []).agent == "a2c"
    assert settings("recurrent-attention-150", ["--epochs", "3"]).epochs == 3


@pytest.mark.parametrize(
    ("name", "task"),
    [
        ("cart-pole", "cart-pole@1"),
        ("CART-POLE@1", "cart-pole@1"),
        ("CartPole", "rlbench/CartPole-v0"),
        ("hopper", "hopper@1"),
        ("gridworld8x8", "rlbench/GridWorld8x8-v0"),
        ("CartPole-v1", "CartPole-v1"),
        ("rlbench:rlbench/CartPole-v0", "rlbench:rlbench/CartPole-v0"),
    ],
)
def test_tasks_and_environments_have_the_names_of_all_commands(name: str, task: str) -> None:
    assert trainable.known_task(name) == task


@pytest.fixture
def rlbench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    monkeypatch.chdir(tmp_path)

    def run(*words: str) -> tuple[int, str, str]:
        code = cli.main(words)
        return code, *capsys.readouterr()

    return run


REFUSED = {
    ("--agent", "my agent"): "agent = 'my agent' is not valid",
    ("--agent", ""): "agent = '' is not valid",
    ("--agent", "../../x"): "agent = '../../x' is not valid",
    ("--agent", "x" * 65): "agent = 'xxx",
    ("--task", "cart-pool"): "unknown task or environment 'cart-pool'; did you mean cart-pole",
    ("--task", ""): "unknown task or environment ''",
    ("--task", "nowhere:x/Y-v0"): "cannot import nowhere",
    ("--task", "rlbench:rlbench/Y-v0"): "unknown environment 'rlbench/Y-v0'",
    ("--total-env-steps", str(10**30)): "total_env_steps must be a whole number below 2^63",
    ("--threads", str(10**9)): "threads must be at most 1024",
    ("--learning-rate", "nan"): "learning_rate must be a positive number, not nan",
    ("--learning-rate", "1e400"): "learning_rate must be a positive number, not inf",
    ("--goal", "nan"): "goal must be a number, not nan",
    ("--out", "file"): "cannot train into file: File exists",
    ("--out", "file/x"): "cannot train into file/x: Not a directory",
    ("--out", "/proc/x"): "cannot train into /proc/x",
    ("--out", "x" * 300): "File name too long",
    ("--out", "taken"): "cannot train into taken: submission in it is no folder",
    ("--out", "curved"): "cannot train into curved: curve.jsonl in it is no file",
}


@pytest.mark.parametrize("words", REFUSED, ids=" ".join)
def test_mistakes_are_told_before_any_work(words: tuple[str, str], rlbench: Any, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "submission").touch()
    (tmp_path / "curved" / "curve.jsonl").mkdir(parents=True)
    before = sorted(tmp_path.rglob("*"))
    code, out, err = rlbench("train", "q-learning", *words)
    assert (code, out) == (2, "")
    assert REFUSED[words] in err
    assert err.count("\n") == 1
    assert sorted(tmp_path.rglob("*")) == before


UNFIT = {
    "dqn --task pong": "dqn with the preset fast is for other environments than pong@1: observation_scale has 4 "
    "numbers, the observation 28224; give 28224, or none for a scale of 1 (`--observation-scale` alone, "
    "`observation_scale=()` in Python); for pong@1: rlbench train dqn-cpu or ",
    "dqn --task hopper": "for hopper@1: rlbench train ppo or sac or sac-paper or xqc or xqc-paper, "
    "with --task=hopper@1",
    "sac --task cart-pole": "for cart-pole@1: rlbench train dqn or dqn-lecture or ",
    "dqn-cpu --task cart-pole": "convolutions take stacked frames",
    "q-learning --task hopper": "for hopper@1: rlbench train ppo",
    "value-iteration --task cart-pole": "cart-pole@1: rlbench train dqn",
    "recurrent-attention --task grid-world": "for grid-world@1: rlbench train ",
    "dqn --task Pendulum-v1 --tensorboard": "dqn with the preset fast is for other environments than Pendulum-v1: ",
    "dqn --observation-scale 1 2": "error: observation_scale has 2 numbers, the observation 4; "
    "give 4, or none for a scale of 1 (`--observation-scale` alone, `observation_scale=()` in Python)\n",
}


@pytest.mark.parametrize("words", UNFIT)
def test_an_agent_for_other_spaces_names_those_for_the_task(words: str, rlbench: Any, tmp_path: Path) -> None:
    code, out, err = rlbench("train", *words.split())
    assert (code, out) == (2, "")
    assert UNFIT[words] in err
    assert err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_spaces_are_refused_before_the_memory_that_they_would_take(rlbench: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr("baselines.checks.memory_left", lambda: 2**20)
    assert "for other environments than pong@1" in rlbench("train", "dqn", "--task", "pong")[2]
    assert "for other environments than pong@1" in rlbench("train", "sac", "--task", "pong")[2]
    assert "lower capacity" in rlbench("train", "dqn")[2]


def test_a_refused_run_leaves_what_was_there(rlbench: Any, tmp_path: Path) -> None:
    (tmp_path / "x" / "tensorboard").mkdir(parents=True)
    assert rlbench("train", "dqn", "--task", "hopper", "--out", "x/y/z")[0] == 2
    assert rlbench("train", "dqn", "--task", "hopper", "--out", "x")[0] == 2
    assert [*tmp_path.rglob("*")] == [tmp_path / "x", tmp_path / "x" / "tensorboard"]


def test_the_task_has_a_short_option() -> None:
    for name in agents():
        assert settings(name, ["-t", "hopper@1"]).task == "hopper@1"


def test_a_scale_that_is_no_number_is_refused(rlbench: Any) -> None:
    code, _, err = rlbench("train", "dqn", "--observation-scale", "1", "nan", "1", "1")
    assert code == 2
    assert "observation_scale must be finite numbers, not nan" in err


def full_disk(descriptor: int) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_full_disk_is_told_before_any_work(rlbench: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.fsync", full_disk)
    code, out, err = rlbench("train", "q-learning", "--out", "x")
    assert (code, out) == (2, "")
    assert err == "error: cannot train into x: No space left on device\n"
    assert not Path("x").exists()


def test_a_disk_that_fills_up_loses_nothing(rlbench: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The weights cannot be exported; once there is room, the same command goes on where it stopped."""
    words = "train", "q-learning", "--out", "x", "--steps", "1600"
    with monkeypatch.context() as patch:
        patch.setattr("baselines.training.runner.export", lambda *_: full_disk(0))
        code, _, err = rlbench(*words, "--quiet")
    assert code != 0
    code, out, err = rlbench(*words)
    assert (code, out) == (0, "x/submission\n")
    assert "finished already" in err


def test_two_runs_do_not_write_into_one_folder(rlbench: Any, tmp_path: Path) -> None:
    runner.prepare(tmp_path / "x")
    with runner.alone(tmp_path / "x"):
        code, _, err = rlbench("train", "q-learning", "--out", "x")
    assert code == 2
    assert err == "error: another training run writes into x; wait for it, or give another --out\n"


@pytest.mark.skipif(sys.platform != "linux", reason="agents are evaluated on Linux only")
@pytest.mark.parametrize(
    ("task", "command"),
    [
        ("grid-world", "evaluate"),
        ("GridWorld", "evaluate"),  # the very environment of grid-world@1
        ("GridWorld8x8", "watch"),
        ("FrozenLake-v1", "watch"),  # of Gymnasium
        ("gymnasium:FrozenLake8x8-v1", "watch"),
    ],
)
def test_the_advice_is_a_command_that_works(task: str, command: str, rlbench: Any) -> None:
    code, _, err = rlbench("train", "q-learning", "--task", task, "--steps", "800", "--out", "a folder")
    assert code == 0
    _, *advised = err.splitlines()[-1].split("rlbench ")
    assert [each.split()[0] for each in advised] == [command, *(["leaderboard"] if command == "evaluate" else [])]
    for each in advised:
        words = shlex.split(each.strip(" ;"))
        code, _, err = rlbench(*words, *(("--no-window", "--record", "x.png") if command == "watch" else ("--quiet",)))
        assert code == 0, err


def test_an_environment_of_somebody_else(rlbench: Any) -> None:
    words = (
        "train",
        "q-learning",
        "--task",
        "gymnasium:FrozenLake-v1",
        "--steps",
        "1600",
        "--out",
        "x",
        "--seed",
        "12345",
    )
    code, out, err = rlbench(*words)
    assert (code, out) == (0, "x/submission\n")
    assert read("x/submission").tasks == ()
    assert err.splitlines()[-1] == "to watch it: rlbench watch x/submission --task gymnasium:FrozenLake-v1"
    assert json.loads(rlbench(*words, "--json")[1])["seed"] == 12345
    assert "12345" in rlbench(*words, "--csv")[1]
