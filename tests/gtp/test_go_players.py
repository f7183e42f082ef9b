"""Players by name: a name means the same player in a match, behind GTP and as an opponent."""

import sys

import gymnasium
import pytest

from rlbench.commands.shared.go_players import find_player, find_served
from rlbench.errors import UserError
from rlbench.gtp.players import BuiltinPlayer, SubmissionPlayer
from rlbench.harness import submission


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("random", BuiltinPlayer),
        ("mcts:10", BuiltinPlayer),
        ("submission:random", SubmissionPlayer),
        ("submission:random-legal", SubmissionPlayer),
        ("random-legal", SubmissionPlayer),
    ],
)
def test_a_name_is_one_player(name, kind):
    found, served = find_player(name, 5, 24.5), find_served(name)
    assert type(found) is type(served) is kind
    assert (found.name, found.version) == (served.name, served.version)


def test_programs_play_matches_alone():
    with pytest.raises(UserError, match=r"plays no 5x5 with komi 24\.5"):
        find_player(f"gtp:{sys.executable} -c pass", 5, 24.5)
    with pytest.raises(UserError, match="no submission at gtp:no-such-program"):
        find_served("gtp:no-such-program")


@pytest.mark.parametrize("name", ["random", "random-legal"])
def test_a_submission_is_itself_as_an_opponent_too(name):
    """`submission:random` once was the built-in player there, which knows what is legal."""
    entrant = submission.read(name)
    with gymnasium.make("rlbench/Go5x5-v0", opponent=f"submission:{name}") as env:
        _, info = env.reset(seed=1)
        assert info["engine"] == f"{name} {entrant.version} {entrant.digest[:12]}"
    assert info["engine"].removeprefix(f"{name} ") == find_player(f"submission:{name}", 5, 24.5).version
