"""Games played by a script of keys, in a window that is not there."""

import gymnasium
import numpy as np
import pytest

import rlbench  # noqa: F401  # registers the ids
from rlbench.drawing.window import Closed, Key, Mouse
from rlbench.errors import UserError
from rlbench.interact.play import HumanPlay
from rlbench.interact.screen import Screen, free_path
from rlbench.interact.scripted_keys import ScriptedKeys, expanded


def play(env_id, keys, episodes=None, seed=0, speed=1, **kwargs):
    env = gymnasium.make(env_id, render_mode="rgb_array", **kwargs)
    screen = Screen(50, ScriptedKeys(keys), speed=speed)
    return list(HumanPlay(env, screen).play(seed, episodes)), screen


def test_a_game_that_waits_takes_a_step_for_each_key():
    (episode,), screen = play("rlbench/GridWorld-v0", ["left", "k", "-", "up", "up"])
    assert (episode.return_, episode.terminated, episode.actions) == (-3.0, True, [3, 0, 0])
    assert screen.notice == "enter: begin again"


def test_unknown_keys_give_a_notice():
    (episode,), screen = play("rlbench/GridWorld-v0", ["k"])
    assert (len(episode.rewards), screen.notice) == (0, "'k' does nothing here")


def test_a_world_that_moves_begins_with_the_first_key():
    (episode,), _ = play("rlbench/CartPole-v0", ["-*5", "right*4", "-*3", "left*2"])
    assert episode.actions == [1, 1, 1, 1, 0, 1, 0, 0, 0]


def test_enter_begins_the_next_episode_with_the_next_seed():
    episodes, _ = play("rlbench/GridWorld-v0", ["left", "return", "left"], seed=7)
    assert [episode.seed for episode in episodes] == [7, 8]
    assert [len(episode.rewards) for episode in episodes] == [1, 1]


def test_so_many_episodes_and_no_more():
    episodes, _ = play("rlbench/CartPole-v0", ["right*40", "return", "right*40", "return", "right*40"], episodes=2)
    assert [episode.terminated for episode in episodes] == [True, True]


def test_pause_and_single_steps():
    (episode,), screen = play("rlbench/CartPole-v0", ["right", "p", "-*9", "n", "n", "-*5", "p", "-*2"])
    assert screen.paused is False
    # One step for "right"; none while paused but for each n; then two for p's own moment and the rest.
    assert len(episode.rewards) == 1 + 2 + 3


class Mice(ScriptedKeys):
    """A script of events instead of keys."""

    def __init__(self, *batches):
        super().__init__([])
        self.batches = list(batches)

    def events(self):
        if not self.batches:
            self.closed = True
            return []
        return self.batches.pop(0)


def test_dragging_until_the_button_is_let_go():
    env = gymnasium.make("rlbench/CartPole-v0", render_mode="rgb_array")
    hold = [Mouse("move", 30, 100, 0)], [Mouse("down", 30, 100, 1)], [], [Mouse("up", 30, 100, 1)], [], []
    (episode,) = HumanPlay(env, Screen(50, Mice(*hold))).play(0)
    assert episode.actions[:2] == [0, 0]
    assert episode.actions[2:] == [0, 1, 0]  # nothing is held: left and right in turn


def test_clicks_are_found_on_the_magnified_frame_and_none_on_the_panel():
    env = gymnasium.make("rlbench/GridWorld-v0", render_mode="rgb_array")
    clicks = [Mouse("down", 600, 100, 1)], [Mouse("down", 64, 320, 1), Mouse("up", 64, 320, 1)], [Closed()]
    (episode,) = HumanPlay(env, Screen(4, Mice(*clicks))).play(0)
    assert episode.actions == [3]  # the walker starts in row 2, column 1; the click is on row 2, column 0


def test_a_key_that_is_tapped_between_two_steps_counts():
    env = gymnasium.make("rlbench/CartPole-v0", render_mode="rgb_array")
    (episode,) = HumanPlay(env, Screen(50, Mice([Key("left", True), Key("left", False)], []))).play(0)
    assert episode.actions == [0, 1]


def test_speed_and_panel_keys_are_the_screens_own():
    _, screen = play("rlbench/GridWorld-v0", ["+", "=", "tab"])
    assert (screen.speed, screen.panelled, screen.notice) == (4.0, False, "")
    for _ in range(20):
        screen.change_speed(0.5)
    assert screen.speed == 1 / 16


@pytest.mark.parametrize("word", ["", " ", "*3", "left*9999999", "left*x"])
def test_what_is_no_key(word):
    with pytest.raises(UserError, match="is no key"):
        expanded(word)


def test_pictures_never_overwrite(tmp_path):
    env = gymnasium.make("rlbench/GridWorld-v0", render_mode="rgb_array")
    screen = Screen(4, ScriptedKeys(["c", "left", "c", "-"]), pictures=tmp_path)
    list(HumanPlay(env, screen).play(0))
    assert [path.name for path in screen.written] == ["rlbench-1.png", "rlbench-2.png"]
    assert free_path(tmp_path, "rlbench", ".png").name == "rlbench-3.png"
    unwritable = Screen(4, ScriptedKeys(["c", "-"]), pictures=tmp_path / "nowhere")
    list(HumanPlay(env, unwritable).play(0))
    assert "cannot write" in unwritable.notice


def test_nothing_is_drawn_without_a_window():
    screen = Screen(50)
    screen.show(lambda: pytest.fail("drawn"))
    screen.wait(lambda: pytest.fail("drawn"))
    assert not screen.closed


def test_faster_than_a_screen_skips_frames():
    drawn = []
    screen = Screen(50, ScriptedKeys(["-*1000"]), speed=6)
    for i in range(50):
        screen.show(lambda i=i: drawn.append(i) or np.zeros((2, 2, 3), np.uint8))
    assert len(drawn) == 10


def by_hand_and_directly(env_id, keys, actions, seed=0, **kwargs):
    """What a script of keys earns, and what the same actions earn without any of this."""
    try:
        (episode,), _ = play(env_id, keys, episodes=1, seed=seed, speed=64, **kwargs)  # few frames are drawn
    except gymnasium.error.DependencyNotInstalled as error:
        pytest.skip(str(error))
    env = gymnasium.make(env_id, **kwargs)
    env.reset(seed=seed)
    earned = sum(env.step(action)[1] for action in actions)
    env.close()
    return episode.return_, pytest.approx(earned)


def test_a_chicken_crosses_the_road():
    """Freeway, up all the way: a point within 250 steps of four frames."""
    mine, known = by_hand_and_directly("rlbench/AtariFreeway-v0", ["up*250"], [1] * 250)
    assert mine == known
    assert mine >= 1


def test_a_robot_moves_its_joints():
    torques = [np.eye(6, dtype=np.float32)[i // 20 % 2] * (-1) ** (i // 40) for i in range(80)]
    keys = ["q*20", "w*20", "a*20", "s*20"]
    mine, known = by_hand_and_directly("rlbench/HalfCheetah-v0", keys, torques, renderer="sticks")
    assert mine == known


def test_a_digit_that_is_looked_at_and_named():
    env = gymnasium.make("rlbench/GlimpseMNIST-v0", render_mode="rgb_array")
    env.reset(seed=5)
    label = int(env.unwrapped.params.labels[env.unwrapped.state.image])
    looks = [[Mouse("down", 150 + 30 * i, 200, 1)] for i in range(5)]
    (episode,) = HumanPlay(env, Screen(2, Mice(*looks, [Key(str(label), True)]))).play(5, episodes=1)
    assert (episode.return_, episode.terminated, len(episode.rewards)) == (1.0, True, 6)
