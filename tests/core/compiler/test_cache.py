"""The cache of compiled rules: what is damaged, cut, somebody else's or not writable is made anew, without an error."""

import hashlib
import os
import pickle
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rlbench.core.compiler import cache, compile
from rlbench.core.vector import RulesVectorEnv

CONTENT = b"machine code\n# sha256 of a kind\n" * 3


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("RLBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(cache.tempfile, "gettempdir", lambda: str(tmp_path / "temporary"))
    return tmp_path / "cache"


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The bytes of a stored file, and a path to write others to."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RLBENCH_CACHE", str(tmp_path_factory.mktemp("cache")))
        path = cache.store("rlbench_x.nbc", CONTENT)
        yield path.read_bytes(), path


def test_what_is_stored_is_loaded(folder):
    path = cache.store("rlbench_x.nbc", CONTENT)
    assert cache.load("rlbench_x.nbc") == CONTENT
    assert list(folder.iterdir()) == [path]
    assert path.stat().st_mode & 0o077 == 0
    assert cache.load("rlbench_y.nbc") is None


@given(st.data())
def test_a_cut_file_is_not_loaded(whole, data):
    content, path = whole
    path.write_bytes(content[: data.draw(st.integers(0, len(content) - 1))])
    assert cache.load(path.name) is None
    assert cache.damaged() == [path]


@given(st.data())
def test_a_file_with_another_byte_is_not_loaded(whole, data):
    content, path = whole
    i, other = data.draw(st.integers(0, len(content) - 1)), data.draw(st.integers(1, 255))
    path.write_bytes(content[:i] + bytes([content[i] ^ other]) + content[i + 1 :])
    assert cache.load(path.name) is None


@given(st.binary())
def test_garbage_is_not_loaded(whole, garbage):
    whole[1].write_bytes(garbage)
    assert cache.load(whole[1].name) is None


def test_a_folder_in_the_place_of_a_file_is_no_error(folder):
    (folder / "rlbench_x.nbc").mkdir(parents=True)
    assert cache.load("rlbench_x.nbc") is None
    assert cache.store("rlbench_x.nbc", CONTENT).parent != folder
    assert cache.load("rlbench_x.nbc") == CONTENT
    assert [path.name for path in folder.iterdir()] == ["rlbench_x.nbc"]  # nothing is left behind


def test_code_that_others_could_have_written_is_not_loaded(folder):
    cache.store("rlbench_x.nbc", CONTENT).chmod(0o666)
    assert cache.load("rlbench_x.nbc") is None


def test_a_file_in_the_place_of_another_is_not_loaded(folder):
    """Both are whole, and this user's."""
    first, second = (cache.store(name, name.encode()) for name in ("rlbench_x.nbc", "rlbench_y.nbc"))
    first.replace(second)
    assert cache.load("rlbench_y.nbc") is None


@pytest.mark.parametrize("mode", [0o770, 0o707, 0o1777])
def test_a_folder_that_others_can_write_to_is_not_used(folder, tmp_path, mode, monkeypatch):
    cache.store("rlbench_x.nbc", CONTENT)
    folder.chmod(mode)
    assert cache.load("rlbench_x.nbc") is None
    assert cache.not_private() == folder
    assert cache.cache_folder() == tmp_path / "temporary" / f"rlbench-{os.getuid()}"
    folder.chmod(0o755)
    assert cache.load("rlbench_x.nbc") == CONTENT
    assert cache.not_private() is None


class Unpickled:
    """Leaves a file where it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


@pytest.mark.parametrize("forged", ["with another text's digest", "with ours, by another user", "with ours"])
def test_machine_code_is_unpickled_only_where_it_is_this_users_and_of_this_text(folder, tmp_path, forged, monkeypatch):
    """A whole file, with a payload, in the place of machine code; the last one shows that the payload would run."""

    def observation():
        return RulesVectorEnv(rules="rlbench.envs.grid_world.rules", num_envs=2).reset(seed=0)[0]

    monkeypatch.setattr(compile, "_make_once", compile._make_once.__wrapped__)
    expected, ran = observation(), tmp_path / "ran"
    for path in folder.glob("*.nbc"):
        made_from = b"x" * 32 if "another text" in forged else cache.load(path.name)[:32]
        cache.store(path.name, made_from + pickle.dumps(Unpickled(ran)))
        if "another user" in forged:
            path.chmod(0o666)
    np.testing.assert_array_equal(observation(), expected)
    assert ran.exists() == (forged == "with ours")


def test_a_temporary_folder_that_others_can_write_to_is_not_used(folder, tmp_path):
    folder.write_text("no folder", encoding="utf-8")
    theirs = tmp_path / "temporary" / f"rlbench-{os.getuid()}"
    theirs.mkdir(parents=True)
    theirs.chmod(0o777)
    assert cache.store("rlbench_x.nbc", CONTENT) is None
    with pytest.raises(OSError, match="RLBENCH_CACHE"):
        cache.cache_folder()
    theirs.chmod(0o700)
    assert cache.store("rlbench_x.nbc", CONTENT).parent == theirs


@pytest.mark.parametrize("home", ["not/absolute", ""])
def test_an_unknown_user_without_a_home_gets_the_temporary_folder(folder, monkeypatch, tmp_path, home):
    def nowhere():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(cache.Path, "home", nowhere)
    assert cache.cache_folder() == folder
    monkeypatch.delenv("RLBENCH_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", home)
    assert cache.cache_folder() == tmp_path / "temporary" / f"rlbench-{os.getuid()}"


def test_rules_are_compiled_anew_where_the_cache_is_damaged_and_without_one(folder, monkeypatch):
    def first_observation():
        return RulesVectorEnv(rules="rlbench.envs.grid_world.rules", num_envs=2).reset(seed=0)[0]

    monkeypatch.setattr(compile, "_make_once", compile._make_once.__wrapped__)
    expected, files = first_observation(), sorted(folder.iterdir())
    assert {path.suffix for path in files} == {".py", ".nbc"}
    for path in files:
        path.write_bytes(path.read_bytes()[:100])
    np.testing.assert_array_equal(first_observation(), expected)
    assert cache.damaged() == []
    monkeypatch.setattr(cache, "_folders", lambda: [])
    np.testing.assert_array_equal(first_observation(), expected)


def test_a_file_with_the_digest_of_an_older_version_is_of_old_format(folder):
    path = cache.store("rlbench_x.nbc", CONTENT)
    path.write_bytes(CONTENT + b"\n# sha256 " + hashlib.sha256(CONTENT).hexdigest().encode() + b"\n")
    assert cache.load("rlbench_x.nbc") is None
    assert (cache.of_old_format(), cache.damaged()) == ([path], [])


def test_a_module_without_a_digest_is_left_by_an_older_version_unless_it_is_cut(folder, monkeypatch):
    monkeypatch.setattr(compile, "_make_once", compile._make_once.__wrapped__)
    RulesVectorEnv(rules="rlbench.envs.grid_world.rules", num_envs=2).reset(seed=0)
    path = next(folder.glob("*.py"))
    text = path.read_bytes().rpartition(cache.MARK)[0]
    for content, old, damaged in ((text, [path], []), (text[:-20], [], [path]), (text + b"x", [], [path])):
        path.write_bytes(content)
        assert (cache.of_old_format(), cache.damaged()) == (old, damaged)
    path.write_bytes(text)
    path.chmod(0o666)
    assert (cache.of_old_format(), cache.damaged()) == ([], [path])


def test_a_file_that_is_looked_for_leaves_no_folder(monkeypatch, tmp_path):
    monkeypatch.setattr(cache.tempfile, "gettempdir", lambda: str(tmp_path / "temporary"))
    monkeypatch.setenv("RLBENCH_CACHE", str(tmp_path / "chosen"))
    assert cache.load("nothing.py") is None
    assert cache.store("a.py", b"pass\n") == tmp_path / "chosen" / "a.py"
    assert cache.load("nothing.py") is None
    assert [path.name for path in tmp_path.iterdir()] == ["chosen"]
