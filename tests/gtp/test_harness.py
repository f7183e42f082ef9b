"""An evaluation against programs that fail: every game is scored by the stated rule, and the harness goes on."""

import shlex
import sys
from pathlib import Path

import pytest

from rlbench.envs.go.rules import FORFEIT, RESIGNED
from rlbench.harness import submission
from rlbench.harness.blocks import play_isolated
from rlbench.harness.tasks.task import Task

FAKE = Path(__file__).parents[1] / "envs" / "go" / "fake_engine.py"


@pytest.mark.parametrize(("wrong", "ending"), [("crashes", FORFEIT), ("speaks", FORFEIT), ("resigns", RESIGNED)])
def test_every_game_is_scored_and_says_how_it_ended(submit, wrong, ending):
    command = shlex.join([sys.executable, "-IS", str(FAKE), wrong])
    colours = tuple({"colour": colour} for colour in (0, 1, 1))
    outcomes = ("winner", "ending", "engine", "forfeit")
    kwargs = {"opponent": f"gtp:{command}"}
    task = Task("probe", 0, "rlbench/Go5x5-v0", kwargs, episodes=6, num_envs=3, options=colours, outcomes=outcomes)
    entrant = submission.read(submit("return mask.argmax(axis=1)"))
    for number in range(2):
        block = play_isolated(task, entrant, number)
        assert block.fault is None
        for episode in block.episodes:
            assert (episode.status, episode.return_, episode.terminated) == ("ok", 1.0, True)
            assert (episode.extra["ending"], episode.extra["engine"]) == (ending, "fake 1")
            assert episode.extra["winner"] == 1 - 2 * episode.extra["colour"]
            assert ("forfeit" in episode.extra) == (ending == FORFEIT)
