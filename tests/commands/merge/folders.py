"""Folders of results that are merged: what they hold, what a merge makes of them, and how they come to differ."""

from rlbench.harness.merging import merge
from tests import forge

CURVE = "steps,seconds,mean_return,device\n1000,1.5,20.0,cpu\n"


def content(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def outcomes(theirs, mine):
    return {each.file: each.outcome for each in merge(theirs, mine)}


def changed_return(path):
    lines = forge.read(path)
    lines[4] |= {"return": 99.0, "discounted_return": 99.0}
    forge.write(path, lines)


def another_machine(path):
    lines = forge.read(path)
    lines[0]["cpu"] = "another"
    forge.write(path, lines)
