"""Every command with the streams, terminals and surroundings that it may meet: exit codes, one line for mistakes."""

import contextlib
import io
import os
import resource
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from rlbench import cli

ROOT = Path(__file__).parents[2]
RUN = (
    "import sys; from rlbench import cli; from rlbench.commands import run; from rlbench.commands.shared import plans; "
    "run.PLANS = {'quick': plans.QUICK[:1]}; sys.exit(cli.main(sys.argv[1:]))"
)
COMMANDS = {
    "list": "list tasks",
    "show": "show GridWorld --policy random --output policy.png",
    "play": "play GridWorld --keys right - --record played.png",
    "watch": "watch random --task grid-world@1 --no-window --record watched.png",
    "train": "train value-iteration --out trained",
    "evaluate": "evaluate random --task grid-world@1 --results evaluated",
    "verify": "verify results",
    "merge": "merge results --results merged",
    "run": "run quick --seeds 1",
    "plot": "plot results --output plots",
    "leaderboard": "leaderboard --output page.md",
    "doctor": "doctor",
}
QUICK = ("list", "show", "train", "leaderboard")


@pytest.fixture(autouse=True)
def workplace(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "results" / "grid-world@1").mkdir(parents=True)
    shutil.copy(next((ROOT / "results" / "grid-world@1").glob("value-iteration@*.jsonl")), "results/grid-world@1")


def nobody():
    """A pipe that nobody reads."""
    read, write = os.pipe()
    os.close(read)
    return os.fdopen(write, "w", encoding="utf-8")


def full():
    """A device that has no room."""
    return open("/dev/full", "w", encoding="utf-8")


def unwritable():
    """A device that is open for reading."""
    return open(os.devnull, encoding="utf-8")


OUTPUTS = [*(COMMANDS[name] for name in QUICK), "", "--version", "doctor --help", "list --json"]


@pytest.mark.parametrize("words", OUTPUTS)
@pytest.mark.parametrize(("stdout", "code"), [(nobody, 0), (full, 2)])
def test_output_that_does_not_arrive(words, stdout, code, capsys, monkeypatch):
    with stdout() as stream:
        with monkeypatch.context() as patch:
            patch.setattr(sys, "stdout", stream)
            assert cli.main(words.split()) == code
        error = "error: cannot write to standard output: No space left on device\n"
        assert capsys.readouterr().err.endswith(error if code else "")


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252"])
def test_no_encoding_ends_a_command(encoding, monkeypatch):
    for name in QUICK:
        shown = io.BytesIO()
        terminal = io.TextIOWrapper(shown, encoding=encoding, write_through=True)
        with monkeypatch.context() as patch:
            patch.setattr(sys, "stdout", terminal)
            assert cli.main(COMMANDS[name].split()) == 0
        assert len(shown.getvalue()) > 10
        assert b"\\u" not in shown.getvalue(), "all that rlbench prints has a substitute"
    assert Path("page.md").exists()


def test_the_page_is_written_though_nothing_can_be_printed(monkeypatch):
    with full() as stream:
        monkeypatch.setattr(sys, "stdout", stream)
        assert cli.main(["leaderboard", "--output", "page.md"]) == 2
    assert "value-iteration" in Path("page.md").read_text(encoding="utf-8")


def test_a_check_that_fails_says_so_to_a_reader_that_goes(monkeypatch):
    with nobody() as stream:
        monkeypatch.setattr(sys, "stdout", stream)
        assert cli.main(["leaderboard", "--check", "--output", "none.md"]) == 1


def closed(*descriptors):
    def close():
        for each in descriptors:
            os.close(each)

    return {"preexec_fn": close}


def no_files():
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


CAUSES = {
    "full": ({"stdout": full}, 2),
    "nobody": ({"stdout": nobody}, 0),
    "standard output closed": (closed(1), 0),
    "standard error closed": (closed(2), 0),
    "all closed": (closed(0, 1, 2), 0),
    "standard error full": ({"stderr": full}, 0),
    "standard error unread": ({"stderr": nobody}, 0),
    "read only": ({"stdout": unwritable}, 2),
    "ascii": ({"env": {"PYTHONIOENCODING": "ascii"}}, 0),
    "C": ({"env": {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}}, 0),
    "one column": ({"env": {"COLUMNS": "1"}}, 0),
    "many columns": ({"env": {"COLUMNS": "1000000000"}}, 0),
    "colours": ({"env": {"TERM": "dumb", "FORCE_COLOR": "1", "COLUMNS": "x"}}, 0),
    "no temporary folder": ({"env": {"TMPDIR": "/proc/none"}}, 0),
    "no home": ({"env": {"HOME": "/proc/none"}}, 0),
    "no room for files": ({"preexec_fn": no_files}, 2),
}
WRITE_NO_FILES = ("list", "verify", "doctor")


def run_in_child(words, environment, **options):
    """Run rlbench in a process of its own, with these streams."""
    with contextlib.ExitStack() as stack:
        made = {name: stack.enter_context(value()) for name, value in options.items() if name in ("stdout", "stderr")}
        streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | options | made
        program = ["-c", RUN] if words[0] == "run" else ["-m", "rlbench"]
        command = [sys.executable, *program, *words]
        return subprocess.run(command, env={**os.environ, **environment}, timeout=300, check=False, **streams)


@pytest.mark.slow
@pytest.mark.parametrize("cause", CAUSES)
@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_meets_every_cause(name, cause):
    given, code = CAUSES[cause]
    options = {key: value for key, value in given.items() if key != "env"}
    done = run_in_child(COMMANDS[name].split(), given.get("env", {}), **options)
    said = (done.stderr or b"").decode("utf-8", "replace")
    expected = 0 if cause == "no room for files" and name in WRITE_NO_FILES else code
    assert done.returncode in ((0, 1) if name == "doctor" and not expected else (expected,)), said
    assert "Traceback" not in said
    assert said.count("error: ") == (1 if expected and done.stderr is not None else 0)


WITHOUT = """
import importlib.machinery, os, sys
missing, found = sys.argv.pop(1).split(","), importlib.machinery.PathFinder.find_spec.__func__
def find_spec(cls, name, path=None, target=None):
    return None if name.partition(".")[0] in missing else found(cls, name, path, target)
importlib.machinery.PathFinder.find_spec = classmethod(find_spec)
from rlbench import cli
sys.exit(cli.main(sys.argv[1:]))
"""
MISSING = {
    "show Hopper": ("mujoco", "rlbench[mujoco]"),
    "play Hopper --keys -": ("mujoco", "rlbench[mujoco]"),
    "watch random --task hopper@1 --no-window": ("mujoco", "rlbench[mujoco]"),
    "evaluate random --task hopper@1 --results r": ("mujoco", "rlbench[mujoco]"),
    "show AtariPong": ("ale_py", "rlbench[atari]"),
    "play AtariPong --keys -": ("ale_py", "rlbench[atari]"),
    "watch random --task pong@1 --no-window": ("ale_py", "rlbench[atari]"),
    "evaluate random --task pong@1 --results r": ("ale_py", "rlbench[atari]"),
    "evaluate random --task cart-pole@1 --results r": ("numba", "numba"),
    "play GridWorld": ("pygame", "rlbench[play]"),
    "play GridWorld --keys - --record f.mp4": ("imageio_ffmpeg", "rlbench[play]"),
    "train dqn": ("torch", "rlbench[baselines]"),
    "train value-iteration --tensorboard": ("tensorboard", "rlbench[baselines]"),
    "run quick": ("torch", "rlbench[baselines]"),
    "plot results": ("matplotlib", "matplotlib"),
    "leaderboard --output p.md": ("jinja2", "jinja2"),
    "show CartPole": ("PIL", "pillow"),
    "list": ("rich", "rich"),
}
IN_CI = ("show Hopper", "list")


@pytest.mark.parametrize(
    "words", [each if each in IN_CI else pytest.param(each, marks=pytest.mark.slow) for each in MISSING]
)
def test_a_missing_package_is_named_with_what_installs_it(words):
    package, install = MISSING[words]
    command = [sys.executable, "-c", WITHOUT, package, *words.split()]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", timeout=120, check=False)
    assert (done.returncode, done.stdout) == (2, ""), done.stderr
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1
    assert f'pip install "{install}"' in done.stderr


BAD_PLACES = {
    "show GridWorld --output": "x.png",
    "show GridWorld --policy random --output": "x.svg",
    "play GridWorld --keys - --record": "x.png",
    "play GridWorld --keys - --trace": "x.jsonl",
    "watch random --task grid-world@1 --no-window --record": "x.png",
    "train value-iteration --out": "x",
    "evaluate random --task grid-world@1 --results": "x",
    "run quick --out": "x",
    "plot results --output": "x",
    "leaderboard --output": "x.md",
}


@pytest.mark.parametrize(
    "parent",
    ["surrogate \udcff/a file", *(pytest.param(each, marks=pytest.mark.slow) for each in ("a file", "/proc/none"))],
)
@pytest.mark.parametrize("words", BAD_PLACES)
def test_a_place_that_cannot_be_written_is_named(words, parent, capsys, tmp_path):
    (tmp_path / "a file").write_text("kept", encoding="utf-8")
    (tmp_path / "surrogate \udcff").mkdir()
    (tmp_path / "surrogate \udcff" / "a file").write_text("kept", encoding="utf-8")
    assert cli.main([*words.split(), f"{parent}/{BAD_PLACES[words]}"]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("error: ")
    assert printed.err.count("\n") == 1
    assert parent.replace("\udcff", r"\udcff") in printed.err
