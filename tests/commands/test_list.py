"""`rlbench list` says what the tables of the package say, and imports nothing heavy for it."""

import json
import subprocess
import sys

import gymnasium
import pytest

import rlbench  # noqa: F401  (registers the environments)
from rlbench.commands.list import KINDS, ListOptions, run
from rlbench.commands.shared import agents


def listed(capsys, what):
    assert run(ListOptions(what=what, format="json")) == 0
    return json.loads(capsys.readouterr().out)


def test_environments_are_those_that_gymnasium_knows(capsys):
    rows = listed(capsys, "envs")
    known = {id: spec for id, spec in gymnasium.registry.items() if id.startswith("rlbench/")}
    assert {row["id"]: row["max_episode_steps"] for row in rows} == {
        id: spec.max_episode_steps for id, spec in known.items()
    }


def test_every_task_plays_a_listed_environment_and_every_suite_listed_tasks(capsys):
    environments = {row["id"] for row in listed(capsys, "envs")}
    tasks = {row["task"]: row for row in listed(capsys, "tasks")}
    assert {row["env"] for row in tasks.values()} <= environments
    for suite in listed(capsys, "suites"):
        assert suite["tasks"] == [key for key, row in tasks.items() if suite["suite"] in row["suites"]]


def test_agents_come_with_the_first_line_of_their_module(capsys):
    about = {row["agent"]: row["about"] for row in listed(capsys, "agents")}
    assert about["value-iteration"].startswith("Value iteration")


def test_every_name_that_is_trained_is_listed_with_its_settings(capsys):
    rows = {row["agent"]: row for row in listed(capsys, "agents")}
    assert rows.keys() == agents.agents().keys()
    assert rows["ppo"]["settings"] == "--preset locomotion"
    assert rows["ppo"]["module"] == rows["actor-critic"]["module"]


def test_everything_by_name(capsys):
    names = {(row["kind"], row["name"]) for row in listed(capsys, "all")}
    assert {("envs", "rlbench/CartPole-v0"), ("tasks", "cart-pole@1"), ("suites", "quick"), ("agents", "dqn")} <= names


@pytest.mark.parametrize("what", ["all", *KINDS])
def test_people_get_a_drawn_table(capsys, what):
    assert run(ListOptions(what=what)) == 0
    assert "─" in capsys.readouterr().out


def test_listing_imports_neither_torch_nor_numba():
    code = (
        "import sys; from rlbench.commands.list import ListOptions, run; run(ListOptions(format='json')); "
        "sys.exit(bool({'torch', 'numba', 'pygame'} & sys.modules.keys()))"
    )
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL, timeout=120)
