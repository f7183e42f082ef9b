"""What is written among the results goes into files alone: no link is followed, and no pipe waited for."""

import os
import shutil
import sys
from pathlib import Path

import pytest

from rlbench import cli
from rlbench.api.ranking import load_rankings
from rlbench.harness.proof import kept_actions
from rlbench.harness.results import curves, record

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="records are written on Linux and macOS only")
RESULTS = Path(__file__).parents[2] / "results"
HEAD = {"event": "started", "task": "cart-pole@1", "agent": "dqn", "seed": 0}
EVALUATED = {"event": "evaluated", "steps": 1, "seconds": 1.0, "mean": 1.0}
OTHER = "it stays"


def elsewhere(path):
    """A link to a file outside of the results."""
    target = path.parents[-1] / os.environ["PLACE"]
    target.write_text(OTHER, encoding="utf-8")
    path.symlink_to(target)


MADE = {"a link": elsewhere, "a pipe": os.mkfifo, "a folder": Path.mkdir}


@pytest.fixture
def results(tmp_path, monkeypatch):
    """A folder of results with one committed record and its kept actions; the submission is not here."""
    source = sorted((RESULTS / "grid-world@1").glob("q-learning@*.jsonl"))[0]
    folder = tmp_path / "results"
    for place in ("tasks", "checks", "curves/cart-pole@1", "grid-world@1"):
        (folder / place).mkdir(parents=True)
    for file in (source, kept_actions.path_of(source)):
        shutil.copy(file, folder / "grid-world@1")
    monkeypatch.setattr("rlbench.api.verifying.submission_or_none", lambda *_: None)
    monkeypatch.setenv("PLACE", str((tmp_path / "elsewhere").relative_to("/")))
    return folder


def rank(results):
    """Make the pages."""
    return cli.main(
        ["leaderboard", "--results", str(results), "--output", str(results.parent / "leaderboard.md"), "-q"]
    )


def sign(results):
    """Verify the records and publish what came out."""
    return cli.main(["verify", str(results), "--sign", "Ada", "--quiet", "--jobs", "1"])


def keep(results):
    """Keep a learning curve, as after training."""
    try:
        curves.keep([HEAD, EVALUATED], results)
    except curves.UserError as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    return 0


PLACES = {
    "../leaderboard.md": rank,
    "../leaderboard.md.part": rank,
    "tasks/grid-world@1.md": rank,
    "tasks/grid-world@1.md.part": rank,
    "tasks": rank,
    "checks/Ada.csv": sign,
    "checks/Ada.csv.part": sign,
    "checks": sign,
    "curves/cart-pole@1/dqn-s0.csv": keep,
    "curves/cart-pole@1": keep,
    "curves": keep,
}


def content(folder):
    """Everything below a folder: what it is, where links lead, and what files hold."""
    found = {}
    for path in sorted(folder.rglob("*")):
        regular = path.is_file() and not path.is_symlink()
        found[path] = path.read_bytes() if regular else (path.lstat().st_mode, path.is_symlink() and os.readlink(path))
    return found


ALLOWED = {(place, "a folder") for place in ("../leaderboard.md", "tasks", "checks", "curves", "curves/cart-pole@1")}
"""Where folders may be: --output may name one."""


LISTED = [
    pytest.param(place, made, marks=[] if made == "a link" else [pytest.mark.slow])
    for place in PLACES
    for made in MADE
    if (place, made) not in ALLOWED
]
LISTED[1] = pytest.param("../leaderboard.md", "a pipe")


@pytest.mark.parametrize(("place", "made"), LISTED)
def test_what_is_in_the_place_of_a_file_or_a_folder_is_told_and_left_alone(place, made, results, capsys):
    path = results.joinpath(*place.split("/")) if not place.startswith("..") else results.parent / place[3:]
    if path.is_dir():
        shutil.rmtree(path)
    MADE[made](path)
    if PLACES[place] is sign:
        findings_of(results, capsys)
    before = content(results.parent)
    assert PLACES[place](results) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: cannot ")
    assert made in line
    assert line.endswith("; remove it")
    assert content(results.parent) == before


def findings_of(results, capsys):
    """Let the records be verified before, so that nothing but the checks is to be written."""
    assert cli.main(["verify", *map(str, record.find(results, "grid*/*.jsonl")), "--quiet"]) == 0
    assert list(results.glob("*/*.verify.jsonl"))
    capsys.readouterr()


def test_a_check_of_the_pages_follows_no_link(results, tmp_path, capsys):
    assert rank(results) == 0
    page = tmp_path / "leaderboard.md"
    page.rename(tmp_path / "true.md")
    page.symlink_to("true.md")
    words = ["leaderboard", "--results", str(results), "--output", str(page), "--check"]
    assert cli.main(words) == 1
    assert "it is a link, not a file" in capsys.readouterr().err
    page.unlink()
    (tmp_path / "true.md").rename(page)
    (results / "tasks").rename(tmp_path / "other")
    (results / "tasks").symlink_to(tmp_path / "other")
    assert cli.main(words) == 1
    assert "tasks is a link, not a folder" in capsys.readouterr().err


@pytest.mark.parametrize("place", ["grid-world@1", "checks", "curves", "curves/cart-pole@1"])
def test_a_folder_that_is_a_link_is_listed_and_not_read(place, results, tmp_path):
    assert sign(results) == keep(results) == 0
    (results / place).rename(tmp_path / "moved")
    (results / place).symlink_to(tmp_path / "moved")
    board = load_rankings(results)
    if place == "grid-world@1":
        assert not board.tasks
    if place == "checks":
        assert sum(row.verified for row in board.proofs["grid-world@1"]) == 0
    if place.startswith("curves"):
        assert curves.find(results) == []
    listed = [row.reason for row in board.unranked if row.agent == place.split("/")[-1]]
    assert listed
    assert all("it is a link, not a" in reason for reason in listed)


@pytest.mark.parametrize("place", ["grid-world@1", "checks", "curves", "curves/cart-pole@1"])
def test_nothing_is_merged_through_a_link(place, results, tmp_path, capsys):
    assert sign(results) == keep(results) == 0
    mine = tmp_path / "mine"
    (tmp_path / "moved").mkdir()
    (mine / place).parent.mkdir(parents=True)
    (mine / place).symlink_to(tmp_path / "moved")
    assert cli.main(["merge", str(results), "--results", str(mine)]) == 1
    told = capsys.readouterr()
    assert "is a link, not a folder; remove it" in told.out + told.err
    assert list((tmp_path / "moved").iterdir()) == []
    assert merge_from_link(results, place, tmp_path) == 1
    assert "it is a link, not a file" in "".join(capsys.readouterr())


def merge_from_link(results, place, tmp_path):
    """Merge a folder in which a folder is a link."""
    target = tmp_path / "theirs"
    (results / place).rename(target)
    (results / place).symlink_to(target)
    return cli.main(["merge", str(results), "--results", str(tmp_path / "new")])


def test_a_record_is_evaluated_into_no_folder_that_is_a_link(results, tmp_path, capsys):
    (tmp_path / "moved").mkdir()
    (results / "cart-pole@1").symlink_to(tmp_path / "moved")
    assert cli.main(["evaluate", "random", "--task", "cart-pole@1", "--results", str(results), "--quiet"]) == 2
    assert "the folder cart-pole@1 is a link, not a folder; remove it" in capsys.readouterr().err
    assert list((tmp_path / "moved").iterdir()) == []
