"""The robots against Gymnasium's own, the batch against itself, and what they say to a user who errs."""

import copy
import os
import pickle
import subprocess
import sys

import gymnasium
import numpy as np
import pytest
from gymnasium.error import DependencyNotInstalled, InvalidAction, ResetNeeded

from rlbench.envs.locomotion.mujoco_bindings import check_threads, quiet
from rlbench.errors import UserError
from rlbench.testing import check_vector_env, same

pytest.importorskip("mujoco", reason='robots need pip install "rlbench[mujoco]"')

ROBOTS = ["HalfCheetah", "Hopper", "Walker2d", "Ant", "Humanoid", "Swimmer"]


def gymnasiums(name):
    pytest.importorskip("imageio", reason="Gymnasium's own robots import it")
    with quiet():
        return gymnasium.make(f"{name}-v5")


def make(name, **kwargs):
    return gymnasium.make(f"rlbench/{name}-v0", **kwargs)


def make_vec(name, num_envs, **kwargs):
    return gymnasium.make_vec(f"rlbench/{name}-v0", num_envs=num_envs, **kwargs)


def compare_episode(ours, theirs, seed, steps):
    """Play an episode in both; returns its length and the terms of the reward that were compared."""
    np.testing.assert_array_equal(ours.reset(seed=seed)[0], theirs.reset(seed=seed)[0])
    terms = set()
    for i in range(steps):
        action = ours.action_space.sample()
        mine, peers = ours.step(action), theirs.step(action)
        state = ours.unwrapped.state
        assert np.abs(np.concatenate(state[:2]) - theirs.unwrapped.state_vector()).max() <= 1e-12
        assert mine[0].dtype == peers[0].dtype
        assert np.abs(mine[0] - peers[0]).max() <= 1e-12
        assert abs(mine[1] - peers[1]) <= 1e-9
        assert mine[2:4] == peers[2:4]
        for term in mine[4].keys() & peers[4].keys():
            terms.add(term)
            assert abs(mine[4][term] - peers[4][term]) <= 1e-9
        if mine[2] or mine[3]:
            return i + 1, terms
    return steps, terms


TERMS = {"reward_forward", "reward_ctrl", "x_position", "x_velocity"}
SURVIVE = {"Hopper", "Walker2d", "Ant", "Humanoid"}
TOUCH = {"Ant", "Humanoid"}


def check_against_gymnasium(name, episodes, steps):
    ours, theirs = make(name, reward="gymnasium"), gymnasiums(name)
    ours.action_space.seed(0)
    assert ours.action_space == theirs.action_space
    assert ours.observation_space == theirs.observation_space
    expected = TERMS | ({"reward_survive"} if name in SURVIVE else set())
    expected |= {"reward_contact"} if name in TOUCH else set()
    for seed in range(episodes):
        _, terms = compare_episode(ours, theirs, seed, steps)
        assert terms == expected


@pytest.mark.parametrize("name", ROBOTS)
def test_the_gymnasium_task_is_gymnasiums(name):
    check_against_gymnasium(name, 3, 60)


@pytest.mark.slow
@pytest.mark.parametrize("name", ROBOTS)
def test_the_gymnasium_task_is_gymnasiums_for_twenty_episodes(name):
    check_against_gymnasium(name, 20, 1000)


@pytest.mark.parametrize("name", ["HalfCheetah", "Ant", "Humanoid"])
def test_actions_of_double_precision_are_rewarded_as_gymnasium_does(name):
    ours, theirs = make(name, reward="gymnasium"), gymnasiums(name)
    ours.reset(seed=0), theirs.reset(seed=0)
    action = np.linspace(-0.3, 0.29, ours.action_space.shape[0])
    assert abs(ours.step(action)[1] - theirs.step(action)[1]) <= 1e-12


def test_the_gymnasium_task_with_contact_forces_conforms_as_a_batch():
    check_vector_env("rlbench/Ant-v0", reward="gymnasium")


@pytest.mark.parametrize("reward", ["lecture", "gymnasium"])
@pytest.mark.parametrize("name", ROBOTS)
def test_states_depend_on_neither_width_nor_threads(name, reward):
    cores = check_threads(None)
    narrow, wide = make_vec(name, 2, reward=reward, threads=1), make_vec(name, 7, reward=reward, threads=cores)
    single = make(name, reward=reward)
    narrow.reset(seed=3), wide.reset(seed=3), single.reset(seed=3)
    wide.action_space.seed(0)
    over = False
    for _ in range(30):
        actions = wide.action_space.sample()
        a, b = narrow.step(actions[:2]), wide.step(actions)
        if not over:
            alone = single.step(actions[0])
            assert same(alone[:4], tuple(each[0] for each in b[:4]))
            over = alone[2]
        assert same(a[:4], tuple(each[:2] for each in b[:4]))
        assert same(tuple(narrow.unwrapped.state), tuple(field[:2] for field in wide.unwrapped.state))


@pytest.mark.parametrize("mode", ["NextStep", "SameStep", "Disabled"])
def test_infos_of_the_batch_are_those_of_the_singles(mode):
    kwargs = {"vectorization_mode": "sync", "vector_kwargs": {"autoreset_mode": mode}}
    batch, singles = make_vec("Hopper", 3, autoreset_mode=mode), make_vec("Hopper", 3, **kwargs)
    batch.reset(seed=5), singles.reset(seed=5)
    batch.action_space.seed(5)
    ends = 0
    for _ in range(60):
        actions = batch.action_space.sample()
        (*_, ended, _, ours), (*_, theirs) = batch.step(actions), singles.step(actions)
        if mode == "SameStep" and ended.any():
            ours, theirs = ours["final_info"], theirs["final_info"]
        for term in ("reward_upright", "reward_forward", "x_position", "x_velocity", "diverged"):
            where = theirs.get(f"_{term}", np.zeros(3, bool)) if mode != "SameStep" or not ended.any() else ended
            assert same(ours[term][where], np.asarray(theirs.get(term, np.zeros(3)))[where].astype(ours[term].dtype))
            if mode == "NextStep":
                np.testing.assert_array_equal(ours[f"_{term}"], where)
        ends += ended.sum()
        if mode == "Disabled" and ended.any():
            batch.reset(options={"reset_mask": ended}), singles.reset(options={"reset_mask": ended})
    assert ends >= 3


@pytest.mark.parametrize(("name", "reward"), [("Hopper", "lecture"), ("Ant", "lecture"), ("Ant", "gymnasium")])
def test_a_state_that_was_set_continues_bit_for_bit(name, reward):
    env, twin = make(name, reward=reward), make(name, reward=reward)
    env.reset(seed=1), twin.reset(seed=2)
    env.action_space.seed(1)
    for _ in range(5):
        env.step(env.action_space.sample())
    copies = [twin, copy.deepcopy(env), pickle.loads(pickle.dumps(env))]
    twin.unwrapped.state = env.unwrapped.state
    actions = [env.action_space.sample() for _ in range(5)]
    expected = [env.step(action)[:4] for action in actions]
    for other in copies:
        assert same([other.step(action)[:4] for action in actions], expected)


def test_a_batch_begins_in_given_states_and_continues_where_a_single_stood():
    env, envs = make("Hopper"), make_vec("Hopper", 2)
    env.reset(seed=1)
    action = np.array([0.1, -0.2, 0.3], np.float32)
    env.step(action)
    state = env.unwrapped.state
    envs.reset(seed=0, options={"state": {name: np.stack([value] * 2) for name, value in state._asdict().items()}})
    assert same(envs.step(np.stack([action] * 2))[0][1], env.step(action)[0])
    assert same(copy.deepcopy(envs.unwrapped).step(np.stack([action] * 2))[0][0], env.step(action)[0])


CASES = [
    ("Hopper", "lecture"),
    ("HalfCheetah", "gymnasium"),
    ("Ant", "gymnasium"),
]  # each a different integrator or engine


def wildly(state):
    """The same state, spinning at a thousand million radians per second."""
    return state._replace(qvel=np.full_like(state.qvel, 1e9))


@pytest.mark.parametrize(("name", "reward"), CASES)
def test_a_diverging_simulation_ends_the_episode(name, reward, capfd):
    env = make(name, reward=reward)
    env.reset(seed=0)
    before = env.unwrapped.state = wildly(env.unwrapped.state)
    observation, reward, terminated, truncated, info = env.step(np.zeros(env.action_space.shape, np.float32))
    assert np.isfinite(observation).all()
    assert (reward, terminated, truncated, info["diverged"]) == (0.0, True, False, True)
    assert all(term == 0 for key, term in info.items() if key.startswith("reward"))
    assert same(env.unwrapped.state.qvel, before.qvel)
    with pytest.raises(ResetNeeded):
        env.step(np.zeros(env.action_space.shape, np.float32))
    env.reset(seed=0)
    assert not env.step(np.zeros(env.action_space.shape, np.float32))[4]["diverged"]
    assert "unstable" in capfd.readouterr().err  # MuJoCo's own word for it


@pytest.mark.parametrize(("name", "reward"), CASES)
def test_a_diverging_robot_leaves_the_others_alone(name, reward, capfd):
    envs, twins = (make_vec(name, 3, reward=reward, autoreset_mode="Disabled") for _ in range(2))
    envs.reset(seed=0), twins.reset(seed=0)
    good, bad = envs.unwrapped.state, wildly(envs.unwrapped.state)
    envs.unwrapped.state = type(good)(*(np.stack((a[0], b[1], a[2])) for a, b in zip(good, bad, strict=True)))
    actions = np.zeros(envs.action_space.shape, np.float32)
    ours, theirs = envs.step(actions), twins.step(actions)
    assert np.isfinite(ours[0]).all()
    assert ours[1][1] == 0.0
    assert ours[2].tolist() == ours[4]["diverged"].tolist() == [False, True, False]
    assert same(tuple(part[[0, 2]] for part in ours[:4]), tuple(part[[0, 2]] for part in theirs[:4]))
    envs.reset(options={"reset_mask": ours[2]})
    assert not envs.step(actions)[4]["diverged"].any()


@pytest.mark.parametrize(
    ("action", "message"),
    [
        (np.array([0, np.nan, 0]), r"torque nan of motor 1 \(leg_joint\) is not within \[-1.0, 1.0\]"),
        (np.array([0, 0, np.inf]), r"torque inf of motor 2 \(foot_joint\)"),
        (np.array([-1.5, 0, 0]), r"torque -1.5 of motor 0 \(thigh_joint\)"),
        (np.zeros(2), r"torques are float64 of shape \(2,\); this environment takes floats of shape \(3,\)"),
        (np.zeros(3, bool), "torques are bool"),
    ],
)
def test_bad_torques_are_named(action, message):
    env, envs = make("Hopper"), make_vec("Hopper", 2)
    env.reset(seed=0), envs.reset(seed=0)
    with pytest.raises(InvalidAction, match=message):
        env.step(action)
    with pytest.raises(InvalidAction):
        envs.step(np.stack((np.zeros_like(action), action)))


def test_a_bad_torque_of_a_batch_is_named_with_its_environment():
    envs = make_vec("Hopper", 2)
    envs.reset(seed=0)
    with pytest.raises(InvalidAction, match=r"torque nan of motor 2 \(foot_joint\) of environment 1 is not within"):
        envs.step(np.array([[0, 0, 0], [0, 0, np.nan]]))


def test_whole_numbers_are_torques_too():
    env, twin = make("Hopper"), make("Hopper")
    env.reset(seed=0), twin.reset(seed=0)
    assert same(env.step(np.array([1, 0, -1]))[:4], twin.step(np.array([1.0, 0.0, -1.0]))[:4])


def test_bad_arguments_are_named():
    with pytest.raises(UserError, match=r"unknown reward 'gymnasum'; did you mean gymnasium\?"):
        make("Hopper", reward="gymnasum")
    with pytest.raises(UserError, match=r"unknown renderer 'stick'; did you mean sticks\?"):
        make_vec("Hopper", 2, renderer="stick")
    cores = check_threads(None)
    for threads in (cores + 1, 0, True, 1.0):
        with pytest.raises(ValueError, match=rf"threads is an integer 1 to {cores} \(the cores of this process\)"):
            make_vec("Hopper", 2, threads=threads)
    for num_envs in (0, 2.5):
        with pytest.raises(ValueError, match=f"num_envs is a positive integer, got {num_envs}"):
            make_vec("Hopper", num_envs)
    for start in (make, lambda name, **kwargs: make_vec(name, 2, **kwargs)):
        with pytest.raises(UserError, match=r"got an unexpected keyword argument 'rewards'; did you mean reward"):
            start("Hopper", rewards="gymnasium")
        with pytest.raises(UserError, match="unknown reward None; there is gymnasium, lecture"):
            start("Hopper", reward=None)
    with pytest.raises(UserError, match=r"got an unexpected keyword argument 'num_threads'; did you mean threads\?"):
        make_vec("Hopper", 2, num_threads=2)


def test_a_wrong_mujoco_gl_is_a_mistake_of_the_user():
    code = "import gymnasium, rlbench; gymnasium.make('rlbench/Hopper-v0')"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "MUJOCO_GL": "nonsense"},
        capture_output=True,
        text=True,
        encoding="utf-8",
    )
    assert "unset MUJOCO_GL, or set it to egl or osmesa" in done.stderr.splitlines()[-1]


def test_a_robot_that_is_put_elsewhere_has_not_run_there():
    env = make("Hopper")
    env.reset(seed=0)
    far = env.unwrapped.state.qpos + np.array([3.0, 0, 0, 0, 0, 0])
    env.unwrapped.state = env.unwrapped.state._replace(qpos=far)
    assert abs(env.step(np.zeros(3, np.float32))[1]) < 2


def test_a_batch_has_no_pictures_before_its_reset():
    with pytest.raises(ResetNeeded, match="nothing to render yet"):
        make_vec("Hopper", 2, render_mode="rgb_array").render()


@pytest.mark.parametrize("bad", [{"qpos": np.full(6, np.nan)}, {"qvel": np.full(6, 1e11)}, {"qpos": np.zeros(5)}])
def test_a_bad_state_is_refused(bad):
    env = make("Hopper")
    env.reset(seed=0)
    with pytest.raises(ValueError, match="state"):
        env.unwrapped.state = env.unwrapped.state._replace(**bad)


def test_a_missing_mujoco_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "mujoco", None)
    with pytest.raises(DependencyNotInstalled, match=r'pip install "rlbench\[mujoco\]"'):
        make("Hopper")
    with pytest.raises(DependencyNotInstalled, match=r'pip install "rlbench\[mujoco\]"'):
        make_vec("Hopper", 2)
