"""The command line as a user types it: exit codes, one-line errors, machine formats."""

import dataclasses
import importlib
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from rlbench import cli
from rlbench.harness.tasks.suite import TASKS

ROOT = Path(__file__).parents[1]


def test_usage_names_every_command(capsys):
    assert cli.main([]) == 0
    printed = capsys.readouterr().out
    assert all(name in printed for name in cli.COMMANDS)


@pytest.mark.parametrize("command", cli.COMMANDS)
def test_every_command_has_help(command):
    arguments = ["value-iteration", "--help"] if command == "train" else ["--help"]
    done = subprocess.run(
        [sys.executable, "-m", "rlbench", command, *arguments], capture_output=True, text=True, encoding="utf-8"
    )
    assert done.returncode == 0, done.stderr
    assert f"rlbench {command}" in done.stdout


SPEAK_A_PROTOCOL = {"gtp"}
"""Commands whose output is answers to a program: a bar or another format would break the protocol."""


@pytest.mark.parametrize("command", sorted(cli.COMMANDS.keys() - SPEAK_A_PROTOCOL))
def test_every_command_takes_quiet_and_a_format(command):
    module = importlib.import_module(f"rlbench.commands.{command.replace('-', '_')}")
    fields = {field.name: field.type for field in dataclasses.fields(getattr(module, cli.options_class(command)))}
    assert (fields["quiet"], fields["format"]) == ("Quiet", "Format")


def test_json_and_csv_are_short_for_a_format(capsys):
    printed = {}
    for words in ("--json", "--csv", "--format json", "--format csv", "--format table", ""):
        assert cli.main(["list", "suites", *words.split()]) == 0
        printed[words] = capsys.readouterr().out
    assert printed["--json"] == printed["--format json"] != printed["--format table"] == printed[""]
    assert printed["--csv"] == printed["--format csv"]
    assert json.loads(printed["--json"])[0]["suite"] == printed["--csv"].splitlines()[1].split(",")[0]
    assert cli.main(["train", "value-iteration", "--preset", "lectrue", "--csv"]) == 2, "every command takes both"


def test_quiet_says_nothing_but_mistakes_and_names(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copytree(ROOT / "results" / "grid-world@1", tmp_path / "results" / "grid-world@1")
    printed = {}
    for command in (
        "show CartPole",
        "show GridWorld --policy optimal",
        "leaderboard",
        "leaderboard --check",
        "list tasks",
    ):
        assert cli.main([*command.split(), "--quiet"]) == 0
        printed[command] = capsys.readouterr()
    assert printed.pop("list tasks") == ("".join(f"{key}\n" for key in TASKS), "")
    assert set(printed.values()) == {("", "")}
    assert {path.name for path in tmp_path.iterdir()} == {"results", "show.png", "leaderboard.md"}
    (tmp_path / "leaderboard.md").write_text("old", encoding="utf-8")
    assert cli.main(["leaderboard", "--check", "--quiet"]) == 1
    assert "is stale" in capsys.readouterr().err


def test_a_picture_that_was_drawn_is_named_as_json(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["show", "CartPole", "--json"]) == 0
    printed = capsys.readouterr()
    assert json.loads(printed.out) == [{"env": "rlbench/CartPole-v0", "seed": 0, "file": "show.png"}]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["trian"], "error: unknown command 'trian'; did you mean train"),
        (["train"], "error: rlbench train takes an algorithm first"),
        (["train", "dqnn"], "error: unknown algorithm 'dqnn'; did you mean dqn"),
        (["train", "value-iteration", "--preset", "lectrue"], "error: unknown preset 'lectrue'; did you mean lecture?"),
        (["evaluate", "random", "--task", "cartpole@1"], "error: unknown task 'cartpole@1'; did you mean cart-pole@1"),
        (["run", "quik"], "error: unknown plan 'quik'; did you mean quick"),
        (["run", "--device", "cpuu"], "error: unknown device 'cpuu'; did you mean cpu"),
        (["show", "GridWorld", "--output", "a\0.png"], "error: a word holds a null character"),
        (["run", "--seeds", "0"], "error: --seeds is at least 1, got 0"),
        (["run", "--json", "--csv"], "error: --json and --csv exclude each other"),
        (["leaderboard", "--json", "--csv"], "error: --json and --csv exclude each other"),
        (["show", "GridWorld", "--policy", "random", "--json", "--csv"], "error: --json and --csv exclude each other"),
    ],
)
def test_a_mistake_is_one_line(arguments, message, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert cli.main(arguments) == 2
    printed = capsys.readouterr()
    assert printed.err.startswith(message)
    assert printed.err.count("\n") == 1
    assert printed.out == ""
    assert not list(tmp_path.iterdir())


def test_help_comes_before_mistakes(capsys):
    assert cli.main(["doctor", "--format", "xml", "--help"]) == 0
    printed = capsys.readouterr()
    assert printed.out.startswith("usage: rlbench doctor")
    assert printed.err == ""


def test_version(capsys):
    import rlbench

    assert cli.main(["--version"]) == 0
    assert capsys.readouterr().out.strip() == rlbench.__version__


def test_a_reader_that_goes_away_is_no_error():
    command = f"{sys.executable} -m rlbench list --csv | head -1; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, encoding="utf-8")
    assert done.returncode == 0
    assert done.stderr == ""


@pytest.mark.parametrize(
    "words",
    [
        ["list", "--csv"],
        ["gtp", "random"],
        ["match", "random", "mcts:1", "--env", "Go5x5", "--games", "2", "--quiet"],
    ],
    ids=" ".join,
)
def test_a_command_ends_without_a_word_when_nobody_reads_it(words):
    """Also one whose input never ends."""
    read, write = os.pipe()
    os.close(read)
    with subprocess.Popen(["yes", "name"], stdout=subprocess.PIPE) as endless:
        command = [sys.executable, "-m", "rlbench", *words]
        with os.fdopen(write, "wb") as nobody:
            done = subprocess.run(command, stdin=endless.stdout, stdout=nobody, stderr=subprocess.PIPE, timeout=120)
        endless.kill()
    assert (done.returncode, done.stderr.decode()) == (0, "")


@pytest.mark.parametrize(
    ("command", "more"), [("evaluate", "; run the same command again to go on"), ("new-task", ""), (None, "")]
)
def test_sigterm_ends_a_command_in_order(command, more, capsys, monkeypatch):
    def end(arguments):
        signal.raise_signal(signal.SIGTERM)

    monkeypatch.setattr(cli, "_dispatch", end)
    before = signal.getsignal(signal.SIGTERM)
    assert cli.main([command] if command else []) == 143
    assert capsys.readouterr().err == f"terminated{more}\n"
    assert signal.getsignal(signal.SIGTERM) == before


def test_run_from_nothing_to_a_leaderboard(tmp_path, monkeypatch, capsys):
    """The main job with its two exact agents; the DQN is trained by `make run`."""
    from rlbench.commands import run
    from rlbench.commands.shared import plans

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(run, "PLANS", {"quick": plans.QUICK[:1]})
    assert cli.main(["run", "quick", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    best = next(row for row in rows if row["agent"] == "value-iteration" and row["table"] == "task")
    assert best["mean_return"] == -2.0
    assert (tmp_path / "runs/quick/leaderboard.md").read_text(encoding="utf-8").count("value-iteration") >= 1
    before = sorted((tmp_path / "runs").rglob("*.jsonl"))
    assert cli.main(["run", "quick", "--quiet"]) == 0, "a second run finds everything there"
    assert sorted((tmp_path / "runs").rglob("*.jsonl")) == before
