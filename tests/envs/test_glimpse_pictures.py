"""What is on the canvas and what the retina sees of it, against hand-drawn pictures and a second implementation."""

import gymnasium
import numpy as np
import pytest
from matplotlib.image import imread, imsave

import rlbench  # noqa: F401  # registers the ids
from rlbench.envs.glimpse import render, rules
from tests.envs.glimpses import drawn, look, painted, whole_picture

IDS = ("rlbench/GlimpseMNIST-v0", "rlbench/GlimpseTranslated-v0")
IDS += ("rlbench/GlimpseCluttered60-v0", "rlbench/GlimpseCluttered100-v0")

ONE = painted([" # ", " # ", " # "])
TEN = painted(["#::", "#::", "#::"])
SETTINGS = {"images": np.array([ONE, TEN]), "labels": np.array([1, 0]), "size": 6, "clutter": 2, "clutter_size": 2}


def state_of(params, image=0, top=0, left=0, clutter=((1, 0, 0, 0, 0), (1, 0, 0, 0, 0)), x=0.0, y=0.0):
    path = np.zeros((params.glimpses, 2))
    path[0] = x, y
    return rules.State(image, top, left, np.array(clutter), path, 0, -1)


def test_a_picture_by_hand():
    """The image's corner at row 1, column 2; a piece from the left of the other, one from its right on the border."""
    params = rules.configure(**SETTINGS, patch=2)
    state = state_of(params, top=1, left=2, clutter=[(1, 0, 0, 3, 0), (1, 1, 1, 0, 4)])
    assert drawn(render.whole_picture(state, params)) == [
        "    ::",
        "   #::",
        "   #  ",
        "#: #  ",
        "#:    ",
        "      ",
    ]


def test_overlaps_add_up_to_white_at_most():
    params = rules.configure(**SETTINGS, patch=2)
    images = np.array([painted(["...", "...", "..."]), painted(["::.", "::.", "..."])])
    params = params._replace(images=images)
    state = state_of(params, clutter=[(1, 0, 0, 0, 0), (1, 1, 1, 2, 2)])
    assert drawn(render.whole_picture(state, params)) == ["##.   ", "##.   ", "..#.  ", "  ..  ", "      ", "      "]


@pytest.mark.parametrize(
    ("x", "y", "seen"),
    [
        (0.0, 0.0, ["56", "9A"]),
        (-1.0, -1.0, ["  ", " 0"]),  # beyond the border there is nothing
        (1.0, 1.0, ["F ", "  "]),
        (1.0, -1.0, ["  ", "3 "]),  # x grows to the right, y downwards
        (0.24, -0.26, ["12", "56"]),  # a quarter is half a pixel: squares snap to the nearest
        (0.26, -0.24, ["67", "AB"]),
    ],
)
def test_a_patch_by_hand(x, y, seen):
    """A canvas whose pixels are numbered 0123, 4567, 89AB, CDEF, seen through a patch of 2 x 2."""
    image = 1 + np.arange(16, dtype=np.uint8).reshape(1, 4, 4)
    params = rules.configure(images=image, labels=np.array([0]), patch=2)
    patch = render.seen(state_of(params, clutter=np.zeros((0, 5), np.int64), x=x, y=y), params)[0]
    numbers = np.rint(255 * patch).astype(int)
    assert ["".join(" 0123456789ABCDEF"[number] for number in row) for row in numbers] == seen


def test_scales_by_hand():
    """Two scales of 2 x 2 around the middle of 4 x 4: the pixels, then the means over quarters of all."""
    image = painted(["    ", " #  ", "  # ", "  ##"])[None]
    params = rules.configure(images=image, labels=np.array([0]), patch=2, scales=2)
    fine, coarse = render.seen(state_of(params, clutter=np.zeros((0, 5), np.int64)), params)
    assert fine.tolist() == [[1.0, 0.0], [0.0, 1.0]]
    assert coarse.tolist() == [[0.25, 0.0], [0.0, 0.75]]


@pytest.mark.parametrize("id", IDS)
def test_every_glimpse_is_the_second_implementations(id):
    """Canvas and retina against plain NumPy and torch, at random locations and in the corners."""
    env = gymnasium.make(id).unwrapped
    params = env.params
    rng = np.random.default_rng(0)
    for episode in range(8):
        observation, _ = env.reset(seed=episode)
        picture = whole_picture(env.state, params)
        np.testing.assert_array_equal(render.whole_picture(env.state, params), picture)
        corner = np.array([(-1, 1)[episode & 1], (-1, 1)[episode >> 1 & 1]], np.float32)
        locations = [observation["location"], corner, *rng.uniform(-1, 1, (2, 2)).astype(np.float32)]
        seen = [observation] + [env.step({"location": each, "label": 0})[0] for each in locations[1:]]
        assert env.state.step == 3
        for location, glimpse in zip(locations, seen, strict=True):
            np.testing.assert_array_equal(glimpse["location"], location)
            expected = look(picture, *location.astype(float), params.patch, params.scales)
            np.testing.assert_allclose(glimpse["patches"], expected, atol=1e-6)
            np.testing.assert_array_equal(glimpse["patches"] == 0, expected == 0)


@pytest.mark.parametrize("id", IDS)
def test_the_compiled_retina_is_the_text(id):
    """The single environment calls the compiled `observe`; here it is the plain function, bit for bit."""
    env = gymnasium.make(id).unwrapped
    env.action_space.seed(0)
    env.reset(seed=0)
    for _ in range(3):
        observation, *_ = env.step(env.action_space.sample())
        np.testing.assert_array_equal(render.seen(env.state, env.params), observation["patches"])


def test_pictures_are_spread_over_the_canvas():
    """Every start is drawn uniformly: a chi-square test of each field, refused six standard deviations out."""
    envs = gymnasium.make_vec("rlbench/GlimpseCluttered60-v0", num_envs=20_000, parallel=False).unwrapped
    envs.reset(seed=0)
    state, params = envs.state, envs.params
    ends = {"image": len(params.images), "top": 33, "left": 33}
    fields = [(getattr(state, name), end) for name, end in ends.items()]
    fields += [(state.clutter[:, k, j], end) for k in range(4) for j, end in ((1, 21), (2, 21), (3, 53), (4, 53))]
    for values, end in fields:
        assert values.min() >= 0
        assert values.max() < end
        counts = np.bincount(values * 20 // end if end > 100 else values)
        assert surprise(counts) < 6
    assert (state.clutter[:, :, 0] != state.image[:, None]).all()
    assert (abs(state.path[:, 0]) <= 1).all()
    assert (state.path[:, 1:] == 0).all()
    for axis in range(2):
        assert surprise(np.histogram(state.path[:, 0, axis], 20, (-1, 1))[0]) < 6


def surprise(counts):
    """How many standard deviations Pearson's chi-square of equally likely counts lies above its mean."""
    expected, freedom = counts.mean(), len(counts) - 1
    return (((counts - expected) ** 2).sum() / expected - freedom) / (2 * freedom) ** 0.5


def test_the_generator_draws_a_sheet_to_look_at(tmp_path):
    """Twelve cluttered pictures side by side, as PNG and read back: 784 pixels of a digit at least partly lit, each."""
    env = gymnasium.make("rlbench/GlimpseCluttered100-v0").unwrapped
    pictures = []
    for seed in range(12):
        env.reset(seed=seed)
        pictures.append(render.whole_picture(env.state, env.params))
    sheet = np.concatenate([np.concatenate(pictures[row : row + 4], axis=1) for row in (0, 4, 8)])
    imsave(tmp_path / "sheet.png", np.repeat(sheet[..., None], 3, axis=2))
    read = np.rint(255 * imread(tmp_path / "sheet.png")[..., 0])
    np.testing.assert_array_equal(read, sheet)
    lit = [(picture > 0).sum() for picture in pictures]
    assert min(lit) > 30  # the thinnest digit has about 30 lit pixels
    assert max(lit) < 784 + 8 * 64
