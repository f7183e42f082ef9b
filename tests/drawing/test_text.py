"""Text against Pillow's own rendering of whole lines, and where it stands."""

import subprocess
import sys

import numpy as np
import pytest
from PIL import Image, ImageDraw

from rlbench.drawing.shapes import canvas
from rlbench.drawing.text import ASCENT, cut, face, line_height, line_of, text, width

BLACK, WHITE = (0, 0, 0), (255, 255, 255)


def written(string, size=16, x=4.0, y=3.0, anchor="left", bold=False, shape=(300, 40)):
    image = canvas(*shape, WHITE)
    text(image, x, y, string, size, BLACK, anchor, bold)
    return 1 - image[..., 0] / 255


@pytest.mark.parametrize("size", [9, 12, 16, 31])
@pytest.mark.parametrize("bold", [False, True])
@pytest.mark.parametrize("string", ["Return", "H0123456789", "step −7 π(a|s)"])
def test_a_line_looks_as_pillow_sets_it(string, size, bold):
    """Pillow draws the whole line at once; ours is put together from glyphs at whole pixels."""
    picture = Image.new("L", (600, 60), 0)
    ImageDraw.Draw(picture).text((4, 3 + round(ASCENT * size)), string, 255, face(size, bold), anchor="ls")
    theirs = np.asarray(picture) / 255
    ours = written(string, size, bold=bold, shape=(600, 60))
    assert ours.sum() == pytest.approx(theirs.sum(), rel=0.04)
    assert np.argwhere(ours > 0.5).min(axis=0) == pytest.approx(np.argwhere(theirs > 0.5).min(axis=0), abs=1)
    assert np.argwhere(ours > 0.5).max(axis=0) == pytest.approx(np.argwhere(theirs > 0.5).max(axis=0), abs=2)


def test_anchors():
    at = {anchor: np.nonzero(written("word", x=150, anchor=anchor))[1] for anchor in ("left", "centre", "right")}
    assert at["left"].min() >= 150 >= at["right"].max() - 1
    assert (at["centre"].min() + at["centre"].max()) / 2 == pytest.approx(150, abs=1.5)


@pytest.mark.parametrize("place", [(-20, 5), (290, 5), (5, -9), (5, 35), (1e4, 1e4), (-1e4, 0)])
def test_what_reaches_outside_is_cut_off(place):
    whole = canvas(500, 240, WHITE)
    text(whole, place[0] + 100, place[1] + 100, "clipped", 16, BLACK)
    small = canvas(300, 40, WHITE)
    text(small, *place, "clipped", 16, BLACK)
    if abs(place[0]) < 1000:
        np.testing.assert_array_equal(small, whole[100:140, 100:400])
    else:
        assert (small == 255).all()


def test_lines_are_as_high_and_wide_as_they_say():
    for string in ("", " ", "Ag|", "中"):
        assert line_of(string, 20).shape == (line_height(20), width(string, 20))
    assert width("mm", 20) > width("ii", 20)
    assert width("word", 20, bold=True) > width("word", 20)


def test_what_does_not_fit_is_cut_with_an_ellipsis():
    assert cut("short", 12, 100) == "short"
    long = cut("a rather long line", 12, 60)
    assert long.endswith("…")
    assert width(long, 12) <= 60
    assert cut("anything", 12, 1) == ""


def test_a_size_that_is_none():
    with pytest.raises(ValueError, match="at least a pixel high, got 0"):
        text(canvas(9, 9), 0, 0, "a", 0, BLACK)


def test_matplotlib_is_not_imported_for_its_font():
    code = "import sys; from rlbench.drawing.text import width; width('a', 12); assert 'matplotlib' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
