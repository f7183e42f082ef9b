"""An environment that nobody prepared goes through every command: new-task, train, evaluate, watch, leaderboard."""

import json
import sys

import gymnasium
import pytest

from rlbench import cli
from rlbench.harness.tasks import found

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="agents are evaluated on Linux only")


@pytest.fixture
def rlbench(tmp_path, monkeypatch, capsys):
    """Runs a command in an empty folder whose tasks are known; its output."""
    monkeypatch.setattr(found, "NAMED", {})
    monkeypatch.setenv(found.VARIABLE, str(tmp_path))
    monkeypatch.chdir(tmp_path)

    def run(*words):
        assert cli.main(words) == 0, words
        return capsys.readouterr().out

    return run


def make_or_skip(env_id):
    try:
        gymnasium.make(env_id).close()
    except gymnasium.error.DependencyNotInstalled as error:
        pytest.skip(str(error))


@pytest.mark.slow
@pytest.mark.filterwarnings(
    "ignore:builtin type .* has no __module__:DeprecationWarning"
)  # Box2D; as an error, it crashes
@pytest.mark.parametrize(
    ("env_id", "task", "keys"),
    [
        ("MountainCar-v0", "mountain-car", "right*9"),
        ("Pendulum-v1", "pendulum", "q*9"),
        ("LunarLander-v3", "lunar-lander", "2*9"),
    ],
)
def test_an_environment_of_gymnasium_goes_through_every_command(env_id, task, keys, rlbench, tmp_path):
    pytest.importorskip("torch")
    make_or_skip(env_id)
    rlbench("show", env_id)
    rlbench("play", env_id, "--keys", keys, "--episodes", "1")
    rlbench("new-task", env_id, "--measured", "40", "--episodes", "8", "--num-envs", "4", "--quiet")
    folder = rlbench("train", "ppo", "--task", task, "--total-env-steps", "2000", "--quiet").strip()
    (row,) = json.loads(rlbench("evaluate", folder, "--quiet", "--json"))
    assert (row["task"], row["episodes"], row["ok"]) == (f"{task}@1", 8, 8)
    rlbench("watch", folder, "--no-window", "--record", "film.png")
    assert (tmp_path / "film.png").is_file()
    (record,) = (tmp_path / "results" / f"{task}@1").glob("ppo@*.jsonl")
    (watched,) = json.loads(rlbench("watch", str(record), "--no-window", "--json"))
    assert watched["as_recorded"] is True
    assert json.loads(rlbench("verify", str(record), "--quiet", "--json"))[0]["verdict"] == "verified"
    rlbench("leaderboard")
    assert "**Not conformance-checked**" in (tmp_path / "results" / "tasks" / f"{task}@1.md").read_text(
        encoding="utf-8"
    )


def test_a_batch_of_gymnasium_s_is_evaluated_and_simulated_again(rlbench, tmp_path):
    """FrozenLake has no batch of its own; its record is proved in a process of its own."""
    text = """
        [[task]]
        name = "lake"
        version = 1
        env_id = "FrozenLake-v1"
        env_kwargs = { is_slippery = false }
        episodes = 6
        num_envs = 3
        failure_return = 0.0
        random = 0.0
        reference = 1.0
    """
    (tmp_path / "lake.toml").write_text(text, encoding="utf-8")
    (row,) = json.loads(rlbench("evaluate", "random", "--task", "lake", "--quiet", "--json"))
    assert row["ok"] == 6
    (proof,) = json.loads(rlbench("verify", "results/lake@1", "--quiet", "--json"))
    assert proof["verdict"] == "verified"
