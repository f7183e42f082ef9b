"""`rlbench evaluate` from the outside."""

import csv
import io
import json
import zipfile

import pytest

from rlbench import cli


def run(capsys, *arguments):
    code = cli.main(["evaluate", *map(str, arguments)])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_a_suite_plays_the_tasks_that_the_submission_lists(submit, tmp_path, capsys):
    path = submit("return observation % 4", tasks=["grid-world@1"])
    code, out, err = run(capsys, path, "--suite", "quick", "--results", tmp_path / "results", "--json")
    assert (code, err) == (0, "")
    (row,) = json.loads(out)
    assert (row["task"], row["agent"], row["episodes"], row["ok"]) == ("grid-world@1", "probe", 140, 140)
    assert row["worst"] <= row["mean_return"] <= row["best"]
    assert row["fault"] is None
    assert len(list(tmp_path.glob("results/*/*.jsonl"))) == 1


def test_random_needs_no_folder_and_faults_are_shown(submit, tmp_path, capsys):
    results = tmp_path / "results"
    code, out, _ = run(capsys, "random", "--task", "cart-pole", "--results", results, "--csv")
    assert code == 0
    (row,) = csv.DictReader(io.StringIO(out))
    assert row["task"] == "cart-pole@1"
    later = """
        self.calls = getattr(self, "calls", 0) + 1
        if self.calls > 1:
            raise ValueError("odd")
        return [1] * self.num_envs
        """
    code, out, err = run(capsys, submit(later), "--task", "grid-world@1", "--results", results)
    assert code == 0
    assert "crash: ValueError: odd (agent.py:12)" in out
    assert err == "grid-world@1: 130 of 140 episodes failed; crash: ValueError: odd (agent.py:12)\n"


def test_whoever_fails_in_every_episode_is_told_how_to_go_on(submit, tmp_path, capsys):
    act = "self.calls = getattr(self, 'calls', 0) + 1\nassert self.calls < 2\nreturn [1] * self.num_envs"
    path = submit(act, tasks=["cart-pole@1"])
    code, _, err = run(capsys, path, "--results", tmp_path / "results")
    assert code == 0
    assert "cart-pole@1: 100 of 100 episodes failed; crash: AssertionError (agent.py:11); mend it, try it with" in err


def test_several_submissions_on_several_tasks_and_a_part_first(submit, tmp_path, capsys):
    """The record of a part is not complete, so not ranked; without the limit it goes on, with the same episodes."""
    ada = submit("return observation % 4", folder="ada", name="ada", tasks=["grid-world@1"])
    results = tmp_path / "results"
    options = ("-t", "grid-world", "--task", "GridWorld", "--results", results)
    code, out, err = run(capsys, ada, "random", *options, "--limit", "3", "--csv")
    assert (code, err) == (0, "")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert [(row["agent"], row["episodes"]) for row in rows] == [("ada", "70"), ("random", "70")]
    part = {path.name: path.read_bytes() for path in results.glob("*/*.jsonl")}
    assert "70 of 140 episodes are played, so the run is not ranked" in run(capsys, ada, *options, "--limit", 1)[2]
    code, out, _ = run(capsys, ada, "random", *options, "--csv")
    assert [row["episodes"] for row in csv.DictReader(io.StringIO(out))] == ["140", "140"]
    assert all(path.read_bytes().startswith(part[path.name]) for path in results.glob("*/*.jsonl"))


def test_a_submission_to_every_task_is_asked_which(submit, tmp_path, capsys, monkeypatch):
    results = ("--results", tmp_path / "results", "--quiet")
    code, out, err = run(capsys, "random", *results)
    assert (code, out, err) == (2, "", "error: random plays every task; say which with --task or --suite\n")
    code, _, err = run(capsys, submit("pass", tasks=["*"]), *results)
    assert (code, err) == (2, "error: probe plays every task; say which with --task or --suite\n")

    class Terminal(io.StringIO):
        def isatty(self):
            return True

    monkeypatch.setattr("sys.stdin", Terminal("grid-wrld\ngrid-world\n"))
    monkeypatch.setattr("sys.stderr", Terminal())
    code, out, _ = run(capsys, "random", *results, "--csv", "--limit", "1")
    assert code == 0
    assert [row["task"] for row in csv.DictReader(io.StringIO(out))] == ["grid-world@1"]
    monkeypatch.setattr("sys.stdin", Terminal("\n"))
    monkeypatch.setattr("sys.stderr", asked := Terminal())
    assert run(capsys, "random", *results)[0] == 2
    assert "Which task shall random play?" in asked.getvalue()
    assert "no task was named" in asked.getvalue()


def test_what_one_word_lacks_stops_no_other(submit, tmp_path, capsys):
    path = submit("return observation % 4", tasks=["grid-world@1"])
    code, out, err = run(capsys, "nowhere", path, "--results", tmp_path / "results", "--csv")
    assert (code, err.count("\n")) == (2, 1)
    assert "no submission at nowhere" in err
    assert [row["agent"] for row in csv.DictReader(io.StringIO(out))] == ["probe"]


def test_a_trained_model_is_no_submission_yet(tmp_path, capsys):
    with zipfile.ZipFile(tmp_path / "model.zip", "w") as archive:
        archive.writestr("_stable_baselines3_version", "2.9.2")
    code, _, err = run(capsys, tmp_path / "model.zip", "--task", "cart-pole")
    assert (code, err.count("\n")) == (2, 1)
    assert "is a model of stable-baselines3 and no submission; `rlbench new-agent DIR --kind sb3" in err
    (tmp_path / "a.pt").write_bytes(b"")
    code, _, err = run(capsys, tmp_path / "a.pt", "--task", "cart-pole")
    assert (code, err.count("\n")) == (2, 1)
    assert "a.pt: it is a file; of a trained model, `rlbench new-agent DIR" in err


MISTAKES = {
    "no folder": (["nowhere", "--task", "cart-pole"], "no submission at nowhere"),
    "unknown task": (["random", "--task", "cartpole"], "unknown task 'cartpole'; did you mean cart-pole@1?"),
    "unknown suite": (["random", "--suite", "quik"], "unknown suite 'quik'; did you mean quick?"),
    "both": (["random", "--suite", "quick", "--task", "cart-pole"], "--task and --suite exclude each other"),
    "both formats": (["random", "--task", "cart-pole", "--json", "--csv"], "exclude each other"),
}


@pytest.mark.parametrize(("arguments", "words"), MISTAKES.values(), ids=MISTAKES.keys())
def test_mistakes_are_one_line(arguments, words, capsys):
    code, out, err = run(capsys, *arguments)
    assert (code, out) == (2, "")
    assert words in err
    assert err.count("\n") == 1


def test_a_submission_to_other_tasks(submit, tmp_path, capsys):
    path = submit("pass", tasks=["go@1"])
    code, _, err = run(capsys, path, "--suite", "quick", "--results", tmp_path / "results")
    assert code == 2
    assert "probe lists go@1; suite quick has grid-world@1, cart-pole@1" in err


def test_a_task_that_nobody_knows_is_said_to_be_left_out(submit, tmp_path, capsys):
    path = submit("return [1] * self.num_envs", tasks=["grid-world@1", "cartpole@1"])
    code, _, err = run(capsys, path, "--limit", "1", "--results", tmp_path / "results")
    assert code == 0
    assert "probe lists cartpole@1, which is not played: no definition of cartpole@1 is known here" in err
    assert "or install its package; did you mean cart-pole@1?" in err


def test_a_folder_of_submissions_is_scored_one_after_the_other(submit, tmp_path, capsys):
    """Each on the tasks that it lists; one that cannot be read stops nobody else, and what is scored stays."""
    submit("return observation % 4", folder="class/ada", name="ada", tasks=["grid-world@1"])
    submit("return [1] * self.num_envs", folder="class/bob/final", name="bob", tasks=["grid-world@1", "cart-pole@1"])
    submit("return [1] * self.num_envs", folder="class/eve", name="no name", tasks=["grid-world@1"])
    submit("return [1] * self.num_envs", folder="class/.git/old", name="old", tasks=["grid-world@1"])
    options = (tmp_path / "class", "--suite", "tabular", "--results", tmp_path / "results", "--json")
    code, out, err = run(capsys, *options)
    assert code == 2
    assert [(row["agent"], row["task"]) for row in json.loads(out)] == [
        ("ada", "grid-world@1"),
        ("bob", "grid-world@1"),
    ]
    assert "eve" in err
    assert err.count("\n") == 1
    before = {path: path.stat().st_mtime_ns for path in tmp_path.glob("results/*/*.jsonl")}
    assert len(before) == 2
    again = run(capsys, *options)
    assert (again[0], again[1]) == (2, out)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.glob("results/*/*.jsonl")} == before


def test_random_plays_the_tasks_where_nobody_else_plays_at_random(tmp_path, capsys):
    code, _, err = run(capsys, "random", "--suite", "go", "--results", tmp_path)
    assert (code, err.count("\n")) == (2, 1)
    assert "random-legal" in err
    assert list(tmp_path.iterdir()) == []
