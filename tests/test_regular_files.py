"""Files of others: regular ones are read, anything else is refused at once."""

import os
import socket

import pytest

from rlbench.regular_files import open_regular, read_regular


def a_socket(path):
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))


OTHERS = {
    "a pipe": (os.mkfifo, "it is a pipe, not a file"),
    "a link to a file": (lambda path: path.symlink_to(__file__), "it is a link, not a file"),
    "a link to nothing": (lambda path: path.symlink_to("nothing"), "it is a link, not a file"),
    "a folder": (lambda path: path.mkdir(), "it is a folder, not a file"),
    "a socket": (a_socket, "it is a socket, not a file"),
    "nothing": (lambda path: None, "No such file or directory"),
}


@pytest.mark.parametrize(("make", "why"), OTHERS.values(), ids=OTHERS)
def test_what_is_no_file_is_refused_at_once(make, why, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # names of sockets are short
    path = tmp_path.relative_to(tmp_path) / "x"
    make(path)
    before = set(os.listdir("/proc/self/fd"))
    with pytest.raises(OSError, match=r".") as error:
        open_regular(path)
    assert error.value.strerror == why
    assert set(os.listdir("/proc/self/fd")) == before


def test_a_device_is_refused():
    with pytest.raises(OSError, match=r"it is a device, not a file"):
        read_regular("/dev/zero", 10)


def test_a_file_is_read_up_to_what_may_be(tmp_path):
    path = tmp_path / "x"
    path.write_bytes(b"12345678")
    assert read_regular(path, 8) == b"12345678"
    with pytest.raises(OSError, match=r"it has more than"):
        read_regular(path, 7)
