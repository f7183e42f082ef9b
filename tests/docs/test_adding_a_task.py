"""docs/adding-a-task.md, followed from start to end by somebody who has nothing but the page."""

import json
import re
import sys

import gymnasium
import pytest

from rlbench import cli
from rlbench.harness.random_play import measure_random_agent
from rlbench.harness.tasks import found
from rlbench.harness.tasks.fields import REQUIRED, SUITE_FIELDS, TASK_FIELDS
from rlbench.harness.tasks.suite import get_suite, get_task
from rlbench.text_files import parsed_toml
from tests.docs import examples
from tests.docs.pages import blocks, text

PAGE = "docs/adding-a-task.md"
linux = pytest.mark.skipif(sys.platform != "linux", reason="agents are evaluated on Linux only")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty working folder; the environment of the page is forgotten afterwards."""
    monkeypatch.setattr(found, "NAMED", {})
    monkeypatch.delenv(found.VARIABLE, raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield tmp_path
    gymnasium.registry.pop("demo/Maze-v0", None)
    sys.modules.pop("maze_env", None)


def commands():
    """The command lines of the worked example with what the page says of each."""
    return [(each.line, each.says) for each in examples.commands() if each.page == PAGE]


@linux
def test_the_page_leads_from_an_environment_to_a_leaderboard(folder, capsys, monkeypatch):
    first, *others = commands()
    environment = blocks(PAGE, "python")[0]
    assert len(environment.splitlines()) <= 30
    (folder / "maze_env.py").write_text(environment, encoding="utf-8")
    assert cli.main(first[0].split()[1:]) == 0
    measured = get_task("maze.toml")
    assert measured.env_id == "maze_env:demo/Maze-v0"

    (folder / "maze.toml").write_text(blocks(PAGE, "toml")[0], encoding="utf-8")
    task = get_task("maze.toml")
    assert (task.failure_return, task.random) == (measured.failure_return, measured.random)
    found.NAMED.clear()

    for command, says in others:
        capsys.readouterr()
        if command == "export RLBENCH_PATH=$PWD":
            monkeypatch.setenv(found.VARIABLE, str(folder))
            continue
        more = ["--json"] if " evaluate " in command else []
        assert cli.main([*command.split()[1:], *more]) == 0, command
        if more:
            (row,) = json.loads(capsys.readouterr().out)
            assert row["ok"] == task.episodes
            assert row["mean_return"] == examples.numbers(says)[0]
    page = (folder / "leaderboard.md").read_text(encoding="utf-8")
    assert "## Mazes\n\nA step costs 1 until the exit is reached.\n" in page
    assert re.search(r"\[maze@1]\(results/tasks/maze@1.md\) +\| +-57.40 \| +-4.50 \|", page)
    assert (folder / "results" / "tasks" / "maze@1.md").is_file()
    assert cli.main(["leaderboard", "--check"]) == 0
    assert cli.main(["verify", "results/maze@1", "--quiet"]) == 0
    assert cli.main(["list", "suites", "--quiet"]) == 0
    assert "mazes" in capsys.readouterr().out.split()
    monkeypatch.delenv(found.VARIABLE)
    assert cli.main(["evaluate", "runs/train/maze@1/q-learning-s0/submission"]) == 2
    assert "no definition of maze@1 is known here: put its file on RLBENCH_PATH" in capsys.readouterr().err


def test_the_reference_is_the_mean_of_the_shortest_ways():
    """By steps from the exit, drawn."""
    ways = """
        5 4 3 2
        6 # # 1
        7 8 # E
    """
    lengths = [int(each) for each in re.findall(r"\d", ways)]
    (task,) = parsed_toml(blocks(PAGE, "toml")[0], PAGE)["task"]
    assert task["reference"] == -sum(lengths) / len(lengths)
    assert len(task["options"]) == len(lengths)


def test_the_tables_of_fields_are_those_that_files_are_checked_by():
    for rules, required in ((TASK_FIELDS, REQUIRED), (SUITE_FIELDS, ("tasks",))):
        for name, rule in rules.items():
            field = f"**`{name}`**" if name in required else f"`{name}`"
            assert f"\n| {field} | {rule.meaning} | {rule.rule} | `{rule.example}` |\n" in text(PAGE)


def test_the_file_of_python_is_one_and_its_numbers_are_measured(folder):
    (folder / "poles.py").write_text(blocks(PAGE, "python")[1], encoding="utf-8")
    for task in get_suite("poles.py:poles"):
        assert measure_random_agent(task) == pytest.approx((task.failure_return, task.random), abs=5e-4)
