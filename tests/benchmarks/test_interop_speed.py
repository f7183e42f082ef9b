"""Batches for stable-baselines3: bare steps, and PPO on them beside PPO on the library's own DummyVecEnv."""

from statistics import median

import gymnasium
import numpy as np
import pytest

from tests.benchmarks.conftest import seconds

pytest.importorskip("stable_baselines3", reason="pip install 'rlbench[peers]'")

from stable_baselines3 import PPO
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import DummyVecEnv

from rlbench.interop import sb3_vec_env

CART_POLE = "rlbench/CartPole-v0"
PPO_SETTINGS = {"n_steps": 16, "batch_size": 8192, "n_epochs": 1, "device": "cpu", "seed": 0}
"""Large minibatches: with small ones learning takes all the time, on either side."""


def stepping(envs, calls):
    """A function that steps a VecEnv with sixteen sets of random actions in turn."""
    actions = np.random.default_rng(0).integers(2, size=(16, envs.num_envs))
    envs.reset()
    return lambda: [envs.step(actions[i % 16]) for i in range(calls)]


@pytest.mark.benchmark(group="Classic")
def test_bare_steps_of_a_vec_env(benchmark, report, size):
    num_envs, calls = size((4096, 500), (64, 5))
    play = stepping(sb3_vec_env(CART_POLE, num_envs, seed=0), calls)
    play()
    pace = median(benchmark.pedantic(lambda: [num_envs * calls / seconds(play) for _ in range(size(9, 1))]))
    what = f"VecEnv of {num_envs:,} cart-poles, with episodes' statistics"
    report(what, "itself", pace / 1e6, unit="million steps a second", least=5.0, limit="a dict per ended episode")


@pytest.mark.parametrize(("id", "least"), [("CartPole-v1", 3.0), (CART_POLE, 2.5)])
@pytest.mark.benchmark(group="Classic")
def test_ppo_trains_faster_than_on_dummy_vec_env(benchmark, report, size, id, least):
    num_envs = size(2048, 16)
    rollout = num_envs * PPO_SETTINGS["n_steps"]
    batches = sb3_vec_env(CART_POLE, num_envs, seed=0), DummyVecEnv([lambda: Monitor(gymnasium.make(id))] * num_envs)
    settings = {**PPO_SETTINGS, "batch_size": min(PPO_SETTINGS["batch_size"], rollout)}
    ours, peer = (PPO("MlpPolicy", envs, **settings) for envs in batches)

    def learn(model):
        return lambda: model.learn(rollout, reset_num_timesteps=False)

    learn(ours)(), learn(peer)()
    contest = benchmark.pedantic(lambda: [seconds(learn(peer)) / seconds(learn(ours)) for _ in range(size(9, 1))])
    what = f"PPO of stable-baselines3 on {num_envs:,} cart-poles"
    report(what, f"the same on DummyVecEnv of {id}", median(contest), least=least, limit="the library's learning")
