"""Atari games: errors for a user's mistakes, pictures, and closing."""

import gymnasium
import numpy as np
import pytest
from gymnasium.error import DependencyNotInstalled, InvalidAction, NameNotFound, ResetNeeded, UnsupportedMode

from rlbench.envs.atari.env import AtariEnv
from rlbench.envs.atari.protocol import PRESETS
from rlbench.errors import UserError
from rlbench.registry import atari_id
from rlbench.testing import same
from tests.envs.atari_games import make, make_vec

ale_py = pytest.importorskip("ale_py", reason="pip install 'rlbench[atari]'")


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"preset": "nature"}, "unknown preset 'nature'; did you mean nature2015"),
        ({"preset": None}, f"unknown preset 'None'; there is {', '.join(sorted(PRESETS))}"),
        ({"frameskip": 4}, "got an unexpected keyword argument 'frameskip'; did you mean frame_skip"),
        ({"frame_skip": 0}, "frame_skip is an integer of at least 1, got 0"),
        ({"frame_skip": 2.0}, "frame_skip is an integer of at least 1, got 2.0"),
        ({"noop_max": -1}, "noop_max is an integer of at least 0, got -1"),
        ({"max_frames": True}, "max_frames is an integer of at least 1, got True"),
        ({"sticky": 1.0}, "sticky is a probability below 1, got 1.0"),
        ({"sticky": float("nan")}, "sticky is a probability below 1, got nan"),
        ({"clip_rewards": "yes"}, "clip_rewards is True or False, got 'yes'"),
        ({"game": "pongg"}, "unknown Atari game 'pongg'; did you mean pong"),
        ({"game": "combat"}, "unknown Atari game 'combat'"),
    ],
)
def test_a_wrong_argument_is_named(kwargs, message):
    for maker in (gymnasium.make, gymnasium.make_vec):
        with pytest.raises(UserError, match=message):
            maker(atari_id("pong"), **kwargs)


def test_an_unknown_game_is_answered_with_the_nearest_id():
    with pytest.raises(NameNotFound, match=r"Did you mean: .*AtariBreakout"):
        gymnasium.make("rlbench/AtariBreakot-v0")


def test_a_limit_in_steps_is_translated_to_frames():
    with pytest.raises(UserError, match="give max_frames=400, not max_episode_steps"):
        make_vec("pong", 2, max_episode_steps=100)


def test_other_mistakes_are_named():
    with pytest.raises(ValueError, match="num_envs is a positive integer, got 0"):
        make_vec("pong", 0)
    with pytest.raises(UnsupportedMode, match="'ansi'"):
        AtariEnv("pong", render_mode="ansi")
    with pytest.raises(UnsupportedMode, match="'human' of a batch"):
        make_vec("pong", 1, render_mode="human")
    with pytest.raises(ResetNeeded, match="call reset"):
        make("pong").step(0)
    with pytest.raises(ResetNeeded, match="call reset"):
        make_vec("pong", 1).step(np.array([0]))


def test_an_action_that_the_game_lacks_is_named_and_moves_nothing():
    env, envs = make("breakout"), make_vec("breakout", 2)
    env.reset(seed=0), envs.reset(seed=0)
    with pytest.raises(InvalidAction, match="action 18 is out of range; this environment takes integers 0 to 3"):
        env.step(18)
    with pytest.raises(InvalidAction, match=r"action 18 of environment 1 is not in Discrete\(4\)"):
        envs.step(np.array([0, 18]))
    assert env.step(0)[4]["episode_frame_number"] == 4
    assert (envs.step(np.array([0, 3]))[4]["episode_frame_number"] == 4).all()


def test_after_the_end_a_reset_is_needed():
    env, envs = make("pong", max_frames=8), make_vec("pong", 2, "Disabled", max_frames=8)
    env.reset(seed=0), envs.reset(seed=0)
    for _ in range(2):
        truncated = env.step(0)[3]
        assert envs.step(np.zeros(2, int))[3].all() == truncated
    with pytest.raises(ResetNeeded):
        env.step(0)
    with pytest.raises(ResetNeeded, match=r"environments \[0, 1\] have ended"):
        envs.step(np.zeros(2, int))


def test_without_ale_py_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "ale_py", None)
    with pytest.raises(DependencyNotInstalled, match=r'pip install "rlbench\[atari\]"'):
        make("pong")


def test_a_missing_cartridge_and_another_one_are_named(monkeypatch, tmp_path):
    monkeypatch.setenv("ALE_ROMS_DIR", str(tmp_path))
    with pytest.raises(UserError, match=r"cartridge of pong cannot be read .*No such file.*unset ALE_ROMS_DIR"):
        make("pong")
    (tmp_path / "pong.bin").write_bytes(b"no game")
    with pytest.raises(UserError, match=r"cartridge of pong cannot be read \(The hash of pong.bin does not match"):
        make("pong")


def test_pictures_of_a_batch_are_those_of_its_games():
    envs, env = make_vec("pong", 2, render_mode="rgb_array"), make("pong", render_mode="rgb_array")
    envs.reset(seed=0), env.reset(seed=1)
    for _ in range(30):
        envs.step(np.array([2, 3])), env.step(3)
    assert same(envs.render()[1], env.render())
    assert env.render().shape == (210, 160, 3)
    assert env.metadata["render_fps"] == 15


def test_what_the_agent_sees_stands_beside_the_screen():
    with pytest.raises(UserError, match="give a render_mode"):
        make("breakout", show_observation=True)
    env = make("breakout", render_mode="rgb_array", show_observation=True, sticky=0.0)
    env.action_space.seed(0)
    env.reset(seed=0)
    for _ in range(10):
        observation = env.step(env.action_space.sample())[0]
    screen, seen = np.split(env.render(), [160], axis=1)
    assert seen.shape == (210, 2 * 84 + 3 * 4, 3)
    for i, (top, left) in enumerate([(19, 4), (19, 92), (107, 4), (107, 92)]):
        assert same(seen[top : top + 84, left : left + 84], np.repeat(observation[i, :, :, None], 3, axis=2))
    assert np.ptp(screen.astype(int), axis=2).max() > 50, "the screen is in colour"


def test_a_window_shows_every_step_three_times_as_large(monkeypatch):
    shown = []

    class Window:
        def __init__(self, title, fps):
            self.title, self.fps, self.closed = title, fps, False

        def show(self, frame):
            shown.append((self.title, self.fps, frame))

        def close(self):
            shown.append("closed")

    monkeypatch.setattr("rlbench.drawing.window.Viewer", Window)
    env, quiet = make("pong", render_mode="human"), make("pong", render_mode="rgb_array")
    env.reset(seed=0), quiet.reset(seed=0)
    env.step(2), quiet.step(2)
    env.close()
    assert [entry[:2] for entry in shown[:2]] == [("rlbench/AtariPong-v0", 15)] * 2
    assert shown[1][2].shape == (630, 480, 3)
    assert same(shown[1][2][1::3, 1::3], quiet.render())
    assert shown[2:] == ["closed"]


@pytest.mark.filterwarnings("ignore:.*Box observation space:UserWarning")
def test_gymnasiums_own_checker_passes():
    from gymnasium.utils.env_checker import check_env as gymnasium_check

    gymnasium_check(make("pong").unwrapped, skip_render_check=True)


def test_closing_twice_and_leaving_open_are_fine():
    env = make("pong", render_mode="rgb_array")
    env.reset(seed=0)
    env.close()
    env.close()
    make_vec("pong", 2).reset(seed=0)
