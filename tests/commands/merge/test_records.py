"""Records: all that other folders have, nothing overwritten, conflicts named."""

import os
import shutil

import pytest

from rlbench.harness.merging import ADDED, CONFLICT, CONTINUED, REFUSED, THERE, merge
from rlbench.harness.results import curves, record
from tests import forge
from tests.commands.merge.folders import CURVE, another_machine, changed_return, content, outcomes
from tests.forgeries.conftest import write_run


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
