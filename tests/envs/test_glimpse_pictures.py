"""What is on the canvas and what the retina sees of it, against hand-drawn pictures and a second implementation."""

import gymnasium
import numpy as np
import pytest
from matplotlib.image import imread, imsave

import rlbench  # noqa: F401  # registers the ids
from rlbench.envs.glimpse import controls, render, rules
from rlbench.envs.glimpse.images import paint
from rlbench.testing import same
from tests.envs.glimpses import drawn, look, painted, seed_draws, whole_picture

IDS = ("rlbench/GlimpseMNIST-v0", "rlbench/GlimpseTranslated-v0")
IDS += ("rlbench/GlimpseCluttered60-v0", "rlbench/GlimpseCluttered100-v0")

ONE = painted([" # ", " # ", " # "])
TEN = painted(["#::", "#::", "#::"])
PLAIN, DENSE = painted(["...", "...", "..."]), painted(["::.", "::.", "..."])


def pixel(k, n):
    """The uniform that draws k of n."""
    return (k + 0.5) / n


def picture_of(images, place, pieces):
    """6 x 6 pixels: the first image at a place, and pieces of 2 x 2 of the second, (row, column) there and here."""
    random_draws = [pixel(z, 4) for z in place]
    for row, col, top, left in pieces:
        random_draws += [0.9, pixel(row, 2), pixel(col, 2), pixel(top, 5), pixel(left, 5)]
    canvas = np.full((6, 6), 77, np.uint8)  # whatever the last episode left there
    paint(random_draws, 0, np.array(images), 0, len(pieces), 2, canvas)
    return drawn(canvas)


def state_of(params, x=0.0, y=0.0):
    """The first image seen at a location."""
    path = np.zeros((params.glimpses, 2))
    path[0] = x, y
    return rules.State(0, params.images[0], path, 0, -1)


def test_a_picture_by_hand():
    """The image's corner at row 1, column 2; a piece from the left of the other, one from its right on the border."""
    assert picture_of([ONE, TEN], (1, 2), [(0, 0, 3, 0), (1, 1, 0, 4)]) == [
        "    ::",
        "   #::",
        "   #  ",
        "#: #  ",
        "#:    ",
        "      ",
    ]


def test_overlaps_add_up_to_white_at_most():
    expected = ["##.   ", "##.   ", "..#.  ", "  ..  ", "      ", "      "]
    assert picture_of([PLAIN, DENSE], (0, 0), [(0, 0, 0, 0), (1, 1, 2, 2)]) == expected


def test_an_image_may_be_its_own_canvas():
    canvas = np.full((3, 3), 77, np.uint8)
    paint([0.9, 0.9], 0, np.array([ONE, TEN]), 1, 0, 8, canvas)
    np.testing.assert_array_equal(canvas, TEN)


@pytest.mark.parametrize(("image", "others"), [(0, {1, 2}), (1, {0, 2}), (2, {0, 1})])
def test_clutter_comes_from_other_images(image, others):
    images = np.array([np.full((2, 2), shade, np.uint8) for shade in (10, 20, 30)])
    shades = set()
    for u in (0.0, 0.3, 0.49, 0.5, 0.8, 0.999):
        canvas = np.zeros((2, 2), np.uint8)
        paint([0.0, 0.0, u, 0.0, 0.0, 0.0, 0.0], 0, images, image, 1, 1, canvas)
        shades.add(int(canvas[0, 0] - canvas[1, 1]))
    assert shades == {10 * (other + 1) for other in others}


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
    patch = render.seen(state_of(params, x, y), params)[0]
    numbers = np.rint(255 * patch).astype(int)
    assert ["".join(" 0123456789ABCDEF"[number] for number in row) for row in numbers] == seen


def test_scales_by_hand():
    """Two scales of 2 x 2 around the middle of 4 x 4: the pixels, then the means over quarters of all."""
    image = painted(["    ", " #  ", "  # ", "  ##"])[None]
    params = rules.configure(images=image, labels=np.array([0]), patch=2, scales=2)
    fine, coarse = render.seen(state_of(params), params)
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
        picture = whole_picture(seed_draws(episode, params), params)
        np.testing.assert_array_equal(env.state.picture, picture)
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


def test_places_are_spread_over_the_canvas():
    """A white pixel on a canvas of 4 x 4, two of clutter beside it: all places and first locations equally likely."""
    images = np.array([[[255]], [[100]]], np.uint8)
    settings = {"images": images, "labels": np.array([0, 1]), "size": 4, "patch": 2, "clutter": 2, "clutter_size": 1}
    envs = gymnasium.make_vec(IDS[0], num_envs=20_000, parallel=False, **settings).unwrapped
    observations, _ = envs.reset(seed=0)
    state = envs.state
    assert surprise(np.bincount(state.image)) < 6
    chosen, _ = envs.reset(options={"image": np.zeros(20_000, int)})
    assert surprise((envs.state.picture == 255).sum(0).ravel()) < 6
    assert surprise((envs.state.picture % 255 > 0).sum(0).ravel()) < 6
    assert (state.path[:, 1:] == 0).all()
    for location in (observations["location"], chosen["location"]):
        for axis in range(2):
            assert surprise(np.histogram(location[:, axis], 20, (-1, 1))[0]) < 6


def surprise(counts):
    """How many standard deviations Pearson's chi-square of equally likely counts lies above its mean."""
    expected, freedom = counts.mean(), len(counts) - 1
    return (((counts - expected) ** 2).sum() / expected - freedom) / (2 * freedom) ** 0.5


@pytest.mark.parametrize("classes", [10, 12])
def test_no_picture_before_the_end_shows_the_label(classes):
    """Two data sets that differ in nothing but the labels are shown alike, to who watches and to who plays."""
    images = np.random.default_rng(0).integers(0, 256, (5, 9, 9)).astype(np.uint8)
    settings = {"images": images, "classes": classes, "patch": 4, "glimpses": 3}
    labelled = (np.arange(5), np.arange(5) + 5)
    twins = [gymnasium.make(IDS[0], labels=labels, render_mode="rgb_array", **settings) for labels in labelled]
    look = {"location": np.array([0.5, -0.25], np.float32), "label": 3}
    shown = [[(env.reset(seed=1), env.render(), controls.frame(env))] for env in twins]
    for env, pictures in zip(twins, shown, strict=True):
        pictures.extend((env.step(look), env.render(), controls.frame(env)) for _ in range(3))
    for step in range(3):
        assert same(shown[0][step], shown[1][step])
    assert not same(shown[0][3][1], shown[1][3][1])


def test_the_generator_draws_a_sheet_to_look_at(tmp_path):
    """Twelve cluttered pictures side by side, as PNG and read back: 784 pixels of a digit at least partly lit, each."""
    env = gymnasium.make("rlbench/GlimpseCluttered100-v0").unwrapped
    pictures = []
    for seed in range(12):
        env.reset(seed=seed)
        pictures.append(env.state.picture)
    sheet = np.concatenate([np.concatenate(pictures[row : row + 4], axis=1) for row in (0, 4, 8)])
    imsave(tmp_path / "sheet.png", np.repeat(sheet[..., None], 3, axis=2))
    read = np.rint(255 * imread(tmp_path / "sheet.png")[..., 0])
    np.testing.assert_array_equal(read, sheet)
    lit = [(picture > 0).sum() for picture in pictures]
    assert min(lit) > 30  # the thinnest digit has about 30 lit pixels
    assert max(lit) < 784 + 8 * 64
