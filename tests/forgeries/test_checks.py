"""Checks that somebody forges: they are shown as who says so, about the very record or not at all, and rank nothing."""

import hashlib

import pytest

from rlbench import cli
from rlbench.harness.results import checks, record
from rlbench.harness.results.checks import PublishedCheck
from tests import forge


@pytest.fixture
def look(results, tmp_path, capsys):
    """The page of cart-pole, without its proofs, and the lines of these."""

    def page():
        words = ["leaderboard", "--results", str(results), "--output", str(tmp_path / "page.md"), "--quiet"]
        assert cli.main(words) == 0
        assert capsys.readouterr() == ("", "")
        text = next(tmp_path.glob("**/tasks/cart-pole@1.md")).read_text(encoding="utf-8")
        before, _, rest = text.partition("## Proof\n")
        return before, {line.split("|")[1].strip(): line for line in rest.splitlines() if line.startswith("| ")}

    return page


def about(path, **changes):
    run = record.read(path)
    digest = hashlib.sha256(path.read_bytes()[: run.size]).hexdigest()
    of = f"{path.parent.name}/{path.stem}"
    said = PublishedCheck(
        of, digest, "verified", "played", len(run.blocks), "2026-11-30", "a CPU", "x86-64-avx2", "0.2.0", ""
    )
    return said._replace(**changes)


def test_a_check_is_shown_by_who_signed_it_and_ranks_nothing(results, forged, look):
    before, proofs = look()
    assert "self-reported" in proofs["honest"]
    checks.add(checks.path_of(results, "Ada"), [about(forged)])
    after, proofs = look()
    assert after == before
    assert [cell.strip() for cell in proofs["honest"].split("|")[2:-1]] == ["3", "1 of 3", "Ada (a CPU, 2026-11-30)"]
    assert "self-reported" in proofs["rival"]
    checks.add(checks.path_of(results, "Bob"), [about(forged, verdict="different", blocks=1)])
    after, proofs = look()
    assert after == before
    cells = ["3", "self-reported", "Ada (a CPU, 2026-11-30)", "1, by Bob (a CPU, 2026-11-30)"]
    assert [cell.strip() for cell in proofs["honest"].split("|")[2:-1]] == cells


@pytest.mark.parametrize(
    "changes",
    [{"sha256": "0" * 64}, {"record": "cart-pole@1/rival@000000000000"}, {"blocks": 1}, {"verdict": "re-run"}],
)
def test_a_check_of_something_else_or_of_a_part_says_nothing(changes, results, forged, look):
    checks.add(checks.path_of(results, "Eve"), [about(forged, **changes)])
    assert "self-reported" in look()[1]["honest"]


def test_a_record_that_was_changed_since_is_not_verified(results, forged, look):
    checks.add(checks.path_of(results, "Ada"), [about(forged)])
    lines = forge.read(forged)
    lines[0]["cpu"] = "another"
    forge.write(forged, lines)
    assert "self-reported" in look()[1]["honest"]


def test_a_file_that_holds_no_checks_is_listed_and_stops_nothing(results, look, tmp_path):
    path = checks.path_of(results, "Eve")
    path.parent.mkdir()
    path.write_text("record\n| <b>x</b>\n", encoding="utf-8")
    look()
    page = (tmp_path / "page.md").read_text(encoding="utf-8")
    assert "holds no checks" in page.partition("## Not ranked")[2]


def test_signatures_break_no_table(results, forged, look):
    checks.add(checks.path_of(results, "Eve"), [about(forged, cpu="x | <b>`y`[z](w)|")])
    row = look()[1]["honest"]
    assert row.replace("\\|", "").count("|") == 5
    assert "<b>" not in row.replace("\\<", "")
