"""Training runs as a user makes them: killed, resumed, repeated, refused."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from baselines import ALGORITHMS, export
from baselines.algorithms import dqn, q_learning, value_iteration
from baselines.algorithms.q_learning import QLearningSettings
from baselines.algorithms.value_iteration import ValueIterationSettings
from baselines.training import checkpoint, runner
from baselines.training.events import Event, Finished, Snapshot
from baselines.training.loop import RunSettings
from rlbench.errors import UserError
from tests.baselines import films
from tests.baselines.runs import curve, kill, weights

SMALL = replace(
    dqn.PRESETS["fast"],
    **{"num_envs": 8, "total_env_steps": 4_800, "warmup": 50, "hidden": (16,), "batch_size": 32, "n_step": 3},
    **{"eval_every_env_steps": 800, "evaluation_episodes": 4, "checkpoint_every_env_steps": 800},
    epsilon_env_steps=4_000,
)

PIXELS = replace(
    dqn.PRESETS["atari-cpu"],
    task=films.task("noise"),
    **{"convolutions": ((4, 8, 4), (4, 2, 1)), "hidden": (8,), "num_envs": 3, "warmup": 50, "batch_size": 8},
    **{"total_env_steps": 720, "eval_every_env_steps": 180, "checkpoint_every_env_steps": 180},
    **{"capacity": 300, "evaluation_episodes": 2, "target_update_period": 7, "epsilon_env_steps": 12_000},
)

KILLED = """
import sys
from dataclasses import replace
from pathlib import Path
from baselines.training import runner
from tests.baselines.training.test_runner import SMALL
runner.run("dqn", SMALL, Path(sys.argv[1]), quiet=True)
"""


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("uninterrupted")
    runner.run("dqn", SMALL, out, quiet=True)
    return out


def test_two_runs_of_one_seed_are_the_same(uninterrupted: Path, tmp_path: Path) -> None:
    again = runner.run("dqn", SMALL, tmp_path, quiet=True)
    assert weights(again) == weights(uninterrupted / "submission")
    assert curve(tmp_path) == curve(uninterrupted)
    other = runner.run("dqn", replace(SMALL, seed=1), tmp_path / "other", quiet=True)
    assert weights(other) != weights(again)


def test_killed_and_resumed_is_uninterrupted(uninterrupted: Path, tmp_path: Path) -> None:
    """Killed with signal 9 as soon as a checkpoint is there; the rest is done here."""
    kill(KILLED, tmp_path)
    with (tmp_path / "curve.jsonl").open("a", encoding="utf-8") as file:
        file.write('{"event": "prog')  # a torn line
    submission = runner.run("dqn", SMALL, tmp_path, quiet=True)
    assert weights(submission) == weights(uninterrupted / "submission")
    assert curve(tmp_path) == curve(uninterrupted)


@pytest.mark.parametrize("algorithm", ["dqn", "dqn from pixels", "q-learning", "value-iteration"])
def test_resumed_from_every_snapshot(algorithm: str) -> None:
    settings = {
        "dqn": replace(SMALL, total_env_steps=2_400),
        "dqn from pixels": PIXELS,
        "q-learning": QLearningSettings(
            total_env_steps=8_000, checkpoint_every_env_steps=1_600, eval_every_env_steps=1_600
        ),
        "value-iteration": ValueIterationSettings(),
    }[algorithm]
    module = runner.load(algorithm.partition(" ")[0])
    whole = list(module.train(settings))
    states = [event.state() for event in module.train(settings) if type(event).__name__ == "Snapshot"]
    assert states
    for state in states:
        *_, last = module.train(settings, resume=state)
        for name, tensor in whole[-1].policy.tensors().items():
            np.testing.assert_array_equal(last.policy.tensors()[name], tensor)
        assert last.update == whole[-1].update


def test_a_finished_run_is_not_done_again(uninterrupted: Path) -> None:
    before = curve(uninterrupted)
    assert before[-1]["event"] == "finished"
    runner.run("dqn", SMALL, uninterrupted, quiet=True)
    assert curve(uninterrupted) == before


def test_anew(uninterrupted: Path, tmp_path: Path) -> None:
    runner.run("dqn", replace(SMALL, total_env_steps=800), tmp_path, quiet=True)
    with pytest.raises(UserError, match="total_env_steps=800 there, 4800 here"):
        runner.run("dqn", SMALL, tmp_path, quiet=True)
    runner.run("dqn", SMALL, tmp_path, quiet=True, resume=False)
    assert curve(tmp_path) == curve(uninterrupted)


def test_a_loss_that_is_no_number_stops_and_keeps_the_checkpoint(tmp_path: Path) -> None:
    settings = replace(SMALL, learning_rate=1e30, learning_rate_end=1e30)
    with pytest.raises(UserError, match=r"the loss became (nan|inf) at update \d+.*last good checkpoint is kept"):
        runner.run("dqn", settings, tmp_path, quiet=True)
    state = checkpoint.load(tmp_path / "checkpoint.safetensors", "dqn", runner.checks.as_json(settings))
    assert np.isfinite(state["training"]["learner"]["online"]["theta"]).all()
    assert not (tmp_path / "submission").exists()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"learning_rate": 0.0}, "learning_rate must be a positive number, not 0.0"),
        ({"learning_rate": float("nan")}, "learning_rate must be a positive number, not nan"),
        ({"gamma": 0.0}, r"gamma must lie in \(0, 1\], not 0.0"),
        ({"gamma": 1.5}, r"gamma must lie in \(0, 1\], not 1.5"),
        ({"gamma": float("nan")}, "gamma must lie"),
        ({"num_envs": 0}, "num_envs must be a whole number of at least 1, not 0"),
        ({"batch_size": True}, "batch_size must be a whole number"),
        ({"total_env_steps": 10.0}, "total_env_steps must be a whole number"),
        ({"seed": -1}, "seed must be a whole number of at least 0, not -1"),
        ({"seed": 2**30}, r"seed must be below 2\^30"),
        ({"seed": True}, "seed must be a whole number"),
        ({"epsilon_end": 2.0}, r"epsilon_end must lie in \[0, 1\], not 2.0"),
        ({"reward_scale": 0.0}, "reward_scale must be a positive number"),
        ({"tau": 1.5}, "tau must lie in"),
        ({"hidden": (16, 0)}, "hidden must be a whole number of at least 1, not 0"),
        ({"target_update_period": 0}, "double_q needs a target network"),
        ({"capacity": 10}, "capacity=10 must hold warmup=50"),
        ({"capacity": 10**12}, r"capacity=1000000000000 takes 43\.7 TiB of memory, and there are .* left; lower capac"),
        ({"convolutions": ((16, 8, 0),)}, "convolutions must be a whole number of at least 1, not 0"),
        ({"convolutions": ((16, 8, 4),)}, r"convolutions take stacked frames, uint8 \[K, H, W\], not Box"),
        (
            {"convolutions": ((16, 8, 4),), "capacity": 90},
            "capacity=90 frames must hold warmup=50 and num_envs=8 stacks twice",
        ),
        ({"evaluation_epsilon": 0.1}, "evaluation_epsilon is for networks with convolutions"),
        ({"reward_clip": -1.0}, "reward_clip must be a number of at least 0"),
        ({"device": "tpu"}, "unknown device 'tpu'; did you mean cpu"),
        ({"task": "cart-pool"}, "unknown task or environment 'cart-pool'"),
    ],
)
def test_bad_settings(change: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        next(dqn.train(replace(SMALL, **change)))


def test_numpy_integers_are_seeds() -> None:
    next(dqn.train(replace(SMALL, seed=np.int64(3))))  # type: ignore[arg-type]


def test_cuda_where_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    with pytest.raises(UserError, match="device=cuda, but PyTorch finds no CUDA device"):
        next(dqn.train(replace(SMALL, device="cuda")))


def test_an_agent_trained_on_a_gpu_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """That of a CPU does not: its weights, and so the digest of its folder, do not depend on which."""
    settings = replace(dqn.PRESETS["fast"], precision="tf32")
    end = Finished(1, 100, 0.5, None, "sustained", dict)  # type: ignore[arg-type]  # no policy is exported
    assert runner.origin(settings, end).training_device is None
    monkeypatch.setattr(runner, "gpu_of", lambda settings: "NVIDIA H200")
    told = export.manifest(runner.origin(settings, end), "rlbench:layers")
    assert 'training_device = "NVIDIA H200"\ntraining_precision = "tf32"\n' in told


def test_environments_that_an_algorithm_cannot_take() -> None:
    with pytest.raises(UserError, match="actions must be Discrete"):
        next(dqn.train(replace(SMALL, task="Pendulum-v1", observation_scale=())))
    with pytest.raises(UserError, match="takes Discrete observations from 0"):
        next(q_learning.train(QLearningSettings(task="cart-pole@1")))
    with pytest.raises(UserError, match="has no exact model P"):
        next(value_iteration.train(ValueIterationSettings(task="cart-pole@1")))


def test_value_iteration_has_one_seed() -> None:
    with pytest.raises(UserError, match="its seed is 0, not 3"):
        next(value_iteration.train(ValueIterationSettings(seed=3)))


def test_unknown_algorithm(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="unknown algorithm 'dqm'; did you mean dqn"):
        runner.run("dqm", SMALL, tmp_path)


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="cannot train into"):
        runner.run("dqn", SMALL, tmp_path / "file")


@pytest.mark.parametrize("algorithm", sorted(ALGORITHMS))
def test_every_algorithm_has_the_skeleton(algorithm: str) -> None:
    module = runner.load(algorithm)
    for settings in module.PRESETS.values():
        assert isinstance(settings, RunSettings)
        assert {"task", "agent", "seed", "device"} <= {*vars(settings)}
        settings.check()


def test_no_bar_where_there_is_no_terminal(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    runner.run("q-learning", QLearningSettings(total_env_steps=1_600), tmp_path)
    assert capfd.readouterr() == ("", "")


def test_the_bar_of_a_terminal(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")  # rich's way to be told that this is a terminal
    monkeypatch.setenv("COLUMNS", "140")
    with runner.progress_bar("dqn, seed 0", quiet=False) as watch:
        for event in q_learning.train(QLearningSettings(total_env_steps=1_600)):
            watch(event)
    shown = capfd.readouterr().err
    assert "dqn, seed 0" in shown
    assert "left" in shown
    assert "validation" in shown


def test_tensorboard_files(tmp_path: Path) -> None:
    settings = QLearningSettings(total_env_steps=4_000)
    runner.run("q-learning", settings, tmp_path, quiet=True, tensorboard=True)
    assert list((tmp_path / "tensorboard").glob("events.*"))


def test_a_run_that_is_refused_leaves_no_curve(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(settings: Any, resume: Any) -> Iterator[Event]:
        raise UserError("too large")
        yield

    monkeypatch.setattr(dqn, "train", refused)
    with pytest.raises(UserError, match=r"too large$"):
        runner.run("dqn", SMALL, tmp_path, quiet=True)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("update", "next_run"), [(0, "begins anew"), (1, r"goes on from the snapshot at update [1-9]")]
)
def test_an_interruption_says_where_the_run_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, update: int, next_run: str
) -> None:
    begin = dqn.train

    def interrupted(settings: Any, resume: Any) -> Iterator[Event]:
        events = begin(settings, resume=resume)
        for event in events:
            yield event
            if isinstance(event, Snapshot) and event.update >= update:
                break
        raise KeyboardInterrupt

    monkeypatch.setattr(dqn, "train", interrupted)
    with pytest.raises(KeyboardInterrupt, match=f"the same command {next_run}"):
        runner.run("dqn", SMALL, tmp_path, quiet=True)
