"""Classification by glimpses as a decision process: time, reward, `info`, and what a user may get wrong."""

import gymnasium
import numpy as np
import pytest
from gymnasium.error import InvalidAction, ResetNeeded
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AutoresetMode

import rlbench  # noqa: F401  # registers the ids
from rlbench.envs.glimpse import rules
from rlbench.envs.glimpse.box_wrapper import flat
from rlbench.errors import UserError
from rlbench.testing import same
from tests.envs.glimpses import painted

MNIST = "rlbench/GlimpseMNIST-v0"
DIGITS = np.array([painted(["####", "   #", "  # ", " #  "]), painted(["  # ", " ## ", "  # ", "  # "])])
TWO = {"images": DIGITS, "labels": np.array([7, 1]), "patch": 2, "glimpses": 3}


def action(x=0.0, y=0.0, label=0):
    return {"location": np.array([x, y], np.float32), "label": label}


def actions(count, label=0):
    return {"location": np.zeros((count, 2), np.float32), "label": np.full(count, label)}


@pytest.mark.parametrize("glimpses", [1, 2, 6])
def test_an_episode_has_as_many_steps_as_glimpses(glimpses):
    """Steps 1 to T - 1 look, step T classifies; only then is the label in `info`, and only the right one rewarded."""
    env = gymnasium.make(MNIST, glimpses=glimpses)
    _, info = env.reset(seed=0, options={"image": 1})
    assert info == {}
    truth = int(env.unwrapped.params.labels[1])
    for step in range(1, glimpses + 1):
        observation, reward, terminated, truncated, info = env.step(action(0.5, -0.5, truth))
        over = step == glimpses
        assert (reward, terminated, truncated) == (float(over), over, False)
        assert info == ({"label": truth} if over else {})
        if not over:
            np.testing.assert_array_equal(observation["location"], np.array([0.5, -0.5], np.float32))
    with pytest.raises(ResetNeeded):
        env.step(action())


@pytest.mark.parametrize(("label", "reward"), [(7, 1.0), (1, 0.0)])
def test_only_the_last_label_counts(label, reward):
    env = gymnasium.make(MNIST, **TWO)
    env.reset(seed=0, options={"image": 0})
    early = [env.step(action(label=each))[1] for each in (7, 7)]
    last = env.step(action(1.0, 1.0, label))
    assert early == [0.0, 0.0]
    assert last[1] == reward
    assert env.unwrapped.state.guess == label


def test_the_last_observation_is_the_glimpse_before_it():
    env = gymnasium.make(MNIST, **TWO)
    env.reset(seed=0)
    env.step(action(0.3, 0.1))
    before = env.step(action(-0.2, 0.9))[0]
    assert same(env.step(action(1.0, 1.0))[0], before)


def test_the_first_glimpse_is_where_the_draws_say():
    """Uniforms of the seed's own generator: image, x, y, place; with nothing to place and no clutter five in all."""
    env = gymnasium.make(MNIST)
    for seed in range(5):
        observation, _ = env.reset(seed=seed)
        u = gymnasium.utils.seeding.np_random(seed)[0].random(5)
        np.testing.assert_array_equal(observation["location"], (2 * u[1:3] - 1).astype(np.float32))
        assert env.unwrapped.state.image == int(u[0] * 55_000)


def test_an_image_may_be_chosen_and_the_rest_stays():
    """The draw is consumed all the same, so what follows does not depend on the choice."""
    env, twin = (gymnasium.make("rlbench/GlimpseCluttered60-v0").unwrapped for _ in range(2))
    env.reset(seed=3, options={"image": 42}), twin.reset(seed=3)
    assert env.state.image == 42
    assert same(env.state.path, twin.state.path)
    assert not same(env.state.picture, twin.state.picture)
    assert same(env.reset()[0], twin.reset()[0])


@pytest.mark.parametrize("mode", list(AutoresetMode))
def test_a_batch_visits_the_chosen_images_and_gives_their_labels(mode):
    envs = gymnasium.make_vec(MNIST, num_envs=4, autoreset_mode=mode, glimpses=2)
    labels = envs.unwrapped.params.labels
    for images in (np.array([5, 17, 54_999, 0]), np.array([1, 2, 3, 4])):
        _, infos = envs.reset(options={"image": images})
        assert infos == {}
        np.testing.assert_array_equal(envs.unwrapped.state.image, images)
        assert envs.step(actions(4))[4] == {}
        _, rewards, terminations, _, infos = envs.step({**actions(4), "label": labels[images]})
        final = infos["final_info"] if mode == AutoresetMode.SAME_STEP else infos
        np.testing.assert_array_equal(final["label"], labels[images])
        np.testing.assert_array_equal(final["_label"], terminations)
        np.testing.assert_array_equal(rewards, 1.0)


@pytest.mark.parametrize("id", [MNIST, "rlbench/GlimpseCluttered60-v0"])
def test_threads_do_not_draw_in_each_others_memory(id, monkeypatch):
    """Each works in squares and random draws of its own: on all cores a batch shows what it shows on one."""
    monkeypatch.setattr("rlbench.core.compiler.compile.WORTH_SHARING", 0)
    serial, parallel = (gymnasium.make_vec(id, num_envs=600, parallel=each) for each in (False, True))
    serial.action_space.seed(0)
    assert same(serial.reset(seed=0), parallel.reset(seed=0))
    for _ in range(15):
        sample = serial.action_space.sample()
        assert same(serial.step(sample), parallel.step(sample))


def test_swapped_labels_show_nowhere_before_the_end():
    """Two data sets that differ in nothing but the labels give the same bytes and infos until the last step."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (30, 9, 9)).astype(np.uint8)
    labels = rng.integers(0, 10, 30)
    settings = {"size": 20, "patch": 4, "scales": 2, "clutter": 3, "clutter_size": 5}
    twins = [
        gymnasium.make_vec(MNIST, num_envs=8, images=images, labels=each, **settings)
        for each in (labels, (labels + 5) % 10)
    ]
    twins[0].action_space.seed(0)
    seen = [[envs.reset(seed=1)] for envs in twins]
    for _ in range(6):
        sample = twins[0].action_space.sample()
        for envs, steps in zip(twins, seen, strict=True):
            steps.append(envs.step(sample))
    for a, b in zip(*(steps[:-1] for steps in seen), strict=True):
        assert same(a, b)
    last = [steps[-1] for steps in seen]
    assert same(last[0][0], last[1][0])  # what is observed at the end does not tell either
    assert (last[0][4]["label"] != last[1][4]["label"]).all()


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (action(1.01), "action 'location' .* is not within"),
        (action(np.nan), "action 'location' .* is not within"),
        ({"location": np.zeros(3, np.float32), "label": 0}, r"action 'location' .*floats of shape \(2,\)"),
        (action(label=10), "action 'label' 10 is out of range; this environment takes integers 0 to 9"),
        (action(label=1.0), "action 'label' 1.0 is float64"),
        ({"location": np.zeros(2, np.float32)}, "a dict of location; this environment takes a dict of location, label"),
        (np.zeros(2), "this environment takes a dict of location, label"),
    ],
)
def test_a_bad_action_is_named_and_changes_nothing(bad, message):
    env = gymnasium.make(MNIST, **TWO)
    env.reset(seed=0)
    before = env.unwrapped.state
    with pytest.raises(InvalidAction, match=message):
        env.step(bad)
    assert same(tuple(env.unwrapped.state), tuple(before))


@pytest.mark.parametrize("bad", [{"location": [[0, 0], [0, np.nan]]}, {"location": [[0, 0], [0, -1.5]]}])
def test_a_bad_location_in_a_batch_is_named(bad):
    envs = gymnasium.make_vec(MNIST, num_envs=2)
    envs.reset(seed=0)
    with pytest.raises(InvalidAction, match=r"of environment 1 is not in Dict"):
        envs.step({"label": np.array([0, 0]), "location": np.array(bad["location"], np.float32)})
    with pytest.raises(InvalidAction, match=r"actions 'label' are float64 of shape \(2,\)"):
        envs.step({"label": np.zeros(2), "location": np.zeros((2, 2), np.float32)})


@pytest.mark.parametrize("image", [-1, 2, 0.0, np.array([0]), True])
def test_an_image_that_there_is_not_is_refused(image):
    env = gymnasium.make(MNIST, **TWO)
    with pytest.raises(ValueError, match="option 'image' takes an integer, 0 to 1"):
        env.reset(options={"image": image})
    envs = gymnasium.make_vec(MNIST, num_envs=2, **TWO)
    with pytest.raises(ValueError, match=r"option 'image' takes integers of shape \(2,\), 0 to 1"):
        envs.reset(options={"image": image})


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"glimpses": 0}, "glimpses is an integer from 1 on, got 0"),
        ({"glimpses": 2.5}, "glimpses is an integer from 1 on, got 2.5"),
        ({"patch": 29}, r"patch is an integer 1 to 28 \(the smaller side of the canvas\), got 29"),
        ({"patch": 0}, "patch is an integer 1 to 28"),
        ({"scales": 0}, "scales is an integer 1 to 8, got 0"),
        ({"patch": 8, "scales": 4}, "up to 64 pixels wide, more than twice the canvas of 28 x 28; take fewer scales"),
        ({"patch": 7, "scales": 2}, "patch=7 is odd"),
        ({"size": 27}, r"size is an integer from 28 on \(the larger side of the images\), got 27"),
        ({"clutter": -1}, "clutter is an integer from 0 on, got -1"),
        ({"clutter": 1, "clutter_size": 29}, "clutter_size is an integer 1 to 28"),
        ({"clutter": True}, "clutter is an integer from 0 on, got True"),
        ({"classes": 9}, "labels are 0 to 8, got 0 to 9; give classes="),
        ({"images": DIGITS / 255.0, "labels": [0, 1]}, r"got float64 of shape \(2, 4, 4\); \(255 \* images\)"),
        ({"images": DIGITS.astype(np.int64), "labels": [0, 1]}, "images are grey, uint8 .*got int64"),
        ({"images": DIGITS[..., None], "labels": [0, 1]}, r"of shape \(n, height, width\), none of them 0, got uint8"),
        ({"images": DIGITS[:0], "labels": []}, r"got uint8 of shape \(0, 4, 4\)"),
        ({"images": DIGITS}, "images without labels; give both, or neither for MNIST"),
        ({"images": DIGITS, "labels": [0.0, 1.0]}, "got float64 of shape"),
        ({"images": DIGITS, "labels": [0, 1, 2]}, r"got int64 of shape \(3,\)"),
        ({"images": DIGITS, "labels": [0, -1]}, "labels are 0 to 9, got -1 to 0"),
        ({"labels": [0, 1]}, "labels without images; give both, or neither for MNIST"),
        ({"images": DIGITS, "labels": [0, 1], "split": "test"}, "split='test' is a part of MNIST; leave it out"),
        ({"images": DIGITS[:1], "labels": [0], "clutter": 1, "clutter_size": 2, "patch": 2}, "there is only one"),
    ],
)
def test_a_bad_argument_is_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        rules.configure(**arguments)


def test_an_unknown_split_is_answered_with_the_nearest():
    with pytest.raises(UserError, match="unknown split 'valid'; did you mean validation"):
        gymnasium.make(MNIST, split="valid")


def test_states_that_cannot_be_are_refused():
    env = gymnasium.make(MNIST, **TWO).unwrapped
    env.reset(seed=0)
    good = env.state._asdict()
    for change in ({"image": 2}, {"step": 4}, {"guess": 0}, {"step": 3}, {"path": np.full((3, 2), 1.5)}):
        with pytest.raises(ValueError, match="cannot be a state"):
            env.state = good | change
    env.state = good | {"step": 3, "guess": 9}
    with pytest.raises(ResetNeeded):
        env.step(action())


def test_a_state_that_was_read_is_not_changed_by_later_steps():
    env = gymnasium.make(MNIST, **TWO).unwrapped
    env.reset(seed=0)
    kept = env.state
    path = kept.path.copy()
    env.step(action(0.5, 0.5))
    np.testing.assert_array_equal(kept.path, path)
    env.state = kept  # look ahead again from there
    env.step(action(-0.5, 0.25))
    np.testing.assert_array_equal(kept.path, path)
    np.testing.assert_array_equal(env.state.path[1], (-0.5, 0.25))


def test_rectangular_images_and_many_classes():
    images = np.random.default_rng(0).integers(0, 256, (50, 6, 10)).astype(np.uint8)
    env = gymnasium.make(MNIST, images=images, labels=np.arange(50), classes=50, patch=6)
    assert env.action_space["label"].n == 50
    env.reset(seed=0, options={"image": 3})
    env.step(action(0.0, 0.0))
    np.testing.assert_allclose(env.step(action())[0]["patches"][0], images[3][:, 2:8] / 255, rtol=1e-6)


def test_flat_actions_and_observations_are_the_same_episode():
    env, box = gymnasium.make(MNIST, **TWO), flat(gymnasium.make(MNIST, **TWO))
    assert box.action_space.shape == (12,)
    assert box.observation_space.shape == (2 * 2 + 2,)
    plain, vector = env.reset(seed=4)[0], box.reset(seed=4)[0]
    for label in (3, 5, 7):
        assert {*vector.tolist()} == {*plain["patches"].ravel().tolist(), *plain["location"].tolist()}
        choice = np.full(12, -1.0, np.float32)
        choice[:2], choice[2 + label] = (0.25, -0.75), 0.5
        a, b = env.step(action(0.25, -0.75, label)), box.step(choice)
        assert a[1:] == b[1:]
        plain, vector = a[0], b[0]
    box.reset()
    for bad in (np.full(12, np.nan, np.float32), np.zeros(3, np.float32), np.full(12, 2.0, np.float32)):
        with pytest.raises(InvalidAction):
            box.step(bad)
    with pytest.raises(TypeError, match="FlatAction takes actions of location and label"):
        flat(gymnasium.make("rlbench/CartPole-v0"))
    with pytest.raises(TypeError, match="flat takes one environment"):
        flat(gymnasium.make_vec(MNIST, 2, **TWO))


@pytest.mark.filterwarnings("ignore:.*is different from the unwrapped version")  # as a wrapper is meant to be
def test_gymnasiums_own_checker_finds_nothing_wrong_with_flat_glimpses():
    check_env(flat(gymnasium.make(MNIST, disable_env_checker=True)), skip_render_check=True)
