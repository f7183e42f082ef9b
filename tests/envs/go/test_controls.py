"""Go by mouse and keys, without a window: clicks are moves, those that cannot be say why."""

import gymnasium
import numpy as np
import pytest
from gymnasium.error import InvalidAction

import rlbench  # noqa: F401  # registers the ids
from rlbench.controls.find import find_controls
from rlbench.controls.protocol import PlayerInput
from rlbench.envs.go.coordinates import from_gtp
from rlbench.envs.go.picture import BoardLayout
from tests.envs.go.boards import board_read_from


def made(moves="", **kwargs):
    """A 5x5 board for two players after these moves, and its controls."""
    env = gymnasium.make("rlbench/Go5x5-v0", opponent=None, render_mode="rgb_array", **kwargs)
    env.reset(seed=0)
    for move in moves.split():
        env.step(from_gtp(move, (5, 5)))
    return env, find_controls(env)


def at(vertex):
    return BoardLayout.of((5, 5)).place(*divmod(from_gtp(vertex, (5, 5)), 5))


def test_clicks_and_keys_are_moves():
    env, controls = made()
    assert controls.action(PlayerInput(clicked=True, pointer=at("A5")), env) == 0
    assert controls.action(PlayerInput(clicked=True, pointer=at("B1")), env) == 21
    assert controls.action(PlayerInput(pressed="space", pointer=at("C3")), env) == 12
    assert controls.action(PlayerInput(pressed="p", pointer=at("C3")), env) == 25
    for idle in (PlayerInput(pointer=at("C3")), PlayerInput(clicked=True), PlayerInput(pressed="space")):
        assert controls.action(idle, env) is None
    assert controls.action(PlayerInput(clicked=True, pointer=(250.0, 530.0)), env) is None  # on the line below


def test_arrows_move_the_pointer_from_point_to_point():
    env, controls = made()
    path = []
    pointer = None
    for key in ("up", "up", "left", "left", "left", "up", "right", "down"):
        pointer = controls.moved(PlayerInput(pressed=key, pointer=pointer), env)
        path.append(controls.action(PlayerInput(pressed="space", pointer=pointer), env))
    names = [controls.actions(env)[action] for action in path]
    assert names == ["C3", "C4", "B4", "A4", "A4", "A5", "B5", "B4"]
    assert controls.moved(PlayerInput(pressed="k", pointer=pointer), env) is None


KO = "B5 C5 A4 D4 C4 C3 B3 B4"  # White takes the ko at C4 by B4; Black may not take back at C4


@pytest.mark.parametrize(
    ("moves", "kwargs", "vertex", "reason"),
    [
        ("C3", {}, "C3", "C3 is illegal: there is a stone"),
        ("A4 pass B5", {}, "A5", "A5 is illegal: suicide"),
        ("A4 pass B5", {"suicide": True}, "A5", "A5 is illegal: it repeats an earlier position"),
        (KO, {}, "C4", "C4 is illegal: it repeats an earlier position"),
        ("pass pass", {}, "C3", "C3 is illegal: the game is over"),
    ],
)
def test_what_cannot_be_says_why(moves, kwargs, vertex, reason):
    env, controls = made(moves, **kwargs)
    for player in (PlayerInput(clicked=True, pointer=at(vertex)), PlayerInput(pressed="space", pointer=at(vertex))):
        with pytest.raises(InvalidAction) as caught:
            controls.action(player, env)
        assert str(caught.value) == reason


def test_a_click_shows_its_stone_before():
    env, controls = made("C3")
    before = env.render()
    seen = controls.pointed(env, at("B2"))
    changed = np.argwhere((seen != before).any(axis=2)).mean(axis=0)
    np.testing.assert_allclose(changed, at("B2")[::-1], atol=4)
    assert (controls.pointed(env, at("C3")) != before).any()
    np.testing.assert_array_equal(controls.pointed(env, (250.0, 530.0)), before)
    np.testing.assert_array_equal(env.render(), before)
    env.step(0)
    assert board_read_from(env.render(), (5, 5))[0, 0] == -1
