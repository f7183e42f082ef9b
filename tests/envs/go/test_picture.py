"""The picture of a Go board, read back from its pixels."""

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies as st

from rlbench.envs.go import picture
from rlbench.envs.go.picture import BoardLayout, board_picture, last_mark, stone
from rlbench.envs.go.text import read_board, star_points
from tests.envs.go.boards import FIVE, board_read_from

SHAPES = [(2, 2), (3, 3), (5, 5), (9, 9), (13, 13), (19, 19), (4, 9), (21, 2), (1, 1), (60, 60)]


@pytest.mark.parametrize("shape", SHAPES)
def test_the_picture_reads_as_the_board(shape):
    stones = np.random.default_rng(4).choice(np.array([0, 1, -1], np.int8), size=shape)
    np.testing.assert_array_equal(board_read_from(board_picture(stones), shape), stones)
    empty = board_picture(np.zeros(shape, np.int8))
    assert not board_read_from(empty, shape).any()
    layout = BoardLayout.of(shape)
    assert empty.shape == (layout.height, layout.width, 3)
    assert max(empty.shape) <= max(picture.SIDE, 21 * max(shape))


def test_a_drawn_board_in_its_places():
    drawn = read_board(FIVE).stones
    np.testing.assert_array_equal(board_read_from(board_picture(drawn), (5, 5)), drawn)


@pytest.mark.parametrize("shape", [(9, 9), (5, 7)])
def test_lines_and_stars_lie_where_points_are(shape):
    layout, image = BoardLayout.of(shape), board_picture(np.zeros(shape, np.int8)).astype(int)
    lines = np.abs(image - picture.LINES).max(axis=2) <= 2
    for row in range(shape[0]):
        for column in range(shape[1]):
            x, y = map(int, layout.place(row, column))
            assert lines[y, x]
            assert lines[y + 3, x + 3] == ((row, column) in star_points(shape))
            assert lines[y, min(x + layout.cell // 2, layout.width - 1)] == (column < shape[1] - 1)
            assert lines[min(y + layout.cell // 2, layout.height - 1), x] == (row < shape[0] - 1)


@hypothesis.given(st.integers(1, 21), st.integers(1, 21), st.data())
def test_a_pixel_belongs_to_the_nearest_point(rows, columns, data):
    layout = BoardLayout.of((rows, columns))
    row, column = data.draw(st.integers(0, rows - 1)), data.draw(st.integers(0, columns - 1))
    x, y = layout.place(row, column)
    near = st.floats(-0.49 * layout.cell, 0.49 * layout.cell)
    assert layout.nearest(x + data.draw(near), y + data.draw(near)) == (row, column)
    assert layout.nearest(x, -5) is layout.nearest(layout.width + 5, y) is None
    assert layout.nearest(0, 0) is None


def test_stones_are_round_and_in_the_middle():
    stones = np.zeros((9, 9), np.int8)
    stones[4, 6] = 1
    layout, image = BoardLayout.of((9, 9)), board_picture(stones).astype(int)
    y, x = np.nonzero(image[:, :, 0] - image[:, :, 2] < 12)
    near = np.hypot(x + 0.5 - layout.place(4, 6)[0], y + 0.5 - layout.place(4, 6)[1]) < layout.cell
    x, y = x[near], y[near]
    assert (x.mean() + 0.5, y.mean() + 0.5) == pytest.approx(layout.place(4, 6), abs=0.3)
    assert np.sqrt(len(x) / np.pi) == pytest.approx(picture.RADIUS * layout.cell, abs=1.0)


@pytest.mark.parametrize("colour", [1, -1])
def test_the_last_move_has_a_ring_and_the_one_before_a_thin_one(colour):
    changed = []
    for is_newest in (True, False):
        image = board_picture(np.full((5, 5), colour, np.int8))
        before = image.copy()
        layout = BoardLayout.of((5, 5))
        layout.press(last_mark(colour, layout.cell, is_newest), image, 2, 3)
        y, x = np.nonzero((image != before).any(axis=2))
        distance = np.hypot(x + 0.5 - layout.place(2, 3)[0], y + 0.5 - layout.place(2, 3)[1])
        assert distance.min() > 0.28 * layout.cell
        assert distance.max() < picture.RADIUS * layout.cell
        changed.append(len(x))
    assert changed[0] > 1.5 * changed[1] > 0


def test_a_ghost_is_fainter_than_a_stone():
    layout, empty = BoardLayout.of((5, 5)), board_picture(np.zeros((5, 5), np.int8))
    pixel = tuple(int(at) for at in reversed(layout.place(1.0, 2.0)))
    faint = empty.copy()
    layout.press(stone(1, layout.cell, 0.4), faint, 1, 2)
    solid = empty.copy()
    layout.press(stone(1, layout.cell), solid, 1, 2)
    at = (pixel[0] + 9, pixel[1] + 9)
    assert solid[at].sum() < faint[at].sum() < empty[at].sum()


def test_pictures_are_repeatable_and_their_own():
    stones = read_board(FIVE).stones
    first = board_picture(stones)
    kept = first.copy()
    first[:] = 0
    np.testing.assert_array_equal(board_picture(stones), kept)
    assert first.flags.writeable
