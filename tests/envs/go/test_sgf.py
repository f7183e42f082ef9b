"""Game records in SGF: files drawn here, files that GNU Go writes, there and back, and what is malformed or hostile."""

import os
import re
import shutil
import subprocess
import sys

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies as st

from rlbench.envs.go.coordinates import from_gtp, to_gtp
from rlbench.envs.go.game_record import GameRecord
from rlbench.envs.go.sgf import MAX_BYTES, SgfError, format_sgf, parse_sgf, read_sgf
from rlbench.envs.go.text import read_board

GNUGO = shutil.which("gnugo", path=f"{os.environ.get('PATH', '')}:/usr/games")
BLACK, WHITE = 1, -1

GAME = r"""
(;FF[4]CA[UTF-8]GM[1]SZ[5]KM[24.5]PB[a \[person\] \\ others]PW[mcts:100]RE[W+19.5]RU[Tromp-Taylor]
C[A comment (;B[aa\]) that holds brackets: \]]
;B[cc]BL[99.5]C[the middle]
;W[dd](;B[cb](;W[tt];B[])(;W[ab];B[ac]))
(;B[aa]))
(;SZ[9];B[ee])
"""


def moves_of(record):
    letters = {1: "B", -1: "W"}
    return " ".join(f"{letters[colour]} {to_gtp(action, record.shape)}" for action, colour in record.moves)


def test_the_main_line_follows_first_variations():
    record = parse_sgf(GAME)
    assert record.shape == (5, 5)
    assert record.komi == 24.5
    assert moves_of(record) == "B C3 W D2 B C4 W pass B pass"
    assert (record.black, record.white) == ("a [person] \\ others", "mcts:100")
    assert (record.result, record.rules) == ("W+19.5", "Tromp-Taylor")
    assert (record.setup, record.to_play) == ((), None)


def test_setup_stones_as_drawn():
    text = "(;SZ[5]AB[aa:ba][ec]AW[bc:db];AE[cb]PL[W];W[ee])"
    drawn = "X X . . .\n. O . O .\n. O O O X\n. . . . .\n. . . . ."
    record = parse_sgf(text)
    stones = np.zeros(25, np.int8)
    for action, colour in record.setup:
        stones[action] = colour
    np.testing.assert_array_equal(stones.reshape(5, 5), read_board(drawn).stones)
    assert record.to_play == WHITE
    assert moves_of(record) == "W E1"


def test_boards_that_are_not_square_have_columns_first():
    record = parse_sgf("(;SZ[9:4];B[id])")
    assert record.shape == (4, 9)
    assert moves_of(record) == "B J1"
    assert "SZ[9:4]" in format_sgf(record)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("(;)", GameRecord((19, 19))),
        (
            "  Dear friend,\n( ;\tSiZe [9] KoMi[ 0 ]\n;Black\n[aa] ;White[tt])",
            GameRecord((9, 9), ((0, 1), (81, -1)), komi=0.0),
        ),
        ("(;GM[1]SZ[21];B[tt];W[])", GameRecord((21, 21), ((418, 1), (441, -1)))),
        ("(;SZ[2]PL[Black]KM[]PB[a\\\nb\nc]XX[zz][yy])", GameRecord((2, 2), black="ab c", to_play=1)),
        ("(;SZ[2];B[aa]\r\n(;W[ab](;B[bb])(;B[ba]))) :-)", GameRecord((2, 2), ((0, 1), (2, -1), (3, 1)))),
    ],
)
def test_old_and_unusual_files(text, wanted):
    assert parse_sgf(text) == wanted


def test_encodings():
    text = "(;CA[{}]SZ[2]PB[吴清源])"
    for encoding in ("UTF-8", "gb2312", "Shift_JIS", "Big5"):
        name = {"Shift_JIS": "表十"}.get(encoding, "吳" if encoding == "Big5" else "清源")  # 表 ends in a backslash
        assert parse_sgf(text.format(encoding).replace("吴清源", name).encode(encoding)).black == name
    assert parse_sgf("(;SZ[2]PB[Müller])".encode("latin-1")).black == "Müller"
    assert parse_sgf("\ufeff(;SZ[2]PB[Müller])".encode()).black == "Müller"
    assert parse_sgf("(;CA[rot13]SZ[2]PB[Müller])".encode()).black == "Müller"


NAMES = st.text(st.characters(exclude_categories=("Cs", "Cc", "Zl", "Zp")), max_size=12).map(
    lambda s: " ".join(s.split())
)


@st.composite
def records(draw):
    rows, columns = draw(st.tuples(st.integers(1, 25), st.integers(1, 25)))
    points = draw(st.lists(st.integers(0, rows * columns - 1), unique=True, max_size=9))
    colours = st.sampled_from((BLACK, WHITE))
    return GameRecord(
        (rows, columns),
        tuple(draw(st.lists(st.tuples(st.integers(0, rows * columns), colours), max_size=40))),
        tuple((action, draw(colours)) for action in sorted(points)),
        draw(st.none() | st.integers(-50, 50).map(lambda k: k / 2)),
        draw(st.none() | colours),
        draw(NAMES),
        draw(NAMES),
        draw(st.sampled_from(("", "B+3.5", "W+R", "0", "?"))),
        draw(NAMES),
    )


@hypothesis.given(records())
def test_a_written_record_reads_as_itself(record):
    text = format_sgf(record)
    assert parse_sgf(text) == parse_sgf(text.encode()) == record
    assert max(map(len, text.split("\n")[1:])) <= 10 * len(";B[aa]") + 1


@hypothesis.given(records(), st.data())
def test_a_damaged_file_is_read_or_refused_in_one_line(record, data):
    text = format_sgf(record)
    at = data.draw(st.integers(0, len(text)))
    damaged = (
        text[:at] + data.draw(st.text("()[];\\BWAE:tz9\0 é", max_size=3)) + text[at + data.draw(st.integers(0, 5)) :]
    )
    assert "\n" not in complaint(damaged)


def complaint(text):
    try:
        parse_sgf(text)
    except SgfError as error:
        return str(error)
    return ""


@hypothesis.given(records(), st.data())
def test_a_cut_file_is_refused(record, data):
    text = format_sgf(record).rstrip()
    with pytest.raises(SgfError, match=r"cut off|begins with|without a value"):
        parse_sgf(text[: data.draw(st.integers(0, len(text) - 1))])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"no SGF, which begins with '\(;'"),
        ("hello", "no SGF"),
        ("(;SZ[9]\0)", "binary"),
        ("(;GM[2])", r"another game, GM\[2\]"),
        ("(;SZ[0])", "SZ is a size 1 to 52"),
        ("(;SZ[53])", "SZ is a size 1 to 52"),
        ("(;SZ[999999999999])", "SZ is a size"),
        ("(;SZ[9][9])", "2 values of SZ"),
        ("(;SZ[-9])", "SZ is a size"),
        ("(;SZ[9];B[jj])", "move 1: a point of a board of 9 rows and 9 columns is aa to ii.* got 'jj'"),
        ("(;SZ[9];B[aa];W[ab]W[ac])", "2 values of W"),
        ("(;SZ[9];B[aa]W[ab])", "move 1 is of both colours"),
        ("(;SZ[9];B[aa];AB[cc])", "node 2 sets up stones"),
        ("(;SZ[9]AB[aa]AW[aa])", r"AW\[aa\] sets up a point twice"),
        ("(;SZ[9]AB[aa:cc][bb])", "sets up a point twice"),
        ("(;SZ[9]AB[tt])", "no point"),
        ("(;SZ[9]AB[aa:jj])", "is aa to ii"),
        ("(;KM[nan])", "KM is a number, got 'nan'"),
        ("(;KM[inf])", "KM is a number"),
        ("(;KM[6,5])", "KM is a number"),
        ("(;KM[1_0])", "KM is a number"),
        ("(;PL[x])", "PL is B or W"),
        ("(;B)", "without a value"),
        ("(;B;W[aa])", "without a value"),
        ("(;[aa])", "line 1, column 3: a value without a property"),
        ("(;SZ[9];B[aa]\n%", "line 2, column 1: unexpected '%'"),
        ("(;SZ[9];B[aa](W[bb]))", "unexpected"),
        ("(;SZ[9];B[aa]", "cut off"),
        ("(;SZ[9];B[a", "cut off"),
        ("(;SZ[9](;B[aa])(;B[bb]", "cut off, within a variation"),
        ("(;SZ[9](;B[aa])(;B[bb", "cut off, within a variation"),
    ],
)  # fmt: skip
def test_malformed_files(text, message):
    with pytest.raises(SgfError, match=f"^the game record: .*{message}"):
        parse_sgf(text)


HOSTILE = {
    "deep": b"(;SZ[9]" + b"(;B[aa]" * 150_000,
    "deep and closed": b"(;SZ[9]" + b"(;" * 15_000 + b")" * 15_001,
    "many nodes": b"(;SZ[9]" + b";B[]" * 500_000 + b")",
    "many values": b"(;SZ[9]AB" + b"[aa]" * 500_000 + b")",
    "many properties": b"(;SZ[9]" + b"XX[]" * 200_000 + b")",
    "large rectangles": b"(;SZ[52]" + b";AB[aa:ZZ];AE[aa:ZZ]" * 100_000 + b")",
    "open value": b"(;C[" + b"x" * 4_000_000,
    "escapes": b"(;C[" + rb"\]" * 1_000_000 + b"]PB[" + rb"\\" * 1_000_000 + b"])",
    "blank": b"(" + b" " * 4_000_000,
    "brackets": b"(" * 4_000_000,
    "variations": b"(;B[aa]" + b"(;)" * 500_000,
    "binary": bytes(range(256)) * 20_000,
    "long name": b"(;PB[" + b"a" * 4_000_000 + b"])",
}
ACCEPTED = {"deep and closed", "escapes", "long name", "many properties"}


@pytest.mark.parametrize("name", ["", "no such file.sgf", "game\0.sgf"])
def test_files_that_cannot_be_read(tmp_path, name):
    with pytest.raises(SgfError, match=r"^cannot read the game record .*: [A-Za-z ]+$"):
        read_sgf(tmp_path / name)


READ_HOSTILE = """
import resource, sys
from pathlib import Path
from rlbench.envs.go.sgf import SgfError, read_sgf
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
resource.setrlimit(resource.RLIMIT_CPU, (20, 20))
for name in sys.argv[1:]:
    try:
        read_sgf(Path(name))
        print(name, "read")
    except SgfError as error:
        print(str(error))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def test_hostile_files_end_in_one_line_in_little_memory(tmp_path):
    paths = []
    for name, data in HOSTILE.items():
        assert len(data) < MAX_BYTES
        paths.append(tmp_path / name)
        paths[-1].write_bytes(data)
    large = tmp_path / "large"
    with large.open("wb") as file:
        file.write(b"(;SZ[9]")
        file.truncate(100 << 20)
    paths += [large, tmp_path / "missing", tmp_path]
    done = subprocess.run(
        [sys.executable, "-c", READ_HOSTILE, *map(str, paths)],
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=True,
    )
    *lines, kilobytes = done.stdout.splitlines()
    assert len(lines) == len(paths)
    for path, line in zip(paths, lines, strict=True):
        assert line == f"{path} read" if path.name in ACCEPTED else re.match(r"(cannot read )?the game record ", line)
        assert len(line) < 400
    assert int(kilobytes) < 200_000


@pytest.mark.skipif(GNUGO is None, reason="gnugo is not installed (Debian: apt install gnugo)")
def test_what_gnu_go_writes(tmp_path):
    path = tmp_path / "game.sgf"
    commands = "boardsize 7\nkomi 8.5\nplay b D4\nplay w C3\nplay b pass\nplay w E5\n" + f"printsgf {path}\nquit\n"
    subprocess.run(
        [GNUGO, "--mode", "gtp"], input=commands, capture_output=True, text=True, encoding="utf-8", check=True
    )
    record = read_sgf(path)
    assert (record.shape, record.komi) == ((7, 7), 8.5)
    stones = {
        colour: {action for action, each in (*record.setup, *record.moves) if each == colour} for colour in (1, -1)
    }
    assert stones[1] - {49} == {from_gtp("D4", (7, 7))}
    assert stones[-1] == {from_gtp("C3", (7, 7)), from_gtp("E5", (7, 7))}


@pytest.mark.skipif(GNUGO is None, reason="gnugo is not installed (Debian: apt install gnugo)")
def test_gnu_go_reads_what_is_written(tmp_path):
    path = tmp_path / "game.sgf"
    path.write_text(format_sgf(parse_sgf(GAME)), encoding="utf-8")
    commands = f"loadsgf {path}\nquery_boardsize\nget_komi\nlist_stones black\nlist_stones white\nquit\n"
    done = subprocess.run(
        [GNUGO, "--mode", "gtp"], input=commands, capture_output=True, text=True, encoding="utf-8", check=True
    )
    _, size, komi, black, white = (reply.removeprefix("=").strip() for reply in done.stdout.split("\n\n")[:5])
    assert (size, float(komi), sorted(black.split()), white) == ("5", 24.5, ["C3", "C4"], "D2")
