"""Temporary folders: whoever is killed leaves one that the next process removes, and nobody removes another's."""

import tempfile

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
