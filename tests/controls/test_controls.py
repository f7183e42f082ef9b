"""Keys and mouse as actions: every environment's own, and those that are made of its spaces."""

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces

import rlbench
from rlbench.controls.fallback import PAIRS, Fallback
from rlbench.controls.find import find_controls
from rlbench.controls.protocol import PlayerInput
from rlbench.errors import UserError


def make(env_id, **kwargs):
    try:
        env = gymnasium.make(env_id, render_mode="rgb_array", **kwargs)
    except gymnasium.error.DependencyNotInstalled as error:
        pytest.skip(str(error))
    env.reset(seed=0)
    return env


def one_of_each_kind():
    """The first id of every environment folder: what its controls are like does not depend on the variant."""
    kinds = {}
    for each in rlbench.ENVIRONMENTS:
        kinds.setdefault((each.rules, each.entry_point), each.id)
    return list(kinds.values())


@pytest.mark.parametrize("env_id", one_of_each_kind())
def test_any_input_is_an_action_or_none(env_id):
    env = make(env_id)
    controls = find_controls(env)
    assert controls.help(env)
    keys = ["left", "right", "up", "down", "space", "k", *"0123456789", *"".join(PAIRS)]
    poses = [PlayerInput(frozenset({key}), key, step=step) for key in keys for step in (0, 1)]
    places = [(x, y) for x in (0.0, 50.0, 200.0, 1e4) for y in (30.0, 200.0)]
    poses += [PlayerInput(pointer=place, dragging=True, clicked=True) for place in places]
    poses += [PlayerInput(frozenset(keys), "left"), PlayerInput(), PlayerInput(dragging=True, clicked=True)]
    asked = [controls.action(player, env) for player in poses]
    assert any(action is not None for action in asked)
    for action in asked:
        assert (action is None and not controls.REAL_TIME) or env.action_space.contains(action), action
    env.close()


@pytest.mark.parametrize("env_id", one_of_each_kind())
def test_names_are_those_of_the_actions(env_id):
    env = make(env_id)
    names = find_controls(env).actions(env)
    parts = [env.action_space, *getattr(env.action_space, "spaces", {}).values()]
    assert not names or len(names) in {int(part.n) for part in parts if isinstance(part, gymnasium.spaces.Discrete)}
    env.close()


def test_grid_world_by_keys_and_by_clicks():
    env = make("rlbench/GridWorld-v0")
    controls = find_controls(env)
    env.unwrapped.state = {"row": 1, "col": 2}
    by_key = [controls.action(PlayerInput(pressed=key), env) for key in ("up", "right", "down", "left")]
    by_click = [
        controls.action(PlayerInput(clicked=True, pointer=place), env)
        for place in ((160.0, 32.0), (224.0, 96.0), (160.0, 191.9), (64.1, 64.0))
    ]
    assert by_key == by_click == [0, 1, 2, 3]
    far = [(160.0, 96.0), (224.0, 32.0), (160.0, 250.0), (0.0, 0.0)]
    assert {controls.action(PlayerInput(clicked=True, pointer=place), env) for place in far} == {None}
    assert controls.actions(env) == ("up", "right", "down", "left")


def test_cart_pole_is_pushed_towards_the_pointer():
    env = make("rlbench/CartPole-v0")
    env.unwrapped.state = (0.0, 0.0, 0.0, 0.0)
    controls = find_controls(env)
    assert controls.action(PlayerInput(dragging=True, pointer=(250.0, 9.0)), env) == 0
    assert controls.action(PlayerInput(dragging=True, pointer=(350.0, 9.0)), env) == 1
    assert [controls.action(PlayerInput(step=step), env) for step in range(4)] == [0, 1, 0, 1]
    assert controls.action(PlayerInput(frozenset({"right"})), env) == 1
    forces = make("rlbench/CartPole-v0", continuous=True)
    forces.unwrapped.state = (0.0, 0.0, 0.0, 0.0)
    for pointer, force in ((330.0, 0.5), (300.0, 0.0), (0.0, -1.0)):
        action = find_controls(forces).action(PlayerInput(dragging=True, pointer=(pointer, 9.0)), forces)
        assert action == pytest.approx(np.array([force]), abs=1e-6)
        forces.unwrapped._check_action(action)


class Spaces(gymnasium.Env):
    """Nothing but spaces, and names of actions if there are any."""

    def __init__(self, space, fps=4, meanings=()):
        self.action_space, self.observation_space = space, gymnasium.spaces.Discrete(1)
        self.metadata = {"render_fps": fps}
        if meanings:
            self.get_action_meanings = lambda: list(meanings)

    def render(self):
        return np.zeros((100, 200, 3), np.uint8)


BOX = gymnasium.spaces.Box(np.float32([-1, 0]), np.float32([1, 4]))


def test_the_fallback_reads_digits_arrows_pairs_and_places():
    moves = Spaces(gymnasium.spaces.Discrete(12, start=5))
    by_number = Fallback(moves)
    assert by_number.action(PlayerInput(pressed="3"), moves) == 8
    assert by_number.action(PlayerInput(pressed="k"), moves) is None
    two = Spaces(gymnasium.spaces.Discrete(2), fps=50)
    assert Fallback(two).action(PlayerInput(frozenset({"right"})), two) == 1
    named = Spaces(gymnasium.spaces.Discrete(3), 60, ("NOOP", "FIRE", "UP"))
    assert [Fallback(named).action(PlayerInput(frozenset({key})), named) for key in ("space", "up")] == [1, 2]
    assert Fallback(named).actions(named) == ("NOOP", "FIRE", "UP")
    box = Spaces(BOX, fps=50)
    np.testing.assert_allclose(Fallback(box).action(PlayerInput(frozenset("qs")), box), [1, 0])
    np.testing.assert_allclose(Fallback(box).action(PlayerInput(), box), [0, 2])
    np.testing.assert_allclose(Fallback(box).action(PlayerInput(pointer=(50.0, 75.0)), box), [-0.5, 3])
    nested = Spaces(gymnasium.spaces.Dict(place=BOX, label=gymnasium.spaces.Discrete(10)))
    action = Fallback(nested).action(PlayerInput(pressed="7"), nested)
    assert action["label"] == 7
    assert nested.action_space.contains(action)
    assert Fallback(nested).action(PlayerInput(pressed="z"), nested) is None


def test_environments_of_others_are_played_by_the_fallback():
    assert isinstance(find_controls(make("FrozenLake-v1")), Fallback)
    assert isinstance(find_controls(Spaces(BOX)), Fallback)


def test_a_glimpse_goes_where_the_click_was_and_the_answer_comes_last():
    from rlbench.envs.glimpse import controls
    from rlbench.envs.glimpse.render import on_panel, placement

    env = make("rlbench/GlimpseCluttered60-v0")
    world = env.unwrapped
    for place in ((0.0, 0.0), (-0.5, 0.75), (1.0, -1.0)):
        pixel = on_panel(*place, placement(world.params), world.params)
        np.testing.assert_allclose(controls.location(*pixel, world.params), place, atol=1e-6)
        assert env.action_space.contains(controls.action(PlayerInput(clicked=True, pointer=pixel), env))
    assert controls.action(PlayerInput(pressed="3"), env) is None  # too early
    assert controls.action(PlayerInput(clicked=True, pointer=(600.0, 9.0)), env) is None  # on the patches
    while world.state.step < world.params.glimpses - 1:
        env.step(controls.action(PlayerInput(clicked=True, pointer=(200.0, 200.0)), env))
    assert controls.action(PlayerInput(clicked=True, pointer=(200.0, 200.0)), env) is None
    assert controls.action(PlayerInput(pressed="3"), env)["label"] == 3
    assert controls.action(PlayerInput(pressed="k"), env) is None


def test_who_plays_by_glimpses_sees_only_what_was_looked_at():
    from rlbench.envs.glimpse import controls
    from rlbench.envs.glimpse.render import PANEL, render

    env = make("rlbench/GlimpseMNIST-v0", glimpses=3)
    world = env.unwrapped
    shown = []
    for _ in range(3):
        whole, mine = render(world.state, world.params)[:, :PANEL], controls.frame(env)[:, :PANEL]
        shown.append(np.count_nonzero((mine > 128).all(axis=2)))
        assert shown[-1] < np.count_nonzero((whole > 128).all(axis=2))
        env.step({"location": np.zeros(2, np.float32), "label": 0})
    assert shown[1] >= shown[0]
    np.testing.assert_array_equal(controls.frame(env), render(world.state, world.params))  # all is shown in the end


JOYSTICK = {
    "Seaquest": [({"up", "right", "space"}, "uprightfire"), ({"down"}, "down"), ({"left", "right"}, "noop")],
    "Pong": [({"right", "space", "up"}, "rightfire")],
    "Breakout": [({"left", "space"}, "left"), ({"space"}, "fire"), ({"up", "k"}, "noop"), (set(), "noop")],
}


@pytest.mark.parametrize("game", JOYSTICK)
def test_the_joystick_does_what_the_game_knows(game):
    env = make(f"rlbench/Atari{game}-v0")
    controls = find_controls(env)
    for held, name in JOYSTICK[game]:
        assert controls.actions(env)[controls.action(PlayerInput(frozenset(held)), env)] == name
    if game == "Seaquest":
        names = {(150.0, 105.0): "right", (80.0, 10.0): "up", (10.0, 200.0): "downleft", (80.0, 105.0): "noop"}
        for pointer, name in names.items():
            assert controls.actions(env)[controls.action(PlayerInput(dragging=True, pointer=pointer), env)] == name
    env.close()


@pytest.mark.parametrize("robot", ["HalfCheetah", "Humanoid", "Swimmer"])
def test_every_joint_has_two_keys(robot):
    env = make(f"rlbench/{robot}-v0")
    controls = find_controls(env)
    n, high = env.action_space.shape[0], env.action_space.high
    pairs = controls.PAIRS[:n]
    assert len({key for pair in pairs for key in pair}) == 2 * n
    for i, (plus, minus) in enumerate(pairs):
        one = np.eye(n, dtype=np.float32)[i] * high
        np.testing.assert_array_equal(controls.action(PlayerInput(frozenset({plus})), env), one)
        np.testing.assert_array_equal(controls.action(PlayerInput(frozenset({minus})), env), -one)
    assert len(controls.joints(env)) == n
    assert all(controls.joints(env))
    drag = controls.action(PlayerInput(dragging=True, pointer=(480.0, 240.0)), env)
    np.testing.assert_allclose(drag[:2], [high[0], 0])
    env.close()


def test_no_key_of_an_environment_is_the_players_own():
    from rlbench.envs.locomotion.controls import PAIRS as JOINTS
    from rlbench.interact.play import AGAIN, SAVE_TRACE
    from rlbench.interact.screen import STEP, Screen

    own = {*Screen(1)._commands, STEP, SAVE_TRACE, *AGAIN}
    assert not own & {*"".join(PAIRS), *"".join(JOINTS), "space", "left", "right", "up", "down", *"0123456789"}


@pytest.mark.parametrize("space", [spaces.Text(5), spaces.Sequence(spaces.Discrete(2))])
def test_a_space_that_no_keys_can_set_is_refused(space):
    env = gymnasium.make("rlbench/GridWorld-v0")
    controls = Fallback(env)
    env.action_space = spaces.Dict({"part": space})
    with pytest.raises(UserError, match=f"no keys give actions of a {type(space).__name__} space"):
        controls.help(env)


def test_switches_and_levels_have_keys_of_their_own():
    levels = Spaces(spaces.MultiDiscrete([2, 5, 3], start=[0, 10, 0]), fps=50)
    controls = Fallback(levels)
    for held, action in (("", [0, 12, 1]), ("qw", [1, 14, 1]), ("sd", [0, 10, 0]), ("e", [0, 12, 2])):
        asked = controls.action(PlayerInput(frozenset(held)), levels)
        assert asked.tolist() == action
        assert levels.action_space.contains(asked)
    assert controls.help(levels) == (("q/a w/s e/d", "most, least"),)
    switches = Spaces(spaces.MultiBinary((2, 6)))
    controls = Fallback(switches)
    assert controls.action(PlayerInput(pressed="z"), switches) is None
    asked = controls.action(PlayerInput(frozenset("ql"), pressed="o"), switches)
    assert asked.tolist() == [[1, 0, 0, 0, 0, 0], [0, 0, 1, 0, 0, 0]]
    assert switches.action_space.contains(asked)
    assert controls.help(switches) == (("q w e r t y u i o", "on while held"),)


OF_GYMNASIUM = (
    *("Acrobot-v1", "Blackjack-v1", "CartPole-v1", "CliffWalking-v1", "FrozenLake-v1", "FrozenLake8x8-v1"),
    *("MountainCar-v0", "MountainCarContinuous-v0", "Pendulum-v1", "Taxi-v4"),
)


@pytest.mark.parametrize("env_id", OF_GYMNASIUM)
def test_keys_give_actions_of_gymnasium_s_environments(env_id):
    if env_id not in gymnasium.registry:
        pytest.skip("this Gymnasium has another version of it")
    env = gymnasium.make(env_id)
    controls, seen = find_controls(env), set()
    assert controls.help(env)
    for key in ("left", "right", "0", "1", "q", "a"):
        action = controls.action(PlayerInput(frozenset({key}), pressed=key), env)
        if action is not None:
            assert env.action_space.contains(action)
            seen.add(str(action))
    assert len(seen) > 1
