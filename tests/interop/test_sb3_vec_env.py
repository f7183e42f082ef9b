"""`sb3_vec_env` against the library's own DummyVecEnv of single environments: the same steps, infos and seeds."""

import copy
import pickle

import gymnasium
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode

from rlbench.errors import ArgumentError
from rlbench.interop import sb3_vec_env
from tests.core import families

pytest.importorskip("stable_baselines3", reason="pip install 'rlbench[peers]'")

from stable_baselines3 import PPO
from stable_baselines3.common.evaluation import evaluate_policy
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import DummyVecEnv, VecFrameStack, VecMonitor, VecNormalize

CART_POLE = "rlbench/CartPole-v0"
GO = "rlbench/Go5x5-v0"
CASES = {
    "grid world": ("rlbench/GridWorld-v0", {"max_episode_steps": 9}, 40),
    "cart-pole": (CART_POLE, {"max_episode_steps": 30}, 80),
    "glimpse": ("rlbench/GlimpseMNIST-v0", {}, 20),
    "go": (GO, {"opponent": "random"}, 60),
    "robots": ("rlbench/Hopper-v0", {"max_episode_steps": 25}, 60),
    "atari": ("rlbench/AtariPong-v0", {"max_frames": 48}, 30),
    "gymnasium's own": ("MountainCar-v0", {"max_episode_steps": 7}, 20),
}
N = 3
UNTOLD_AT_ENDS = {"go": {"action_mask"}, "atari": {"lives", "episode_frame_number"}}
"""Of an episode that ended; the observation holds the mask, and the batch tells the others of the next episode."""


def equal(a, b):
    """Whether two values are the same, arrays and dicts of them included."""
    if isinstance(a, dict):
        return isinstance(b, dict) and a.keys() == b.keys() and all(equal(a[key], b[key]) for key in a)
    return np.array_equal(a, b)


def pair(case, **options):
    """The batch, and N single environments of the same seeds."""
    id, arguments, steps = CASES[case]
    if case in families.FAMILIES:
        families.require(case)
    ours = sb3_vec_env(id, N, all_infos=True, **arguments, **options)
    theirs = DummyVecEnv([lambda: Monitor(gymnasium.make(id, **arguments))] * N)
    assert ours.seed(7) == theirs.seed(7)
    return ours, theirs, steps


def drawn(space, observations, rng):
    """Random actions as a batch and as a list; legal ones where the observation says which are."""
    if isinstance(observations, dict) and "action_mask" in observations:
        rows = [rng.choice(np.flatnonzero(row)) for row in observations["action_mask"]]
    else:
        rows = [space.sample() for _ in range(N)]
    if isinstance(rows[0], dict):
        return {key: np.stack([row[key] for row in rows]) for key in rows[0]}, rows
    return np.stack(rows), rows


def same_info(info, other, case):
    """Whether infos agree but for what a batch does not tell, and `t`, which is the clock's."""
    info, other = dict(info), dict(other)
    if (episode := info.pop("episode", None)) is not None:
        theirs = other.pop("episode")
        assert episode.keys() == theirs.keys()
        assert (episode["r"], episode["l"]) == (pytest.approx(theirs["r"], abs=1e-6), theirs["l"])
    untold = UNTOLD_AT_ENDS.get(case, ()) if "terminal_observation" in info else ()
    return equal(info, {name: value for name, value in other.items() if name not in untold})


@pytest.mark.parametrize("case", CASES)
def test_steps_are_those_of_dummy_vec_env(case):
    ours, theirs, steps = pair(case)
    seen, expected = ours.reset(), theirs.reset()
    rng, ended = np.random.default_rng(1), 0
    ours.action_space.seed(3)
    for _ in range(steps):
        assert equal(seen, expected)
        batch, rows = drawn(ours.action_space, seen, rng)
        seen, rewards, dones, infos = ours.step(batch)
        expected, their_rewards, their_dones, their_infos = theirs.step(rows)
        assert (rewards.dtype, dones.dtype) == (np.float32, np.bool_)
        assert equal(rewards, their_rewards)
        assert equal(dones, their_dones)
        for info, other in zip(infos, their_infos, strict=True):
            assert same_info(info, other, case), (info, other)
        ended += dones.sum()
    assert ended
    assert ours.observation_space == theirs.observation_space
    assert ours.action_space == theirs.action_space
    ours.close()


def test_copies_of_a_step_stay_as_they_were():
    envs = sb3_vec_env(CART_POLE, N, seed=1)
    first = envs.reset()
    kept = first.copy()
    infos = [info for _ in range(60) for info in envs.step(np.ones(N, np.int64))[3] if info]
    assert np.array_equal(first, kept)
    last = [info["terminal_observation"] for info in infos]
    assert len(last) > 6
    assert all(abs(each[0]) > 2.4 or abs(each[2]) > 12 * np.pi / 180 for each in last), "what the last step reached"


def test_seeds_hold_for_one_reset():
    envs = sb3_vec_env(CART_POLE, N, seed=5)
    begun = envs.reset()
    expected = [gymnasium.make(CART_POLE).reset(seed=5 + i)[0] for i in range(N)]
    assert np.array_equal(begun, expected)
    assert not np.array_equal(envs.reset(), begun)
    envs.seed(5)
    assert np.array_equal(envs.reset(), begun)


def test_options_go_to_the_environments():
    envs = sb3_vec_env("rlbench/GridWorld-v0", N)
    envs.set_options([{"state": {"row": row, "col": 2}} for row in (3, 1, 2)])
    assert envs.reset().tolist() == [14, 6, 10]
    envs.set_options({"state": {"row": 0, "col": 2}})
    assert envs.reset().tolist() == [2, 2, 2]
    envs.set_options([{"state": {"row": 0, "col": 2}}, {}, {}])
    with pytest.raises(ArgumentError, match=r"environment 1 has options \{\}, environment 0 .*: keys differ"):
        envs.reset()
    singly = sb3_vec_env("MountainCar-v0", 2)
    singly.set_options({"low": -0.5, "high": -0.5})
    assert singly.reset()[:, 0].tolist() == [-0.5, -0.5]
    singly.set_options([{"low": -0.5, "high": -0.5}, {"low": -0.4, "high": -0.4}])
    with pytest.raises(ArgumentError, match="gives all its environments the same options"):
        singly.reset()


def test_the_shared_info_cannot_be_written_but_copied():
    envs = sb3_vec_env(CART_POLE, N, seed=1)
    envs.reset()
    info = envs.step(np.ones(N, np.int64))[3][0]
    for write in (lambda: info.update(a=1), lambda: info.setdefault("a", 1), lambda: info.__setitem__("a", 1)):
        with pytest.raises(TypeError, match=r"all_infos=True"):
            write()
    for made in (copy.deepcopy(info), info.copy(), pickle.loads(pickle.dumps(info))):
        made["a"] = 1
    assert info == {}


def test_attributes_and_methods():
    envs = sb3_vec_env(CART_POLE, N, render_mode="rgb_array")
    envs.reset()
    assert envs.get_attr("action_space", indices=[1]) == [gymnasium.spaces.Discrete(2)]
    states = envs.get_attr("state", indices=range(2))
    assert [type(each).__name__ for each in states] == ["State", "State"]
    assert envs.has_attr("spec")
    assert not envs.has_attr("no_such")
    assert [frame.ndim for frame in envs.env_method("render", indices=[0, 2])] == [3, 3]
    assert envs.render().ndim == 3
    with pytest.raises(AttributeError, match="has no method swing_up of one environment"):
        envs.env_method("swing_up")
    envs.set_attr("note", 3)
    assert envs.get_attr("note") == [3, 3, 3]
    with pytest.raises(ArgumentError, match="leave out indices"):
        envs.set_attr("note", 4, indices=0)
    singly = sb3_vec_env("MountainCar-v0", N)
    singly.set_attr("note", 4, indices=[2])
    assert singly.get_attr("note", indices=2) == [4]
    assert singly.env_is_wrapped(gymnasium.wrappers.TimeLimit) == [True] * N


def test_go_tells_which_moves_are_legal():
    envs = sb3_vec_env(GO, N, opponent="random")
    assert not envs.has_attr("action_masks")  # before the first reset there is nothing to tell
    seen = envs.reset()
    assert envs.has_attr("action_masks")
    assert np.array_equal(envs.env_method("action_masks"), seen["action_mask"] > 0)
    assert [masks() is not None for masks in envs.get_attr("action_masks")] == [True] * N


def test_the_librarys_wrappers_take_it(tmp_path):
    inner = sb3_vec_env(CART_POLE, N, seed=0, monitor=False)
    envs = VecFrameStack(VecNormalize(VecMonitor(inner, str(tmp_path / "m"))), 2)
    envs.reset()
    ended = [info for _ in range(80) for info in envs.step(np.zeros(N, np.int64))[3] if "episode" in info]
    assert ended
    assert all(info["terminal_observation"].shape == (8,) for info in ended)
    envs.close()


def test_ppo_trains_and_is_evaluated_on_it():
    envs = sb3_vec_env(CART_POLE, 16, seed=0, max_episode_steps=40)
    assert envs.env_is_wrapped(Monitor, indices=[0, 3]) == [True, True]
    model = PPO("MlpPolicy", envs, n_steps=32, batch_size=256, n_epochs=1, seed=0, device="cpu").learn(1024)
    assert len(model.ep_info_buffer) > 5
    returns, lengths = evaluate_policy(model, envs, n_eval_episodes=8, return_episode_rewards=True)
    assert returns == lengths


def test_a_dict_of_observations_is_learned_from():
    envs = sb3_vec_env(GO, 4, seed=0, opponent="random", max_moves=8)
    model = PPO("MultiInputPolicy", envs, n_steps=8, batch_size=16, n_epochs=1, device="cpu").learn(64)
    assert model.num_timesteps == 64


def test_a_batch_of_another_mode_is_refused():
    envs = gymnasium.make_vec(CART_POLE, num_envs=2)
    with pytest.raises(ArgumentError, match=r"autoreset_mode .*; make it with autoreset_mode=AutoresetMode.SAME_STEP"):
        sb3_vec_env(envs)
    given = gymnasium.make_vec(CART_POLE, num_envs=2, autoreset_mode=AutoresetMode.SAME_STEP)
    assert sb3_vec_env(given).num_envs == 2
    with pytest.raises(ArgumentError, match="leave out num_envs, render_mode"):
        sb3_vec_env(given, 3, render_mode="rgb_array")
    with pytest.raises(ArgumentError, match="leave it out"):
        sb3_vec_env(CART_POLE, autoreset_mode="NextStep")
