"""Frames that a notebook shows as pictures: arrays like any other."""

import io
import pickle

import gymnasium
import numpy as np
import pytest
from PIL import Image

import rlbench  # noqa: F401  # registers the ids
from rlbench.drawing.frame import Frame, shown_inline


@pytest.fixture
def frame():
    return shown_inline(np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3))


def test_the_picture_is_the_frame(frame):
    picture = Image.open(io.BytesIO(frame._repr_png_()))
    assert np.array_equal(np.asarray(picture), frame)
    reversed_ = Image.open(io.BytesIO(frame[:, ::-1]._repr_png_()))
    assert np.array_equal(np.asarray(reversed_), frame[:, ::-1])


@pytest.mark.parametrize("part", [np.s_[0], np.s_[:, :, 0], np.s_[:, :, :2], np.s_[:0]])
def test_a_part_that_is_no_picture_is_shown_as_an_array(frame, part):
    assert frame[part]._repr_png_() is None


@pytest.mark.parametrize(
    "compute", [np.mean, np.sum, np.max, lambda x: x + 1, lambda x: x == 3, lambda x: x / 255, lambda x: x.sum(axis=0)]
)
def test_what_is_computed_from_it_is_as_of_any_array(frame, compute):
    plain = np.asarray(frame)
    assert type(compute(frame)) is type(compute(plain))
    assert np.array_equal(compute(frame), compute(plain))


def test_it_is_pickled_as_an_array(frame):
    assert type(pickle.loads(pickle.dumps(frame))) is np.ndarray


def test_environments_and_batches_render_frames():
    env = gymnasium.make("rlbench/GridWorld-v0", render_mode="rgb_array")
    envs = gymnasium.make_vec("rlbench/CartPole-v0", num_envs=2, render_mode="rgb_array")
    text = gymnasium.make_vec("rlbench/GridWorld-v0", num_envs=2, render_mode="ansi")
    for each in (env, envs, text):
        each.reset(seed=0)
    assert isinstance(env.render(), Frame)
    assert [type(each) for each in envs.render()] == [Frame, Frame]
    assert [type(each) for each in text.render()] == [str, str]
    for each in (env, envs, text):
        each.close()
