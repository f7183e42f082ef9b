"""What a submission's digest covers, and the refusal of what it does not."""

import os
import re
import socket

import pytest

from rlbench.errors import UserError
from rlbench.harness import contents, submission


def make_entry(kind, path, tmp_path):
    if kind == "link to a folder":
        (tmp_path / "elsewhere").mkdir()
        (tmp_path / "elsewhere" / "weights.txt").write_text("0.3", encoding="utf-8")
        path.symlink_to(tmp_path / "elsewhere")
    elif kind == "link to a folder inside":
        (path.parent / "good").mkdir()
        path.symlink_to("good")
    elif kind == "link that leads nowhere":
        path.symlink_to("nothing")
    elif kind == "link to itself":
        path.symlink_to(path.name)
    elif kind == "link to a file":
        (tmp_path / "kept").write_text("0.3", encoding="utf-8")
        path.symlink_to(tmp_path / "kept")
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "link to a pipe":
        os.mkfifo(tmp_path / "pipe")
        path.symlink_to(tmp_path / "pipe")
    elif kind == "link to a device":
        path.symlink_to("/dev/zero")


REFUSED = {
    "link to a folder": "a link to a folder, .*copy what it links to in its place",
    "link to a folder inside": "a link to a folder, ",
    "link that leads nowhere": "a link that leads nowhere, to nothing",
    "link to itself": "a link that leads nowhere, to weights",
    "link to a file": "a link to a file, .*copy what it links to in its place",
    "pipe": "a pipe, .*remove it",
    "link to a pipe": "a pipe, .*copy what it links to",
    "link to a device": "a device, ",
}


@pytest.mark.parametrize(("kind", "words"), REFUSED.items(), ids=REFUSED)
@pytest.mark.parametrize("where", ["weights", "folder/weights", "agent.py", "submission.toml"])
def test_what_no_digest_covers_is_refused_and_nothing_hangs(submit, tmp_path, kind, words, where):
    path = submit("pass")
    (path / where).parent.mkdir(exist_ok=True)
    (path / where).unlink(missing_ok=True)
    make_entry(kind, path / where, tmp_path)
    if where != "submission.toml":
        words = f"{re.escape(where)}: it is not a file but {words}"
    else:  # it is read before the others are listed
        words = "cannot read .*submission.toml|no submission.toml|submission.toml cannot be read as TOML"
    with pytest.raises(UserError, match=words.replace("to weights", f"to {os.path.basename(where)}")) as error:
        submission.read(path)
    assert "\n" not in str(error.value)


def test_a_socket_is_refused(submit, monkeypatch):
    path = submit("pass")
    monkeypatch.chdir(path)  # names of sockets are short
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("control")
        with pytest.raises(UserError, match="control: it is not a file but a socket"):
            submission.read(path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
@pytest.mark.parametrize("where", ["agent.py", "weights", "submission.toml", "folder"])
def test_what_may_not_be_read_is_named(submit, where):
    path = submit("pass")
    (path / "folder").mkdir()
    (path / "weights").write_text("0.3", encoding="utf-8")
    (path / where).chmod(0)
    try:
        with pytest.raises(UserError, match=rf"cannot (read|list) .*{where}: Permission denied"):
            submission.read(path)
    finally:
        (path / where).chmod(0o700)


def test_a_copy_has_the_same_digest_and_nothing_hidden(submit, tmp_path):
    path = submit("pass")
    (path / "folder" / "deeper").mkdir(parents=True)
    (path / "folder" / "deeper" / "weights").write_bytes(bytes(1 << 20))
    (path / ".hidden").write_text("0.3", encoding="utf-8")
    (path / "__pycache__").mkdir()
    (path / "__pycache__" / "agent.pyc").write_bytes(b"")
    contents.copy(path, tmp_path / "copy")
    assert contents.digest(tmp_path / "copy") == contents.digest(path)
    kept = {each.relative_to(tmp_path / "copy").as_posix() for each in (tmp_path / "copy").rglob("*")}
    assert kept == {"agent.py", "submission.toml", "folder", "folder/deeper", "folder/deeper/weights"}


def sparse(path):
    with (path / "weights").open("wb") as file:
        file.truncate(4 << 30)


def many(path):
    for i in range(contents.MAX_FILES):
        (path / str(i)).touch()


def deep(path):
    (path / "/".join("d" * contents.MAX_DEPTH)).mkdir(parents=True)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [(sparse, "more than 1,024 MiB, up to weights"), (many, "more than 2,000 files"), (deep, "is 32 folders deep")],
)
def test_a_submission_has_bounds(submit, spoil, words):
    path = submit("pass")
    spoil(path)
    with pytest.raises(UserError, match=words):
        submission.read(path)


def test_names_differ_by_case_and_bytes(submit):
    path = submit("pass")
    digests = set()
    for name in ("k", "K", "a b", "a\nb", "ä", "a\u0308", os.fsdecode(b"\xe4"), "con", "k" * 255, "\u200b"):
        (path / name).write_text("", encoding="utf-8")
        digests.add(contents.digest(path))
        (path / name).unlink()
    assert len(digests) == 10


def test_large_files_are_read_in_pieces(submit, monkeypatch):
    path = submit("pass")
    (path / "weights").write_bytes(bytes(range(256)) * 40)
    before = contents.digest(path)
    monkeypatch.setattr(contents, "_CHUNK", 7)
    assert contents.digest(path) == before
