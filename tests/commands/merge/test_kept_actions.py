"""Kept actions: with their record, and no others."""

import os
import re

import numpy as np
import pytest

from rlbench.harness.merging import ADDED, CONFLICT, CONTINUED, REFUSED, THERE, merge
from rlbench.harness.play import actions_digest
from rlbench.harness.proof import kept_actions
from rlbench.harness.results import record
from tests import forge
from tests.commands.merge.folders import outcomes
from tests.forgeries.conftest import CART_POLE, write_run


def keep(path):
    """Made-up actions of a record's episodes, kept beside it, and in it their digests; where they are."""
    lines = forge.read(path)
    blocks = {}
    for line in lines:
        if line["kind"] == "episode":
            actions = [np.arange(line["length"]) % (2 + line["index"] % 3)]
            blocks.setdefault(line["index"] // CART_POLE.num_envs, []).append(actions)
            line["actions"] = actions_digest(actions)
    forge.write(path, lines)
    with kept_actions.ActionsWriter(path, lines[0]) as writer:
        for number, actions in blocks.items():
            writer.append(number, actions)
    return kept_actions.path_of(path)


@pytest.fixture
def kept(theirs):
    """The kept actions of the run of training seed 1."""
    (path,) = (path for path in record.find(theirs) if record.read(path).header["training_seed"] == 1)
    return keep(path)


def test_kept_actions_come_along_and_go_on_with_their_record(kept, theirs, mine):
    file = kept.relative_to(theirs)
    assert outcomes(theirs, mine)[file.as_posix()] == ADDED
    whole, target = kept.read_bytes(), mine / file
    assert target.read_bytes() == whole
    first = b"".join(whole.splitlines(keepends=True)[:2])
    for torn in (b"", b'{"kind": "block", "bl'):
        target.write_bytes(first + torn)
        assert outcomes(theirs, mine)[file.as_posix()] == CONTINUED
        assert target.read_bytes() == whole
    kept.write_bytes(first)
    assert outcomes(theirs, mine)[file.as_posix()] == THERE
    assert target.read_bytes() == whole
    assert kept_actions.not_of(record.read(target.with_suffix(".jsonl")), kept_actions.read(target)) is None


def of_a_rival(path):
    path.write_bytes(keep(write_run(path.parents[1], "rival", 0, 99)).read_bytes())


NOT_KEPT = {
    "those of a longer run": (of_a_rival, "the kept actions are not those of the record"),
    "a block more": (lambda path: path.write_bytes(path.read_bytes() * 2), r"actions of 5 blocks are kept|damaged"),
    "none": (lambda path: path.write_bytes(path.read_bytes().splitlines(keepends=True)[0]), "actions of 0 blocks"),
    "junk": (lambda path: path.write_bytes(b"junk\n"), "holds no actions of schema 1"),
    "numbers without end": (
        lambda path: path.write_bytes(path.read_bytes().replace(b"[101", b"[1e999", 1)),
        "is damaged",
    ),
    "a pipe": (lambda path: (path.unlink(), os.mkfifo(path)), "it is a pipe, not a file"),
}


@pytest.mark.parametrize(("damage", "why"), NOT_KEPT.values(), ids=NOT_KEPT)
def test_actions_that_are_not_those_of_the_record_are_refused(damage, why, kept, theirs, mine):
    damage(kept)
    (found,) = (each for each in merge(theirs, mine) if each.outcome == REFUSED)
    assert found.file == kept.relative_to(theirs).as_posix()
    assert re.search(why, found.why)
    assert "\n" not in found.why
    assert not (mine / found.file).exists()


def test_actions_of_a_record_that_is_not_merged_are_refused(kept, theirs, mine):
    kept.with_suffix(".jsonl").write_bytes(b"junk\n")
    found = {each.file: each for each in merge(theirs, mine)}[kept.relative_to(theirs).as_posix()]
    assert (found.outcome, found.why) == (REFUSED, f"{kept} holds actions of a record that is not here")


def test_actions_here_that_are_not_those_of_the_record_stay_and_are_named(kept, theirs, mine):
    outcomes(theirs, mine)
    target = mine / kept.relative_to(theirs)
    of_a_rival(target)
    before = target.read_bytes()
    assert outcomes(theirs, mine)[kept.relative_to(theirs).as_posix()] == CONFLICT
    assert target.read_bytes() == before
