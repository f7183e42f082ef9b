"""`rlbench run`: plans, the suites whose names they have, and committed agents trained again."""

import json
import shutil
from pathlib import Path

import pytest

from rlbench import cli
from rlbench.commands import run
from rlbench.commands.shared import plans
from rlbench.errors import UserError
from rlbench.harness.ranking.families import WORDS
from rlbench.harness.results import curves, provenance
from rlbench.harness.tasks.suite import FAMILIES, SUITES, TASKS
from rlbench.options import parse_options

PRETRAINED = Path(__file__).parents[2] / "baselines" / "pretrained"


@pytest.mark.parametrize("name", [*run.PLANS, *SUITES])
def test_a_plan_that_is_named_as_a_suite_is_played_on_the_tasks_of_that_suite(name):
    agents, tasks = run.agents_and_tasks(name)
    assert set(tasks) <= set(TASKS)
    assert {agent.task for agent in agents} <= set(tasks)
    if name in SUITES:
        assert tasks == [task.key for task in SUITES[name]]
        assert {agent.task for agent in agents} == {agent.task for agent in plans.ALL} & set(tasks)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_page_says_of_no_plan_that_it_trains_what_it_does_not(family):
    """Of a task without an agent the page names the command that trains one: the family's own, or its plan."""
    agents, tasks = run.agents_and_tasks(family)
    assert WORDS[family].train or {agent.task for agent in agents} == set(tasks)


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


@pytest.fixture
def reproduce(tmp_path, monkeypatch, capsys):
    """A call of `rlbench run tiny --reproduce committed`, in a folder with two committed agents: code, rows, errors."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(run.PLANS, "tiny", (plans.Entry("q-learning", "lecture", "grid-world@1"),))
    for seed in (0, 2):  # tables come out the same on every CPU
        place = Path("grid-world@1", f"q-learning-s{seed}")
        shutil.copytree(PRETRAINED / place, "committed" / place)

    def call(*arguments):
        code = cli.main(["run", "tiny", "--seeds", "3", "--reproduce", "committed", *arguments])
        out, err = capsys.readouterr()
        return code, json.loads(out) if out.startswith("[") else out, err

    return call


def curves_kept():
    return [(curve.agent, curve.seed) for curve in curves.find(Path("runs/tiny/results"))]


def test_the_weights_of_committed_agents_come_out_again_and_their_curves_are_kept(reproduce, monkeypatch):
    code, rows, _ = reproduce("--json")
    assert code == 0
    assert [(row["task"], row["agent"], row["seed"], row["weights"]) for row in rows] == [
        ("grid-world@1", "q-learning", 0, "same"),
        ("grid-world@1", "q-learning", 2, "same"),
    ]
    assert all(row["steps"] > 0 and row["seconds"] >= 0 for row in rows)
    assert curves_kept() == [("q-learning", 0), ("q-learning", 2)]
    assert {curve.device for curve in curves.find(Path("runs/tiny/results"))} == {provenance.machine()["cpu"]}
    monkeypatch.setattr(run.training(), "run", lambda *arguments, **options: pytest.fail("trained again"))
    assert reproduce("--json") == (0, rows, "")


def test_no_curve_is_kept_where_weights_differ(reproduce):
    weights = Path("committed/grid-world@1/q-learning-s2/weights.safetensors")
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1  # the sign or an exponent of the last value
    weights.write_bytes(data)
    code, _, err = reproduce()
    assert code == 1
    assert "grid-world@1/q-learning-s2: different weights" in err
    assert weights.read_bytes() == data
    assert curves_kept() == [("q-learning", 0)]


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (("--pretrained", "committed"), "leave out --pretrained and --leaderboard"),
        (("--leaderboard", "page.md"), "leave out --pretrained and --leaderboard"),
        (("--reproduce", "nowhere"), "nowhere has no submission of this plan"),
    ],
)
def test_nothing_is_trained_where_nothing_can_be_compared(reproduce, monkeypatch, arguments, error):
    monkeypatch.setattr(run, "train", lambda *arguments: pytest.fail("trained"))
    code, out, err = reproduce(*arguments)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert error in err
    assert not Path("runs").exists()


def test_the_page_knows_what_the_agent_of_every_entry_is_called_without_loading_it():
    options = run.RunOptions()
    for entry in plans.ALL:
        assert plans.agent_of(entry) == run.settings_of(entry, 0, options).agent


def narrowed(**options):
    shown, tasks = run.narrowed(*run.agents_and_tasks("control"), run.RunOptions("control", **options))
    return [plans.agent_of(entry) for entry in shown], tasks


def test_one_agent_of_a_plan_on_one_task():
    assert narrowed(agent=("dqn-lecture",), task=("cart-pole",)) == (["dqn-lecture"], ["cart-pole@1"])
    assert len(narrowed(task=("cart-pole@1",))[0]) == 7
    with pytest.raises(UserError, match="unknown agent of the plan control 'dqn-lectur'; did you mean dqn-lecture"):
        narrowed(agent=("dqn-lectur",))
    with pytest.raises(UserError, match="unknown task of the plan control 'pong@1'"):
        narrowed(task=("pong",))
    with pytest.raises(UserError, match="dqn-cpu of the plan lecture is not trained on cart-pole@1"):
        run.narrowed(
            *run.agents_and_tasks("lecture"), run.RunOptions("lecture", agent=("dqn-cpu",), task=("cart-pole",))
        )


@pytest.mark.parametrize(
    ("of", "lines"),
    [
        (
            ("ppo", "hopper-gymnasium@1", "mujoco-v5", 3),
            ["rlbench run mujoco-v5 --agent ppo --task hopper-gymnasium@1"],
        ),
        (("ppo", "humanoid@1", "locomotion", 1), ["rlbench run locomotion --agent ppo --task humanoid@1 --seeds 1"]),
        (("dqn", "cart-pole@1", "control", 10), ["rlbench run control --agent dqn --task cart-pole@1"]),
        (
            ("value-iteration", "grid-world@1", "tabular", 0),
            ["rlbench run tabular --agent value-iteration --task grid-world@1"],
        ),
        (
            ("recurrent-attention-150", "glimpse-translated@1", "glimpses", 1),
            [
                "rlbench train recurrent-attention-150 --task glimpse-translated@1 --out runs/again",
                "rlbench evaluate runs/again/submission --results runs/again/results",
            ],
        ),
        (("somebody", "pong@1", "atari", 3), []),
    ],
)
def test_what_makes_one_entry_again(of, lines):
    assert list(plans.commands(*of)) == lines


def trained(*words):
    options = parse_options(run.RunOptions, words, prog="rlbench run")
    plan, _ = run.narrowed(*run.agents_and_tasks(options.plan), options)
    return [(plans.agent_of(entry), entry.task, seed) for entry, seed in run.runs(plan, options)]


def test_as_many_seeds_are_trained_as_asked_for_and_one_where_all_give_the_same_agent():
    assert len(trained("control")) == plans.training_runs("control", ["cart-pole@1"]) == 70
    assert len(trained("glimpses")) == plans.training_runs("glimpses", []) == 12
    assert len(trained("tabular")) == plans.training_runs("tabular", ["grid-world@1"]) + 1 == 21
    assert len(trained("tabular", "--seeds", "2")) == 5
    assert trained("glimpses", "--task", "glimpse-mnist", "--seeds", "4")[-1][-1] == 3
