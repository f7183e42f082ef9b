"""What `verify` found, signed and published: a page elsewhere shows it, while its sealed findings stay here."""

import shutil
import sys
from pathlib import Path

import pytest

from rlbench import cli, leaderboard
from rlbench.harness.proof import findings, kept_actions
from rlbench.harness.results import checks, record

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="agents are evaluated on Linux only")
RESULTS = Path(__file__).parents[3] / "results"


@pytest.fixture
def copy(tmp_path):
    """A committed record with its kept actions, whose submission is not here."""
    source = sorted((RESULTS / "grid-world@1").glob("q-learning@*.jsonl"))[0]
    path = tmp_path / "results" / "grid-world@1" / source.name
    path.parent.mkdir(parents=True)
    for file in (source, kept_actions.path_of(source)):
        shutil.copy(file, path.parent)
    return path


def test_what_was_found_is_signed_once_and_published(copy, monkeypatch, capsys):
    monkeypatch.setattr("rlbench.api.verifying.submission_or_none", lambda *_: None)
    words = ["verify", str(copy), "--sign", "Ada", "--quiet"]
    assert cli.main(words) == 0
    path = checks.path_of(copy.parents[1], "Ada")
    (check,) = checks.read(path)
    assert (check.record, check.verdict, check.how) == (f"grid-world@1/{copy.stem}", "verified", "actions")
    assert check.blocks == len(record.read(copy).blocks)
    before = path.read_bytes()
    assert cli.main(words) == 0
    assert path.read_bytes() == before
    findings.path_of(copy).unlink()  # as in another's checkout
    page = copy.parents[2] / "page.md"
    assert cli.main(["leaderboard", "--results", str(copy.parents[1]), "--output", str(page), "--quiet"]) == 0
    told = "1 of 1 runs in the tables are *verified*, of them 1 by kept actions alone: "
    assert told in page.read_text(encoding="utf-8")
    checks.write(path, [check, check._replace(how="played")])  # somebody has its submission
    assert cli.main(["leaderboard", "--results", str(copy.parents[1]), "--output", str(page), "--quiet"]) == 0
    assert "1 of 1 runs in the tables are *verified*: " in page.read_text(encoding="utf-8")
    assert ", actions alone)" in (page.parent / "tasks" / "grid-world@1.md").read_text(encoding="utf-8")
    capsys.readouterr()


def test_who_finds_otherwise_and_everybody_else_make_the_same_published_page(copy, monkeypatch, capsys):
    monkeypatch.setattr("rlbench.api.verifying.submission_or_none", lambda *_: None)
    assert cli.main(["verify", str(copy), "--sign", "Ada", "--quiet"]) == 0
    signed = checks.path_of(copy.parents[1], "Ada")
    (check,) = checks.read(signed)
    checks.write(signed, [check._replace(verdict="different")])
    page = copy.parents[2] / "page.md"
    words = ["leaderboard", "--results", str(copy.parents[1]), "--output", str(page)]
    monkeypatch.setattr(findings, "state", lambda *_: "different")  # on the machine of who signs
    (row,) = leaderboard(copy.parents[1]).rankings.unranked
    assert "verify found other episodes on this machine" in row.reason
    assert cli.main([*words, "--published"]) == 0
    assert "published: 0 of 1 run verified, 1 contested" in capsys.readouterr().out
    mine = page.read_text(encoding="utf-8")
    assert "verify found" not in mine
    assert "Ada (" in (page.parent / "tasks" / "grid-world@1.md").read_text(encoding="utf-8")
    assert cli.main([*words, "--check"]) == 1
    monkeypatch.undo()
    findings.path_of(copy).unlink()  # as in another's checkout
    assert cli.main([*words, "--check"]) == 0
    assert cli.main([*words, "--check", "--published"]) == 0
    board = leaderboard(copy.parents[1], published=True)
    assert [row.contested for row in board.rankings.proofs["grid-world@1"]] == [1]
    page.write_text(mine + "more\n", encoding="utf-8")
    assert cli.main([*words, "--check", "--published"]) == 1
    assert capsys.readouterr().err.endswith(" --published\n")


def test_bad_names_and_findings_that_cannot_be_kept_are_one_line(copy, monkeypatch, capsys):
    monkeypatch.setattr("rlbench.api.verifying.submission_or_none", lambda *_: None)
    assert cli.main(["verify", str(copy), "--sign", "a/b"]) == 2
    assert "'a/b' cannot sign" in capsys.readouterr().err
    monkeypatch.setattr("rlbench.harness.proof.findings.key", lambda: None)
    assert cli.main(["verify", str(copy), "--sign", "Ada", "--quiet"]) == 2
    assert (
        capsys.readouterr().err
        == "error: nothing to sign: no findings could be kept beside these records; copy them to a folder of yours\n"
    )


def test_a_record_is_signed_from_the_folder_that_it_lies_in(copy, monkeypatch, capsys):
    monkeypatch.setattr("rlbench.api.verifying.submission_or_none", lambda *_: None)
    monkeypatch.chdir(copy.parent)
    assert cli.main(["verify", copy.name, "--sign", "Ada"]) == 0
    assert f"{copy.parent.name}/{copy.stem}" in capsys.readouterr().out
    ((check,),) = checks.survey(copy.parents[1])[0].values()
    assert (check.record, check.verdict) == (f"{copy.parent.name}/{copy.stem}", "verified")
