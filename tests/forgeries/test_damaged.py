"""Damaged records and hostile surroundings: a line says what to do, the rest ranks, and the old page survives."""

import contextlib
import os
import random
import resource
import shutil
import subprocess
import sys

import pytest

from rlbench import cli
from rlbench.harness.results import checks, record, summaries
from tests.forgeries.conftest import write_run

DAMAGES = 224


def damaged(data, number):
    """The bytes of a record, damaged in one of eight ways at a place that `number` draws."""
    draws = random.Random(number)
    at, to = sorted(draws.sample(range(len(data)), 2))
    lines = data.splitlines(keepends=True)
    line, other = draws.sample(range(len(lines)), 2)
    ways = (
        lambda: data[:at],
        lambda: data[:at] + bytes([data[at] ^ (1 << draws.randrange(8))]) + data[at + 1 :],
        lambda: data[:at] + data[to:],
        lambda: data[:at] + draws.randbytes(20) + data[at:],
        lambda: data[:at] + b"\0" * (to - at) + data[to:],
        lambda: b"".join(lines[:line] + lines[line + 1 :]),
        lambda: b"".join([*lines[:line], lines[other], *lines[line:]]),
        lambda: data[:at] + data[at:].replace(b"1", b"7", 1),
    )
    return ways[number % len(ways)]()


def test_a_damaged_record_is_left_out_or_says_what_it_said_before(tmp_path):
    """It may lack its end, which a run that goes on writes again; no episode says anything else."""
    path = write_run(tmp_path, "agent", 0, 100)
    data = path.read_bytes()
    state = lambda path, run: "self-reported"  # noqa: E731
    whole = summaries.summary_of(data, path, state)
    outcomes = {"flawed": 0, "torn": 0, "same": 0}
    for number in range(DAMAGES):
        found = summaries.summary_of(damaged(data, number), path, state)
        if found.flaw:
            outcomes["flawed"] += 1
            assert found.flaw.isprintable()
            assert str(tmp_path) not in found.flaw
            assert found.returns.size == 0
        else:
            outcomes["same" if found.complete else "torn"] += 1
            assert found.returns.tolist() == whole.returns[: len(found.returns)].tolist()
    assert sum(outcomes.values()) == DAMAGES
    assert outcomes["flawed"] > DAMAGES / 2
    assert outcomes["torn"] > 10


@pytest.mark.parametrize("number", range(0, 8))
def test_the_page_is_made_of_the_rest(number, results, forged, tmp_path, capsys):
    forged.write_bytes(damaged(forged.read_bytes(), 8 * 7 + number))
    page = tmp_path / "page.md"
    assert cli.main(["leaderboard", "--results", str(results), "--output", str(page), "--quiet"]) == 0
    assert capsys.readouterr() == ("", "")
    text = page.read_text(encoding="utf-8")
    assert "## Not ranked" in text
    assert "rival" in text


WITHOUT_RIGHTS = ("setpriv", "--bounding-set=-dac_override,-dac_read_search,-fowner,-chown")
"""Begins a command that obeys the modes of files, though root runs it."""


def test_pipes_among_the_pages_are_a_line_and_hang_nothing(results, tmp_path, capsys):
    page = tmp_path / "page.md"
    words = ["leaderboard", "--results", str(results), "--output", str(page), "--quiet"]
    assert cli.main(words) == 0
    of_task = next(tmp_path.glob("**/tasks/cart-pole@1.md"))
    os.mkfifo(of_task.with_name("gone@1.md"))
    assert cli.main(words) == 0
    old = page.read_bytes()
    of_task.unlink()
    os.mkfifo(of_task)
    assert cli.main([*words, "--check"]) == 1
    assert cli.main(words) == 2
    assert "it is a pipe, not a file; remove it" in capsys.readouterr().err
    assert page.read_bytes() == old


def in_a_child(words, before=lambda: None, prefix=()):
    """A command in a process of its own; a prefix starts it otherwise."""
    streams = {"capture_output": True, "text": True, "encoding": "utf-8"}
    command = [*prefix, sys.executable, "-m", "rlbench", *map(str, words)]
    return subprocess.run(command, **streams, preexec_fn=before, timeout=300, check=False)


def refused(done, *words):
    """Whether a command ended with one line that holds these words."""
    assert done.returncode == 2, done.stderr
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1
    assert all(word in done.stderr for word in words), done.stderr
    return True


def no_room():
    """Files of a kilobyte at most, as on a disk that is full."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (1024, 1024))


def test_without_room_the_old_page_survives(results, tmp_path):
    page = tmp_path / "page.md"
    words = ["leaderboard", "--results", results, "--output", page, "--quiet"]
    assert in_a_child(words).returncode == 0
    before = {path: path.read_bytes() for path in tmp_path.rglob("*.md")}
    write_run(results, "honest", 3, 400)
    assert refused(in_a_child(words, no_room), "cannot write", "File too large")
    assert {path: path.read_bytes() for path in tmp_path.rglob("*.md")} == before
    assert not list(tmp_path.rglob("*.part"))


@pytest.fixture
def small(tmp_path):
    """A file system of 256 KiB."""
    folder = tmp_path / "small"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=256k", "none", folder]
    mounted = subprocess.run(mount, capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip("takes the right to mount")
    yield folder
    subprocess.run(["umount", folder], check=True)


def fill(folder):
    """Leave no room in a file system."""
    with (folder / "filler").open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(4096))


@pytest.mark.slow
def test_a_full_disk_keeps_records_and_pages(small, tmp_path):
    shutil.copytree(write_run(tmp_path / "results", "honest", 0, 100).parents[1], small / "results")
    page = small / "page.md"
    page.write_text("the old page", encoding="utf-8")
    fill(small)
    evaluate = ["evaluate", "random", "--task", "grid-world", "--results", small / "results", "--quiet"]
    assert refused(in_a_child(evaluate), "cannot write", "No space left on device")
    leaderboard = ["leaderboard", "--results", small / "results", "--output", page]
    assert refused(in_a_child(leaderboard), "No space left on device")
    merge = ["merge", tmp_path / "results", "--results", small / "merged"]
    assert refused(in_a_child(merge), "No space left on device")
    assert page.read_text(encoding="utf-8") == "the old page"
    assert len(record.find(small / "results")) == 1
    (small / "filler").unlink()
    assert in_a_child(evaluate).returncode == 0
    (played,) = record.find(small / "results" / "grid-world@1", "*.jsonl")
    before = played.read_bytes()
    fill(small)
    verify = ["verify", played, "--quiet"]
    assert refused(in_a_child([*verify, "--sign", "me"]), "cannot write", "No space left on device")
    assert refused(in_a_child([*verify, "--traces"]), "cannot write", "No space left on device")
    assert played.read_bytes() == before
    assert not list(played.parent.glob("*.actions"))
    (small / "filler").unlink()
    assert in_a_child([*verify, "--sign", "me"]).returncode == 0
    (check,) = checks.read(checks.path_of(small / "results", "me"))
    assert check.verdict == "verified"


@pytest.mark.slow
def test_a_full_temporary_folder_is_passed_over(small, tmp_path, monkeypatch):
    fill(small)
    monkeypatch.setenv("TMPDIR", str(small))
    words = ["evaluate", "random", "--task", "grid-world", "--results", tmp_path / "results", "--quiet"]
    done = in_a_child(words)
    assert (done.returncode, done.stderr) == (0, "")
    (path,) = record.find(tmp_path / "results")
    assert record.read(path).complete


@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() != 0 or shutil.which("setpriv") is None, reason="takes root, and setpriv")
def test_results_of_another_owner_can_be_ranked_and_not_written(results, tmp_path):
    """Whoever may only read can rank; a record that cannot be read is left out with its reason."""
    page = tmp_path / "page.md"
    page.write_text("the old page", encoding="utf-8")
    record.find(results)[0].chmod(0o600)
    tmp_path.chmod(0o755)
    for path in [tmp_path, *tmp_path.rglob("*")]:
        os.chown(path, 12345, 12345)
    leaderboard = ["leaderboard", "--results", results, "--output", page]
    evaluate = ["evaluate", "random", "--task", "grid-world", "--results", results, "--quiet"]
    merge = ["merge", results, "--results", tmp_path / "merged"]
    shown = in_a_child([*leaderboard, "--json"], prefix=WITHOUT_RIGHTS)
    assert shown.returncode == 0, shown.stderr
    assert "Permission denied" in shown.stdout
    for words in (leaderboard, evaluate, merge):
        assert refused(in_a_child(words, prefix=WITHOUT_RIGHTS), "cannot write", "Permission denied")
    assert page.read_text(encoding="utf-8") == "the old page"
