"""Kept actions prove a record without its submission, and nothing else than the record's own."""

import json
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from rlbench import cli
from rlbench.errors import UserError
from rlbench.harness import evaluate, submission, verify
from rlbench.harness.proof import findings, kept_actions
from rlbench.harness.proof.resimulation import CleanProcess
from rlbench.harness.results import record
from rlbench.harness.results.jsonl import JsonlWriter
from rlbench.harness.tasks.suite import get_task
from tests import forge as editor

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="agents are evaluated on Linux only")
TASK = get_task("cart-pole")
LEAN = "return (observation[:, 2] < 0).astype(int)"
WAVERING = """
import os
class Agent:
    t = 0
    def act(self, observation, first):
        self.t += 1
        left = (observation[:, 2] < 0).astype(int)
        return left ^ (os.urandom(len(left))[0] & 1) if self.t == 8 else left
def load(task, spaces, seed):
    return Agent()
"""


@pytest.fixture
def kept(submit, tmp_path):
    """The record of a submission that is gone, and whose actions are kept."""
    folder = submit(LEAN)
    path = evaluate.evaluate(TASK, folder, tmp_path / "results", quiet=True)
    verify.verify(path, TASK, submission.read(folder), quiet=True, keep=True)
    findings.path_of(path).unlink()
    return path


def test_a_record_is_proved_without_its_submission(kept, capsys):
    found = verify.verify(kept, TASK, None, quiet=True)
    run = record.read(kept)
    assert (found.blocks, found.returns, findings.state(run, found)) == (2, [], "verified")
    assert kept_actions.path_of(kept).stat().st_size < 20_000
    assert cli.main(["verify", str(kept.parent), "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert (row["verdict"], row["blocks"], row["proof"]) == ("verified", 2, "actions alone")
    assert row["reason"] == "its kept actions alone were simulated, as its submission is not here"


def test_what_plays_as_is_kept_is_simulated_once(kept, tmp_path, monkeypatch):
    simulated = []
    play = CleanProcess.play
    monkeypatch.setattr(CleanProcess, "play", lambda self, *block: simulated.append(block[1]) or play(self, *block))
    found = verify.verify(kept, TASK, submission.read(tmp_path / "submission"), quiet=True)
    assert (simulated, findings.state(record.read(kept), found)) == ([0, 1], "verified")
    assert len(found.returns) == TASK.episodes


def test_they_are_kept_while_it_is_evaluated_and_go_on_with_the_record(kept, submit, tmp_path, capsys):
    folder, results = str(tmp_path / "submission"), tmp_path / "again"
    words = ["evaluate", folder, "--task", "cart-pole", "--results", str(results), "--quiet"]
    assert cli.main([*words, "--traces"]) == 0
    path = results / TASK.key / kept.name
    whole = kept_actions.path_of(path).read_bytes()
    assert whole == kept_actions.path_of(kept).read_bytes()
    lines = editor.read(path)
    editor.write(path, lines[:52])  # its first block
    kept_actions.path_of(path).write_bytes(whole + b'{"kind": "bl')
    assert cli.main([*words, "--traces"]) == 0
    assert kept_actions.path_of(path).read_bytes() == whole
    editor.write(path, lines[:52])
    kept_actions.path_of(path).unlink()
    capsys.readouterr()
    assert cli.main([*words, "--traces"]) == 2
    assert "was begun without --traces; go on without" in capsys.readouterr().err
    assert cli.main(words) == 0


@pytest.mark.parametrize("changes", [{"return": 499.0, "discounted_return": 499.0}, {"length": 3}, {"truncated": True}])
def test_a_forged_record_is_not_what_its_actions_make(kept, changes):
    lines = editor.read(kept)
    next(line for line in lines if line.get("index") == 51).update(changes)
    found = verify.verify(editor.write(kept, lines), TASK, None, quiet=True)
    assert list(found.unsound) == [51]
    assert findings.state(record.read(kept), found) == "different"


def test_actions_of_another_run_prove_nothing(kept, submit, tmp_path):
    other = submit("return (observation[:, 2] < 1).astype(int)", folder="other", name="other")
    path = evaluate.evaluate(TASK, other, tmp_path / "results", quiet=True)
    kept_actions.path_of(path).write_bytes(kept_actions.path_of(kept).read_bytes())
    with pytest.raises(kept_actions.NotKeptError, match="the kept actions are not those of the record; move them away"):
        verify.verify(path, TASK, None, quiet=True)
    assert not findings.path_of(path).exists()
    with pytest.raises(UserError, match="made with task cart-pole@1, now it is grid-world@1; the two"):
        verify.verify(path, get_task("grid-world"), None, quiet=True)


def test_actions_of_another_run_convict_nobody(kept, submit, tmp_path, monkeypatch, capsys):
    """Alone they decide nothing, with exit code 1; the submission, two folders below, is found and decides."""
    other = submit("return (observation[:, 2] < 1).astype(int)", folder="subs/timed/other", name="other")
    path = evaluate.evaluate(TASK, other, tmp_path / "results", quiet=True)
    beside = kept_actions.path_of(path)
    beside.write_bytes(kept_actions.path_of(kept).read_bytes())

    def verified(*words):
        code = cli.main(["verify", str(path), "--quiet", "--json", *words])
        (row,) = json.loads(capsys.readouterr().out)
        return code, row["verdict"], row.get("proof"), row.get("reason")

    reason = "the kept actions are not those of the record; move them away"
    monkeypatch.chdir(tmp_path)
    assert verified() == (1, "self-reported", None, reason)
    monkeypatch.chdir(tmp_path / "subs")
    assert verified() == (0, "verified", "played and simulated", None)
    findings.path_of(path).unlink()
    assert verified("--traces") == (0, "verified", "played and simulated", None)
    assert kept_actions.not_of(record.read(path), kept_actions.read(path)) is None


def test_a_conviction_by_actions_of_another_run_is_taken_back(kept):
    """Findings of an earlier version, for which foreign actions decided, are begun anew."""
    run, head = record.read(kept), findings.header(kept, record.read(kept), played=False)
    with findings.Findings(kept, head) as made:
        wrong = {"0": ["the kept actions are not those of the record"]}
        made.add({"kind": "block", "block": 0, "episodes": 50, "different": {}, "unsound": wrong, "returns": []})
    assert findings.state(run, findings.read(kept, run)) == "self-reported"
    assert findings.state(run, verify.verify(kept, TASK, None, quiet=True)) == "verified"


def test_the_first_step_that_differs_is_named(submit, tmp_path):
    folder = submit(source=WAVERING)
    entrant = submission.read(folder)
    path = evaluate.evaluate(TASK, folder, tmp_path / "results", quiet=True)
    for _ in range(40):  # until it plays the first block as it did, and then until it does not
        found = verify.verify(path, TASK, entrant, 1, quiet=True, keep=not kept_actions.read(path))
        findings.path_of(path).unlink()
        if found.different and kept_actions.read(path):
            assert found.different[min(found.different)][-1] == "the first action that differs is that of step 7"
            return
    raise AssertionError("it always plays alike, or never")


@pytest.mark.parametrize("damage", [b"", b"{}\n", b'{"kind": "actions", "schema": 9}\n', b"\0" * 99])
def test_a_file_that_holds_no_actions_is_refused(kept, damage):
    kept_actions.path_of(kept).write_bytes(damage)
    with pytest.raises(UserError, match=r"actions (holds no actions of schema 1|is damaged)|has no kept actions"):
        verify.verify(kept, TASK, None, quiet=True)


@pytest.mark.parametrize("changes", [{"lengths": [1 << 40] * 50}, {"data": "eJw="}, {"leaves": [{"dtype": "O"}]}])
def test_damaged_actions_are_refused(kept, changes):
    beside = kept_actions.path_of(kept)
    lines = editor.read(beside)
    lines[1].update(changes)
    beside.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    with pytest.raises(UserError, match="is damaged; move it away"):
        verify.verify(kept, TASK, None, quiet=True)


EPISODES = st.lists(st.integers(0, 6), min_size=1, max_size=4)
LEAVES = st.lists(
    st.tuples(
        st.sampled_from([np.int64, np.float32, np.float64]), arrays.array_shapes(min_dims=0, max_dims=2, max_side=3)
    ),
    min_size=1,
    max_size=3,
)


@given(st.data(), EPISODES, LEAVES)
def test_what_is_kept_is_read(tmp_path_factory, data, lengths, leaves):
    path = tmp_path_factory.mktemp("record") / "a@b.jsonl"
    actions = [
        [data.draw(arrays.arrays(dtype, (length, *shape), elements=st.integers(-9, 9))) for dtype, shape in leaves]
        for length in lengths
    ]
    with kept_actions.ActionsWriter(path, {"task": "a@1", "digest": "b"}) as writer:
        writer.append(0, actions)
        writer.append(0, [])
    with kept_actions.ActionsWriter(path, {"task": "a@1", "digest": "b"}) as writer:
        assert writer.blocks == 1
    (read,) = kept_actions.read(path)
    for before, now in zip(actions, read, strict=True):
        for a, b in zip(before, now, strict=True):
            assert (a.dtype, a.shape, a.tobytes()) == (b.dtype, b.shape, b.tobytes())


def test_no_empty_file_is_left_where_nothing_can_be_written(tmp_path, monkeypatch):
    def full(self, lines, safe):
        raise UserError("No space left on device")

    monkeypatch.setattr(JsonlWriter, "append", full)
    with pytest.raises(UserError, match="No space left"):
        kept_actions.ActionsWriter(tmp_path / "a@b.jsonl", {"task": "a@1", "digest": "b"})
    assert list(tmp_path.iterdir()) == []
