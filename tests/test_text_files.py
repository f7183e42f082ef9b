"""Text files of users: marks and line ends of Windows are read, other encodings are named."""

import codecs

import pytest

from rlbench.errors import UserError
from rlbench.text_files import read_text


@pytest.mark.parametrize("mark", [b"", codecs.BOM_UTF8])
@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_marks_and_line_ends_are_no_part_of_the_text(tmp_path, mark, end):
    (tmp_path / "maze").write_bytes(mark + b"T.." + end + "..ö".encode() + end)
    assert read_text(tmp_path / "maze") == "T..\n..ö\n"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"T..\n.\xe4.\n", "is not text in UTF-8: byte 2 of line 2 is 0xe4"),
        (codecs.BOM_UTF8 + b"\xff", "byte 1 of line 1 is 0xff"),
        ("T..".encode("utf-16"), "in UTF-16, by its byte order mark"),
        (b"." * 65, "longer than 64 bytes"),
    ],
)
def test_other_bytes_are_refused_with_their_place(tmp_path, data, words):
    path = tmp_path / "maze"
    path.write_bytes(data)
    with pytest.raises(UserError) as caught:
        read_text(path, "maze", 64)
    assert words in str(caught.value)
    assert str(path) in str(caught.value)


def test_what_cannot_be_read_is_one_line(tmp_path):
    for path, words in ((tmp_path, "Is a directory"), (tmp_path / "none", "No such file")):
        with pytest.raises(UserError, match=f"cannot read the maze .*{words}"):
            read_text(path, "maze")
