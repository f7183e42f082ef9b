"""Submissions as archives: what comes out has the folder's digest, and what would do harm is refused."""

import io
import os
import tarfile
import zipfile

import pytest

from rlbench import cli
from rlbench.errors import UserError
from rlbench.harness import contents
from rlbench.harness.archives import unpacked
from rlbench.harness.results import record


def packed(path, entries):
    """An archive of (name, content) pairs; of a name and a link's target where the content is text."""
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in entries:
                info = zipfile.ZipInfo(name)
                info.compress_type = zipfile.ZIP_DEFLATED
                info.external_attr = (0o120777 if isinstance(content, str) else 0o100644) << 16
                archive.writestr(info, content)
        return path
    with tarfile.open(path, "w:gz") as archive:
        for name, content in entries:
            member = tarfile.TarInfo(name)
            if isinstance(content, str):
                member.type, member.linkname = tarfile.SYMTYPE, content
                archive.addfile(member)
            else:
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
    return path


ENDINGS = pytest.mark.parametrize("ending", ["zip", "tar.gz"])


@ENDINGS
@pytest.mark.parametrize("top", ["", "my-agent/"])
def test_an_archive_is_the_folder_that_was_packed(ending, top, submit, tmp_path):
    path = submit("return [1] * 3")
    (path / "more").mkdir()
    (path / "more" / "weights").write_bytes(os.urandom(1 << 18))
    entries = [(f"{top}{each.relative_to(path).as_posix()}", each.read_bytes()) for each in contents.files(path)]
    archive = packed(tmp_path / f"a.{ending}", entries)
    with unpacked(str(archive)) as folder:
        assert folder != str(archive)
        assert contents.digest(type(path)(folder)) == contents.digest(path)
    assert not os.path.exists(folder)
    with unpacked(str(path)) as folder:
        assert folder == str(path)


HARM = {
    "a way out": ([("../x", b"x")], "'../x' leads out of the folder"),
    "an absolute name": ([("/tmp/x", b"x")], "'/tmp/x' leads out of the folder"),
    "a link": ([("x", "/etc/passwd")], "'x' is neither a file nor a folder"),
    "zeros": ([("x", bytes(64 << 20))], "or 200 times what it takes itself, up to x"),
    "twice": ([("x", b"a"), ("./x", b"b")], "holds 'x' twice"),
    "a file as a folder": ([("x", b"a"), ("x/y", b"b")], "cannot be unpacked"),
    "depth": ([("d/" * 40 + "x", b"a")], "too deep"),
    "many": ([(str(i), b"") for i in range(5_000)], "holds more than 2,000 files"),
}


@ENDINGS
@pytest.mark.parametrize(("entries", "words"), HARM.values(), ids=HARM)
def test_harmful_archives_are_refused(ending, entries, words, tmp_path):
    archive = packed(tmp_path / f"a.{ending}", entries)
    with pytest.raises(UserError, match=words), unpacked(str(archive)):
        pass


@ENDINGS
@pytest.mark.parametrize(
    "content", [b"", b"PK", b"\x1f\x8b", b"x" * 1_000, b"PK\5\6" + bytes(8) + b"\xff" * 4 + bytes(6)]
)
def test_damaged_archives_are_refused_in_one_line(ending, content, tmp_path):
    path = tmp_path / f"a.{ending}"
    path.write_bytes(content)
    with (
        pytest.raises(UserError, match=r"a\.(zip|tar\.gz) (cannot be unpacked|lists more files)") as error,
        unpacked(str(path)),
    ):
        pass
    assert "\n" not in str(error.value)


@ENDINGS
def test_cut_archives(ending, submit, tmp_path):
    whole = packed(
        tmp_path / f"whole.{ending}", [("submission.toml", b""), *((name, os.urandom(1 << 16)) for name in "xy")]
    )
    whole = whole.read_bytes()
    for size in range(0, len(whole), 9_973):
        (tmp_path / f"cut.{ending}").write_bytes(whole[:size])
        with pytest.raises(UserError), unpacked(str(tmp_path / f"cut.{ending}")):
            pass


@pytest.mark.parametrize("top", ["", "my-agent/"])
def test_what_macos_adds_to_an_archive_is_left_out(top, submit, tmp_path):
    path = submit("return [1] * 3")
    files = [(f"{top}{each.relative_to(path).as_posix()}", each.read_bytes()) for each in contents.files(path)]
    archive = packed(tmp_path / "a.zip", [*files, (f"__MACOSX/{top}._agent.py", b"\0\5\x16\7")])
    with unpacked(str(archive)) as folder:
        assert contents.digest(type(path)(folder)) == contents.digest(path)


@ENDINGS
@pytest.mark.parametrize("entries", [[], [("a/agent.py", b""), ("b/submission.toml", b"")]], ids=["empty", "two"])
def test_an_archive_without_a_manifest_is_named_itself(ending, entries, tmp_path):
    archive = packed(tmp_path / f"a.{ending}", entries)
    with (
        pytest.raises(UserError, match=rf"no submission.toml in .*/a\.{ending}; pack the folder"),
        unpacked(str(archive)),
    ):
        pass


def test_an_archive_is_evaluated_like_its_folder(submit, tmp_path, capsys):
    path = submit("return [1] * len(first)")
    archive = packed(tmp_path / "a.zip", [(each.name, each.read_bytes()) for each in contents.files(path)])
    for which, results in ((path, "one"), (archive, "other")):
        options = ["--task", "grid-world", "--results", str(tmp_path / results), "--quiet"]
        assert cli.main(["evaluate", str(which), *options]) == 0
    one, other = (record.load(tmp_path / results) for results in ("one", "other"))
    assert one.equals(other)
    capsys.readouterr()
