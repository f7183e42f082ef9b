"""Verification: equal episodes pass, differences are named, and an interrupted one continues."""

import json
import sys

import pytest

from rlbench import cli
from rlbench.errors import UserError
from rlbench.harness import evaluate, submission, verify
from rlbench.harness.proof import findings
from rlbench.harness.results import provenance, record
from rlbench.harness.tasks.suite import get_task
from tests import forge as editor

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="agents are evaluated on Linux only")
TASK = get_task("cart-pole")
LEAN = "return (observation[:, 2] < 0).astype(int)"


@pytest.fixture
def recorded(submit, tmp_path):
    """A submission, and its record of two blocks."""
    folder = submit(LEAN)
    return submission.read(folder), evaluate.evaluate(TASK, folder, tmp_path / "results", quiet=True)


@pytest.fixture
def played(monkeypatch):
    """The numbers of the blocks that are played again."""
    numbers, play = [], verify.play_isolated

    def noted(task, entrant, number, **how):
        numbers.append(number)
        return play(task, entrant, number, **how)

    monkeypatch.setattr(verify, "play_isolated", noted)
    return numbers


def forge(path, **changes):
    """Write something else into an episode's line, the 51st, and give the record back."""
    lines = editor.read(path)
    next(line for line in lines if line.get("index") == 51).update(changes)
    return editor.write(path, lines)


def test_an_honest_record_is_the_same(recorded, played):
    entrant, path = recorded
    found = verify.verify(path, TASK, entrant, quiet=True)
    assert (found.blocks, found.episodes, found.different, played) == (2, 100, {}, [0, 1])
    assert (found.unsound, found.returns) == ({}, [line["return"] for line in record.read(path).episodes])
    header, *blocks = map(json.loads, findings.path_of(path).read_text(encoding="utf-8").splitlines())
    assert header["digest"] == entrant.digest
    assert set(header) >= {"record", "packages", "python", "cpu", "gpu", "commit"}
    nothing = {"episodes": 50, "different": {}, "unsound": {}}
    assert [nothing.items() <= line.items() for line in blocks] == [True, True]


@pytest.mark.parametrize("changes", [{"return": 501.0}, {"actions": "0" * 16}, {"length": 3}, {"status": "crash"}])
def test_a_forged_record_is_found_out(recorded, changes):
    entrant, path = recorded
    found = verify.verify(forge(path, **changes), TASK, entrant, quiet=True)
    assert list(found.different) == [51]
    ((name, value),) = changes.items()
    assert [line.startswith(f"{name} {value!r}, now ") for line in found.different[51]] == [True]


def test_it_goes_on_where_it_was_interrupted(recorded, played):
    entrant, path = recorded
    beside = findings.path_of(forge(path, length=3))
    assert verify.verify(path, TASK, entrant, blocks=1, quiet=True).different == {}
    beside.write_text(beside.read_text(encoding="utf-8") + '{"kind": "bl', encoding="utf-8")
    assert list(verify.verify(path, TASK, entrant, quiet=True).different) == [51]
    whole = beside.read_text(encoding="utf-8")
    assert played == [0, 1]
    assert list(verify.verify(path, TASK, entrant, quiet=True).different) == [51]
    assert (played, beside.read_text(encoding="utf-8")) == ([0, 1], whole)


def known(path):
    run = record.read(path)
    return findings.state(run, findings.read(path, run))


def without_seal(lines):
    return [{**line, "seal": "0" * 64} for line in lines]


def counted_more(lines):
    return [{**line, "episodes": 50} | ({"block": line["block"]} if "block" in line else {}) for line in lines]


@pytest.mark.parametrize("forged", [without_seal, counted_more, lambda lines: [lines[0], *lines[:0:-1]]])
def test_what_verify_has_not_written_itself_is_not_believed(recorded, played, forged):
    """Other lines, lines in another order, and those that another user or machine has sealed."""
    entrant, path = recorded
    assert known(path) == "self-reported"
    verify.verify(path, TASK, entrant, quiet=True)
    assert known(path) == "verified"
    beside = findings.path_of(path)
    lines = forged(editor.read(beside))
    beside.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    assert known(path) == "self-reported"
    verify.verify(path, TASK, entrant, quiet=True)
    assert (known(path), played) == ("verified", [0, 1, 0, 1])


def test_another_key_begins_anew(recorded, played, monkeypatch, tmp_path):
    entrant, path = recorded
    verify.verify(path, TASK, entrant, blocks=1, quiet=True)
    assert known(path) == "re-run"
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "another"))
    assert known(path) == "self-reported"
    verify.verify(path, TASK, entrant, blocks=1, quiet=True)
    assert (known(path), played) == ("re-run", [0, 0])
    assert (tmp_path / "another/rlbench/verify.key").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(("shift", "verdict", "code"), [(0.1, "re-run", 0), (400.0, "different", 1)])
def test_under_another_arithmetic_means_are_compared(recorded, capsys, shift, verdict, code):
    """A few episodes went another way; or all, and further than chance takes them."""
    entrant, path = recorded
    header, *lines = editor.read(path)
    header["arithmetic"] = {**header["arithmetic"], "name": "native"}
    for line in lines:
        if line.get("index", 99) < 99:
            line["return"] = line["discounted_return"] = float(min(500, line["return"] + shift))
    editor.write(path, [header, *lines])
    assert cli.main(["verify", str(path), "--submission", str(entrant.folder), "--json"]) == code
    (row,) = json.loads(capsys.readouterr().out)
    assert row["verdict"] == verdict
    within = "within" if code == 0 else "not within"
    assert row["reason"].startswith("other arithmetic: the mean return is -")
    assert f" here, {within} chance (95 % interval -" in row["reason"]


@pytest.mark.parametrize("what", ["record", "machine"])
def test_it_begins_anew_for_another_record_and_elsewhere(recorded, played, monkeypatch, what):
    entrant, path = recorded
    verify.verify(path, TASK, entrant, blocks=1, quiet=True)
    if what == "record":
        forge(path, length=3)
    else:
        monkeypatch.setattr(provenance, "machine", lambda: {"cpu": "another"})
    verify.verify(path, TASK, entrant, blocks=1, quiet=True)
    assert played == [0, 0]
    assert len(findings.path_of(path).read_text(encoding="utf-8").splitlines()) == 2


def test_another_agent_or_task_cannot_be_compared(recorded, submit):
    entrant, path = recorded
    with pytest.raises(UserError, match=f"digest {entrant.digest}, now it is .*; the two cannot be compared"):
        verify.verify(path, TASK, submission.read(submit("return [0] * self.num_envs", folder="other")), quiet=True)
    with pytest.raises(UserError, match="made with task cart-pole@1, now it is grid-world@1"):
        verify.verify(path, get_task("grid-world"), entrant, quiet=True)


def test_the_command(recorded, submit, tmp_path, monkeypatch, capsys):
    def run(*arguments):
        code = cli.main(["verify", *map(str, arguments), "--json"])
        out, err = capsys.readouterr()
        return code, json.loads(out) if out else err

    entrant, path = recorded
    monkeypatch.chdir(tmp_path)
    elsewhere = tmp_path / "far" / "and" / "away"
    elsewhere.mkdir(parents=True)
    entrant = submission.read(entrant.folder.rename(elsewhere / "agent"))
    code, (row,) = run(path)
    assert (code, row["verdict"], row["proof"]) == (1, "no submission", None)
    assert row["reason"].startswith(f"no submission with digest {entrant.digest[:12]} in ")
    assert row["reason"].endswith("; give the folder of probe 1 with --submission")
    code, message = run(path, "--submission", submit("return [0] * self.num_envs", folder="elsewhere/other"))
    assert (code, "other has digest" in message) == (2, True)
    code, (row,) = run(path, "--submission", entrant.folder)
    assert (code, row["verdict"], row["blocks"], row["of"]) == (0, "verified", 2, 2)
    assert row["proof"] == "played and simulated"
    evaluate.evaluate(get_task("grid-world"), "random", tmp_path / "results", quiet=True)
    code, rows = run("--blocks", "1")
    assert code == 1  # for the verdict of one is that it could not be
    assert [row["verdict"].split(" with")[0] for row in rows] == ["no submission", "re-run"]
    code, (row,) = run(forge(path, length=3), "--submission", entrant.folder)
    assert (code, row["verdict"], row["different"]) == (1, "different", 1)
    assert row["first_difference"].startswith("episode 51: length 3, now ")
    assert cli.main(["verify", str(path), "--submission", str(entrant.folder)]) == 1
    out, err = capsys.readouterr()
    assert max(map(len, out.splitlines())) < 100
    assert "episode 51: length 3, now " in err
    for mistake, expected in (
        (("nowhere",), "no records in nowhere"),
        ((path, "--blocks", "0"), "--blocks is at least 1"),
    ):
        code, message = run(*mistake)
        assert (code, expected in message) == (2, True)


def test_the_submission_of_a_record_is_found_where_it_was_evaluated(recorded, submit, tmp_path, monkeypatch, capsys):
    entrant, path = recorded
    submit("return [0] * self.num_envs", folder="another")
    for place in (tmp_path, entrant.folder):
        monkeypatch.chdir(place)
        assert cli.main(["verify", str(path), "--blocks", "1", "--json"]) == 0
        assert cli.main(["watch", str(path), "--no-window", "--record", str(tmp_path / "seen.png")]) == 0
    capsys.readouterr()


def test_of_records_with_one_name_the_one_of_the_submission_is_verified(recorded, submit, tmp_path, capsys):
    entrant, path = recorded
    other = submit("return (observation[:, 2] < 1).astype(int)", folder="another", version="2")
    evaluate.evaluate(TASK, other, tmp_path / "results", quiet=True)
    (path.parent / "probe@damaged.jsonl").write_text("{}\n", encoding="utf-8")
    for folder in (entrant.folder, other):
        code = cli.main(["verify", str(tmp_path / "results"), "--blocks", "1", "--submission", str(folder), "--json"])
        (row,) = json.loads(capsys.readouterr().out)
        assert (code, row["record"]) == (0, f"cart-pole@1/probe@{submission.read(folder).digest[:12]}")
    stranger = submit(LEAN, folder="stranger", version="3")
    assert cli.main(["verify", str(tmp_path / "results"), "--submission", str(stranger)]) == 2
    assert "none of these 3 records is of it" in capsys.readouterr().err
