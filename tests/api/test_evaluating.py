"""`rlbench.evaluate` and `rlbench.load_results`: what the command records, and live agents, which are not recorded."""

import json
import shutil
import sys
import threading

import numpy as np
import pytest

import rlbench
from rlbench import cli
from rlbench.harness.results import record

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="agents are evaluated on Linux only")


class Upright:
    """Pushes the cart below the pole."""

    def act(self, observation, first):
        return (observation[:, 2] + observation[:, 3] > 0).astype(np.int64)


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """The random agent's records on two tasks, made through Python."""
    folder = tmp_path_factory.mktemp("results")
    return folder, rlbench.evaluate("random", ["cart-pole", "grid-world@1"], results=folder, quiet=True)


def test_episodes_are_those_of_the_command(results, tmp_path, capsys):
    _, (run, _) = results
    assert cli.main(["evaluate", "random", "--task", "cart-pole", "--results", str(tmp_path), "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    theirs = record.read(next(tmp_path.glob("cart-pole@1/*.jsonl")))
    assert theirs.episodes == record.read(run.path).episodes
    assert (row["mean_return"], row["episodes"], row["ok"]) == (run.mean, len(run.episodes), run.statuses["ok"])


def test_a_run_says_who_played_what_and_how_well(results):
    _, runs = results
    assert [(run.agent, run.task, run.complete, run.remark) for run in runs] == [
        ("random", "cart-pole@1", True, ""),
        ("random", "grid-world@1", True, ""),
    ]
    low, high = runs[0].interval
    assert low < runs[0].mean < high
    assert f"mean return {runs[0].mean:,.2f}" in repr(runs[0])
    assert "<table" in runs[0]._repr_html_()


def test_load_results_takes_a_folder_and_a_record(results):
    folder, runs = results
    frame = rlbench.load_results(folder)
    assert frame.groupby("task")["return"].mean().to_dict() == {run.task: run.mean for run in runs}
    assert rlbench.load_results(runs[0].path)["return"].tolist() == runs[0].episodes["return"].tolist()


def test_every_column_is_described(results):
    columns = rlbench.load_results(results[0]).columns
    assert [name for name in columns if "." not in name and name not in rlbench.load_results.__doc__] == []


def test_a_part_is_played_in_blocks_and_goes_on(results, tmp_path):
    part = rlbench.evaluate("random", "cart-pole", results=tmp_path, limit=1, jobs=1, quiet=True)
    assert (len(part.episodes), part.complete) == (50, False)
    assert "not complete" in repr(part)
    whole = rlbench.evaluate("random", "cart-pole", results=tmp_path, quiet=True)
    columns = results[1][0].episodes.columns
    assert whole.episodes[columns].equals(results[1][0].episodes)
    live = rlbench.evaluate(Upright(), "cart-pole", limit=1, quiet=True)
    assert (len(live.episodes), live.complete) == (50, False)


def test_an_archive_is_played_like_its_folder(tmp_path):
    shutil.copytree("rlbench/harness/builtin/random", tmp_path / "mine")
    archive = shutil.make_archive(str(tmp_path / "packed"), "zip", tmp_path / "mine")
    run = rlbench.evaluate(archive, "grid-world", results=tmp_path / "results", quiet=True)
    assert run.complete


def test_a_suite_in_a_list_stands_for_its_tasks(results):
    assert [run.task for run in rlbench.evaluate("random", ["tabular"], results=results[0])] == ["grid-world@1"]


@pytest.mark.parametrize("given", ["poles", "poles@1", ["poles"]])
def test_the_name_of_a_task_that_is_in_no_suite_is_the_task(given, tmp_path, monkeypatch):
    fields = "name = 'poles'", "version = 1", "env_id = 'rlbench/CartPole-v0'", "episodes = 1", "num_envs = 1"
    scale = "failure_return = 0.0", "random = 20.0", "reference = 500.0"
    (tmp_path / "poles.toml").write_text("\n".join(["[[task]]", *fields, *scale, ""]), encoding="utf-8")
    monkeypatch.setenv("RLBENCH_PATH", str(tmp_path))
    played = rlbench.evaluate(Upright(), given, quiet=True)
    assert [run.task for run in (played if isinstance(given, list) else [played])] == ["poles@1"]


def test_a_live_agent_plays_the_same_episodes_and_is_not_recorded(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "upright").mkdir()
    (tmp_path / "upright" / "submission.toml").write_text(
        'name = "upright"\nversion = "1"\nauthors = ["somebody"]\ntasks = ["cart-pole@1"]\nentry = "agent:load"\n',
        encoding="utf-8",
    )
    (tmp_path / "upright" / "agent.py").write_text(
        "class Upright:\n    def act(self, observation, first):\n"
        '        return (observation[:, 2] + observation[:, 3] > 0).astype("int64")\n\n'
        "def load(task, spaces, seed):\n    return Upright()\n",
        encoding="utf-8",
    )
    alone = rlbench.evaluate("upright", "cart-pole", results="results", quiet=True)
    live = rlbench.evaluate(Upright(), "cart-pole", results="elsewhere", quiet=True)
    columns = ["episode", "seed", "return", "discounted_return", "length", "status", "actions"]
    assert live.episodes[columns].equals(alone.episodes[columns])
    assert live.path is None
    assert live.header["isolation"] == "none"
    assert not live.episodes["walled"].any()
    assert "not recorded" in repr(live)
    assert not (tmp_path / "elsewhere").exists()


class Model:
    """The interface of a model of stable-baselines3."""

    def predict(self, observation, deterministic=False):
        assert deterministic
        return (observation[:, 2] + observation[:, 3] > 0).astype(np.int64), None


def test_functions_and_models_play_like_the_agent_of_their_rule():
    expected = rlbench.evaluate(Upright(), "cart-pole", quiet=True).episodes
    for agent in (Model(), lambda observation: int(observation[2] + observation[3] > 0), Upright().act):
        episodes = rlbench.evaluate(agent, "cart-pole", quiet=True).episodes
        assert episodes.drop(columns="agent").equals(expected.drop(columns="agent"))


def test_what_a_live_agent_raises_comes_through():
    def broken(observation):
        raise ZeroDivisionError("mine")

    with pytest.raises(ZeroDivisionError, match="mine"):
        rlbench.evaluate(broken, "cart-pole")


class Remembering:
    def reset(self):
        pass

    def act(self, observation):
        return 0


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: rlbench.evaluate("nobody", "cart-pole"), "no submission at nobody"),
        (lambda: rlbench.evaluate("/no/where", "cart-pole"), "no submission at /no/where"),
        (lambda: rlbench.evaluate("random", "cart-poll"), "did you mean cart-pole@1"),
        (lambda: rlbench.evaluate("random", 3), "3 is no task"),
        (lambda: rlbench.evaluate("random", []), "there is no task to play"),
        (lambda: rlbench.evaluate("random", "cart-pole", limit=0), "limit is at least 1, got 0"),
        (lambda: rlbench.evaluate("random", "cart-pole", jobs=0), "jobs is at least 1, got 0"),
        (lambda: rlbench.evaluate("random", "cart-pole", jobs="2"), "jobs is a whole number, got '2'"),
        (lambda: rlbench.evaluate("random", "cart-pole", jobs=1.5), "jobs is a whole number, got 1.5"),
        (lambda: rlbench.evaluate("random", "cart-pole", limit=True), "limit is a whole number, got True"),
        (lambda: rlbench.evaluate("random", "cart-pole", results=None), "None is no folder of results"),
        (lambda: rlbench.evaluate("random", "cart-pole", isolation="none"), "unknown isolation 'none'"),
        (lambda: rlbench.evaluate("random", "cart-pole", secret=b"short"), "5 bytes"),
        (lambda: rlbench.evaluate(3, "cart-pole"), "3 is no agent"),
        (lambda: rlbench.evaluate(Upright, "cart-pole"), "Upright is a class; give an object of it"),
        (lambda: rlbench.evaluate("random", "tabular"), r"tabular is a suite and no task: give \['tabular'\]"),
        (lambda: rlbench.evaluate(lambda observation: 7, "cart-pole"), "invalid_action: action = 7"),
        (lambda: rlbench.evaluate(lambda observation: 0.5, "cart-pole"), "must be integers"),
        (lambda: rlbench.evaluate(Remembering(), "cart-pole"), "has reset"),
        (lambda: rlbench.load_results(3), "3 is no folder of results"),
        (lambda: rlbench.leaderboard(None), "None is no folder of results"),
        (lambda: rlbench.load_results("no_such_folder"), "no folder of results at no_such_folder"),
        (lambda: rlbench.load_results("no_such_folder/a.jsonl"), "no record at no_such_folder/a.jsonl"),
    ],
)
def test_a_mistake_is_one_line(call, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(rlbench.UserError, match=message) as raised:
        call()
    assert "\n" not in str(raised.value)
    assert not list(tmp_path.iterdir())


def test_a_thread_can_evaluate(tmp_path):
    found = []
    thread = threading.Thread(
        target=lambda: found.append(rlbench.evaluate("random", "grid-world", results=tmp_path, quiet=True))
    )
    thread.start()
    thread.join()
    assert found[0].complete
