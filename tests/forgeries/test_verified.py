"""Forged records of a submission that is there: what `verify` finds takes them out, and names what differs."""

from rlbench.commands.shared.runs import load_runs
from rlbench.harness import verify
from rlbench.harness.ranking.rankings import compute_rankings
from rlbench.harness.tasks.suite import SUITES, TASKS
from tests import forge
from tests.forgeries.conftest import CART_POLE


def ranked(path):
    return compute_rankings(load_runs(path.parents[1]), TASKS, SUITES)


def test_states_are_of_what_was_played_again(played):
    path, entrant = played
    assert ranked(path).states == {"self-reported": 1}
    verify.verify(path, CART_POLE, entrant, blocks=1, quiet=True)
    assert ranked(path).states == {"re-run": 1}
    verify.verify(path, CART_POLE, entrant, quiet=True)
    assert ranked(path).states == {"verified": 1}


def test_one_block_and_fifty_invented_episodes(played):
    """A verification of the first block says nothing of the second; one of both names the first that differs."""
    path, entrant = played
    invented = {"return": 123.0, "discounted_return": 123.0, "length": 123, "terminated": True, "truncated": False}
    lines = forge.read(path)
    forge.write(path, [{**line, **invented} if line.get("index", 0) >= 50 else line for line in lines])
    assert ranked(path).states == {"self-reported": 1}
    verify.verify(path, CART_POLE, entrant, blocks=1, quiet=True)
    assert ranked(path).states == {"re-run": 1}
    found = verify.verify(path, CART_POLE, entrant, quiet=True)
    assert min(found.different) == 50
    assert any("return 123.0" in word for word in found.different[50])
    (row,) = ranked(path).unranked
    assert "verify found other episodes on this machine" in row.reason
    assert ranked(path).tasks == {}


def test_findings_about_an_older_record_prove_nothing(played):
    path, entrant = played
    verify.verify(path, CART_POLE, entrant, quiet=True)
    header, *lines = forge.read(path)
    forge.write(path, [header | {"training_steps": 7}, *lines])
    assert ranked(path).states == {"self-reported": 1}
