import dataclasses
import errno
import hashlib
import json
import os

import pandas
import pytest

import rlbench
from rlbench.errors import HarnessError, UserError
from rlbench.harness import submission
from rlbench.harness.evaluate import evaluate
from rlbench.harness.results import header as headers
from rlbench.harness.results import record
from rlbench.harness.results.record import BlockResult, EpisodeResult
from rlbench.harness.results.schema import violation
from rlbench.harness.results.writer import RecordWriter
from rlbench.harness.tasks.task import Task
from tests import forge

TASK = Task("maze", 1, "rlbench/GridWorld-v0", episodes=6, num_envs=2)
TEXT = str(pandas.Series([], dtype=object).astype("str").dtype)  # "str" since pandas 3, "object" before
COLUMNS = {
    "task": TEXT,
    "agent": TEXT,
    "version": TEXT,
    "owner": TEXT,
    "digest": TEXT,
    "contents": TEXT,
    "dynamics": TEXT,
    "training_seed": "int64",
    "training_steps": "int64",
    "episode": "int64",
    "seed": "int64",
    "return": "float64",
    "discounted_return": "float64",
    "length": "int64",
    "terminated": "bool",
    "truncated": "bool",
    "status": TEXT,
    "actions": TEXT,
    "complete": "bool",
    "walled": "bool",
    "block": "int64",
}


def episode(index, **changes):
    fields = {
        "index": index,
        "seed": 2**30 + index,
        "return_": -1.5 * index,
        "discounted_return": 0.1,
        "length": index,
        "terminated": True,
        "truncated": False,
        "status": "ok",
        "actions": "00ff00ff00ff00ff",
        "extra": {"state": {"row": index}, "colour": "black"},
    }
    return EpisodeResult(**(fields | changes))


def block(number, **changes):
    episodes = [episode(2 * number + i, **changes) for i in range(2)]
    return BlockResult(number, episodes, seconds=0.5, load_seconds=0.25, act_seconds=0.125, attempt=1, fault=None)


@pytest.fixture
def entrant(submit):
    return submission.read(submit("pass", training_seed=3, training_steps=100))


def test_a_record_tells_where_the_agent_was_trained(submit):
    told = {"training_device": "NVIDIA H200", "training_precision": "tf32"}
    made = headers.new_header(TASK, submission.read(submit("pass", **told)), "landlock")
    assert made.items() >= told.items()
    assert violation(made) is None
    assert violation(made | {"training_precision": "half"})
    with pytest.raises(UserError, match="training_precision = 'half' is not valid"):
        submission.read(submit("pass", training_precision="half"))


@pytest.fixture
def whole(entrant, tmp_path):
    """A complete record of three blocks."""
    path = record.path_of(tmp_path / "results", TASK, entrant)
    with RecordWriter(path, TASK, entrant, "landlock") as writer:
        for number in range(3):
            writer.commit(block(number))
        writer.finish()
    return path


def test_the_lines_of_a_record(whole, entrant):
    assert whole.parts[-2:] == ("maze@1", f"probe@{entrant.digest[:12]}.jsonl")
    texts = whole.read_bytes().splitlines()
    header, *lines, footer = map(json.loads, texts)
    for before, line in zip(texts, (*lines, footer), strict=False):
        assert line.pop("previous") == hashlib.sha256(before).hexdigest()[:16]
    assert [line["kind"] for line in lines] == ["episode", "episode", "block"] * 3
    assert lines[1] == {
        "kind": "episode",
        "index": 1,
        "seed": 2**30 + 1,
        "return": -1.5,
        "discounted_return": 0.1,
        "length": 1,
        "terminated": True,
        "truncated": False,
        "status": "ok",
        "actions": "00ff00ff00ff00ff",
        "extra": {"state": {"row": 1}, "colour": "black"},
    }
    assert lines[2] == {
        "kind": "block",
        "block": 0,
        "seconds": 0.5,
        "load_seconds": 0.25,
        "act_seconds": 0.125,
        "attempt": 1,
        "fault": None,
    }
    assert footer == {"kind": "footer", "blocks": 3, "episodes": 6}
    assert header["schema"] == 2
    assert (header["task"], header["task_hash"]) == ("maze@1", TASK.hash)
    assert (header["agent"], header["version"], header["digest"]) == ("probe", "1", entrant.digest)
    assert (header["training_seed"], header["training_steps"]) == (3, 100)
    assert not header.keys() & {"training_device", "training_precision"}, "the manifest does not tell"
    assert header["isolation"] == "landlock"
    assert (header["owner"], header["contact"], header["contents"]) == ("a test", None, entrant.contents)
    assert header["packages"]["rlbench"] == rlbench.__version__
    assert set(header) >= {"packages", "python", "cpu", "gpu", "commit"}
    assert header["packages"]["numpy"].count(".") == 2
    assert header["cpu"]


def test_a_header_tells_nothing_about_the_place(whole):
    text = whole.read_text(encoding="utf-8").splitlines()[0]
    assert str(whole.parent.parent) not in text
    assert os.uname().nodename not in json.loads(text).values()
    assert os.getcwd() not in text


def test_load_gives_a_row_per_episode(whole, submit):
    untrained = submission.read(submit("pass", folder="other", name="other"))
    with RecordWriter(record.path_of(whole.parents[1], TASK, untrained), TASK, untrained, "landlock") as writer:
        writer.commit(block(0, status="crash", extra={}))
    whole.with_name("x.verify.jsonl").write_text("not a record", encoding="utf-8")
    frame = record.load(whole.parents[1])
    assert {name: str(frame.dtypes[name]) for name in COLUMNS} == COLUMNS
    assert len(frame) == 8
    mine, theirs = frame[frame.agent == "probe"], frame[frame.agent == "other"]
    assert mine.episode.tolist() == [0, 1, 2, 3, 4, 5]
    assert mine.block.tolist() == [0, 0, 1, 1, 2, 2]
    assert mine["return"].tolist() == [0.0, -1.5, -3.0, -4.5, -6.0, -7.5]
    assert mine["state.row"].tolist() == [0, 1, 2, 3, 4, 5]
    assert set(mine.colour) == {"black"}
    assert mine.complete.all()
    assert not theirs.complete.any()
    assert set(theirs.status) == {"crash"}
    assert set(mine.training_seed) == {3}
    assert set(theirs.training_seed) == {-1} == set(theirs.training_steps)


def test_load_of_nothing(tmp_path):
    with pytest.raises(UserError, match=r"no folder of results at .*nowhere"):
        record.load(tmp_path / "nowhere")
    frame = record.load(tmp_path)
    assert {name: str(frame.dtypes[name]) for name in COLUMNS} == COLUMNS
    assert len(frame) == 0


def test_a_tail_torn_at_any_byte_is_cut_and_the_run_goes_on(whole, entrant, monkeypatch):
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)  # a thousand runs; nobody pulls the plug
    data = whole.read_bytes()
    ends = [end + 1 for end, byte in enumerate(data) if byte == ord("\n")]
    second = ends[6]  # header, then three lines per block: the second block is committed here
    for cut in range(second, len(data)):
        whole.write_bytes(data[:cut])
        blocks = 2 if cut < ends[9] else 3
        seen = record.read(whole)
        assert (len(seen.blocks), len(seen.episodes), seen.complete) == (blocks, 2 * blocks, False)
        with RecordWriter(whole, TASK, entrant, "landlock") as writer:
            assert writer.blocks == blocks
            for number in range(blocks, 3):
                writer.commit(block(number))
            writer.finish()
        assert whole.read_bytes() == data


def test_a_tail_of_rubbish_is_cut(whole, entrant):
    data = whole.read_bytes()
    footer = data.rindex(b'{"kind": "footer"')
    for rubbish in (b"\0" * 100, b"\0\n" * 3, b'{"kind": "episode"}\n', b"{}\n[1]\n\n", b'{"kind": "epis'):
        whole.write_bytes(data[:footer] + rubbish)
        with RecordWriter(whole, TASK, entrant, "landlock") as writer:
            assert writer.blocks == 3
            writer.finish()
        assert whole.read_bytes() == data


def test_a_header_torn_at_any_byte_begins_anew(whole, entrant):
    data = whole.read_bytes()
    first = data.index(b"\n") + 1
    for cut in [*range(20), first // 2, first - 1]:
        whole.write_bytes(data[:cut])
        assert record.read(whole) is None
        with RecordWriter(whole, TASK, entrant, "landlock") as writer:
            assert writer.blocks == 0
        assert whole.read_bytes() == data[:first]
    whole.write_bytes(data[:first])
    with RecordWriter(whole, TASK, entrant, "landlock") as writer:
        assert writer.blocks == 0


def damage(text, number, change):
    lines = text.splitlines(keepends=True)
    lines[number] = change(lines[number])
    return "".join(lines)


DAMAGES = {
    "no JSON": (2, lambda line: line.replace('"', "'", 1), "line 3: damaged"),
    "episode lost": (1, lambda line: "", "line 2: damaged"),
    "episode doubled": (1, lambda line: line + line, "line 3: damaged"),
    "block lost": (3, lambda line: "", r"line 4: damaged .*the line before it was changed"),
    "block doubled": (3, lambda line: line + line, "line 5: damaged"),
    "last episode lost": (8, lambda line: "", r"line 9: damaged .*the line before it was changed"),
    "return changed": (1, lambda line: line.replace("0.0", "9.0"), r"line 3: damaged .*the line before it was changed"),
    "owner changed": (0, lambda line: line.replace("a test", "a toast"), r"line 2: .*the line before it was changed"),
    "a field more": (
        1,
        lambda line: line.replace('"seed"', '"task": "pong@1", "seed"'),
        "line 2: .*unknown field 'task'",
    ),
    "a field twice": (1, lambda line: line.replace('"seed"', '"return": 9.0, "seed"'), "line 2: damaged"),
    "no number": (1, lambda line: line.replace("0.0", "NaN"), "line 2: damaged"),
    "two footers": (10, lambda line: line + line, "line 12: damaged"),
    "bytes behind the footer": (10, lambda line: line + "{}\nab", r"line 12: damaged \(5 bytes behind its footer\)"),
    "empty line": (4, lambda line: "\n" + line, "line 5: damaged"),
    "no header": (0, lambda line: "", "does not begin with a header"),
    "something else": (0, lambda line: "a,b,c\n", "does not begin with a header"),
    "older schema": (
        0,
        lambda line: line.replace('"schema": 2', '"schema": 0'),
        "schema 0 of rlbench .*, .* reads and writes 2; .* evaluate again",
    ),
    "newer schema": (
        0,
        lambda line: line.replace('"schema": 2', '"schema": 3'),
        "schema 3 of rlbench .*, .* reads and writes 2; move it away$",
    ),
    "no schema": (0, lambda line: line.replace('"schema": 2, ', ""), "schema None"),
}


@pytest.mark.parametrize(("number", "change", "words"), DAMAGES.values(), ids=DAMAGES.keys())
def test_damage_is_reported_and_nothing_is_lost(whole, entrant, number, change, words):
    whole.write_text(damage(whole.read_text(encoding="utf-8"), number, change), encoding="utf-8")
    before = whole.read_bytes()
    for act in (lambda: record.load(whole.parents[1]), lambda: RecordWriter(whole, TASK, entrant, "landlock")):
        with pytest.raises(UserError, match=words) as error:
            act()
        assert str(whole) in str(error.value)
        assert "\n" not in str(error.value)
    assert whole.read_bytes() == before


REWRITTEN = {
    **{name: lambda data, name=name: data.decode().encode(name) for name in ("utf-16", "utf-16-be", "utf-32")},
    "old line ends": lambda data: data.replace(b"\n", b"\r"),
    "one line": lambda data: data.replace(b"\n", b" "),
    "a trace without its end": lambda data: b'{"kind": "trace"',
}


@pytest.mark.parametrize("rewrite", REWRITTEN.values(), ids=REWRITTEN)
def test_a_record_that_another_program_has_rewritten_is_refused(rewrite, whole, entrant):
    before = rewrite(whole.read_bytes())
    whole.write_bytes(before)
    for act in (lambda: record.load(whole.parents[1]), lambda: RecordWriter(whole, TASK, entrant, "landlock")):
        with pytest.raises(UserError, match="is not a record of results") as error:
            act()
        assert str(whole) in str(error.value)
        assert whole.read_bytes() == before


def test_a_record_of_another_definition_is_refused(whole, entrant):
    before = whole.read_bytes()
    other = dataclasses.replace(TASK, num_envs=3)
    for act in (
        lambda: RecordWriter(whole, other, entrant, "landlock"),
        lambda: record.is_complete(whole, other, entrant),
    ):
        with pytest.raises(UserError, match=f"task_hash {TASK.hash}, now it is {other.hash}; move it away"):
            act()
    same_start = dataclasses.replace(entrant, digest=entrant.digest[:-1] + "x")
    with pytest.raises(UserError, match="was made with digest"):
        RecordWriter(whole, TASK, same_start, "landlock")
    assert whole.read_bytes() == before


def test_two_evaluations_of_the_same_run_at_once(whole, entrant, submit):
    before = whole.read_bytes()[:-10]
    whole.write_bytes(before)
    with RecordWriter(whole, TASK, entrant, "landlock") as writer:
        with pytest.raises(UserError, match="is being written by another evaluation; wait for it, or stop it"):
            evaluate(TASK, entrant.folder, whole.parents[1], quiet=True)
        writer.finish()
    assert record.read(whole).complete


@pytest.mark.parametrize("place", ["file/results", "/proc/results", "/dev/null/results"])
def test_a_folder_that_cannot_be_written(tmp_path, submit, place):
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(UserError, match=r"cannot (read|write) .*jsonl: (Not a directory|No such file)"):
        evaluate(TASK, submit("pass"), tmp_path / place, quiet=True)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_folder(tmp_path, submit):
    (tmp_path / "results").mkdir(mode=0o555)
    with pytest.raises(UserError, match=r"cannot write .*jsonl: Permission denied; give another folder"):
        evaluate(TASK, submit("pass"), tmp_path / "results", quiet=True)


@pytest.mark.parametrize("room", [0, 1, 300])
def test_a_full_disk_keeps_the_blocks_before(whole, entrant, monkeypatch, room):
    data = whole.read_bytes()
    whole.unlink()
    write = os.pwrite

    def full(descriptor, some, offset):
        if offset >= limit:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(descriptor, some[: limit - offset], offset)

    with RecordWriter(whole, TASK, entrant, "landlock") as writer:
        writer.commit(block(0))
        limit = whole.stat().st_size + room
        monkeypatch.setattr(os, "pwrite", full)
        with pytest.raises(UserError, match="No space left on device; written before, and safe: 1 block; run again"):
            writer.commit(block(1))
        monkeypatch.undo()
    assert data.startswith(whole.read_bytes())
    with RecordWriter(whole, TASK, entrant, "landlock") as writer:
        assert writer.blocks == 1
        writer.commit(block(1))
        writer.commit(block(2))
        writer.finish()
    assert whole.read_bytes() == data


def test_what_is_not_a_number_is_a_fault_of_the_harness(whole, entrant):
    whole.unlink()
    with RecordWriter(whole, TASK, entrant, "landlock") as writer:
        with pytest.raises(HarnessError, match="JSON cannot hold"):
            writer.commit(block(0, return_=float("nan")))
        assert writer.blocks == 0
        writer.commit(block(0))
    assert len(record.read(whole).blocks) == 1


def test_floats_survive(whole, entrant):
    whole.unlink()
    with RecordWriter(whole, TASK, entrant, "landlock") as writer:
        writer.commit(block(0, return_=0.1 + 0.2, discounted_return=1e-300))
    frame = record.load(whole.parents[1])
    assert frame["return"].tolist() == [0.1 + 0.2] * 2
    assert frame["discounted_return"].tolist() == [1e-300] * 2


def test_a_run_without_walls_is_no_evidence(whole, tmp_path):
    later = tmp_path / "later.jsonl"
    assert record.read(whole).walled
    later.write_bytes(whole.read_bytes().replace(b'"isolation": "landlock"', b'"isolation": "process"', 1))
    with pytest.raises(UserError, match=r"line 2: .*the line before it was changed"):
        record.read(later)
    lines = [{**line, "isolation": "process"} if "isolation" in line else line for line in forge.read(whole)]
    forge.write(later, lines)
    assert not record.read(later).walled
