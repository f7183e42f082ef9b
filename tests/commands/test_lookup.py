"""What words of the command line stand for."""

from pathlib import Path

import pytest

import rlbench
from rlbench.commands.shared import agents, lookup, submissions
from rlbench.commands.shared.agents import find_agent
from rlbench.commands.shared.lookup import find_environment, find_task
from rlbench.commands.shared.submissions import find_submission, submission_of
from rlbench.errors import UserError
from rlbench.harness import contents
from rlbench.harness.tasks.suite import SUITES, TASKS, get_suite, get_task

ROOT = Path(__file__).parents[2]


def names_on_the_leaderboard():
    """Names of the agents of results/, by task."""
    return {path.name.partition("@")[0] for path in (ROOT / "results").glob("*@*/*.jsonl")}


def test_every_agent_on_the_leaderboard_can_be_trained_and_found(monkeypatch):
    monkeypatch.chdir(ROOT)
    for name in names_on_the_leaderboard() - {"random", "random-legal"}:
        assert find_agent(name)[0] in agents.algorithms()
        assert find_agent(name.upper()) == find_agent(name)
        assert Path(find_submission(name), "submission.toml").exists()


def test_every_preset_trains_an_agent_of_a_known_name():
    """The table of the agents' names is what the presets say."""
    pytest.importorskip("torch")
    for algorithm in agents.algorithms():
        for preset, settings in agents.training().load(algorithm).PRESETS.items():
            assert find_agent(settings.agent)[0] == algorithm, preset
    for name, words in agents.agents().items():
        presets = agents.training().load(words[0]).PRESETS
        chosen = presets[words[2]] if "--preset" in words else next(iter(presets.values()))
        assert name in ("soft-actor-critic", chosen.agent, words[-1])


def test_tasks_suites_and_ids_are_known_wherever_the_leaderboard_shows_them():
    for key, task in TASKS.items():
        assert find_task(key.upper()) is get_task(task.name.title()) is task
        env_id, kwargs = find_environment(key)
        assert env_id == task.env_id
        assert kwargs in ({}, dict(task.env_kwargs))
        assert lookup.find_task_or_id(key) == key
    for name, suite in SUITES.items():
        assert get_suite(name.upper()) is suite
    for env in rlbench.ENVIRONMENTS:
        assert find_environment(env.id) == find_environment(env.id.lower()) == (env.id, {})


def test_a_task_of_an_environment_is_named_by_it():
    assert find_task("CartPole").key == "cart-pole@1"
    assert find_task("rlbench/Hopper-v0").key == "hopper@1"
    assert find_task("AtariPong").key == "pong@1"
    assert lookup.find_task_or_id("hopper") == "hopper@1"
    assert lookup.find_task_or_id("Hopper") == "rlbench/Hopper-v0"
    assert find_environment("half-cheetah-gymnasium") == ("rlbench/HalfCheetah-v0", {"reward": "gymnasium"})


@pytest.mark.parametrize(
    ("find", "name", "message"),
    [
        (find_agent, "DQNN", "unknown algorithm 'DQNN'; did you mean dqn"),
        (find_task, "cartpole", "unknown task 'cartpole'; did you mean cart-pole@1?"),
        (find_agent, "PP0", "did you mean ppo"),
        (find_task, "CARTPOLE@1", "did you mean cart-pole@1"),
        (find_task, "quick", "quick is a suite and no task: --suite=quick, or one of grid-world@1, cart-pole@1"),
        (
            find_task,
            "Swimmer",
            "rlbench/Swimmer-v0 is an environment and no task; `rlbench new-task Swimmer` makes one",
        ),
        (
            find_task,
            "MountainCar-v0",
            "MountainCar-v0 is an environment and no task; `rlbench new-task MountainCar-v0` makes one",
        ),
        (
            find_task,
            "m:demo/Maze-v0",
            "m:demo/Maze-v0 is an environment and no task; `rlbench new-task m:demo/Maze-v0`",
        ),
        (find_environment, "CART", "did you mean"),
        (find_environment, "x" * 10_000, "unknown environment 'xxx"),
        (get_suite, "QUIK", "did you mean quick"),
    ],
)
def test_an_unknown_name_is_one_short_line_with_the_nearest(find, name, message):
    with pytest.raises(UserError) as raised:
        find(name)
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)
    assert len(str(raised.value)) < 1_500


def test_a_submission_is_found_by_task_and_training_seed(monkeypatch):
    monkeypatch.chdir(ROOT)
    assert find_submission("random") == "random"
    assert find_submission("baselines") == "baselines", "a folder comes first"
    found = {
        "dqn": "grid-world@1/dqn-s0",
        "DQN-s3": "grid-world@1/dqn-s3",
        "ppo": "half-cheetah@1/ppo-s0",
        "dqn 1": "grid-world@1/dqn-s0",
        "recurrent-attention-150 1": "glimpse-translated@1/recurrent-attention-150-s0",
    }
    for name, folder in found.items():
        assert find_submission(name) == f"baselines/pretrained/{folder}"
    record = next((ROOT / "results" / "cart-pole@1").glob("dqn@297d*.jsonl"))
    assert find_submission(record.stem).startswith("baselines/pretrained/cart-pole@1/dqn-s")
    assert find_submission("dqn-s3", [get_task("cart-pole")]) == "baselines/pretrained/cart-pole@1/dqn-s3"
    with pytest.raises(UserError, match="there is no ppo on cart-pole@1 here; there is one on ant@1, "):
        find_submission("ppo", [get_task("cart-pole")])
    with pytest.raises(UserError, match=r"no submission at dqnn: .*; did you mean dqn"):
        find_submission("dqnn")
    monkeypatch.setattr(submissions, "LOCAL_SUBMISSIONS", ())
    for name, command in {
        "DQN": "rlbench train dqn --task cart-pole@1",
        "ppo-s3": "rlbench train ppo --task cart-pole@1 --seed 3",
        "ram": "rlbench train ram --task cart-pole@1",
    }.items():
        with pytest.raises(UserError, match=rf"no \S+ is here, in runs/train or .*; to make one: {command}$"):
            find_submission(name, [get_task("cart-pole")])
    with pytest.raises(UserError, match=r"to make one: rlbench train dqn$"):
        find_submission("dqn")
    assert find_submission("no/such/folder") == "no/such/folder", "whoever reads it says so"


def test_the_records_of_a_task_are_found_by_its_name(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert lookup.find_records(Path("Cart-Pole")) == Path("results/cart-pole@1")
    assert lookup.find_records(Path("elsewhere")) == Path("elsewhere")
    (tmp_path / "cart-pole").mkdir()
    assert lookup.find_records(Path("cart-pole")) == Path("cart-pole")


def test_a_submission_that_cannot_be_read_does_not_hide_the_one_of_a_record(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folders = [tmp_path / f"runs/train/cart-pole@1/probe-s{seed}/submission" for seed in range(2)]
    manifest = 'name = "probe"\nversion = "1"\nauthors = ["a"]\ntasks = ["*"]\nentry = "agent:load"\n'
    for folder in folders:
        folder.mkdir(parents=True)
        (folder / "submission.toml").write_text(manifest, encoding="utf-8")
        (folder / "agent.py").write_text("", encoding="utf-8")
    (folders[0] / "weights").symlink_to("/nowhere")
    header = {"agent": "probe", "version": "1", "digest": contents.digest(folders[1])}
    assert submission_of(header, Path("x.jsonl")).folder == folders[1]


def test_arguments_of_environments_are_json_or_what_python_says_instead():
    """As text, `False` would be true to an environment."""
    words = ["a=1", "b=[1, 2.5]", "c=true", "d=True", "e=False", "f=null", "g=None", "h=mcts:1000", "i=", "j=a=b"]
    made = {"a": 1, "b": [1, 2.5], "c": True, "d": True, "e": False, "f": None, "g": None, "h": "mcts:1000", "i": ""}
    assert lookup.env_kwargs(words) == {**made, "j": "a=b"}
