"""Tasks whose last episodes need a program: runs without it say so, verify, and go on where it is installed."""

import contextlib
import dataclasses
import json
import sys

import gymnasium
import numpy as np
import pandas as pd
import pytest
from gymnasium import spaces
from gymnasium.vector import AutoresetMode

from rlbench import cli
from rlbench.commands.shared.runs import load_runs
from rlbench.harness import evaluate, submission, verify
from rlbench.harness.proof import resimulation
from rlbench.harness.ranking.agent_results import collect_results, collect_runs
from rlbench.harness.results import record
from rlbench.harness.tasks import suite
from rlbench.harness.tasks.task import GameSchedule, Supplement, Task

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="agents are evaluated on Linux only")

OPPONENTS = ("weak", "strong", "program")


class Guess(gymnasium.vector.VectorEnv):
    """GameSchedule of one move: as Black 1 wins, as White 0; a 2 draws. The `program` may be missing."""

    metadata = {"autoreset_mode": AutoresetMode.SAME_STEP}  # noqa: RUF012
    installed = True

    def __init__(self, num_envs=1, opponents=(), autoreset_mode=None):
        if "program" in opponents and not Guess.installed:
            raise gymnasium.error.DependencyNotInstalled("opponent='program' is not installed: apt install program")
        self.num_envs, self.opponents = num_envs, opponents
        self.single_observation_space, self.single_action_space = spaces.Discrete(2), spaces.Discrete(3)

    def reset(self, *, seed=None, options=None):
        assert options["opponent"].max() < len(self.opponents)
        self.colour = options["colour"]
        return self.colour.copy(), {}

    def step(self, actions):
        won, over = actions == 1 - self.colour, np.ones(self.num_envs, bool)
        black_won = won == (self.colour == 0)
        winner = np.where(actions == 2, 0, np.where(black_won, 1, -1))
        engine = np.array(["program 1.0", ""], object)[(np.arange(self.num_envs) > 0).astype(int)]
        final = {"winner": winner, "_winner": over, "engine": engine, "_engine": engine != ""}
        return self.colour.copy(), won.astype(float), over, ~over, {"final_info": final, "_final_info": over}


TASK = Task(
    "guess",
    1,
    "test/Guess-v0",
    env_kwargs={"opponents": OPPONENTS[:2]},
    episodes=12,
    num_envs=4,
    options=GameSchedule(built_in=2, others=1, openings=2, num_envs=4, key="guess@1"),
    supplement=Supplement(8, {"opponents": OPPONENTS}),
    outcomes=("winner", "engine"),
    ratings=(0.0, 100.0, 200.0),
)


class SameProcess(contextlib.AbstractContextManager):
    """What re-simulates in this process, as only this one knows the environment."""

    def play(self, task, number, actions):
        return [json.loads(json.dumps(episode.line())) for episode in resimulation.resimulate(task, number, actions)]

    def __exit__(self, *error):
        pass


@pytest.fixture
def task(monkeypatch):
    """The task, known to the command line."""
    monkeypatch.setattr(verify, "CleanProcess", SameProcess)
    gymnasium.register("test/Guess-v0", vector_entry_point=Guess)
    monkeypatch.setitem(suite.TASKS, TASK.key, TASK)
    monkeypatch.setattr(Guess, "installed", True)
    yield TASK
    del gymnasium.registry["test/Guess-v0"]


@pytest.fixture
def lacking(task, submit, tmp_path, monkeypatch):
    """A submission that wins as Black and draws as White, and its record from a machine without the program."""
    monkeypatch.setattr(Guess, "installed", False)
    folder = submit("return np.where(observation == 0, 1, 2)")
    return submission.read(folder), evaluate.evaluate(task, folder, tmp_path / "results", quiet=True)


def last_line(path):
    line = json.loads(path.read_text(encoding="utf-8").splitlines()[-1])
    del line["previous"]
    return line


def test_a_run_without_the_program_plays_the_rest_and_says_what_is_missing(lacking):
    _, path = lacking
    run = record.read(path)
    assert (len(run.episodes), len(run.blocks), run.complete) == (8, 2, False)
    reason = "opponent='program' is not installed: apt install program"
    assert last_line(path) == {"kind": "lacking", "episodes": 4, "reason": reason}
    assert run.lacking == reason


def test_it_goes_on_where_the_program_is_installed(lacking, task, submit, tmp_path, monkeypatch):
    _, path = lacking
    before = record.read(path).episodes
    again = path.read_bytes()
    evaluate.evaluate(task, tmp_path / "submission", tmp_path / "results", quiet=True)
    assert path.read_bytes() == again  # still not installed
    monkeypatch.setattr(Guess, "installed", True)
    evaluate.evaluate(task, tmp_path / "submission", tmp_path / "results", quiet=True)
    run = record.read(path)
    assert (len(run.episodes), run.complete, run.lacking) == (12, True, None)
    assert run.episodes[:8] == before
    assert {line["extra"]["opponent"] for line in run.episodes[8:]} == {2}


def test_outcomes_stand_in_the_record_where_the_environment_gives_them(lacking):
    _, path = lacking
    first, second, *_ = record.read(path).episodes
    assert first["extra"].keys() == {"opponent", "colour", "opening", "winner", "engine"}
    assert first["extra"]["engine"] == "program 1.0"
    assert "engine" not in second["extra"]
    assert {(e["extra"]["colour"], e["extra"]["winner"]) for e in record.read(path).episodes} == {(0, 1), (1, 0)}


def test_a_record_without_the_program_verifies(lacking, task):
    entrant, path = lacking
    found = verify.verify(path, task, entrant, quiet=True)
    assert (found.blocks, found.different, found.lacking) == (2, {}, None)


def test_a_whole_record_is_verified_as_far_as_this_machine_can(lacking, task, tmp_path, monkeypatch, capsys):
    entrant, path = lacking
    monkeypatch.setattr(Guess, "installed", True)
    evaluate.evaluate(task, tmp_path / "submission", tmp_path / "results", quiet=True)
    monkeypatch.setattr(Guess, "installed", False)
    found = verify.verify(path, task, entrant, quiet=True)
    assert (found.blocks, found.different) == (2, {})
    assert "apt install program" in found.lacking
    code = cli.main(["verify", str(path), "--submission", str(tmp_path / "submission"), "--json"])
    (row,) = json.loads(capsys.readouterr().out)
    assert (code, row["verdict"], row["blocks"], row["of"]) == (1, "not all compared", 2, 3)
    monkeypatch.setattr(Guess, "installed", True)
    found = verify.verify(path, task, entrant, quiet=True)
    assert (found.blocks, found.different, found.lacking) == (3, {}, None)


def test_the_command_shows_what_was_played_and_ends_with_what_is_missing(lacking, tmp_path, capsys):
    code = cli.main(["evaluate", str(tmp_path / "submission"), "-t", "guess", "--results", str(tmp_path / "results")])
    printed = capsys.readouterr()
    assert code == 2
    assert "guess@1" in printed.out
    assert "elo" in printed.out
    assert "guess@1: 4 of 12 episodes are missing" in printed.err
    assert printed.err.endswith("apt install program; then run this again\n")


def test_it_is_listed_without_a_rank_and_with_the_reason(lacking, tmp_path):
    (run,) = load_runs(tmp_path / "results")
    assert run.drawn == 4
    _, ((unranked, reason),) = collect_results([run], {TASK.key: TASK})
    assert unranked == run
    assert reason == "incomplete: 8 of 12 episodes; opponent='program' is not installed: apt install program"


def test_both_readers_count_the_drawn_games_alike(lacking, task, tmp_path, monkeypatch):
    monkeypatch.setattr(Guess, "installed", True)
    evaluate.evaluate(task, tmp_path / "submission", tmp_path / "results", quiet=True)
    frame = record.load(tmp_path / "results")
    assert isinstance(frame, pd.DataFrame)
    (from_table,), (from_summary,) = collect_runs(frame), load_runs(tmp_path / "results")
    assert from_table.drawn == from_summary.drawn == 6


def test_a_missing_package_without_a_supplement_is_still_a_mistake(task, submit, tmp_path, monkeypatch):
    monkeypatch.setattr(Guess, "installed", False)
    whole = dataclasses.replace(task, env_kwargs={"opponents": OPPONENTS}, supplement=None)
    with pytest.raises(verify.LackingError, match=r"^guess@1: opponent='program' is not installed"):
        evaluate.evaluate(whole, submit("return observation"), tmp_path / "results", quiet=True)
    assert not (tmp_path / "results").exists()
