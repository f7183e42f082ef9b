"""The robots' pictures: sticks measured in metres, and MuJoCo's renderer where OpenGL works."""

import gymnasium
import numpy as np
import pytest
from gymnasium.error import DependencyNotInstalled, ResetNeeded, UnsupportedMode
from matplotlib.image import imread

from rlbench.commands.show import ShowOptions, run
from rlbench.drawing.shapes import BLUE, INK, VERMILION
from rlbench.envs.locomotion import opengl, render
from rlbench.envs.locomotion.mujoco_bindings import load_model
from rlbench.envs.locomotion.robots import ROBOTS
from rlbench.errors import UserError

pytest.importorskip("mujoco", reason='robots need pip install "rlbench[mujoco]"')

METRE = 150  # pixels, of a planar robot
GROUND = 380  # row


def standing(robot):
    return load_model(ROBOTS[robot].body.file).qpos0.copy()


def sticks(robot, qpos=None, fallen=False):
    return render.sticks(ROBOTS[robot].body, standing(robot) if qpos is None else qpos, fallen)


def box(image, *colours):
    """Left, top, right and bottom of all pixels of these colours."""
    rows, columns = np.nonzero(np.any([(image == colour).all(axis=-1) for colour in colours], axis=0))
    return columns.min(), rows.min(), columns.max() + 1, rows.max() + 1


def test_the_hopper_stands_as_high_as_it_is():
    """Its torso is a capsule of 0.05 m around 1.05 to 1.45 m above the ground; its toe is 0.26 m ahead."""
    image = sticks("hopper")
    left, top, right, _ = box(image, BLUE)
    assert (left, right) == (pytest.approx(240 - 0.05 * METRE, abs=1), pytest.approx(240 + 0.05 * METRE, abs=1))
    assert top == pytest.approx(GROUND - 1.5 * METRE, abs=1)
    _, _, toe, sole = box(image, INK)
    assert toe == pytest.approx(240 + (0.26 + 0.06) * METRE, abs=1.5)
    assert sole == pytest.approx(GROUND - 0.04 * METRE, abs=1.5)


def test_the_view_follows_and_the_ground_goes_by():
    qpos = standing("half-cheetah")
    still, near, far = (qpos + np.eye(len(qpos))[0] * x for x in (0.0, 0.5, 5.0))
    assert np.array_equal(sticks("half-cheetah", still), sticks("half-cheetah", far))  # every fifth mark is long
    changed = np.nonzero((sticks("half-cheetah", still) != sticks("half-cheetah", near)).any(axis=(1, 2)))[0]
    assert changed.size
    assert changed.min() > GROUND


@pytest.mark.parametrize("robot", ROBOTS)
def test_sticks_of_every_robot(robot):
    upright, fallen = sticks(robot), sticks(robot, fallen=True)
    assert upright.shape == (480, 480, 3)
    assert upright.dtype == np.uint8
    left, top, right, bottom = box(upright, BLUE, INK)
    assert left > 0 < top
    assert right < 480 > bottom
    blue, red = ((image == colour).all(axis=-1).sum() for image, colour in ((upright, BLUE), (fallen, VERMILION)))
    assert blue == pytest.approx(red, abs=5)  # at the edges mixed colours may round to either
    assert blue > 200


def test_a_frame_of_the_environment_is_of_its_state():
    env = gymnasium.make("rlbench/Ant-v0", render_mode="rgb_array", renderer="sticks")
    with pytest.raises(ResetNeeded):
        env.unwrapped.render()
    env.reset(seed=0)
    first = env.render()
    env.step(env.action_space.sample())
    assert not np.array_equal(first, env.render())
    assert np.array_equal(env.render(), sticks("ant", env.unwrapped.state.qpos))
    envs = gymnasium.make_vec("rlbench/Ant-v0", num_envs=2, render_mode="rgb_array", renderer="sticks")
    envs.reset(seed=0)
    assert np.array_equal(envs.render()[0], first)


def test_a_fallen_robot_is_shown_in_the_colour_of_failure():
    env = gymnasium.make("rlbench/Hopper-v0", render_mode="rgb_array", renderer="sticks")
    env.reset(seed=0)
    while not env.step(np.array([1.0, 1.0, 1.0]))[2]:
        assert (env.render() == BLUE).all(axis=-1).any()
    assert (env.render() == VERMILION).all(axis=-1).any()


def test_a_window_shows_frames(monkeypatch):
    pytest.importorskip("pygame", reason='a window needs pip install "rlbench[play]"')
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    env = gymnasium.make("rlbench/Swimmer-v0", render_mode="human", renderer="sticks")
    env.reset(seed=0)
    env.step(np.zeros(2))
    assert env.metadata["render_fps"] == 25
    env.close()


def test_an_unknown_mode_is_named():
    with pytest.raises(UnsupportedMode, match="'ansi' of a batch is not one of rgb_array"):
        gymnasium.make_vec("rlbench/Hopper-v0", num_envs=1, render_mode="ansi")


@pytest.fixture
def no_opengl(monkeypatch):
    """As where neither library is installed."""
    broken = {name: backend._replace(module=f"no_such_{name}") for name, backend in opengl.BACKENDS.items()}
    monkeypatch.setattr(opengl, "BACKENDS", broken)
    monkeypatch.setattr(opengl, "_broken", set())


def test_without_opengl_there_are_sticks(no_opengl):
    env = gymnasium.make("rlbench/Hopper-v0", render_mode="rgb_array")
    env.reset(seed=0)
    assert np.array_equal(env.render(), sticks("hopper", env.unwrapped.state.qpos))


@pytest.mark.skipif("egl" not in opengl.BACKENDS, reason="EGL is for Linux")
def test_without_opengl_a_renderer_that_was_asked_for_names_what_to_install(no_opengl):
    env = gymnasium.make("rlbench/Hopper-v0", render_mode="rgb_array", renderer="egl")
    env.reset(seed=0)
    with pytest.raises(
        DependencyNotInstalled, match=r"egl does not work here \(.*libegl1.*libosmesa6.*renderer='sticks'"
    ):
        env.render()


@pytest.mark.parametrize("robot", ["hopper", "ant"])
def test_mujocos_renderer_shows_the_robot_and_follows_it(robot):
    backend = opengl.working_backend()
    if backend is None:
        pytest.skip("OpenGL works here neither through EGL nor through OSMesa")
    renderer, here = opengl.offscreen(ROBOTS[robot].body.file, backend), standing(robot)
    lifted, away, aside = here.copy(), here.copy(), here.copy()
    lifted[1 if robot == "hopper" else 2] += 50.0  # m, together with the camera
    away[0] += 1_000.0  # m: 500 times two squares of the floor, which ends nowhere
    aside[0] += 0.5
    frame = renderer.frame(here)
    assert frame.shape == (480, 480, 3)
    assert np.array_equal(frame, renderer.frame(here))
    differences = [np.abs(frame.astype(int) - renderer.frame(qpos)).max(axis=-1) for qpos in (away, aside)]
    assert (differences[0] > 12).mean() < 0.02  # the robot stays where it is in the picture, with its shadow
    assert 0.05 < (differences[1] > 12).mean() < 0.5  # ... and the floor goes by
    middle = renderer.frame(lifted)[140:340, 200:280].astype(int)
    assert (np.ptp(middle, axis=(0, 1)) > 30).any()  # high in the air it is still in sight


def test_the_command_line_shows_a_pose(tmp_path):
    path, qpos = tmp_path / "hopper.png", np.array([0, 1.25, 0.15, -0.1, 0, 0])
    run(ShowOptions("hopper", output=path, state=("qpos=0,1.25,0.15,-0.1,0,0",)))
    image = (imread(path)[..., :3] * 255).round().astype(np.uint8)
    np.testing.assert_array_equal(image, render.Pictures(ROBOTS["hopper"].body, "auto").frame(qpos, False))
    with pytest.raises(UserError, match=r"--state qpos=1,2: '1,2' is not 6 numbers"):
        run(ShowOptions("hopper", output=path, state=("qpos=1,2",)))
