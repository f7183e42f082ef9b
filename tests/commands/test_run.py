"""`rlbench run`: plans, and the suites whose names they have."""

import pytest

from rlbench import cli
from rlbench.commands import run
from rlbench.errors import UserError
from rlbench.harness.tasks.suite import SUITES, TASKS


@pytest.mark.parametrize("name", [*run.PLANS, *SUITES])
def test_a_plan_that_is_named_as_a_suite_is_played_on_the_tasks_of_that_suite(name):
    agents, tasks = run.agents_and_tasks(name)
    assert set(tasks) <= set(TASKS)
    assert {agent.task for agent in agents} <= set(tasks)
    if name in SUITES:
        assert tasks == [task.key for task in SUITES[name]]
        assert {agent.task for agent in agents} == {agent.task for agent in run.ALL} & set(tasks)


def test_the_largest_plan_trains_every_agent_of_the_others():
    assert set(run.PLANS["lecture"]) == {agent for plan in run.PLANS.values() for agent in plan}


def test_an_unknown_plan_names_the_nearest():
    with pytest.raises(UserError, match="unknown plan 'clasic'; did you mean classic"):
        run.agents_and_tasks("clasic")


@pytest.mark.parametrize("option", ["--leaderboard", "--results", "--out", "--pretrained"])
@pytest.mark.parametrize("place", ["file", "file/below", "", "folder"])
def test_a_place_that_cannot_be_written_is_refused_before_the_work(option, place, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(run, "train", lambda *arguments: pytest.fail("trained"))
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    wrong = {"--leaderboard": ("file/below", "", "folder")}.get(option, ("file", "file/below", ""))
    if place in wrong:
        assert cli.main(["run", "quick", option, place]) == 2
        printed = capsys.readouterr()
        assert printed.err.startswith(("error: cannot write ", "error: "))
        assert (printed.out, printed.err.count("\n")) == ("", 1)
        assert not (tmp_path / "file").read_bytes()
