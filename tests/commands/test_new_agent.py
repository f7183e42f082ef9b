"""`rlbench new-agent`: a folder that can be checked and evaluated as it is, for any task that its kind can play."""

import ast
import json
import os
import re
import shlex
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from rlbench import cli
from rlbench.commands.agent_folders import writing
from rlbench.commands.new_agent import spaces_of
from rlbench.harness import submission
from rlbench.harness.adapters.folder import ADAPTERS
from rlbench.harness.manifest import check_name
from rlbench.harness.results import record
from rlbench.harness.tasks.suite import get_task

linux = pytest.mark.skipif(sys.platform != "linux", reason="agents are evaluated on Linux only")


def run(capsys, *words):
    code = cli.main([*map(str, words)])
    return (code, *capsys.readouterr())


@linux
@pytest.mark.parametrize(
    "task",
    ["cart-pole", "grid-world", *(pytest.param(task, marks=pytest.mark.slow) for task in ("glimpse-mnist", "go5"))],
)
def test_a_folder_in_numpy_plays_as_it_is(task, tmp_path, capsys):
    code, out, _ = run(capsys, "new-agent", tmp_path / "mine", "--task", task)
    assert code == 0
    assert "agent.py, submission.toml" in out
    code, out, err = run(capsys, "check", tmp_path / "mine", "--json")
    assert (code, err) == (0, "")
    assert [row["result"] for row in json.loads(out)] == ["ok"]


EVERYWHERE = ["cart-pole", "hopper-gymnasium", "grid-world", "breakout"]
SOME = [("sb3", each) for each in EVERYWHERE] + [(k, t) for k in ("cleanrl", "torchrl") for t in EVERYWHERE[:2]]


@linux
@pytest.mark.slow
@pytest.mark.parametrize(("kind", "task"), [*SOME, *(("torch", each) for each in EVERYWHERE)])
def test_every_kind_plays_as_it_is(kind, task, tmp_path, capsys):
    pytest.importorskip("torchrl", reason="pip install 'rlbench[peers]'")
    code, _, err = run(capsys, "new-agent", tmp_path / "mine", "--task", task, "--kind", kind)
    assert code == 0, err
    code, out, err = run(capsys, "check", tmp_path / "mine", "--json")
    assert (code, err) == (0, "")
    assert [row["result"] for row in json.loads(out)] == ["ok"]


@linux
@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "steps", "least"), [("sb3", 20_000, 120), ("cleanrl", 100_000, 120), ("torchrl", 12_000, 90)]
)
def test_what_its_train_py_trains_is_scored(kind, steps, least, tmp_path, capsys, monkeypatch):
    pytest.importorskip("torchrl", reason="pip install 'rlbench[peers]'")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    assert run(capsys, "new-agent", "mine", "--kind", kind)[0] == 0
    subprocess.run([sys.executable, "mine/train.py", str(steps)], check=True, capture_output=True)
    code, out, _ = run(capsys, "evaluate", "mine", "--json")
    assert code == 0
    (row,) = json.loads(out)
    assert (row["ok"], row["agent"]) == (100, "mine")
    assert row["mean_return"] > least  # a random agent gets 23
    (path,) = (tmp_path / "results").glob("*/*.jsonl")
    assert record.read(path).header["training_steps"] >= steps
    assert run(capsys, "verify", "results")[0] == 0


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("training_steps = 0             # a comment", "training_steps = 20480             # a comment"),
        ("training_steps=1_000", "training_steps=20480"),
        ("# no training_steps = 0", "# no training_steps = 0"),
    ],
)
@pytest.mark.parametrize("kind", ADAPTERS)
def test_its_train_py_writes_how_long_it_trained(kind, before, after, tmp_path):
    task = get_task("cart-pole")
    program = ast.parse(writing.files(kind, "mine", task, spaces_of(task))["train.py"])
    program.body = [part for part in program.body if getattr(part, "name", None) == "write_steps"]
    words = {"__file__": str(tmp_path / "train.py"), "Path": Path, "re": re}
    exec(compile(program, "train.py", "exec"), words)
    (tmp_path / "submission.toml").write_text(f"training_seed = 0\n{before}\n", encoding="utf-8")
    words["write_steps"](20_480)
    assert (tmp_path / "submission.toml").read_text(encoding="utf-8") == f"training_seed = 0\n{after}\n"


@linux
@pytest.mark.slow
def test_a_task_in_torch_is_evaluated_as_it_is(tmp_path, capsys):
    pytest.importorskip("torch", reason="pip install 'rlbench[baselines]'")
    assert run(capsys, "new-agent", tmp_path / "mine", "--kind", "torch", "--name", "Mine.2")[0] == 0
    options = ("--results", tmp_path / "results", "--limit", "1", "--json")
    code, out, _ = run(capsys, "evaluate", tmp_path / "mine", *options)
    assert code == 0
    assert [(row["agent"], row["ok"]) for row in json.loads(out)] == [("Mine.2", 50)]
    assert not any(record.read(path).complete for path in tmp_path.glob("results/*/*.jsonl"))


@pytest.mark.parametrize("kind", ADAPTERS)
def test_a_trained_model_is_copied(kind, tmp_path, capsys):
    model = tmp_path / "trained.zip"
    model.write_bytes(b"PK\5\6" + bytes(18))
    code, _, err = run(capsys, "new-agent", tmp_path / "mine", "--kind", kind, "--weights", model)
    assert code == 0, err
    entrant = submission.read(tmp_path / "mine")
    assert (entrant.function, entrant.tasks) == (kind, ("cart-pole@1",))
    assert (tmp_path / "mine" / ADAPTERS[kind].settings.model).read_bytes() == model.read_bytes()


@pytest.mark.parametrize(
    ("data", "steps", "seed"),
    [
        ('{"num_timesteps": 20480, "seed": 7}', 20_480, 7),
        ('{"num_timesteps": 3000, "seed": null}', 3_000, 0),
        ('{"num_timesteps": true, "seed": -1}', 0, 0),
        ('{"num_timesteps": 1e3}', 0, 0),
        ('{"num_timesteps": ', 0, 0),
        ("[1]", 0, 0),
        (None, 0, 0),
    ],
)
def test_a_model_of_sb3_tells_its_training(data, steps, seed, tmp_path, capsys):
    """Without them the manifest said 0 steps, which ranks a trained agent as one that needs no seeds."""
    with zipfile.ZipFile(tmp_path / "trained.zip", "w") as model:
        model.writestr("data" if data else "other", data or "")
    words = ("--kind", "sb3", "--weights", tmp_path / "trained.zip")
    code, _, err = run(capsys, "new-agent", tmp_path / "mine", *words)
    assert code == 0, err
    entrant = submission.read(tmp_path / "mine")
    assert (entrant.training_steps, entrant.training_seed) == (steps, seed)
    assert ("write training_steps into submission.toml" in err) == (steps == 0)


def test_safetensors_keep_their_name(tmp_path, capsys):
    (tmp_path / "best.safetensors").write_bytes(b"x")
    words = ("--kind", "cleanrl", "--weights", tmp_path / "best.safetensors")
    assert run(capsys, "new-agent", tmp_path / "mine", *words)[0] == 0
    assert submission.read(tmp_path / "mine").function == "cleanrl"


@pytest.mark.parametrize("folder", ["Räuber und Gendarm", "-x", "a" * 100, "...", "a.b+c"])
def test_names_are_valid_whatever_the_folder_is_called(folder, tmp_path, capsys):
    assert run(capsys, "new-agent", f"{tmp_path}/{folder}")[0] == 0
    check_name(submission.read(tmp_path / folder).name)


@pytest.mark.parametrize("kind", ["numpy", "torch"])
@pytest.mark.parametrize("folder", ["it's ü", "-dash", "$(date)"])
def test_the_next_commands_can_be_pasted_into_a_shell(folder, kind, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, out, err = run(capsys, "new-agent", "--kind", kind, f"./{folder}")
    assert code == 0, err
    told = out.partition("then rlbench check ")[2].partition(", and rlbench evaluate ")
    for words in (told[0], told[2]):
        (path,) = shlex.split(words)
        assert not path.startswith("-")
        assert os.path.samefile(path, tmp_path / folder)


def test_nothing_is_overwritten_and_nothing_is_left_of_what_failed(tmp_path, capsys, monkeypatch):
    (tmp_path / "file").write_text("mine", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    for words, said in MISTAKES.items():
        code, out, err = run(capsys, *words.split())
        assert (code, out, err.count("\n")) == (2, "", 1), words
        assert said in err, words
    assert [each.name for each in tmp_path.iterdir()] == ["file"]


MISTAKES = {
    "new-agent .": "is not empty, and nothing in it is overwritten",
    "new-agent file": "is no folder",
    "new-agent file/x": "cannot write",
    "new-agent x --task cart-pol": "unknown task 'cart-pol'; did you mean cart-pole@1?",
    "new-agent x --name no/slash": "name = 'no/slash' is not valid",
    "new-agent x --weights file": "--weights is for sb3, cleanrl, torchrl",
    "new-agent x --kind sb3 --weights nothing": "no file nothing; give what model.save wrote",
    "new-agent x --kind cleanrl --task go5": "go5@1 has observations of type Dict; take --kind numpy",
    "new-agent x --kind torch --task glimpse-mnist": "take --kind numpy",
}


@pytest.mark.slow
def test_a_library_that_is_not_installed_is_named(tmp_path, capsys, monkeypatch):
    (tmp_path / "hidden").mkdir()
    (tmp_path / "hidden" / "stable_baselines3.py").write_text(
        "raise ModuleNotFoundError(\"No module named 'stable_baselines3'\")", encoding="utf-8"
    )
    monkeypatch.syspath_prepend(str(tmp_path / "hidden"))
    code, _, err = run(capsys, "new-agent", tmp_path / "mine", "--kind", "sb3")
    assert (code, err.count("\n")) == (2, 1)
    assert "--kind sb3 needs stable-baselines3 for an untrained model: pip install stable-baselines3" in err
    assert not (tmp_path / "mine").exists()
