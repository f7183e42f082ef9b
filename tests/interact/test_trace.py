"""Traces: what was played can be played again, step by step, and a damaged one is a line about which line."""

import json
import sys

import gymnasium
import numpy as np
import pytest

import rlbench  # noqa: F401  # registers the ids
from rlbench import cli
from rlbench.errors import UserError
from rlbench.harness.isolation.explain import Explanation
from rlbench.interact import trace
from rlbench.interact.episode import ShownEpisode, make


def played(env_id, seed=3, steps=30, **kwargs):
    episode = ShownEpisode(make(env_id, kwargs), seed, player="a test")
    episode.env.action_space.seed(seed)
    while not episode.over and len(episode.rewards) < steps:
        explanation = Explanation(action_values=(0.5, 1.0), value=1.0) if len(episode.rewards) % 2 else Explanation()
        episode.step(episode.env.action_space.sample(), explanation)
    return episode


@pytest.mark.parametrize(
    ("env_id", "kwargs"),
    [
        ("rlbench/GridWorld-v0", {"maze": "8x8", "slip": 0.25}),
        ("rlbench/CartPole-v0", {}),
        ("rlbench/CartPole-v0", {"continuous": True}),
    ],
)
def test_a_trace_is_the_episode(tmp_path, env_id, kwargs):
    path = tmp_path / "t.jsonl"
    episode = played(env_id, **kwargs)
    trace.save(episode, path)
    read = trace.load(path)
    assert (read.env_id, read.kwargs, read.seed, read.player) == (env_id, kwargs, 3, "a test")
    assert read.explanations == tuple(episode.explanations)
    *_, again = trace.replay(read, path)
    assert trace.differences(read, again) == []
    assert again.rewards == episode.rewards
    np.testing.assert_array_equal(again.frame(), episode.frame())


def test_the_digest_is_that_of_a_record(tmp_path, monkeypatch):
    """The same actions have the same digest in a trace and in a record of results."""
    from rlbench.harness.play import make_env, play
    from rlbench.harness.tasks.task import Task

    task = Task("c", 1, "rlbench/CartPole-v0", episodes=1, num_envs=1)
    env = make_env(task, 1)
    actions = iter([1, 0] * 250)
    (recorded,), _ = play(env, lambda observation, first: [np.array([next(actions)])], task, [0])
    episode = ShownEpisode(make(task.env_id, {}), task.episode(0)[0])
    for action in [1, 0] * 250:
        if not episode.over:
            episode.step(action)
    assert trace.outcome(episode)["digest"] == recorded.actions
    assert trace.outcome(episode)["return"] == recorded.return_


def damaged(tmp_path, change):
    """A trace of cart-pole after `change` was done to its lines, and its path."""
    path = tmp_path / "t.jsonl"
    trace.save(played("rlbench/CartPole-v0", steps=6), path)
    lines = path.read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join(change(lines)), encoding="utf-8")
    return path


def edit(number, **fields):
    def change(lines):
        line = json.loads(lines[number]) | fields
        return [*lines[:number], json.dumps(line), *lines[number:][1:]]

    return change


DAMAGE = {
    "empty": (lambda lines: [], "is no trace: its first line"),
    "a record": (lambda lines: ['{"kind": "header"}'], "is no trace|schema|on another"),
    "another schema": (edit(0, schema=99), "has schema 99, this rlbench reads 1"),
    "unknown environment": (edit(0, env="rlbench/Chess-v0"), "'rlbench/Chess-v0', which this rlbench does not have"),
    "a module to load": (edit(0, env="os:path"), "'os:path', which this rlbench does not have"),
    "a rules module": (edit(0, kwargs={"rules": "os"}), "may not set 'rules'"),
    "a program to run": (
        edit(0, kwargs={"opponents": ["random", "gtp:sh"]}),
        "line 1: this runs no command .* 'gtp:sh'",
    ),
    "unknown argument": (edit(0, kwargs={"wind": 1}), "got an unexpected keyword argument 'wind'"),
    "a seed of text": (edit(0, seed="3"), "line 1: seed is '3', not int"),
    "a negative seed": (edit(0, seed=-3), "seed|Seed"),
    "cut off": (lambda lines: lines[:-1], "is cut off"),
    "a line missing": (lambda lines: [*lines[:2], *lines[3:]], "has 5 actions, its end says 6"),
    "no JSON": (lambda lines: [*lines[:2], "{oops", *lines[3:]], "line 3: not JSON"),
    "a list": (lambda lines: [*lines[:2], "[]", *lines[3:]], "line 3: list, not an object"),
    "no action": (lambda lines: [*lines[:2], "{}", *lines[3:]], "line 3: no action"),
    "an action of text": (edit(2, action="left"), "line 3: action must be integers"),
    "half an action": (edit(2, action=0.5), "line 3: action must be integers, got float64"),
    "out of range": (edit(2, action=7), "action 7 is out of range"),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_damage_is_one_line(tmp_path, name, capsys):
    change, message = DAMAGE[name]
    path = damaged(tmp_path, change)

    def read():
        if name == "a record":
            return trace.load(path)
        return list(trace.replay(trace.load(path), path))

    with pytest.raises(UserError, match=message) as caught:
        read()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"hello\n", b"[" * 5000, b'{"kind": "song"}\n', b""])
def test_the_command_refuses_what_is_no_trace(tmp_path, capsys, content):
    path = tmp_path / "t.jsonl"
    path.write_bytes(content)
    assert cli.main(["watch", str(path)]) == 2
    err = capsys.readouterr().err
    assert err.startswith("error: ")
    assert err.count("\n") == 1


def test_another_outcome_is_exit_code_1(tmp_path, capsys):
    path = damaged(tmp_path, edit(-1, **{"return": 100.0}))
    assert cli.main(["watch", str(path), "--json", "--no-window"]) == 1
    (row,) = json.loads(capsys.readouterr().out)
    assert (row["as_recorded"], row["difference"]) == (False, "return 100.0, now 6.0")


def test_a_trace_that_cannot_be_written(tmp_path):
    with pytest.raises(UserError, match=r"^cannot write .*; give another file for the trace$"):
        trace.save(played("rlbench/GridWorld-v0", steps=1), tmp_path / "no" / "t.jsonl")


def test_actions_of_structure_survive():
    space = gymnasium.spaces.Dict(
        where=gymnasium.spaces.Box(-1, 1, (2,), np.float32), what=gymnasium.spaces.Discrete(10)
    )
    from rlbench import space_tree
    from rlbench.interact.episode import plain

    description = space_tree.describe(space)
    space.seed(0)
    for _ in range(20):
        action = space.sample()
        text = json.dumps(plain(action, description))
        again = trace._action(json.loads(text), description, "line 1")
        assert again["what"] == action["what"]
        np.testing.assert_array_equal(again["where"], action["where"])
        assert space.contains(again)


def test_a_trace_names_the_module_of_its_environment_and_does_not_import_it(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    text = "import gymnasium\ngymnasium.register('traced/Car-v0', 'gymnasium.envs.classic_control:MountainCarEnv')\n"
    (tmp_path / "own_traced.py").write_text(text, encoding="utf-8")
    words = ["play", "own_traced:traced/Car-v0", "--keys", "right*3", "--episodes", "1", "--trace", "car.jsonl"]
    assert cli.main(words) == 0
    del gymnasium.registry["traced/Car-v0"], sys.modules["own_traced"]  # as in a new process
    assert cli.main(["watch", "car.jsonl", "--no-window"]) == 2
    assert "to import own_traced, give --task=own_traced:traced/Car-v0" in capsys.readouterr().err
    assert "own_traced" not in sys.modules
    assert cli.main(["watch", "car.jsonl", "--no-window", "--task", "own_traced:traced/Car-v0"]) == 0
    del gymnasium.registry["traced/Car-v0"], sys.modules["own_traced"]
