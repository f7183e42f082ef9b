"""The adapters of rules: conformance, errors for a user's mistakes, and the state that planners need."""

import copy
import pickle
import warnings

import gymnasium
import numpy as np
import pytest
from gymnasium.envs.classic_control import CartPoleEnv
from gymnasium.error import InvalidAction, ResetNeeded, UnsupportedMode

import rlbench
from rlbench.core.env import RulesEnv
from rlbench.core.rules import load, make_state
from rlbench.testing import check_env, check_vector_env, same

CASES = [(row.id, {}) for row in rlbench.ENVIRONMENTS if row.rules is not None] + [
    ("rlbench/CartPole-v0", {"continuous": True}),
    ("rlbench/GridWorld-v0", {"slip": 0.5}),
]


@pytest.mark.parametrize(("id", "kwargs"), CASES)
def test_single_environment_conforms(id, kwargs):
    check_env(id, **kwargs)


@pytest.mark.parametrize(("id", "kwargs"), CASES)
def test_batch_conforms(id, kwargs):
    check_vector_env(id, **kwargs)


@pytest.mark.parametrize(("id", "kwargs"), CASES)
def test_gymnasiums_own_checker_passes(id, kwargs):
    from gymnasium.utils.env_checker import check_env as gymnasium_check

    warnings.filterwarnings("ignore", message=".*value is -?infinity")  # velocities have no bounds
    gymnasium_check(gymnasium.make(id, **kwargs).unwrapped, skip_render_check=True)


def test_the_kit_notices_a_broken_promise():
    class Overwriting(CartPoleEnv):
        shared = np.zeros(4, np.float32)

        def reset(self, **kwargs):
            self.shared[:] = super().reset(**kwargs)[0]
            return self.shared, {}

        def step(self, action):
            observation, *rest = super().step(action)
            self.shared[:] = observation
            return self.shared, *rest

    gymnasium.register("test/Overwriting-v0", Overwriting, max_episode_steps=50)
    with pytest.raises(AssertionError, match="test/Overwriting-v0: An observation returned earlier is not overwritten"):
        check_env("test/Overwriting-v0")
    del gymnasium.registry["test/Overwriting-v0"]


def test_the_plugin_syntax_works():
    assert gymnasium.make("rlbench:rlbench/GridWorld-v0").observation_space.n == 16


@pytest.mark.parametrize(
    ("action", "message"),
    [
        (2, "action 2 is out of range; this environment takes integers 0 to 1"),
        (-1, "out of range"),
        (1.0, "is float64"),
        (np.nan, "is float64"),
        (np.uint64(2**63), "action 9223372036854775808 is out of range"),
        (True, "is bool"),
        (np.array([1]), r"int64 of shape \(1,\)"),
        ("1", "takes one integer 0 to 1"),
    ],
)
def test_a_bad_discrete_action_is_named(action, message):
    env = gymnasium.make("rlbench/CartPole-v0")
    env.reset(seed=0)
    with pytest.raises(InvalidAction, match=message):
        env.step(action)


@pytest.mark.parametrize(
    ("action", "message"),
    [
        (np.array([np.nan]), "is not within"),
        (np.array([1.5]), "is not within"),
        (0.5, r"floats of shape \(1,\)"),
        (np.array([True]), "is bool"),
        (np.zeros(2), r"floats of shape \(1,\)"),
    ],
)
def test_a_bad_continuous_action_is_named(action, message):
    env = gymnasium.make("rlbench/CartPole-v0", continuous=True)
    env.reset(seed=0)
    with pytest.raises(InvalidAction, match=message):
        env.step(action)


@pytest.mark.parametrize(
    ("actions", "message"),
    [
        (np.array([0, 2]), "action 2 of environment 1"),
        (np.array([0, 2**63], np.uint64), "action 9223372036854775808 of environment 1 is not in"),
        (np.array([0.0, 1.0]), "actions are float64"),
        (np.array([0]), r"integers of shape \(2,\)"),
        (np.array([True, False]), "actions are bool"),
    ],
)
def test_bad_batch_actions_are_named(actions, message):
    envs = gymnasium.make_vec("rlbench/CartPole-v0", num_envs=2)
    envs.reset(seed=0)
    before = envs.unwrapped.state
    with pytest.raises(InvalidAction, match=message):
        envs.step(actions)
    assert same(tuple(envs.unwrapped.state), tuple(before))


def test_steps_out_of_order_are_refused():
    env = gymnasium.make("rlbench/GridWorld-v0")
    with pytest.raises(ResetNeeded):
        env.step(0)
    env.reset(options={"state": {"row": 0, "col": 1}})
    assert env.step(3)[2]
    with pytest.raises(ResetNeeded, match="has ended"):
        env.step(0)
    envs = gymnasium.make_vec("rlbench/GridWorld-v0", num_envs=2, autoreset_mode="Disabled")
    with pytest.raises(ResetNeeded):
        envs.step(np.array([0, 0]))
    envs.reset(options={"state": {"row": np.array([0, 2]), "col": np.array([1, 2])}})
    envs.step(np.array([3, 0]))
    with pytest.raises(ResetNeeded, match=r"environments \[0\] have ended"):
        envs.step(np.array([0, 0]))


def test_options_state_consumes_the_draws():
    env, twin = gymnasium.make("rlbench/CartPole-v0"), gymnasium.make("rlbench/CartPole-v0")
    env.reset(seed=1, options={"state": (0.0, 0.0, 0.1, 0.0)})
    twin.reset(seed=1)
    assert env.unwrapped.state.theta == 0.1
    assert same(env.reset()[0], twin.reset()[0])


def test_batch_options_state_equals_the_singles():
    rows, cols = np.array([1, 2, 3]), np.array([3, 2, 1])
    envs = gymnasium.make_vec("rlbench/GridWorld-v0", num_envs=3)
    observations, _ = envs.reset(seed=0, options={"state": {"row": rows, "col": cols}})
    np.testing.assert_array_equal(observations, rows * 4 + cols)
    assert envs.unwrapped.states()[2] == (3, 1)


def test_a_terminal_state_that_was_set_needs_a_reset():
    env = gymnasium.make("rlbench/GridWorld-v0")
    env.reset(options={"state": (0, 0)})
    with pytest.raises(ResetNeeded):
        env.step(0)
    envs = gymnasium.make_vec("rlbench/GridWorld-v0", num_envs=2, autoreset_mode="Disabled")
    envs.reset(options={"state": {"row": np.array([0, 1]), "col": np.array([0, 1])}})
    with pytest.raises(ResetNeeded):
        envs.step(np.array([0, 0]))


@pytest.mark.parametrize(
    "state", [{"row": 1}, {"row": 1, "cols": 2}, (1, 2, 3), {"row": 1.5, "col": 0}, {"row": [1], "col": 0}]
)
def test_a_bad_state_is_refused(state):
    env = gymnasium.make("rlbench/GridWorld-v0")
    env.reset(seed=0)
    with pytest.raises(ValueError, match="state"):
        env.unwrapped.state = state


@pytest.mark.parametrize("cell", [(-1, 0), (0, 13), (0, 0)])  # off the grid twice, then a wall
def test_a_state_that_cannot_be_is_refused(cell):
    env = gymnasium.make("rlbench/GridWorldFourRooms-v0")
    with pytest.raises(ValueError, match="cannot be a state"):
        env.reset(options={"state": cell})
    envs = gymnasium.make_vec("rlbench/GridWorldFourRooms-v0", num_envs=2)
    with pytest.raises(ValueError, match="cannot be a state"):
        envs.reset(options={"state": {"row": np.array([1, cell[0]]), "col": np.array([1, cell[1]])}})


def test_environments_copy_and_pickle_midway():
    env = gymnasium.make("rlbench/GridWorld-v0", slip=0.5)
    env.reset(seed=2)
    env.step(1)
    twins = copy.deepcopy(env.unwrapped), pickle.loads(pickle.dumps(env.unwrapped))
    for twin in twins:
        one = copy.deepcopy(env)
        assert [twin.step(1)[0] for _ in range(3)] == [one.step(1)[0] for _ in range(3)]


def test_bad_arguments_are_named():
    with pytest.raises(TypeError, match=r"got an unexpected keyword argument 'slippery'; did you mean slip\?"):
        gymnasium.make("rlbench/GridWorld-v0", slippery=True)
    for name in ("CartPole", "GridWorld", "GlimpseMNIST", "Go9x9"):  # the list of what there is lacked the device
        with pytest.raises(TypeError, match=r"got an unexpected keyword argument 'devise'; did you mean device\?"):
            gymnasium.make_vec(f"rlbench/{name}-v0", num_envs=2, devise="cuda")
        with pytest.raises(TypeError, match=r"unexpected keyword argument 'paralel'; did you mean parallel\?"):
            gymnasium.make_vec(f"rlbench/{name}-v0", num_envs=2, device="cpu", paralel=True)
    with pytest.raises(UnsupportedMode, match="'ansi' is not one of human, rgb_array"):
        RulesEnv("rlbench.envs.cart_pole.rules", render_mode="ansi")
    with pytest.raises(ValueError, match="num_envs is a positive integer, got 0"):
        gymnasium.make_vec("rlbench/GridWorld-v0", num_envs=0)
    with pytest.raises(TypeError, match="math is not a rules module: it lacks DRAWS"):
        load("math")


@pytest.mark.parametrize("mask", [[True, False], np.array([1, 0]), np.array([False, False]), np.array([True])])
def test_a_bad_reset_mask_is_refused(mask):
    envs = gymnasium.make_vec("rlbench/CartPole-v0", num_envs=2, autoreset_mode="Disabled")
    envs.reset(seed=0)
    with pytest.raises(ValueError, match="reset_mask"):
        envs.reset(options={"reset_mask": mask})


def test_reuse_of_arrays_is_opt_in():
    envs = gymnasium.make_vec("rlbench/CartPole-v0", num_envs=2, copy=False)
    envs.reset(seed=0)
    first = envs.step(np.array([0, 1]))[0]
    assert envs.step(np.array([0, 1]))[0] is first


def test_what_can_be_written_is_text_in_mode_ansi():
    env = gymnasium.make("rlbench/GridWorld-v0", maze="T.#|S.#|###", render_mode="ansi")
    assert env.metadata["render_modes"] == ["human", "rgb_array", "ansi"]
    env.reset(seed=0)
    assert env.render() == "T.#\n@.#\n###\n"
    envs = gymnasium.make_vec("rlbench/GridWorld-v0", num_envs=2, maze="T.#|S.#|###", render_mode="ansi")
    envs.reset(seed=0)
    envs.step(np.array([1, 2]))
    assert envs.render() == ("T.#\n.@#\n###\n", "T.#\n@.#\n###\n")
    assert gymnasium.make("rlbench/CartPole-v0").metadata["render_modes"] == ["human", "rgb_array"]
    with pytest.raises(UnsupportedMode, match="'ansi' of a batch is not one of rgb_array"):
        gymnasium.make_vec("rlbench/CartPole-v0", num_envs=2, render_mode="ansi")


def test_batch_frames_are_one_per_environment():
    envs = gymnasium.make_vec("rlbench/GridWorld-v0", num_envs=3, render_mode="rgb_array")
    envs.reset(seed=0)
    frames = envs.render()
    assert len(frames) == 3
    assert all(frame.dtype == np.uint8 and frame.shape[2] == 3 for frame in frames)


def test_make_state_keeps_python_scalars():
    state = make_state({"row": np.int32(1), "col": 2}, load("rlbench.envs.grid_world.rules").State(0, 0))
    assert [type(value) for value in state] == [int, int]


def test_a_copy_leaves_the_window_to_the_original(monkeypatch):
    pytest.importorskip("pygame", reason="pip install 'rlbench[play]'")
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    env = gymnasium.make("rlbench/CartPole-v0", render_mode="human")
    env.reset(seed=0)
    saved = pickle.dumps(env)
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    for other in (copy.deepcopy(env), pickle.loads(saved)):
        assert other.unwrapped._window is None, "it opens its own when it is rendered, perhaps on another machine"
        assert same(other.step(0)[0], copy.deepcopy(env).step(0)[0])
        other.close()
    assert not env.unwrapped._window.closed
    env.close()


def test_without_a_display_a_window_is_done_without(monkeypatch):
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "SDL_VIDEODRIVER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("sys.platform", "linux")
    env = gymnasium.make("rlbench/CartPole-v0", render_mode="human")
    with pytest.warns(UserWarning, match="no display to open a window on; .*nothing is shown"):
        env.reset(seed=0)
    env.step(0)
    assert env.render() is None
    env.close()
