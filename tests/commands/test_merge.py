"""`rlbench merge`: all that other folders of results have, nothing overwritten, whatever interrupts it."""

import errno
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys

import numpy as np
import pytest

from rlbench import cli
from rlbench.harness.merging import ADDED, CONFLICT, CONTINUED, REFUSED, THERE, merge
from rlbench.harness.play import actions_digest
from rlbench.harness.proof import kept_actions
from rlbench.harness.results import checks, curves, record
from rlbench.harness.results.checks import PublishedCheck
from tests import forge
from tests.forgeries.conftest import CART_POLE, write_run

CURVE = "steps,seconds,mean_return,device\n1000,1.5,20.0,cpu\n"


@pytest.fixture
def theirs(tmp_path):
    """Another folder: two runs, what was found about one, and a learning curve."""
    folder = tmp_path / "theirs"
    first, _ = (write_run(folder, "dqn", seed, 100 + seed) for seed in range(2))
    first.with_suffix(record.VERIFICATION).write_text('{"kind": "verification"}\n', encoding="utf-8")
    kept = folder / curves.FOLDER / "cart-pole@1" / "dqn-s0.csv"
    kept.parent.mkdir(parents=True)
    kept.write_text(CURVE, encoding="utf-8")
    return folder


@pytest.fixture
def mine(tmp_path):
    """The folder that is merged into, with a run of its own."""
    write_run(tmp_path / "mine", "dqn", 2, 102)
    return tmp_path / "mine"


def content(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def outcomes(theirs, mine):
    return {each.file: each.outcome for each in merge(theirs, mine)}


def test_what_is_lacking_is_added_once(theirs, mine):
    before, other = content(mine), content(theirs)
    assert outcomes(theirs, mine) == dict.fromkeys(other, ADDED)
    assert content(mine) == before | other
    assert outcomes(theirs, mine) == dict.fromkeys(other, THERE)
    assert content(mine) == before | other
    assert content(theirs) == other


def test_a_run_goes_on_where_the_other_folder_is_further(theirs, mine):
    (path,) = (path for path in record.find(theirs) if record.read(path).header["training_seed"] == 0)
    whole = path.read_bytes()
    lines = whole.splitlines(keepends=True)
    target = mine / path.relative_to(theirs)
    for torn in (b"", lines[52][:20]):
        target.write_bytes(b"".join(lines[:52]) + torn)  # its first block
        assert outcomes(theirs, mine)[path.relative_to(theirs).as_posix()] == CONTINUED
        assert target.read_bytes() == whole
    path.write_bytes(b"".join(lines[:52]))
    assert outcomes(theirs, mine)[path.relative_to(theirs).as_posix()] == THERE
    assert target.read_bytes() == whole


def changed_return(path):
    lines = forge.read(path)
    lines[4] |= {"return": 99.0, "discounted_return": 99.0}
    forge.write(path, lines)


def another_machine(path):
    lines = forge.read(path)
    lines[0]["cpu"] = "another"
    forge.write(path, lines)


def test_conflicts_are_named_and_the_file_that_is_there_stays(theirs, mine):
    outcomes(theirs, mine)
    before = content(mine)
    path = record.find(theirs)[0]
    changed_return(path)
    (theirs / curves.FOLDER / "cart-pole@1" / "dqn-s0.csv").write_text(CURVE.replace("20", "21"), encoding="utf-8")
    found = [each for each in merge(theirs, mine) if each.outcome == CONFLICT]
    assert any("episode 3: return 99.0, not 10" in each.why for each in found)
    assert content(mine) == before
    assert len(found) == 2


def test_what_was_found_here_stays(theirs, mine):
    """It is sealed for one user of one machine; elsewhere it means nothing, and so is no conflict."""
    outcomes(theirs, mine)
    before = content(mine)
    (path,) = theirs.rglob(f"*{record.VERIFICATION}")
    path.write_text('{"kind": "verification", "cpu": "other"}\n', encoding="utf-8")
    assert set(outcomes(theirs, mine).values()) == {THERE}
    assert content(mine) == before


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


def test_the_same_episodes_from_another_machine_are_no_conflict(theirs, mine):
    outcomes(theirs, mine)
    before = content(mine)
    another_machine(record.find(theirs)[0])
    assert set(outcomes(theirs, mine).values()) == {THERE}
    assert content(mine) == before


def test_other_contents_under_a_training_seed_that_is_there(theirs, mine):
    write_run(theirs, "dqn", 2, 500, digest="0" * 64, contents="0" * 64)
    ((file, why),) = ((each.file, each.why) for each in merge(theirs, mine) if each.outcome == CONFLICT)
    assert file == f"cart-pole@1/dqn@{'0' * 12}.jsonl"
    assert "has the same training seed and other contents" in why
    assert not (mine / file).exists()


def test_the_same_contents_under_another_manifest_are_told_by_what_differs(theirs, mine):
    (ours,) = record.find(mine)
    held = record.read(ours).header
    for steps in (held["training_steps"], 7):
        same = {"contents": held["contents"], "training_steps": steps, "digest": "0" * 64}
        path = write_run(theirs, "dqn", 2, 102, **same)
        (found,) = (each for each in merge(theirs, mine) if each.outcome == CONFLICT)
        assert "the same training seed and contents: " in found.why
        assert ("training_steps 7, not 1000" if steps == 7 else "only the digest differs") in found.why
        path.unlink()


@pytest.mark.parametrize("changes", [{"owner": "Eve"}, {"training_steps": 7}, {"isolation": "strict"}], ids=str)
def test_the_same_episodes_under_another_header_are_a_conflict(changes, theirs, mine):
    outcomes(theirs, mine)
    before = content(mine)
    path = record.find(theirs)[0]
    lines = forge.read(path)
    ((name, value),) = changes.items()
    why = f"its header says {name} {value!r}, not {lines[0][name]!r}"
    lines[0] |= changes
    forge.write(path, lines)
    (found,) = (each for each in merge(theirs, mine) if each.outcome == CONFLICT)
    assert why in found.why
    assert content(mine) == before


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


BAD = {
    "a pipe": os.mkfifo,
    "a link": lambda path: path.symlink_to("/etc/passwd"),
    "junk": lambda path: path.write_bytes(b"junk\n"),
    "nothing": lambda path: path.write_bytes(b""),
    "a copy": lambda path: shutil.copy(next(path.parent.glob("dqn@*[0-9a-f].jsonl")), path),
}


@pytest.mark.parametrize("make", BAD.values(), ids=BAD)
def test_what_is_no_record_is_refused_and_the_rest_is_merged(make, theirs, mine):
    path = theirs / "cart-pole@1" / "bad@000000000000.jsonl"
    make(path)
    found = outcomes(theirs, mine)
    assert found.pop("cart-pole@1/bad@000000000000.jsonl") == REFUSED
    assert set(found.values()) == {ADDED}
    assert not (mine / "cart-pole@1" / path.name).is_symlink()
    assert not (mine / "cart-pole@1" / path.name).exists()


@pytest.mark.parametrize("end", [".sh", ".md", ".part", ".part-1-of-2.jsonl", ".verify.jsonl.py"])
def test_other_files_beside_a_record_are_left_where_they_are(end, theirs, mine):
    path = record.find(theirs)[0]
    (path.parent / f"{path.stem}{end}").write_text('{"kind": "part"}\n', encoding="utf-8")
    assert set(outcomes(theirs, mine).values()) == {ADDED}
    assert not list(mine.rglob(f"*{end}"))


ODD = [
    {"shard": 7},
    {"shard": None},
    {"total_blocks": "2"},
    {"total_blocks": 2.5},
    {"total_seconds": None},
    {"header": []},
]


@pytest.mark.parametrize("changes", ODD, ids=str)
def test_a_part_with_odd_fields_is_refused(changes, theirs, mine, capsys):
    path = record.find(theirs)[0]
    first = {"kind": "part", "schema": 1, "shard": "1/2", "total_blocks": 2, "total_seconds": 9.0}
    first |= {"header": forge.read(path)[0]} | changes
    path.with_name(f"{path.stem}.part-1-of-2.jsonl").write_text(json.dumps(first) + "\n", encoding="utf-8")
    assert cli.main(["merge", str(theirs), "--results", str(mine), "--json"]) == 1
    (refused,) = (row for row in json.loads(capsys.readouterr().out) if row["outcome"] == REFUSED)
    assert "is no part of a record of schema 1; move it away" in refused["why"]


def test_the_command(theirs, mine, tmp_path, capsys):
    arguments = ["merge", str(theirs), "--results", str(mine)]
    assert cli.main(arguments) == 0
    out = capsys.readouterr().out
    assert out.endswith(f"{mine}: {len(content(theirs))} added\n")
    assert "a 2nd run of dqn of rlbench" in out
    assert "a 3rd run of dqn of rlbench" in out
    assert cli.main([*arguments, "--json"]) == 0
    assert {row["outcome"] for row in json.loads(capsys.readouterr().out)} == {THERE}
    changed_return(record.find(theirs)[0])
    assert cli.main([*arguments, "--quiet"]) == 1
    assert "conflict" in capsys.readouterr().out
    for wrong in (tmp_path / "nowhere", mine):
        assert cli.main(["merge", str(wrong), "--results", str(mine)]) == 2
        assert capsys.readouterr().err.count("\n") == 1


def test_a_full_disk_is_one_line_and_what_was_merged_stays(theirs, mine, monkeypatch, capsys):
    write, calls = os.write, []

    def full(descriptor, data):
        calls.append(descriptor)
        if len(calls) > 1:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(descriptor, data)

    other = content(theirs)
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full)
        assert cli.main(["merge", str(theirs), "--results", str(mine)]) == 2
    assert "No space left on device; what was merged before is safe" in capsys.readouterr().err
    there = content(mine)
    assert len(there) == 2
    assert all(there[name] == other[name] for name in there if name in other)
    assert set(outcomes(theirs, mine).values()) == {ADDED, THERE}


KILLED = """
import os, signal, sys
from pathlib import Path
left = int(sys.argv[1])
def counted(function):
    def call(*arguments, **more):
        global left
        left -= 1
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return function(*arguments, **more)
    return call
from rlbench.harness.merging import merge
for name in ("open", "write", "pwrite", "fsync", "link", "ftruncate", "fchmod"):
    setattr(os, name, counted(getattr(os, name)))
list(merge(Path(sys.argv[2]), Path(sys.argv[3])))
"""


@pytest.mark.parametrize("calls", [0, 3, 7, pytest.param(range(1, 60), marks=pytest.mark.slow)])
def test_killed_at_any_call_it_loses_nothing_and_the_next_does_the_rest(calls, theirs, mine, tmp_path):
    before, other = content(mine), content(theirs)
    (path,) = (path for path in record.find(theirs) if record.read(path).header["training_seed"] == 1)
    lines = path.read_bytes().splitlines(keepends=True)
    for left in [calls] if isinstance(calls, int) else calls:
        folder = tmp_path / f"merged{left}"
        shutil.copytree(mine, folder)
        (folder / path.relative_to(theirs)).write_bytes(b"".join(lines[:52]))
        done = subprocess.run([sys.executable, "-c", KILLED, str(left), theirs, folder], check=False)
        assert done.returncode in (0, -signal.SIGKILL)
        for name, data in content(folder).items():
            expected = (before | other)[name]
            assert data == expected or (name == path.relative_to(theirs).as_posix() and expected.startswith(data))
        outcomes(theirs, folder)
        assert content(folder) == before | other
