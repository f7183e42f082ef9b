"""What may lie where `verify`, `merge` and `leaderboard` read and write: a line says what to do, nothing is lost."""

import json
import os
import shutil
import subprocess

import pytest

from rlbench import cli
from rlbench.harness.merging import ADDED, REFUSED, THERE, merge
from rlbench.harness.proof import findings, kept_actions
from rlbench.harness.results import checks, record
from tests.forgeries.conftest import CART_POLE
from tests.forgeries.test_damaged import DAMAGES, WITHOUT_RIGHTS, damaged, fill, in_a_child, refused, small

__all__ = ["small"]
AS_ROOT = pytest.mark.skipif(os.geteuid() != 0 or shutil.which("setpriv") is None, reason="takes root, and setpriv")
SOMEBODY = 12345
PLACES = {
    "a pipe": os.mkfifo,
    "a link": lambda path: path.symlink_to("/etc/passwd"),
    "a link to nothing": lambda path: path.symlink_to("nothing"),
    "a folder": lambda path: path.mkdir(),
}


def told(words, capsys):
    """What a command says that ends with exit code 2 and one line."""
    capsys.readouterr()
    assert cli.main(list(map(str, words))) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert err.startswith("error: ")
    return err


def kinds(folder):
    """What lies in a folder: of a file its content, of anything else its type and where it leads."""
    return {
        path.relative_to(folder): path.read_bytes()
        if path.is_file() and not path.is_symlink()
        else (path.lstat().st_mode, os.readlink(path) if path.is_symlink() else None)
        for path in folder.rglob("*")
    }


@pytest.mark.parametrize("make", PLACES.values(), ids=PLACES)
@pytest.mark.parametrize("beside", [findings.path_of, kept_actions.path_of])
def test_what_lies_in_the_place_of_a_file_of_verify_stays(make, beside, played, capsys):
    path, entrant = played
    make(beside(path))
    before = kinds(path.parents[1])
    words = ["verify", path, "--submission", entrant.folder, "--quiet", "--traces"]
    assert str(beside(path)) in told(words, capsys)
    assert kinds(path.parents[1]) == before


@pytest.mark.parametrize("make", PLACES.values(), ids=PLACES)
def test_what_lies_in_the_place_of_checks_stays(make, played, capsys):
    path, entrant = played
    place = checks.path_of(path.parents[1], "me")
    place.parent.mkdir()
    make(place)
    words = ["verify", path, "--submission", entrant.folder, "--blocks", 1, "--quiet", "--sign", "me"]
    assert "not a file" in told(words, capsys)
    assert "me.csv" in os.listdir(place.parent)
    assert not place.is_file() or place.is_symlink()


@pytest.mark.parametrize("make", PLACES.values(), ids=PLACES)
def test_what_lies_in_the_place_of_a_merged_file_stays(make, results, tmp_path):
    mine = tmp_path / "mine"
    path = record.find(results)[0]
    place = mine / path.relative_to(results)
    place.parent.mkdir(parents=True)
    make(place)
    before = kinds(mine)
    found = {each.file: each for each in merge(results, mine)}
    refusal = found.pop(path.relative_to(results).as_posix())
    assert refusal.outcome == REFUSED
    assert str(place) in refusal.why
    assert {each.outcome for each in found.values()} == {ADDED}
    assert {name: kinds(mine)[name] for name in before} == before


def test_a_file_in_the_place_of_a_folder_lets_nothing_be_merged(results, tmp_path, capsys):
    place = tmp_path / "mine" / CART_POLE.key
    place.parent.mkdir()
    place.write_text("precious", encoding="utf-8")
    capsys.readouterr()
    assert cli.main(["merge", str(results), "--results", str(tmp_path / "mine"), "--json"]) == 1
    rows = json.loads(capsys.readouterr().out)
    assert len(rows) == 5
    assert {each["outcome"] for each in rows} == {"refused"}
    assert all(f"cannot write {place}" in each["why"] for each in rows)
    assert (tmp_path / "mine" / CART_POLE.key).read_text(encoding="utf-8") == "precious"


def test_a_damaged_record_is_merged_as_far_as_it_is_whole_or_refused(forged, results, tmp_path):
    data, at = forged.read_bytes(), forged.relative_to(results)
    ends = {sum(map(len, data.splitlines(keepends=True)[: 1 + 51 * blocks])) for blocks in (1, 2)} | {len(data)}
    theirs = tmp_path / "theirs" / at
    theirs.parent.mkdir(parents=True)
    outcomes = {ADDED: 0, REFUSED: 0}
    for number in range(DAMAGES):
        theirs.write_bytes(damaged(data, number))
        mine = tmp_path / str(number)
        (into_none,) = merge(theirs.parents[1], mine)
        (into_whole,) = merge(theirs.parents[1], results)
        outcomes[into_none.outcome] += 1
        if into_none.outcome == ADDED:
            assert into_whole.outcome == THERE
            assert (mine / at).read_bytes() in {data[:end] for end in ends}
        else:
            assert into_whole.outcome == REFUSED
            assert not mine.exists()
            assert into_none.why.isprintable()
            assert str(theirs) in into_none.why
        assert forged.read_bytes() == data
    assert min(outcomes.values()) > 2  # most of those that are torn hold no whole block


@pytest.mark.parametrize(
    "numbers", [range(8 * 7, 8 * 8), pytest.param(range(DAMAGES), marks=pytest.mark.slow)], ids=["some", "all"]
)
def test_a_damaged_record_is_verified_as_far_as_it_is_whole_or_refused(numbers, played, capsys):
    path, entrant = played
    data, whole = path.read_bytes(), record.read(path)
    outcomes = {0: 0, 2: 0}
    for number in numbers:
        path.write_bytes(damaged(data, number))
        code = cli.main(["verify", str(path), "--submission", str(entrant.folder), "--blocks", "1", "--quiet"])
        _, err = capsys.readouterr()
        outcomes[code] += 1
        if code == 0:
            run = record.read(path)
            assert run.episodes == whole.episodes[: len(run.episodes)]
        else:
            assert err.startswith("error: ")
            assert err.count("\n") == 1
            assert str(path) in err
    assert outcomes[2] >= len(numbers) / 2


def given_to(somebody, *paths):
    for top in paths:
        for path in [top, *top.rglob("*")]:
            os.chown(path, somebody, somebody)


@pytest.fixture
def theirs(played, tmp_path):
    """A record, its submission, and words to verify it, all of it somebody else's."""
    path, entrant = played
    tmp_path.chmod(0o755)
    given_to(SOMEBODY, path.parents[1], entrant.folder)
    return path, ["verify", path, "--submission", entrant.folder, "--blocks", "1", "--quiet"]


@pytest.mark.slow
@AS_ROOT
def test_records_of_another_owner_are_verified_and_nothing_is_kept_there(theirs):
    path, verify = theirs
    before = kinds(path.parents[1])
    done = in_a_child(verify, prefix=WITHOUT_RIGHTS)
    assert (done.returncode, done.stderr) == (0, "")
    assert refused(in_a_child([*verify, "--sign", "me"], prefix=WITHOUT_RIGHTS), "nothing to sign", "copy")
    assert refused(in_a_child([*verify, "--traces"], prefix=WITHOUT_RIGHTS), "cannot write", "Permission denied")
    assert kinds(path.parents[1]) == before
    path.chmod(0o600)
    assert refused(in_a_child(verify, prefix=WITHOUT_RIGHTS), f"cannot read {path}", "ask its owner")


@pytest.mark.slow
@AS_ROOT
@pytest.mark.parametrize("beside", [findings.path_of, kept_actions.path_of])
def test_a_file_of_another_owner_beside_a_record_is_named(beside, theirs):
    path, verify = theirs
    path.parent.chmod(0o777)
    beside(path).write_text("precious", encoding="utf-8")
    given_to(SOMEBODY, path.parent)
    done = in_a_child([*verify, "--traces"], prefix=WITHOUT_RIGHTS)
    assert refused(done, str(beside(path)), "move it away")
    assert beside(path).read_text(encoding="utf-8") == "precious"


@pytest.mark.slow
@AS_ROOT
def test_a_closed_folder_is_named_and_the_page_does_not_lose_its_rows_silently(results, tmp_path):
    page = tmp_path / "page.md"
    tmp_path.chmod(0o755)
    other = results / "grid-world@1"
    shutil.copytree(results / CART_POLE.key, other)
    given_to(SOMEBODY, other)
    other.chmod(0o700)
    words = ["leaderboard", "--results", results, "--output", page, "--quiet"]
    done = in_a_child(words, prefix=WITHOUT_RIGHTS)
    assert (done.returncode, done.stderr) == (0, "")
    assert "Permission denied" in page.read_text(encoding="utf-8").partition("## Not ranked")[2]
    merged = in_a_child(["merge", results, "--results", tmp_path / "mine"], prefix=WITHOUT_RIGHTS)
    assert (merged.returncode, "Permission denied" in merged.stdout) == (1, True)
    verified = in_a_child(["verify", results, "--quiet", "--json"], prefix=WITHOUT_RIGHTS)
    assert (verified.returncode, "Permission denied" in verified.stdout) == (1, True)
    before = page.read_bytes()
    given_to(SOMEBODY, results)
    results.chmod(0o700)
    for command in (words, ["merge", results, "--results", tmp_path / "mine"], ["verify", results]):
        assert refused(in_a_child(command, prefix=WITHOUT_RIGHTS), f"cannot read {results}", "Permission denied")
    assert page.read_bytes() == before


@pytest.mark.slow
def test_a_file_system_that_may_only_be_read(small, played, tmp_path):
    path, entrant = played
    shutil.copytree(path.parents[1], small / "results")
    there = small / "results" / path.parent.name / path.name
    (small / "page.md").write_text("the old page", encoding="utf-8")
    subprocess.run(["mount", "-o", "remount,ro", small], check=True)
    verify = ["verify", there, "--submission", entrant.folder, "--blocks", "1", "--quiet"]
    assert in_a_child(verify).returncode == 0
    assert refused(in_a_child([*verify, "--sign", "me"]), "nothing to sign", "copy")
    assert refused(in_a_child([*verify, "--traces"]), "cannot write", "Read-only file system")
    for words in (
        ["merge", path.parents[1], "--results", small / "merged"],
        ["leaderboard", "--results", small / "results", "--output", small / "page.md"],
        ["evaluate", "random", "--task", "grid-world", "--results", small / "results", "--quiet"],
    ):
        assert refused(in_a_child(words), "cannot write", "Read-only file system")
    assert (small / "page.md").read_text(encoding="utf-8") == "the old page"


@pytest.mark.slow
def test_a_full_disk_and_a_full_temporary_folder(small, played, monkeypatch):
    path, entrant = played
    shutil.copytree(path.parents[1], small / "results")
    there = small / "results" / path.parent.name / path.name
    before = there.read_bytes()
    fill(small)
    monkeypatch.setenv("TMPDIR", str(small))
    words = ["--submission", entrant.folder, "--blocks", "1", "--quiet"]
    assert refused(in_a_child(["verify", there, *words]), "cannot write", "No space left on device")
    assert there.read_bytes() == before
    assert os.listdir(there.parent) == [there.name]
    done = in_a_child(["verify", path, *words])
    assert (done.returncode, done.stderr) == (0, "")
