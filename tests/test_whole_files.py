"""Files that appear whole or not at all: what is written, in which order, and what an error leaves."""

import contextlib
import os
import subprocess
from pathlib import Path

import pytest

from rlbench import whole_files


@pytest.fixture
def log(monkeypatch):
    """What is synced, by its name, and when the new file takes its place."""
    done, sync, replace = [], os.fsync, Path.replace

    def fsync(descriptor):
        done.append(f"sync {Path(os.readlink(f'/proc/self/fd/{descriptor}')).name}")
        sync(descriptor)

    def moved(self, target):
        done.append(f"{self.name} takes the place of {target.name}")
        return replace(self, target)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(Path, "replace", moved)
    return done


def test_a_file_is_on_disk_before_it_takes_the_place_of_another(tmp_path, log):
    path = tmp_path / "page.md"
    path.write_text("old", encoding="utf-8")
    with whole_files.replacing(path) as scratch:
        scratch.write_text("new", encoding="utf-8")
        assert path.read_text(encoding="utf-8") == "old"
    assert path.read_text(encoding="utf-8") == "new"
    assert log == ["sync page.md.part", "page.md.part takes the place of page.md", f"sync {tmp_path.name}"]


def test_compiled_rules_and_what_training_writes_are_on_disk_before_they_have_their_names(tmp_path, log, monkeypatch):
    from baselines import files
    from rlbench.core.compiler import cache

    monkeypatch.setenv("RLBENCH_CACHE", str(tmp_path))
    files.write(tmp_path / "weights", b"1")
    cache.store("rlbench_x.nbc", b"2")
    assert [line.split()[0] for line in log] == ["sync", "weights.new", "sync", "sync", log[4].split()[0], "sync"]
    assert log[3] == f"sync {log[4].split()[0]}"


@pytest.mark.parametrize("error", [OSError, KeyboardInterrupt])
def test_an_error_leaves_the_old_file_alone(tmp_path, error):
    path = tmp_path / "page.md"
    path.write_text("old", encoding="utf-8")
    with contextlib.suppress(error), whole_files.replacing(path) as scratch:
        scratch.write_text("half", encoding="utf-8")
        raise error
    assert path.read_text(encoding="utf-8") == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_pipe_is_opened_once(tmp_path):
    """Its reader takes the first closing for the end."""
    os.mkfifo(tmp_path / "pipe")
    reader = subprocess.Popen(["cat", str(tmp_path / "pipe")], stdout=subprocess.PIPE, encoding="utf-8")
    with whole_files.replacing(tmp_path / "pipe") as scratch:
        scratch.write_text("a page\n", encoding="utf-8")
    assert reader.communicate()[0] == "a page\n"
    assert [path.name for path in tmp_path.iterdir()] == ["pipe"]
