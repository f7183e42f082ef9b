"""Steps per second of training on the half-cheetah, our PPO beside stable-baselines3's, one thread each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from statistics import median
from typing import Any

import pytest

from tests.benchmarks.conftest import seconds

STEPS = 2_048  # of an update, in both; 10 passes over them in both as well, with minibatches of 128 here and 64 there


def updates(settings: Any) -> Iterator[float]:
    """Seconds of each update, without evaluation."""
    from baselines.algorithms import actor_critic
    from baselines.training.events import Evaluated

    before = 0.0
    for event in actor_critic.train(settings):
        if isinstance(event, Evaluated):
            yield event.seconds - before
            before = event.seconds


@pytest.mark.benchmark(group="Robots")
def test_ppo_trains_at_twice_its_peers_pace(benchmark: Any, report: Any, size: Any) -> None:
    pytest.importorskip("mujoco", reason="pip install 'rlbench[mujoco]'")
    stable_baselines3 = pytest.importorskip("stable_baselines3", reason="pip install 'rlbench[peers]'")
    from baselines.algorithms import actor_critic

    settings = replace(
        actor_critic.PRESETS["locomotion"],
        **{"task": "half-cheetah-gymnasium@1", "device": "cpu", "threads": 1},  # PyTorch's, for the peer too
        **{"eval_every_updates": 1, "evaluation_episodes": 1},
    )
    assert settings.num_envs * settings.horizon == STEPS
    ours = updates(settings)
    next(ours)
    peer = stable_baselines3.PPO("MlpPolicy", "HalfCheetah-v5", seed=0, device="cpu")
    assert (peer.n_steps, peer.n_epochs) == (STEPS, settings.epochs)

    def learn() -> None:
        peer.learn(STEPS, reset_num_timesteps=False)

    def contest() -> list[float]:
        return [seconds(learn) / next(ours) for _ in range(size(9, 1))]

    ratio = median(benchmark.pedantic(contest))
    against = "stable-baselines3's PPO"
    report("PPO on half-cheetah, one thread", against, ratio, least=2.0, limit="the arithmetic of the network")
