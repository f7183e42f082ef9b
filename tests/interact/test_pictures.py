"""Panels, stages and grids probed pixel by pixel; resizing against means and repeats."""

import dataclasses

import numpy as np
import pytest

from rlbench.drawing.resize import fitted, magnify, shrink, to_side
from rlbench.drawing.shapes import BLUE, GREY, INK, PAPER, VERMILION, canvas
from rlbench.harness.isolation.explain import Explanation
from rlbench.interact.grid import ROOM, FrameGrid, Tile, arrangement, faded
from rlbench.interact.layout import FrameLayout
from rlbench.interact.panel import HEIGHT, WIDTH, PanelContent, number, panel

CONTENT = PanelContent("CartPole", "you", 12, 12.0, 1.0, keys=(("p", "pause"),), actions=("left", "right"))


def pixels(image, colour, tolerance=8):
    """Rows and columns of the pixels of about that colour, int[n, 2]."""
    return np.argwhere(np.abs(image.astype(int) - colour).max(axis=2) <= tolerance)


def explained(**parts):
    return dataclasses.replace(CONTENT, chosen=1, explanation=Explanation(**parts), max_advantage=0.5)


def bars(image):
    """The lengths of the bars in the rows of a panel where there are any: {colour: [pixels]}."""
    found = {}
    for name, colour in (("chosen", BLUE), ("other", GREY)):
        rows = pixels(image, colour)
        counts = np.bincount(rows[:, 0], minlength=len(image))
        found[name] = int(counts.max())
    return found


def test_probabilities_are_bars_as_long_as_they_are_likely():
    long = bars(panel(explained(probabilities=(0.25, 0.75)), HEIGHT))
    assert long["chosen"] == pytest.approx(3 * long["other"], abs=3)
    half = bars(panel(explained(probabilities=(0.5, 0.5)), HEIGHT))
    assert half["chosen"] == pytest.approx(half["other"], abs=1)


def test_action_values_grow_from_the_middle_by_their_advantage():
    image = panel(explained(action_values=(97.0, 98.0), value=98.0), HEIGHT)
    chosen, other = pixels(image, BLUE, 0), pixels(image, GREY, 0)
    other = other[np.isin(other[:, 0], chosen[:, 0] - 19)]  # the bar in the row above
    assert chosen[:, 1].min() >= other[:, 1].max() - 1
    assert np.ptp(chosen[:, 1]) == pytest.approx(np.ptp(other[:, 1]), abs=2)
    smaller = panel(dataclasses.replace(explained(action_values=(97.0, 98.0)), max_advantage=1.0), HEIGHT)
    assert bars(smaller)["chosen"] == pytest.approx(bars(image)["chosen"] / 2, abs=2)


def test_many_actions_show_the_highest():
    values = tuple(float(i == 300) for i in range(362))
    image = panel(dataclasses.replace(explained(probabilities=values), chosen=300), HEIGHT)
    assert image.shape == (HEIGHT, WIDTH, 3)
    assert bars(image)["chosen"] > 50


def test_the_path_of_glimpses_is_drawn_in_its_square():
    image = panel(explained(glimpses=((-1, -1), (1, -1), (1, 1))), HEIGHT)
    path, last = pixels(image, BLUE), pixels(image, VERMILION)
    assert np.ptp(path[:, 1]) == pytest.approx(112, abs=10)
    assert last.mean(axis=0) == pytest.approx((path[:, 0].max(), path[:, 1].max()), abs=6)


def test_what_is_wrong_is_written_in_alarm():
    assert len(pixels(panel(explained(error="explain() failed"), HEIGHT), VERMILION)) > 20
    over = dataclasses.replace(CONTENT, status="over", alarm=True)
    assert len(pixels(panel(over, HEIGHT), VERMILION)) > 300
    assert len(pixels(panel(CONTENT, HEIGHT), VERMILION)) == 0


def test_the_return_is_written_in_ink_and_changes():
    one, other = panel(CONTENT, HEIGHT), panel(dataclasses.replace(CONTENT, return_=-345.5), HEIGHT)
    changed = np.argwhere((one != other).any(axis=2))
    assert 80 <= changed[:, 0].min() <= changed[:, 0].max() <= 125
    assert len(pixels(one[80:125], INK)) > 50


@pytest.mark.parametrize("height", [1, 40, 200, 420, 768, 3000])
def test_any_height_will_do(height):
    image = panel(explained(action_values=(1.0, 2.0), probabilities=(0.1, 0.9), glimpses=((0, 0),) * 9), height)
    assert image.shape[0] == height
    assert image.dtype == np.uint8


@pytest.mark.parametrize(
    ("value", "shown"),
    [(3, "3"), (-2.0, "−2"), (1234567.0, "1.23e+06"), (0.1234, "0.123"), (-12.345, "−12.35"), (499.71, "499.7")],
)
def test_numbers_are_short(value, shown):
    assert number(value) == shown


@pytest.mark.parametrize(
    ("height", "width", "factor"), [(400, 600, 1), (256, 256, 2), (210, 160, 2), (28, 28, 17), (768, 9, 1)]
)
def test_small_frames_are_magnified_and_pixels_are_found_again(height, width, factor):
    frame = canvas(width, height, (10, 20, 30))
    frame[height // 2, width // 3] = (200, 100, 50)
    layout = FrameLayout.of(frame)
    picture = layout.picture(frame, CONTENT)
    assert layout.factor == factor
    y, x = pixels(picture, (200, 100, 50)).mean(axis=0)
    place = layout.to_frame(x, y)
    assert (int(place[0]), int(place[1])) == (width // 3, height // 2)
    assert layout.to_frame(width * factor + 5, 10) is None
    assert layout.to_frame(-1, 10) is None
    assert np.array_equal(FrameLayout.of(frame, with_panel=False).picture(frame, None), frame)


@pytest.mark.parametrize("factor", [1, 2, 3, 5, 16])
def test_shrinking_is_the_rounded_mean(factor):
    frame = np.random.default_rng(0).integers(0, 256, (66, 97, 3), dtype=np.uint8)
    height, width = 66 // factor, 97 // factor
    blocks = frame[: height * factor, : width * factor].reshape(height, factor, width, factor, 3)
    expected = np.floor(blocks.mean(axis=(1, 3)) + 0.5)
    np.testing.assert_array_equal(shrink(frame, factor), expected)
    np.testing.assert_array_equal(magnify(frame, factor), frame.repeat(factor, axis=0).repeat(factor, axis=1))
    np.testing.assert_array_equal(shrink(magnify(frame, factor), factor), frame)


def test_a_factor_that_is_none():
    with pytest.raises(ValueError, match="a factor of 1 to 16, got 17"):
        shrink(canvas(99, 99), 17)


def test_a_picture_of_another_size_stands_in_the_middle_of_the_canvas():
    large = np.zeros((40, 60, 3), np.uint8)
    assert fitted(large, 40, 60) is large
    for height, width, black in ((50, 80, (40, 60)), (30, 70, (20, 30)), (40, 20, (13, 20))):
        made = fitted(large, height, width)
        assert made.shape == (height, width, 3)
        top, left = (height - black[0]) // 2, (width - black[1]) // 2
        assert (made[top : top + black[0], left : left + black[1]] == 0).all()
        assert (made == PAPER).all(axis=2).sum() == height * width - black[0] * black[1]


@pytest.mark.parametrize(
    ("shape", "longer"), [((400, 600), 300), ((84, 84), 252), ((500, 320), 250), ((320, 320), 320)]
)
def test_frames_of_a_strip_have_about_one_size(shape, longer):
    assert max(to_side(canvas(*shape[::-1]), 320).shape[:2]) == longer


@pytest.mark.parametrize("n", [1, 2, 5, 16, 64, 100])
@pytest.mark.parametrize("shape", [(400, 600), (256, 256), (210, 160), (84, 84), (256, 768)])
def test_a_grid_holds_every_tile_within_its_room(n, shape):
    columns, shrunk, grown = arrangement(n, *shape)
    grid = FrameGrid(n, *shape)
    picture = grid.picture([Tile(0.0)] * n, "a", "b")
    assert 1 in (shrunk, grown)
    assert columns <= n
    assert picture.shape[1] <= ROOM[0] + 16
    assert picture.shape[0] <= ROOM[1] + 60
    corners = [grid.place(i) for i in range(n)]
    assert len(set(corners)) == n
    assert all(
        y + grid.tile_size[0] <= picture.shape[0] and x + grid.tile_size[1] <= picture.shape[1] for x, y in corners
    )


def test_tiles_stand_where_they_belong_and_fade_when_over():
    grid = FrameGrid(4, 100, 100)
    frames = [canvas(100, 100, colour) for colour in ((9, 9, 9), (99, 9, 9), (9, 99, 9), (9, 9, 99))]
    tiles = [Tile(1.0), Tile(2.0, over=True), Tile(3.0), Tile(4.0, over=True, failed=True)]
    for i, (frame, tile) in enumerate(zip(frames, tiles, strict=True)):
        grid.paint(i, shrink(frame, grid.shrunk), tile)
    picture = grid.picture(tiles, "Title", "player", "paused")
    for i, (frame, tile) in enumerate(zip(frames, tiles, strict=True)):
        x, y = grid.place(i)
        shown = picture[y + grid.tile_size[0] // 2, x + grid.tile_size[1] // 2]
        np.testing.assert_array_equal(shown, faded(frame)[0, 0] if tile.over else frame[0, 0])
        below = picture[y + grid.tile_size[0] : y + grid.tile_size[0] + grid.caption, x : x + grid.tile_size[1]]
        colour = VERMILION if tile.failed else BLUE if tile.over else GREY
        assert len(pixels(below, colour, 40)) > 5
    assert tuple(picture[2, 2]) == PAPER
    assert len(pixels(picture[:44], INK, 40)) > 100


@pytest.mark.parametrize("n", [2, 3, 7, 64, 100])
@pytest.mark.parametrize("frame", [(400, 600), (480, 480), (210, 160), (28, 28)])
@pytest.mark.parametrize("room", [(614, 432), (983, 691), (1280, 880), (3686, 1944)])
def test_a_grid_fits_the_room(n, frame, room):
    grid = FrameGrid(n, *frame, room)
    height, width, _ = grid._ground.shape
    assert width <= room[0]
    assert height <= room[1]
    right, low = (max(grid.place(i)[axis] + grid.tile_size[1 - axis] for i in range(n)) for axis in (0, 1))
    assert right < width
    assert low < height
