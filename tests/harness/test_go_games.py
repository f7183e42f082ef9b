"""A small task of Go, played by a submission: with GNU Go, without it, and then with it."""

import dataclasses
import sys

import pytest

from rlbench.envs.go import engines
from rlbench.harness import evaluate, submission, verify
from rlbench.harness.results import record
from rlbench.harness.tasks.suite import get_task
from rlbench.harness.tasks.task import GameSchedule, Supplement

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="agents are evaluated on Linux only"),
    pytest.mark.skipif(engines.missing("gnugo:1") is not None, reason="apt install gnugo"),
]

BUILT_IN = ("random", "mcts:2")
TASK = dataclasses.replace(
    get_task("go5"),
    name="go5-small",
    env_kwargs={"opponents": BUILT_IN},
    episodes=12,
    num_envs=4,
    options=GameSchedule(built_in=2, others=1, openings=2, num_envs=4, key="small"),
    supplement=Supplement(8, {"opponents": (*BUILT_IN, "gnugo:1")}),
    ratings=(0.0, 10.0, 500.0),
)


@pytest.fixture
def uninstalled(monkeypatch, tmp_path):
    """A machine without GNU Go."""
    with monkeypatch.context() as machine:
        machine.setattr(engines, "GAMES_FOLDERS", ())
        machine.setenv("PATH", str(tmp_path))
        yield machine


def test_a_run_without_gnu_go_goes_on_with_it_to_the_same_games(uninstalled, tmp_path):
    entrant = submission.read("random-legal")
    folder = dataclasses.replace(entrant, tasks=("*",)).folder
    task = dataclasses.replace(TASK, name="go5")  # which the submission lists
    path = evaluate.evaluate(task, folder, tmp_path / "parts", quiet=True)
    run = record.read(path)
    assert (len(run.episodes), run.complete) == (8, False)
    assert "apt install gnugo" in run.lacking
    assert verify.verify(path, task, entrant, quiet=True).different == {}
    uninstalled.undo()
    evaluate.evaluate(task, folder, tmp_path / "parts", quiet=True)
    whole = record.read(evaluate.evaluate(task, folder, tmp_path / "whole", quiet=True))
    assert record.read(path).episodes == whole.episodes
    assert whole.complete
    assert [line["extra"].get("engine") for line in whole.episodes] == [None] * 8 + [
        whole.episodes[8]["extra"]["engine"]
    ] * 4
    assert whole.episodes[8]["extra"]["engine"].startswith("gnugo ")
    assert all({"winner", "score", "ending"} <= line["extra"].keys() for line in whole.episodes)
    assert verify.verify(path, task, entrant, quiet=True).different == {}
