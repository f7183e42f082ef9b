"""`rlbench new-task`: a task for any environment, measured by random play."""

import json
import shlex
import sys

import gymnasium
import numpy as np
import pytest

from rlbench import cli
from rlbench.commands import new_task
from rlbench.errors import UserError
from rlbench.harness import proposal
from rlbench.harness.exact_model import optimal_return, returns_of_model
from rlbench.harness.proposal import KnownReturns, known_returns, name_for, reference_of
from rlbench.harness.tasks import found
from rlbench.harness.tasks.suite import get_task
from rlbench.harness.tasks.writing import task_text, value_text
from rlbench.text_files import parsed_toml

linux = pytest.mark.skipif(sys.platform != "linux", reason="agents are evaluated on Linux only")


@pytest.fixture(autouse=True)
def workshop(tmp_path, monkeypatch):
    """An empty working folder, and no task of others."""
    monkeypatch.setattr(found, "NAMED", {})
    monkeypatch.delenv(found.VARIABLE, raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*words):
    return cli.main(["new-task", *words])


def test_random_play_is_measured_and_the_file_is_read_as_a_task(workshop, capsys, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert run("MountainCar-v0", "--measured", "20", "--num-envs", "10") == 0
    told = capsys.readouterr()
    assert "random play of MountainCar-v0" in told.err  # the bar
    assert "rlbench evaluate random --task mountain-car.toml" in told.err
    task = get_task("mountain-car.toml")
    assert (task.key, task.env_id, task.episodes, task.num_envs) == ("mountain-car@1", "MountainCar-v0", 100, 10)
    assert (task.failure_return, task.random, task.reference) == (-200, -200, -110)
    assert task.random_source == "20 episodes of a random agent"
    assert task.reference_source == "the reward threshold that the environment is registered with"
    assert (task.min_return, task.max_return) == (None, None)
    assert "# the worst of 20 episodes of random play" in (workshop / "mountain-car.toml").read_text(encoding="utf-8")


def test_the_random_score_is_the_mean_of_random_play(capsys):
    """Of the cliff's 20 episodes, played here once more, one after the other."""
    assert run("CartPole-v1", "--name", "pole", "--measured", "4", "--num-envs", "4", "--json") == 0
    (row,) = json.loads(capsys.readouterr().out)
    env = gymnasium.make("CartPole-v1")
    space = gymnasium.vector.utils.batch_space(env.action_space, 4)
    space.seed(0)
    actions = np.array([space.sample() for _ in range(500)])
    returns = []
    for i in range(4):
        env.reset(seed=2**30 + i)
        returns.append(next(t for t in range(1, 500) if any(env.step(actions[t - 1, i])[2:4])))
    env.close()
    assert (row["failure_return"], row["random"]) == (min(returns), sum(returns) / 4)


def test_a_time_limit_is_kept_in_the_task():
    assert run("CliffWalking-v1", "--max-steps", "30", "--measured", "4", "-q") == 0
    task = get_task("cliff-walking.toml")
    assert task.env_kwargs == {"max_episode_steps": 30}
    assert (task.reference, task.reference_source) == (-13, "the exact optimum")


def test_an_exact_model_gives_bounds_and_arguments_are_kept():
    assert run("FrozenLake-v1", "--measured", "10", "--set", "map_name=8x8", "is_slippery=false", "-q") == 0
    task = get_task("frozen-lake.toml")
    assert task.env_kwargs == {"map_name": "8x8", "is_slippery": False}
    assert (task.min_return, task.max_return) == (0, 1)


def register_without_limit(monkeypatch):
    """An environment whose random play does not end, of which 50 steps are enough to be sure."""
    monkeypatch.setattr(proposal, "MAX_STEPS", 50)
    monkeypatch.setattr(new_task, "MAX_STEPS", 50)
    entry_point = "gymnasium.envs.classic_control:MountainCarEnv"
    monkeypatch.setitem(gymnasium.registry, "Mute-v0", gymnasium.envs.registration.EnvSpec("Mute-v0", entry_point))


@pytest.mark.parametrize(("answer", "limit"), [("70", 70), ("", 50)])
def test_on_a_terminal_a_time_limit_is_asked_for(answer, limit, capsys, monkeypatch):
    register_without_limit(monkeypatch)
    asked = []
    monkeypatch.setattr(new_task, "can_ask", lambda: True)
    monkeypatch.setattr(new_task, "ask", lambda question: asked.append(question) or answer)
    assert run("Mute-v0", "--measured", "2", "--num-envs", "2") == 0
    assert asked == [
        "Mute-v0 has no time limit, and random play has not ended after 50 steps. "
        "After how many steps shall an episode end? [50]\n> "
    ]
    task = get_task("mute.toml")
    assert (task.env_kwargs, task.random) == ({"max_episode_steps": limit}, -limit)
    monkeypatch.setattr(new_task, "ask", lambda question: "many")
    assert run("Mute-v0", "--name", "other") == 2
    assert "'many' is no number of steps" in capsys.readouterr().err


def test_the_bar_moves_while_one_block_is_played(monkeypatch):
    done = []
    task = proposal.propose("car", "MountainCar-v0", {}, episodes=3, num_envs=3, measured=3, show=done.append).task
    assert task.random == -200
    assert done == pytest.approx([3 * step / 200 for step in range(0, 200, 16)])


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["MountainCar-v0", "--name", "My Car"], "--name is lower-case words joined by hyphens"),
        (["CartPole-v1"], "cart-pole is a task or a suite already; give another --name"),
        (["CartPole-v1", "--name", "atari"], "atari is a task or a suite already"),
        (["MontainCar-v0"], "unknown environment 'MontainCar-v0'; did you mean MountainCar"),
        (["MountainCar-v0", "--measured", "0"], "--measured is from 1 to 1,000,000, got 0"),
        (["MountainCar-v0", "--set", "gravity"], "--set takes name=value, got 'gravity'"),
        (["MountainCar-v0", "--output", "car.txt"], "car.txt is no name for a file of tasks; give --output one that"),
        (["MountainCar-v0", "--output", "nowhere/car.toml", "--measured", "1"], "cannot write nowhere/car.toml"),
        (
            ["Mute-v0", "--measured", "1"],
            "Mute-v0 has no time limit, and random play has not ended after 50 steps; give it one, which the task "
            "keeps: --max-steps 50",
        ),
        (["Mute-v0", "--set", "max_episode_steps=-1", "--measured", "1"], "has no time limit, and random play"),
        (["Mute-v0", "--max-steps", "0"], "--max-steps is from 1 to 1,000,000,000, got 0"),
        (
            ["Mute-v0", "--max-steps", "9", "--set", "max_episode_steps=9"],
            "--max-steps and --set max_episode_steps are the same; give one of them",
        ),
    ],
)
def test_a_mistake_is_one_line_and_writes_nothing(words, message, workshop, capsys, monkeypatch):
    register_without_limit(monkeypatch)
    assert run(*words) == 2
    told = capsys.readouterr()
    assert told.err.startswith("error: ")
    assert message in told.err
    assert told.err.count("\n") == 1
    assert list(workshop.iterdir()) == []


def test_the_hint_adds_the_folder_to_those_that_are_there(workshop, capsys, monkeypatch):
    words = "MountainCar-v0", "--measured", "1", "--num-envs", "1", "--name"
    folder = shlex.quote(str(workshop))
    assert run(*words, "one") == 0
    assert f"knows it by its name: export RLBENCH_PATH={folder}\n" in capsys.readouterr().err
    monkeypatch.setenv(found.VARIABLE, "/elsewhere")
    assert run(*words, "two") == 0
    assert f'knows it by its name: export RLBENCH_PATH="$RLBENCH_PATH":{folder}\n' in capsys.readouterr().err
    monkeypatch.setenv(found.VARIABLE, f"/elsewhere:{workshop}")
    assert run(*words, "three") == 0
    assert "RLBENCH_PATH" not in capsys.readouterr().err
    assert get_task("three").name == "three"


def test_a_file_that_is_there_stays(workshop, capsys):
    (workshop / "mountain-car.toml").write_text("mine", encoding="utf-8")
    assert run("MountainCar-v0", "--measured", "1") == 2
    assert "mountain-car.toml is there already" in capsys.readouterr().err
    assert (workshop / "mountain-car.toml").read_text(encoding="utf-8") == "mine"


@pytest.mark.parametrize(
    ("env_id", "name"),
    [
        ("MountainCarContinuous-v0", "mountain-car-continuous"),
        ("maze_env:demo/BigMaze-v3", "big-maze"),
        ("FrozenLake8x8-v1", "frozen-lake8x8"),
        ("phys2d/CartPole-v0", "cart-pole"),
        ("my_package/under_score", "under-score"),
    ],
)
def test_names_are_those_of_environments(env_id, name):
    assert name_for(env_id) == name


def test_bounds_of_a_model_are_those_of_its_longest_ways():
    """A corridor of three rooms: -1 a step, 10 for the exit; the lowest return is to walk into the wall for ever."""
    model = {
        0: {0: [(1.0, 0, -1, False)], 1: [(1.0, 1, -1, False)]},
        1: {0: [(1.0, 0, -1, False)], 1: [(0.9, 2, 10, True), (0.1, 1, -1, False), (0.0, 0, 99, False)]},
        2: {0: [(1.0, 2, 0, True)]},
    }
    assert returns_of_model(model, 1) == (-1, 10)
    assert returns_of_model(model, 5) == (-5, 10)
    exits = 0.9 * 10 - 0.1
    assert optimal_return(model, [0, 1, 0], 1) == pytest.approx(exits)
    assert optimal_return(model, [0.5, 0.5, 0], 2) == pytest.approx((-1 + exits + exits + 0.1 * exits) / 2)


@pytest.mark.parametrize(
    ("env_id", "limit", "optimum"), [("CliffWalking-v1", 200, -13.0), ("CliffWalking-v1", 12, -12.0)]
)
def test_the_optimum_of_an_exact_model_is_what_the_best_way_earns(env_id, limit, optimum):
    """Sutton & Barto (2018), example 6.6: 13 steps along the cliff; with fewer, -1 for each."""
    assert known_returns("CliffWalking-v1", {}, limit).optimum == pytest.approx(optimum)


def test_a_reference_is_published_computed_or_a_placeholder():
    nothing, bound, optimum = KnownReturns(), KnownReturns(0, 200), KnownReturns(-200, -1, -13)
    registered = "the reward threshold that the environment is registered with"
    assert reference_of(-110, nothing, -200, -180, 9) == (-110, registered)
    assert reference_of(195, bound, 22, 60, 9) == (195, registered)
    assert reference_of(None, bound, 22, 60, 9)[0] == 200
    assert "out of reach" in reference_of(None, bound, 22, 60, 9)[1]
    assert reference_of(None, optimum, -200, -180, 9) == (-13, "the exact optimum")
    assert reference_of(-5, optimum, -200, -180, 9) == (-13, "the exact optimum")  # a threshold that nobody can reach
    for mean, best, reference in ((22, 60, 60), (-5, -5, -4)):
        number, source = reference_of(None, nothing, mean, best, 9)
        assert number == reference
        assert source.startswith("ours: ")


def test_values_are_written_as_toml_reads_them():
    fields = {"a": [1, 2.5, -0.0], "b": {"x y": 'ü " \\ \x7f \n', "z": {}}, "c": True, "d": "", "e": 1e300}
    assert parsed_toml(task_text(fields, {"c": "why"}, "what"), "it") == {"task": [fields]}
    with pytest.raises(UserError, match="maze holds None, which TOML does not have"):
        value_text([None], "maze")


@linux
@pytest.mark.slow
@pytest.mark.parametrize(
    ("env_id", "package"),
    [
        ("MountainCar-v0", "gymnasium"),
        ("LunarLander-v3", "Box2D"),
        ("flappy_bird_gymnasium:FlappyBird-v0", "flappy_bird_gymnasium"),
    ],
)
@pytest.mark.filterwarnings("ignore:.*is not within the observation space:UserWarning")  # as the bird's are
def test_an_environment_that_nobody_prepared_goes_the_whole_way(env_id, package, workshop, capsys, monkeypatch):
    pytest.importorskip(package, reason=f"no {package}; pip install what has it")
    assert run(env_id, "--measured", "20", "--episodes", "10", "--num-envs", "5", "-q") == 0
    name = name_for(env_id)
    monkeypatch.setenv(found.VARIABLE, str(workshop))
    settings = ["--total-env-steps", "2000", "--observation-scale", "--quiet"]
    assert cli.main(["train", "dqn", "--task", name, *settings]) == 0
    submission = capsys.readouterr().out.splitlines()[-1]
    assert submission == f"runs/train/{name}@1/dqn-s0/submission"
    assert cli.main(["evaluate", submission, "--task", name, "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert (row["task"], row["episodes"], row["ok"]) == (f"{name}@1", 10, 10)
    (record,) = (workshop / "results" / f"{name}@1").glob("dqn@*.jsonl")
    assert json.loads(record.read_text(encoding="utf-8").splitlines()[0])["task_hash"] == get_task(name).hash
    assert cli.main(["watch", str(record), "--record", "it.gif", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["as_recorded"] is True
    assert cli.main(["verify", str(record), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["verdict"] == "verified"
    assert cli.main(["leaderboard", "--quiet"]) == 0
    assert f"## {name}" in (workshop / "leaderboard.md").read_text(encoding="utf-8")
    assert (workshop / "results" / "tasks" / f"{name}@1.md").is_file()
    monkeypatch.delenv(found.VARIABLE)
    capsys.readouterr()
    assert cli.main(["leaderboard", "--json"]) == 0
    (row,) = [row for row in json.loads(capsys.readouterr().out) if row["table"] == "unranked"]
    assert row["reason"].startswith(f"no definition of {name}@1 is known here: put its file on RLBENCH_PATH")
