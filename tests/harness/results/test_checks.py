"""Checks that are published beside records: written, read, refused; and what merging makes of them."""

import os
import re

import pytest

from rlbench.errors import UserError
from rlbench.harness import merging_checks
from rlbench.harness.merging import ADDED, CONTINUED, REFUSED, THERE, merge
from rlbench.harness.results import checks
from rlbench.harness.results.checks import PublishedCheck

SOME = PublishedCheck(
    "cart-pole@1/dqn@0123456789ab",
    "0" * 64,
    "verified",
    "played",
    2,
    "2026-11-30",
    'A CPU, "fast"',
    "x86-64-avx2",
    "0.2.0",
    "",
)
OTHER = SOME._replace(record="ant@1/ppo@0123456789ab", verdict="different", commit="a" * 40)


def test_what_is_added_is_read_in_order_and_once(tmp_path):
    path = checks.path_of(tmp_path, "Ada-2")
    assert checks.add(path, [SOME, SOME]) == 1
    assert checks.add(path, [OTHER, SOME._replace(date="2027-01-01")]) == 1  # the same on another day says no more
    assert checks.read(path) == [OTHER, SOME]
    assert checks.survey(tmp_path) == ({"Ada-2": [OTHER, SOME]}, [])
    assert [each.name for each in path.parent.iterdir()] == ["Ada-2.csv"]


@pytest.mark.parametrize("who", ["", ".hidden", "../up", "a b", "a" * 65, "a\n", "ä"])
def test_names_that_cannot_sign(who, tmp_path):
    with pytest.raises(UserError, match="cannot sign: give up to 64"):
        checks.path_of(tmp_path, who)


HEAD = ",".join(PublishedCheck._fields) + "\n"
BAD = {
    "nothing": ("", "holds no checks"),
    "another table": ("a,b\n1,2\n", "holds no checks"),
    "a quote that does not end": (HEAD + '"', "holds no checks"),
    "too few cells": (HEAD + "a,b\n", "line 2: 2 cells, not 10"),
    "another encoding": (HEAD.encode("utf-16"), "UTF-16"),
}
FIELDS = {
    "record": ["../up", "cart-pole@1/dqn@0123456789ab.jsonl", "cart-pole/dqn@0123456789ab"],
    "sha256": ["0" * 63, "G" * 64],
    "verdict": ["true", ""],
    "how": ["looked"],
    "blocks": ["0", "-1", "1.0", "1" * 10, "²"],
    "date": ["2026-13-01", "30.11.2026", "2026-02-30"],
    "cpu": ["x" * 201, "two\x07bells"],
    "commit": ["HEAD"],
}
BAD |= {
    f"{name} {value[:20]!r}": (
        checks.as_csv([SOME._replace(**{name: value})]),
        rf"{name} is|line 2: ",
    )
    for name, values in FIELDS.items()
    for value in values
}


@pytest.mark.parametrize(("text", "why"), BAD.values(), ids=BAD)
def test_what_is_no_check_is_refused_and_stops_no_others(text, why, tmp_path):
    good, bad = checks.path_of(tmp_path, "good"), checks.path_of(tmp_path, "bad")
    checks.add(good, [SOME])
    bad.write_bytes(text if isinstance(text, bytes) else text.encode())
    found, ((path, reason),) = checks.survey(tmp_path)
    assert (found, path) == ({"good": [SOME]}, bad)
    assert re.search(why, reason)
    assert "\n" not in reason
    with pytest.raises(UserError):
        checks.add(bad, [SOME])
    assert bad.read_bytes() == (text if isinstance(text, bytes) else text.encode())


@pytest.mark.parametrize("make", [os.mkfifo, lambda path: path.symlink_to("/etc/passwd"), lambda path: path.mkdir()])
def test_pipes_links_and_folders_are_no_checks(make, tmp_path):
    path = checks.path_of(tmp_path, "bad")
    path.parent.mkdir()
    make(path)
    assert "not a file" in checks.survey(tmp_path)[1][0][1]
    with pytest.raises(UserError, match="not a file"):
        checks.add(path, [SOME])


def test_merging_adds_what_is_new_about_records_that_both_have_and_removes_nothing(tmp_path, monkeypatch):
    theirs, mine = tmp_path / "theirs", tmp_path / "mine"
    mine.mkdir()
    outcome = lambda: [(each.file, each.outcome) for each in merge(theirs, mine)]  # noqa: E731
    checks.add(checks.path_of(theirs, "Ada"), [SOME])
    assert outcome() == [("checks/Ada.csv", ADDED)]
    checks.add(checks.path_of(theirs, "Ada"), [OTHER])
    assert outcome() == [("checks/Ada.csv", REFUSED)]
    monkeypatch.setattr(merging_checks, "sha256_of", lambda path: OTHER.sha256)
    assert outcome() == [("checks/Ada.csv", CONTINUED)]
    assert outcome() == [("checks/Ada.csv", THERE)]
    checks.path_of(theirs, "Ada").write_text(checks.as_csv([OTHER._replace(blocks=1)]), encoding="utf-8")
    assert outcome() == [("checks/Ada.csv", CONTINUED)]
    assert len(checks.read(checks.path_of(mine, "Ada"))) == 3
    checks.path_of(theirs, "Ada").write_text("junk", encoding="utf-8")
    assert outcome() == [("checks/Ada.csv", REFUSED)]
    assert len(checks.read(checks.path_of(mine, "Ada"))) == 3
