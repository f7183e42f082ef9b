"""Go boards as text: as drawn here by hand, there and back, and what is no board."""

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies as st

from rlbench.envs.go.text import draw_board, read_board, star_points
from rlbench.errors import ArgumentError
from tests.envs.go.boards import FIVE

SHAPES = st.tuples(st.integers(1, 21), st.integers(1, 21))

# Two rows of twelve columns: there is no I.
WIDE = """\
  A B C D E F G H J K L M
2 . . . . . . . . O . .(X)2
1(.). . . . . . . . . . . 1
  A B C D E F G H J K L M"""


def test_a_board_is_drawn_as_by_hand():
    stones = np.zeros((5, 5), np.int8)
    stones[0, 0] = stones[1, 1] = 1
    stones[1, 2] = stones[2, 2] = stones[4, 4] = -1
    assert draw_board(stones, (2, 2)) == FIVE
    read = read_board(FIVE)
    np.testing.assert_array_equal(read.stones, stones)
    assert read.stones.dtype == np.int8
    assert read.last == (2, 2)


def test_edges_take_the_parentheses_too():
    stones = np.zeros((2, 12), np.int8)
    stones[0, 8], stones[0, 11] = -1, 1
    assert draw_board(stones, (0, 11)) == WIDE.replace("(.)", " . ")
    assert draw_board(stones, (1, 0)) == WIDE.replace(".(X)", ". X ")


def test_labels_of_ten_rows_keep_the_columns_below_each_other():
    lines = draw_board(np.zeros((10, 2), np.int8)).splitlines()
    assert lines[0] == "   A B"
    assert lines[1:3] == ["10 . . 10", " 9 . . 9"]


@pytest.mark.parametrize(
    "drawing", ["X.O\n.X.", "X . O\n. X .", "2 X . O\n1 . X .", "\n  X.O 2\n  .+.\n".replace("+", "X")]
)
def test_boards_without_frame(drawing):
    np.testing.assert_array_equal(read_board(drawing).stones, [[1, 0, -1], [0, 1, 0]])


def test_lines_around_the_frame_are_left_out():
    assert read_board(f"move 7, Black to play\n{FIVE}\nkomi 24.5").last == (2, 2)


@hypothesis.given(SHAPES, st.data())
def test_a_drawn_board_reads_as_itself(shape, data):
    stones = np.array(
        data.draw(st.lists(st.sampled_from((0, 1, -1)), min_size=shape[0] * shape[1], max_size=shape[0] * shape[1]))
    )
    stones = stones.reshape(shape).astype(np.int8)
    last = data.draw(st.none() | st.tuples(st.integers(0, shape[0] - 1), st.integers(0, shape[1] - 1)))
    read = read_board(draw_board(stones, last))
    np.testing.assert_array_equal(read.stones, stones)
    assert read.last == last


@pytest.mark.parametrize(
    ("drawing", "message"),
    [
        ("", "a board has rows of one length, got lengths"),
        ("...\n..", r"a board has rows of one length, got lengths \[3, 2\]"),
        ("..x", r"unknown letters \['x'\] in the board"),
        ("A B\nX O\nhello\nA B", "unknown letters"),
        ("(X)(O)", "one point of a board may stand in parentheses"),
        ("(X)\n(O)", "one point"),
        ("(XO)", "one point"),
        ("X(", "one point"),
    ],
)
def test_what_is_no_board(drawing, message):
    with pytest.raises(ArgumentError, match=message):
        read_board(drawing)


def stars_drawn(size):
    drawn = [["."] * size for _ in range(size)]
    for row, column in star_points((size, size)):
        drawn[row][column] = "+"
    return "\n".join(map("".join, drawn))


def test_star_points_as_printed():
    assert "+" not in stars_drawn(2) + stars_drawn(3) + stars_drawn(4) + stars_drawn(6)
    assert stars_drawn(5) == ".....\n.....\n..+..\n.....\n....."
    assert stars_drawn(7) == ".......\n.......\n..+.+..\n.......\n..+.+..\n.......\n......."
    assert stars_drawn(9).split("\n")[2::2] == ["..+...+..", "....+....", "..+...+..", "........."]
    assert [stars_drawn(13).count("+"), stars_drawn(8).count("+"), stars_drawn(19).count("+")] == [5, 4, 9]
    assert stars_drawn(19).split("\n")[9] == "...+.....+.....+..."
