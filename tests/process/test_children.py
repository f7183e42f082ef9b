"""What child processes are told; and temporary folders, of which whoever is killed leaves one that the next removes."""

import ast
import os
import sys
import tempfile
from pathlib import Path

import pytest

from rlbench import children


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    children.remove_leftovers.cache_clear()
    yield tmp_path
    children.remove_leftovers.cache_clear()


def test_a_folder_whose_process_was_killed_before_it_was_locked_is_removed(temporary):
    (temporary / f"{children.TEMPORARY}left").mkdir()
    with children.temporary_folder() as mine:
        assert list(temporary.iterdir()) == [mine]


def test_a_folder_that_is_locked_stays(temporary):
    with children.temporary_folder() as first:
        children.remove_leftovers.cache_clear()
        with children.temporary_folder() as second:
            assert set(temporary.iterdir()) == {first, second}
    assert list(temporary.iterdir()) == []


def test_a_folder_that_another_takes_for_a_leftover_is_made_again(temporary, monkeypatch):
    lock, seen = children._lock, []

    def removed_at_first(folder):
        seen.append(folder)
        if len(seen) == 1:
            folder.rmdir()
        if len(seen) == 2:
            taken = lock(folder)
            folder.rmdir()
            return taken
        return lock(folder)

    monkeypatch.setattr(children, "_lock", removed_at_first)
    with children.temporary_folder() as mine:
        assert list(temporary.iterdir()) == [mine] == seen[2:]


def test_a_child_looks_for_modules_where_this_process_does(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", ["lib", b"/bytes", Path("/a/path"), None, 3, "/lib.zip"])
    assert children.search_path() == [str(tmp_path / "lib"), "/lib.zip"]


def test_a_child_sees_what_is_stated_and_nothing_else(monkeypatch, tmp_path):
    stated = {"PATH": "/bin", "PYTHONPATH": f"here{os.pathsep}/there", "RLBENCH_CACHE": "/c", "HOME": "/home/me"}
    hostile = {"LC_ALL": "de_DE", "PYTHONIOENCODING": "ascii", "OMP_NUM_THREADS": "bogus", "MPLBACKEND": "bogus"}
    monkeypatch.setattr(os, "environ", {**stated, **hostile, "API_TOKEN": "secret"})
    monkeypatch.chdir(tmp_path)
    text = {"LANG": "C.UTF-8", "LC_ALL": "C.UTF-8", "PYTHONUTF8": "1"}
    path = f"{tmp_path}/here{os.pathsep}/there"
    assert children.child_environment() == {**stated, **text, "PYTHONPATH": path}
    assert children.child_environment(["PATH"], HOME="/tmp", LANG=None) == {
        "PATH": "/bin",
        "HOME": "/tmp",
        "LC_ALL": "C.UTF-8",
        "PYTHONUTF8": "1",
    }


STARTERS = {"subprocess.Popen", "subprocess.run", "subprocess.check_output", "subprocess.check_call", "os.system"}


def started_programs(path):
    """The calls in a file that start a program, as (line, names of their arguments)."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in STARTERS:
            yield node.lineno, {keyword.arg for keyword in node.keywords}


def test_every_helper_program_starts_from_a_stated_environment():
    root = Path(children.__file__).parents[1]
    paths = [path for package in ("rlbench", "baselines") for path in (root / package).rglob("*.py")]
    starts = {f"{path}:{line}": names for path in paths for line, names in started_programs(path)}
    assert len(starts) >= 4
    assert [place for place, names in starts.items() if "env" not in names] == []
