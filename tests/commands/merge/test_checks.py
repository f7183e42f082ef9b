"""Checks that somebody has signed: those of what is in both folders."""

import hashlib

import pytest

from rlbench import cli
from rlbench.harness.merging import CONFLICT, CONTINUED, REFUSED, THERE, merge
from rlbench.harness.results import checks, record
from rlbench.harness.results.checks import PublishedCheck
from tests.forgeries.conftest import write_run


def about(path, **changes):
    run = record.read(path)
    digest = hashlib.sha256(path.read_bytes()[: run.size]).hexdigest()
    of = f"{path.parent.name}/{path.stem}"
    machine = ("2026-11-30", "a CPU", "x86-64-avx2", "0.2.0", "")
    return PublishedCheck(of, digest, "verified", "played", len(run.blocks), *machine)._replace(**changes)


def of_checks(theirs, mine, who="Ada"):
    return [(each.outcome, each.why) for each in merge(theirs, mine) if each.file == f"checks/{who}.csv"]


def test_checks_are_named_by_who_signed_them(theirs, mine, capsys):
    first, second = record.find(theirs)
    checks.add(checks.path_of(theirs, "Ada"), [about(first)])
    assert cli.main(["merge", str(theirs), "--results", str(mine)]) == 0
    assert "1 check signed Ada" in capsys.readouterr().out
    checks.add(checks.path_of(theirs, "Ada"), [about(second), about(second, cpu="another")])
    assert of_checks(theirs, mine) == [(CONTINUED, "2 checks signed Ada")]
    assert of_checks(theirs, mine) == [(THERE, "")]
    assert checks.read(checks.path_of(mine, "Ada")) == checks.read(checks.path_of(theirs, "Ada"))


@pytest.mark.parametrize("of", ["a record of the other folder alone", "one of this folder alone", "other bytes"])
def test_checks_of_what_is_not_in_both_folders_are_not_added_to_those_of_a_signer(of, theirs, mine):
    (own,) = record.find(mine)
    checks.add(checks.path_of(mine, "Ada"), [about(own)])
    wrong = about(record.find(theirs)[0], sha256="0" * 64)
    if of.startswith("a record"):
        wrong = about(write_run(theirs, "dqn", 2, 500, digest="0" * 64, contents="0" * 64))  # it is a conflict
    elif of.startswith("one"):
        wrong = about(own, cpu="another")
    good = about(record.find(theirs)[-1])
    checks.add(checks.path_of(theirs, "Ada"), [wrong, good])
    (continued, refused) = of_checks(theirs, mine)
    assert continued == (CONTINUED, "1 check signed Ada")
    assert refused[0] == REFUSED
    assert f"1 check signed Ada: {wrong.record} is not in both folders" in refused[1]
    assert set(checks.read(checks.path_of(mine, "Ada"))) == {about(own), good}


def test_a_check_that_contradicts_one_of_its_signer_is_named_and_not_added(theirs, mine):
    path = record.find(theirs)[0]
    checks.add(checks.path_of(mine, "Ada"), [about(path)])
    checks.add(checks.path_of(theirs, "Ada"), [about(path, verdict="different", blocks=1)])
    ((outcome, why),) = of_checks(theirs, mine)
    assert outcome == CONFLICT
    assert f"1 check signed Ada: {about(path).record} different, and here not" in why
    assert checks.read(checks.path_of(mine, "Ada")) == [about(path)]
