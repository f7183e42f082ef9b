"""Steps per second of training on the half-cheetah, our PPO beside stable-baselines3's, one thread each."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

STEPS = 2_048  # of an update, in both; 10 passes over them in both as well, with minibatches of 128 here and 64 there


@pytest.mark.slow
def test_ppo_trains_at_twice_its_peers_pace(compare: Any) -> None:
    pytest.importorskip("mujoco")
    stable_baselines3 = pytest.importorskip("stable_baselines3")
    from baselines.algorithms import actor_critic, on_policy

    preset = actor_critic.PRESETS["locomotion"]
    config = replace(preset, task="half-cheetah-gymnasium@1", device="cpu", threads=1)
    assert config.lanes * config.horizon == STEPS
    learner = on_policy.make_learner(config)  # sets PyTorch's threads, for the peer too
    learner.begin()
    learner.look_around()
    peer = stable_baselines3.PPO("MlpPolicy", "HalfCheetah-v5", seed=0, device="cpu")
    assert (peer.n_steps, peer.n_epochs) == (STEPS, config.epochs)

    def ours() -> None:
        actor_critic.update(learner)
        learner.renew()

    ratio = compare("PPO, half-cheetah", ours, lambda: peer.learn(STEPS, reset_num_timesteps=False), rounds=9)
    assert ratio >= 2
