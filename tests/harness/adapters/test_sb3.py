"""Models of stable-baselines3: the policy alone acts as the model does, and a trained model is scored."""

import dataclasses
import zipfile

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces

from rlbench import space_tree
from rlbench.harness.adapters.folder import SB3Settings
from rlbench.harness.evaluate import evaluate
from rlbench.harness.isolation.agent import Spaces
from rlbench.harness.results import record
from rlbench.harness.tasks.suite import get_task

stable_baselines3 = pytest.importorskip("stable_baselines3", reason="pip install 'rlbench[peers]'")
sb3 = pytest.importorskip("rlbench.harness.adapters.sb3")
pytestmark = pytest.mark.filterwarnings("ignore:.*:UserWarning")  # of what it thinks of environments
COMPLEX = spaces.Dict({"camera": spaces.Box(0, 255, (36, 36, 3), np.uint8), "speed": spaces.Box(-1, 1, (2,))})


class Spun(gymnasium.Env):
    """An environment of any spaces, whose observations are drawn."""

    def __init__(self, observation, action):
        self.observation_space, self.action_space = observation, action

    def reset(self, seed=None, options=None):
        super().reset(seed=seed)
        return self.observation_space.sample(), {}

    def step(self, action):
        return self.observation_space.sample(), 0.0, False, True, {}


VECTOR, BOX = spaces.Box(-2, 2, (3,), np.float64), spaces.Box(-0.5, 2, (2,), np.float32)
MODELS = {
    "PPO": ("PPO", "MlpPolicy", VECTOR, spaces.Discrete(3), {"n_steps": 4, "batch_size": 4}),
    "PPO, clipped": ("PPO", "MlpPolicy", VECTOR, BOX, {"n_steps": 4, "batch_size": 4}),
    "PPO, gSDE": ("PPO", "MlpPolicy", VECTOR, BOX, {"n_steps": 4, "batch_size": 4, "use_sde": True}),
    "A2C, dict": ("A2C", "MultiInputPolicy", COMPLEX, spaces.MultiDiscrete([2, 3]), {"n_steps": 4}),
    "DQN": ("DQN", "MlpPolicy", spaces.Discrete(5), spaces.Discrete(3), {"buffer_size": 10}),
    "SAC, squashed": ("SAC", "MlpPolicy", VECTOR, BOX, {"buffer_size": 10}),
    "TD3": ("TD3", "MlpPolicy", VECTOR, BOX, {"buffer_size": 10}),
}


def described(env):
    return Spaces(space_tree.describe(env.observation_space), space_tree.describe(env.action_space))


@pytest.mark.parametrize("name", MODELS)
def test_the_policy_alone_acts_as_the_model_does(name, tmp_path):
    algorithm, policy, observation, action, arguments = MODELS[name]
    env = Spun(observation, action)
    model = getattr(stable_baselines3, algorithm)(policy, env, seed=1, device="cpu", **arguments)
    model.save(tmp_path / "model.zip")
    agent = sb3.load(str(tmp_path), SB3Settings(), described(env), 0, "cpu")
    batch = gymnasium.vector.utils.batch_space(observation, 6)
    batch.seed(0)
    for _ in range(3):
        seen = batch.sample()
        expected, _ = model.predict(seen, deterministic=True)
        actions = agent.act(seen, np.zeros(6, bool))
        assert np.array_equal(actions, expected)
        assert gymnasium.vector.utils.batch_space(action, 6).contains(actions.astype(action.dtype))


def test_vecnormalize_beside_the_model_is_used(tmp_path):
    from stable_baselines3.common.vec_env import DummyVecEnv, VecNormalize

    envs = VecNormalize(DummyVecEnv([lambda: Spun(VECTOR, spaces.Discrete(3))]))
    model = stable_baselines3.PPO("MlpPolicy", envs, n_steps=64, batch_size=64, seed=1, device="cpu").learn(64)
    model.save(tmp_path / "model.zip")
    envs.save(str(tmp_path / "vecnormalize.pkl"))
    agent = sb3.load(str(tmp_path), SB3Settings(), described(Spun(VECTOR, spaces.Discrete(3))), 0, "cpu")
    seen = np.random.default_rng(0).uniform(-2, 2, (50, 3))
    expected, _ = model.predict(envs.normalize_obs(seen), deterministic=True)
    assert np.array_equal(agent.act(seen, np.zeros(50, bool)), expected)


def test_drawn_actions_repeat_with_the_seed(tmp_path):
    env = Spun(VECTOR, spaces.Discrete(3))
    stable_baselines3.PPO("MlpPolicy", env, n_steps=4, batch_size=4, device="cpu").save(tmp_path / "model.zip")
    seen, drawn = np.zeros((40, 3)), []
    for seed in (1, 1, 2):
        agent = sb3.load(str(tmp_path), SB3Settings(deterministic=False), described(env), seed, "cpu")
        drawn.append(agent.act(seen, np.zeros(40, bool)).tolist())
    assert drawn[0] == drawn[1] != drawn[2]


def test_a_model_for_other_spaces_is_refused(tmp_path):
    env, other = Spun(VECTOR, spaces.Discrete(3)), Spun(VECTOR, spaces.Discrete(4))
    stable_baselines3.PPO("MlpPolicy", env, n_steps=4, batch_size=4, device="cpu").save(tmp_path / "model.zip")
    with pytest.raises(ValueError, match=r"trained on actions Discrete\(3\), the task has Discrete\(4\)"):
        sb3.load(str(tmp_path), SB3Settings(), described(other), 0, "cpu")
    with zipfile.ZipFile(tmp_path / "model.zip", "w") as archive:
        archive.writestr("data", "{}")
    with pytest.raises(ValueError, match="no model of stable-baselines3"):
        sb3.load(str(tmp_path), SB3Settings(), described(env), 0, "cpu")


def test_a_trained_model_is_scored_behind_the_sandbox(tmp_path, submit):
    from stable_baselines3.common.env_util import make_vec_env

    path = submit(source="", entry="rlbench:sb3", tasks=["cart-pole@1"])
    (path / "agent.py").unlink()
    envs = make_vec_env("rlbench/CartPole-v0", 8, seed=0)
    arguments = {"n_steps": 64, "batch_size": 256, "n_epochs": 8, "learning_rate": 2e-3, "seed": 0, "device": "cpu"}
    stable_baselines3.PPO("MlpPolicy", envs, **arguments).learn(3_000).save(path / "model.zip")
    task = dataclasses.replace(get_task("cart-pole"), episodes=10, num_envs=10)
    run = record.read(evaluate(task, path, tmp_path / "results", quiet=True))
    assert {line["status"] for line in run.episodes} == {"ok"}
    assert np.mean([line["return"] for line in run.episodes]) > 60  # a random agent gets 23
