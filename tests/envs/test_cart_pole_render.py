"""Cart-pole's frames, pixel by pixel: the pole leans as the state says, the cart stands where it says."""

import math
import subprocess
import sys

import gymnasium
import numpy as np
import pytest

from rlbench.drawing.resize import shrink
from rlbench.drawing.shapes import BLUE, GREY, INK, VERMILION
from rlbench.envs.cart_pole.render import FRAMES_PER_SECOND, render, small
from rlbench.envs.cart_pole.rules import Params, State

PARAMS = Params()
ANGLES = [-0.2, -0.11, -0.03, 0.0, 0.03, 0.11, 0.2]


def where(frame, colour):
    """(x, y) of the centres of all pixels of about that colour, float[n, 2]."""
    near = np.abs(frame.astype(int) - colour).max(axis=2) <= 24
    y, x = np.nonzero(near)
    return np.stack([x, y], axis=1) + 0.5


def lean(points):
    """The angle from the vertical of a long thin cloud of points, positive to the right: its first principal axis."""
    _, _, axes = np.linalg.svd(points - points.mean(axis=0), full_matrices=False)
    x, y = axes[0]
    return math.atan(-x / y)


def scale(params):
    """Pixels per metre, read off the two posts at the ends of the track."""
    track = where(render(State(0.0, 0.0, 0.0, 0.0), params), GREY)[:, 0]
    post = 5  # pixels wide
    return (track.max() - track.min() + 1 - post) / (2 * params.x_threshold)


@pytest.mark.parametrize("theta", ANGLES)
@pytest.mark.parametrize("x", [-1.3, 0.0, 2.1])
def test_the_pole_leans_as_theta_says(x, theta):
    pole = where(render(State(x, 0.0, theta, 0.0), PARAMS), BLUE)
    assert lean(pole) == pytest.approx(theta, abs=0.01)
    if theta:
        top, foot = pole[pole[:, 1].argmin()], pole[pole[:, 1].argmax()]
        assert (top[0] > foot[0]) == (theta > 0)


@pytest.mark.parametrize("theta", ANGLES)
def test_gymnasium_draws_the_same_lean(theta, monkeypatch):
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    pytest.importorskip("pygame")
    env = gymnasium.make("CartPole-v1", render_mode="rgb_array")
    env.reset(seed=0)
    env.unwrapped.state = (0.5, 0.0, theta, 0.0)
    theirs = lean(where(env.render(), (202, 152, 101)))
    env.close()
    ours = lean(where(render(State(0.5, 0.0, theta, 0.0), PARAMS), BLUE))
    assert ours == pytest.approx(theirs, abs=0.02)


@pytest.mark.parametrize("x", [-2.4, -1.0, 0.0, 0.013, 1.7, 2.4])
def test_the_cart_stands_where_x_says(x):
    cart = where(render(State(x, 0.0, 0.0, 0.0), PARAMS), INK)
    assert (cart[:, 0].min() + cart[:, 0].max()) / 2 == pytest.approx(300 + scale(PARAMS) * x, abs=0.75)


def test_a_tenth_of_a_pixel_shows():
    frames = [render(State(x, 0.0, 0.0, 0.0), PARAMS) for x in (0.0, 0.1 / scale(PARAMS))]
    assert (frames[0] != frames[1]).any()


def test_lengths_share_one_scale():
    pole = where(render(State(0.0, 0.0, 0.0, 0.0), PARAMS), BLUE)
    width = np.ptp(pole[:, 0]) + 1
    assert np.ptp(pole[:, 1]) + 1 - width == pytest.approx(2 * PARAMS.length * scale(PARAMS), abs=2)


def test_the_thresholds_are_marked():
    fallen_right = PARAMS.theta_threshold
    marks = where(render(State(0.0, 0.0, 0.0, 0.0), PARAMS), GREY)
    pole = where(render(State(0.0, 0.0, 0.0, 0.0), PARAMS), BLUE)
    above = marks[marks[:, 1] < pole[:, 1].min() + 5]
    joint_y = pole[:, 1].max() - 5
    angles = np.arctan2(above[:, 0] - 300, joint_y - above[:, 1])
    assert np.median(angles[angles > 0]) == pytest.approx(fallen_right, abs=0.015)
    assert np.median(angles[angles < 0]) == pytest.approx(-fallen_right, abs=0.015)
    frame = render(State(0.0, 0.0, 0.0, 0.0), PARAMS)
    edge = round(300 + scale(PARAMS) * PARAMS.x_threshold)
    assert (frame[10, edge - 2] != frame[10, edge + 2]).any()


@pytest.mark.parametrize("state", [(2.41, 0, 0, 0), (-2.41, 0, 0, 0), (0, 0, 0.21, 0), (0, 0, -0.21, 0)])
def test_failure_shows(state):
    frame = render(State(*map(float, state)), PARAMS)
    assert len(where(frame, BLUE)) == 0
    assert lean(where(frame, VERMILION)) == pytest.approx(state[2], abs=0.01)


@pytest.mark.parametrize("params", [Params(length=2.0), Params(x_threshold=5.0), Params(x_threshold=0.8, length=0.2)])
def test_other_apparatus_fits_the_frame(params):
    frame = render(State(params.x_threshold, 0.0, 0.0, 0.0), params)
    pole, cart = where(frame, BLUE), where(frame, INK)
    assert pole[:, 1].min() > 5
    assert cart[:, 0].max() < 599
    upright = where(render(State(0.0, 0.0, 0.0, 0.0), params), BLUE)
    width = np.ptp(upright[:, 0]) + 1
    assert np.ptp(upright[:, 1]) + 1 - width == pytest.approx(2 * params.length * scale(params), abs=2)


def test_frames_are_independent_and_repeatable():
    first = render(State(0.4, 0.0, 0.1, 0.0), PARAMS)
    kept = first.copy()
    render(State(-0.4, 0.0, -0.1, 0.0), PARAMS)[:] = 0
    np.testing.assert_array_equal(first, kept)
    np.testing.assert_array_equal(render(State(0.4, 9.0, 0.1, -9.0), PARAMS), kept)
    assert first.shape == (400, 600, 3)
    assert first.dtype == np.uint8
    assert first.flags.writeable
    assert first.flags.c_contiguous


def test_far_out_states_are_drawn_without_complaint():
    for x in (-1e9, 1e9):
        render(State(x, 0.0, 3.0, 0.0), PARAMS)


def test_the_environment_delivers_frames_at_the_physics_rate():
    env = gymnasium.make("rlbench/CartPole-v0", render_mode="rgb_array")
    env.reset(seed=0)
    np.testing.assert_array_equal(env.render(), render(env.unwrapped.state, PARAMS))
    assert env.metadata["render_fps"] == FRAMES_PER_SECOND == round(1 / PARAMS.tau)


def test_frames_need_neither_pygame_nor_matplotlib():
    program = """
import sys, gymnasium, rlbench
for name in ("CartPole", "GridWorld"):
    env = gymnasium.make(f"rlbench/{name}-v0", render_mode="rgb_array")
    env.reset(seed=0)
    assert env.render().std() > 0
assert not {"pygame", "matplotlib"} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-W", "error", "-c", program], check=True)


@pytest.mark.parametrize("factor", [2, 3, 5])
@pytest.mark.parametrize("params", [PARAMS, PARAMS._replace(length=1.5, theta_threshold=0.6)])
def test_a_small_frame_is_the_frame_shrunk(factor, params):
    """Drawn small and shrunk from the large one they may differ in how edges are softened, by a few grey levels."""
    for x, theta in ((0.0, 0.0), (-1.3, 0.15), (2.39, -0.2), (9.0, 0.0)):
        state = State(x, 0.0, theta, 0.0)
        drawn, frame = small(state, params, factor), render(state, params)
        shrunk = shrink(frame, factor)
        assert drawn.shape == shrunk.shape
        off = np.abs(drawn.astype(int) - shrunk)
        assert off.mean() < 1
        assert (off.max(axis=2) > 60).mean() < 0.005
