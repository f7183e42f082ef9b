"""What is a record among the files of a results folder, and that reading one gives what was written."""

import json
import math
import os
import shutil

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rlbench import cli
from rlbench.errors import UserError
from rlbench.harness import submission
from rlbench.harness.evaluate import evaluate
from rlbench.harness.isolation.agent import STATUSES
from rlbench.harness.results import header, jsonl, provenance, record
from rlbench.harness.results.record import BlockResult, EpisodeResult
from rlbench.harness.results.schema import definitions, violation
from rlbench.harness.results.writer import RecordWriter, refuse_namesakes
from rlbench.harness.tasks.task import Task
from tests import forge

TASK = Task("maze", 1, "rlbench/GridWorld-v0", episodes=2, num_envs=1)
SIDE_FILES = {
    "findings": ("probe@000000000000.verify.jsonl", '{"kind": "verification", "schema": 2}\n'),
    "old findings": ("probe@000000000000.verify.jsonl", '{"kind": "header", "schema": 1, "record": "00"}\n'),
    "trace": ("mine.jsonl", '{"kind": "trace", "schema": 1}\n'),
    "curve": ("curve.jsonl", '{"event": "started"}\n'),
    "backup of an editor": ("probe@000000000000.jsonl~", "{}"),
    "swap file": (".probe@000000000000.jsonl.swp", "{}"),
    "hidden": (".probe@000000000000.jsonl", "{}"),
}
INTEGERS = st.integers(-(2**63) + 1, 2**63 - 1)
FLOATS = st.floats(allow_nan=False, allow_infinity=False)
EXTRA = st.dictionaries(st.text(), INTEGERS | FLOATS | st.text() | st.dictionaries(st.text(), st.booleans()))
RESULTS = st.builds(
    EpisodeResult,
    **dict.fromkeys(("seed", "length"), st.integers(0, 10**9)),
    **dict.fromkeys(("return_", "discounted_return"), st.floats(-1e9, 1e9)),
    **{name: st.booleans() for name in ("terminated", "truncated")},
    status=st.sampled_from(STATUSES),
    actions=st.text("0123456789abcdef", min_size=16, max_size=16),
    index=st.just(0),
    extra=EXTRA,
)


def write(path, entrant, episodes=(), fault=None):
    with RecordWriter(path, TASK, entrant, "landlock") as writer:
        for number, episode in enumerate(episodes):
            writer.commit(BlockResult(number, [episode], 0.5, 0.25, 0.125, 1, fault))


@pytest.fixture
def entrant(submit):
    return submission.read(submit("pass"))


@pytest.fixture(scope="module")
def any_entrant():
    """A submission, while nobody pulls the plug and the machine is looked at once."""
    machine = provenance.machine()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda descriptor: None)
        patch.setattr(provenance, "machine", lambda: machine)
        yield submission.read("random")


@settings(deadline=None, max_examples=40)
@given(episode=RESULTS, fault=st.none() | st.text())
def test_what_is_written_is_read_again(episode, fault, any_entrant, tmp_path_factory):
    path = record.path_of(tmp_path_factory.mktemp("r"), TASK, any_entrant)
    write(path, any_entrant, [episode], fault)
    run = record.read(path)
    assert run.header == header.new_header(TASK, any_entrant, "landlock")
    assert run.episodes == [{**episode.line(), "block": 0}]
    assert (run.blocks[0]["fault"], run.complete) == (fault, False)
    assert record.load(path.parents[1])["return"].tolist() == [episode.return_]


ANYTHING = st.none() | st.booleans() | INTEGERS | st.floats() | st.text() | st.lists(st.integers()) | EXTRA
NAMES = sorted(
    (kind, name)
    for kind, of in definitions().items()
    for name in of.get("properties", ())
    if name not in ("kind", "schema")
)


@settings(deadline=None, max_examples=100)
@given(field=st.sampled_from(NAMES), value=ANYTHING)
def test_a_changed_field_is_refused_or_read_and_never_a_crash(field, value, any_entrant, tmp_path_factory):
    path = record.path_of(tmp_path_factory.mktemp("r"), TASK, any_entrant)
    write(path, any_entrant, [EpisodeResult(0, 1, 1.0, 1.0, 3, True, False, "ok", "0" * 16, {})])
    kind, name = field
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    changed = [line | {name: value} if line["kind"] == kind else line for line in lines]
    if name == "previous":
        path.write_text("".join(json.dumps(line) + "\n" for line in changed), encoding="utf-8")
    else:
        forge.write(path, changed)
    try:
        frame = record.load(path.parents[1])
    except UserError as error:
        assert str(path) in str(error)  # noqa: PT017  # either outcome is right
        return
    if kind == "block" and type(value) is float and not math.isfinite(value):  # no JSON: as if it were not there
        assert frame.empty
        return
    assert all(violation(line) is None for line in changed)
    assert changed == forge.chained(changed)
    assert len(frame) == 1


@pytest.mark.parametrize(("name", "text"), SIDE_FILES.values(), ids=SIDE_FILES)
def test_side_files_are_no_records(name, text, entrant, submit, tmp_path):
    path = record.path_of(tmp_path / "results", TASK, entrant)
    write(path, entrant)
    path.with_name(name).write_text(text, encoding="utf-8")
    os.mkfifo(path.with_name("pipe.jsonl"))
    path.with_name("folder.jsonl").mkdir()
    path.with_name("nowhere.jsonl").symlink_to("nothing")
    assert record.find(path.parents[1]) == [path]
    assert len(record.load(path.parents[1])) == 0
    other = submission.read(submit("pass", folder="other", version="2"))
    refuse_namesakes(record.path_of(path.parents[1], TASK, other), other)


def test_what_lies_in_a_hidden_folder_is_no_record(entrant, tmp_path):
    path = record.path_of(tmp_path / ".results", TASK, entrant)  # the folder given may be hidden itself
    write(path, entrant)
    shutil.copytree(path.parent, path.parents[1] / ".ipynb_checkpoints")
    shutil.copytree(path.parent, path.parent / ".history" / "later")
    for pattern in ("*/*.jsonl", "**/*.jsonl"):
        assert record.find(path.parents[1], pattern) == [path]


def test_another_digest_is_evaluated_after_a_verification(submit, tmp_path, capsys):
    results = tmp_path / "results"
    folder = submit("return (observation[:, 2] < 0).astype(int)")
    options = ["--task", "cart-pole", "--results", str(results), "--quiet"]
    assert cli.main(["evaluate", str(folder), *options]) == 0
    (path,) = record.find(results)
    assert cli.main(["verify", str(results), "--submission", str(folder), "--blocks", "1", "--quiet"]) == 0
    submit("return (observation[:, 2] < 0).astype(int)", version="2")
    assert cli.main(["evaluate", str(folder), *options]) == 0
    assert len(record.find(results)) == 2
    capsys.readouterr()
    beside = path.with_suffix(record.VERIFICATION)
    for command in (["watch", beside, "--no-window"], ["verify", beside]):
        assert cli.main(list(map(str, command))) == 2
        assert capsys.readouterr().err.count("\n") == 1


def test_two_files_of_one_run_are_both_named(entrant, tmp_path):
    path = record.path_of(tmp_path / "results", TASK, entrant)
    write(path, entrant, [EpisodeResult(0, 1, 1.0, 1.0, 3, True, False, "ok", "0" * 16, {})])
    path.with_name("copy.jsonl").write_bytes(path.read_bytes())
    with pytest.raises(UserError, match=rf"copy.jsonl and .*{path.name} are records of the same run; remove one"):
        record.load(tmp_path / "results")


NO_RECORDS = {
    "empty": b"",
    "text": b"a,b\n",
    "not text": b"\xff\xfe\0\n",
    "a list": b"[1]\n",
    "a deep list": b"[" * 100_000 + b"\n",
    "an old finding": b'{"kind": "header", "schema": 1, "record": "00"}\n',
    "findings": b'{"kind": "verification"}\n',
    "another schema": b'{"kind": "header", "schema": 7}\n',
    "a header alone": b'{"kind": "header"}\n',
    "a long number": b'{"kind": ' + b"9" * 5_000 + b"}\n",
    "a pipe": None,
}


@pytest.mark.parametrize("data", NO_RECORDS.values(), ids=NO_RECORDS)
@pytest.mark.parametrize("command", ["watch", "verify"])
def test_what_is_no_record_is_one_line(data, command, tmp_path, capsys):
    path = tmp_path / "x@000000000000.jsonl"
    path.write_bytes(data) if data is not None else os.mkfifo(path)
    assert cli.main([command, str(path)]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert path.name in err


def test_a_file_that_was_removed_meanwhile_is_opened_anew(tmp_path, monkeypatch):
    """Another process may remove its empty file between our opening and our locking of it."""
    path, opened, really_open = tmp_path / "a.jsonl", [], os.open

    def open_removed(name, *rest, **more):
        descriptor = really_open(name, *rest, **more)
        if name == path and not opened:
            path.unlink()
        opened.append(name)
        return descriptor

    monkeypatch.setattr(os, "open", open_removed)
    with jsonl.JsonlWriter(path) as writer:
        writer.append([{"a": 1}], "")
    assert path.read_bytes() == b'{"a": 1}\n'


def test_an_empty_file_is_not_left_behind(entrant, tmp_path):
    results = tmp_path / "a" / "results"
    path = record.path_of(results, TASK, entrant)

    def fail():
        with RecordWriter(path, TASK, entrant, "landlock"):
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert not (tmp_path / "a").exists()
    results.mkdir(parents=True)
    with pytest.raises(RuntimeError):
        fail()
    assert list(results.iterdir()) == []


def test_damaged_neighbours_do_not_change_what_is_recorded(grid_task, submit, tmp_path):
    folder = submit("return observation % 4")
    path = evaluate(grid_task, folder, tmp_path / "results", quiet=True)
    path.with_name("other@000000000000.jsonl").write_text("rubbish\n", encoding="utf-8")
    before = path.read_bytes()
    assert evaluate(grid_task, folder, tmp_path / "results", quiet=True).read_bytes() == before


def test_an_agent_of_the_same_name_and_seed_of_another_owner_is_another_run(entrant, submit, tmp_path):
    write(record.path_of(tmp_path / "results", TASK, entrant), entrant)
    for fields, what in (({"owner": "Bob"}, None), ({"contact": "b@c"}, "another manifest"), ({}, "other contents")):
        other = submission.read(submit("return 0" if what == "other contents" else "pass", folder="other", **fields))
        path = record.path_of(tmp_path / "results", TASK, other)
        if what is None:
            refuse_namesakes(path, other)
        else:
            with pytest.raises(UserError, match=f"holds {what} of probe 1"):
                refuse_namesakes(path, other)


def test_two_owners_evaluate_agents_of_one_name_into_one_folder(submit, tmp_path, capsys):
    folders = [submit("return [0] * len(observation)", folder=who, owner=who) for who in ("Ada", "Bob")]
    words = ["evaluate", *map(str, folders), "--task", "grid-world@1", "--limit", "1", "--quiet"]
    assert cli.main([*words, "--results", str(tmp_path / "results")]) == 0, capsys.readouterr().err
    assert len(record.find(tmp_path / "results")) == 2
