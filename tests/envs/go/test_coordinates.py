"""Coordinates of Go: four notations of the same points, compared with a drawn board and with each other."""

import hypothesis
import pytest
from hypothesis import strategies as st

from rlbench.envs.go import coordinates
from rlbench.envs.go.coordinates import CoordinateError

# A board of four rows and nine columns, each point by its GTP name; the ninth column is J.
DRAWN = """
A4 B4 C4 D4 E4 F4 G4 H4 J4
A3 B3 C3 D3 E3 F3 G3 H3 J3
A2 B2 C2 D2 E2 F2 G2 H2 J2
A1 B1 C1 D1 E1 F1 G1 H1 J1
"""
SGF_DRAWN = """
aa ba ca da ea fa ga ha ia
ab bb cb db eb fb gb hb ib
ac bc cc dc ec fc gc hc ic
ad bd cd dd ed fd gd hd id
"""


@pytest.mark.parametrize(
    ("drawn", "to", "back"),
    [
        (DRAWN, coordinates.to_gtp, coordinates.from_gtp),
        (SGF_DRAWN, coordinates.to_sgf, coordinates.from_sgf),
    ],
)
def test_names_of_points_read_as_drawn(drawn, to, back):
    names = drawn.split()
    assert [to(action, (4, 9)) for action in range(36)] == names
    assert [back(name, (4, 9)) for name in names] == list(range(36))


def test_a_pass_in_every_notation():
    shape = (4, 9)
    assert coordinates.pass_of(shape) == 36
    assert coordinates.to_point(36, shape) is None
    assert coordinates.from_point(None, shape) == 36
    assert coordinates.to_gtp(36, shape) == "pass"
    assert coordinates.from_gtp("PASS", shape) == 36
    assert coordinates.to_sgf(36, shape) == ""
    assert coordinates.from_sgf("", shape) == 36


def test_tt_is_a_pass_up_to_19_and_a_point_beyond():
    assert coordinates.from_sgf("tt", (19, 19)) == 361
    assert coordinates.from_sgf("tt", (5, 5)) == 25
    assert coordinates.from_sgf("tt", (21, 21)) == 19 * 21 + 19
    assert coordinates.from_sgf("", (21, 21)) == 441


@hypothesis.given(st.integers(1, 25), st.integers(1, 25), st.data())
def test_every_notation_leads_back(rows, columns, data):
    shape = (rows, columns)
    action = data.draw(st.integers(0, rows * columns))
    assert coordinates.from_point(coordinates.to_point(action, shape), shape) == action
    gtp = coordinates.to_gtp(action, shape)
    assert coordinates.from_gtp(gtp, shape) == coordinates.from_gtp(gtp.lower(), shape) == action
    assert coordinates.from_sgf(coordinates.to_sgf(action, shape), shape) == action


@pytest.mark.parametrize(
    "vertex", ["", "I1", "i3", "K1", "A0", "A5", "A-1", "A1 ", "AA1", "1A", "٣A", "A٣", "passe", "A" * 999]
)
def test_what_is_no_vertex(vertex):
    with pytest.raises(CoordinateError, match=r"^a vertex of a board of 4 rows and 9 columns is A1 to J4") as caught:
        coordinates.from_gtp(vertex, (4, 9))
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 250


@pytest.mark.parametrize("point", ["a", "ja", "ae", "a1", "aaa", "AA", "[]", "ää", "tu"])
def test_what_is_no_point_of_sgf(point):
    with pytest.raises(CoordinateError, match=r"^a point of a board of 4 rows and 9 columns is aa to id"):
        coordinates.from_sgf(point, (4, 9))


@pytest.mark.parametrize("action", [-1, 37])
def test_what_is_no_action(action):
    for convert in (coordinates.to_point, coordinates.to_gtp, coordinates.to_sgf):
        with pytest.raises(CoordinateError, match=f"is 0 to 36, 36 for a pass; got {action}$"):
            convert(action, (4, 9))


@pytest.mark.parametrize("point", [(-1, 0), (0, -1), (4, 0), (0, 9)])
def test_what_is_outside(point):
    with pytest.raises(CoordinateError, match="outside of a board of 4 rows and 9 columns"):
        coordinates.from_point(point, (4, 9))


def test_columns_without_a_letter():
    assert coordinates.to_gtp(24, (1, 26)) == "Z1"
    with pytest.raises(CoordinateError, match="GTP has 25 columns"):
        coordinates.to_gtp(25, (1, 26))
    assert coordinates.to_sgf(51, (1, 53)) == "Za"
    with pytest.raises(CoordinateError, match="SGF has 52"):
        coordinates.to_sgf(52, (1, 53))


def test_shapes():
    assert coordinates.shape_of(9) == (9, 9)
    assert coordinates.shape_of((2, 3)) == (2, 3)
    for size in (0, -1, 2.5, "9", (2,), (2, 3, 4), (0, 3), None):
        with pytest.raises(CoordinateError, match="a board has a positive size"):
            coordinates.shape_of(size)
