"""Commands in hostile surroundings do what they do elsewhere: the same episodes, no traceback, no fault of rlbench."""

import json
import os
import subprocess
import sys

import pytest

from tests.process.surroundings import SURROUNDINGS, german

AGENT = """
import numpy


class Agent:
    def act(self, observation, first):
        return numpy.ones(len(first), int)


def load(task, spaces, seed):
    return Agent()
"""
MANIFEST = 'name = "ones"\nversion = "1"\nauthors = ["a"]\ntasks = ["grid-world@1"]\nentry = "agent:load"\n'
COMMANDS = {
    "list": "list",
    "show": "show GridWorld --output {folder}/show.png",
    "train": "train value-iteration --out {folder}/runs/value-iteration",
    "train by torch": "train dqn --preset fast --total-env-steps 200 --out {folder}/runs/dqn",
    "evaluate": "evaluate {folder}/agent --results {folder}/results",
    "verify": "verify {folder}/results --submission {folder}/agent",
    "plot": "plot {folder}/results --output {folder}/plots",
    "leaderboard": "leaderboard --results {folder}/results --output {folder}/page.md",
    "doctor": "doctor --results {folder}/results --output {folder}/page.md",
    "watch": "watch {folder}/agent --no-window --record {folder}/film.mp4",
}
SAMPLE = [
    ("an unknown user without a home", "show"),
    ("the working folder deleted", "show"),
    ("all standard streams closed", "evaluate"),
    ("every signal blocked", "evaluate"),
]
"""The pairs that each run of the tests tries; the slow ones try all."""


@pytest.fixture
def folder(tmp_path):
    write_agent(tmp_path / "agent")
    (tmp_path / "with blanks and \udce4 bytes").mkdir()
    return tmp_path


def write_agent(folder):
    folder.mkdir()
    (folder / "submission.toml").write_text(MANIFEST, encoding="utf-8")
    (folder / "agent.py").write_text(AGENT, encoding="utf-8")


def started_in(surroundings, command, folder):
    """The ended process of a command, started in these surroundings."""
    environment = dict(os.environ)
    for name, value in surroundings.variables.items():
        if value is None:
            environment.pop(name, None)
        else:
            environment[name] = value.replace("{folder}", str(folder))
    if "LOCPATH" in environment:
        german(folder)
    return subprocess.run(
        [sys.executable, "-m", "rlbench", *(word.replace("{folder}", str(folder)) for word in command.split())],
        **{"env": environment, "cwd": folder, "stdin": subprocess.DEVNULL, "capture_output": True},
        **{"preexec_fn": lambda: surroundings.before(folder), "timeout": 300, "check": False},
    )


def check(surroundings, name, folder):
    """Run a command in these surroundings; it must succeed, or be refused in a line, and print no traceback."""
    done = started_in(surroundings, COMMANDS[name], folder)
    errors = done.stderr.decode(errors="replace")
    if name in surroundings.refused:
        assert (done.returncode, errors.count("\n"), errors[:7]) == (2, 1, "error: "), errors
        return
    assert done.returncode == 0, f"{name}: {errors}"
    assert "Traceback" not in errors
    assert "Warning" not in errors


def episodes(folder):
    """The episodes of the record in a folder, without what lies before them."""
    (record,) = (folder / "results" / "grid-world@1").glob("ones@*[0-9a-f].jsonl")
    lines = map(json.loads, record.read_text(encoding="utf-8").splitlines())
    return [{**line, "previous": None} for line in lines if line["kind"] == "episode"]


@pytest.fixture(scope="session")
def usual_episodes(tmp_path_factory):
    from rlbench.harness.evaluate import evaluate
    from rlbench.harness.tasks.suite import TASKS

    folder = tmp_path_factory.mktemp("usual")
    write_agent(folder / "agent")
    evaluate(TASKS["grid-world@1"], folder / "agent", folder / "results", quiet=True)
    return episodes(folder)


def skip_unless_possible(surroundings):
    if not surroundings.needed():
        pytest.skip("not to be had on this machine")


@pytest.mark.parametrize(("name", "command"), SAMPLE)
def test_a_sample_of_commands_in_hostile_surroundings(name, command, folder, request):
    surroundings = SURROUNDINGS[name]
    skip_unless_possible(surroundings)
    check(surroundings, command, folder)
    if command == "evaluate":
        assert episodes(folder) == request.getfixturevalue("usual_episodes")


@pytest.mark.slow
@pytest.mark.parametrize("name", SURROUNDINGS)
def test_every_command_in_hostile_surroundings(name, folder, usual_episodes):
    surroundings = SURROUNDINGS[name]
    skip_unless_possible(surroundings)
    for command in COMMANDS:
        check(surroundings, command, folder)
    assert episodes(folder) == usual_episodes
    made = {"show.png", "page.md", "plots", "film.mp4", "results"} | (
        set() if "train" in surroundings.refused else {"runs"}
    )
    assert {path.name for path in folder.iterdir()} >= made
