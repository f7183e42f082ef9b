"""Every learner on the five probes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from baselines.algorithms import dqn, q_learning
from baselines.templates.agent_template import Perceptron, Table
from baselines.templates.pixel_agent_template import Convolutional
from baselines.templates.policies import Policy
from baselines.training.events import Event, Finished
from tests.baselines import films, probes


def trained(events: Iterator[Event]) -> Policy:
    """The policy in which a training run ends."""
    *_, last = events
    assert isinstance(last, Finished)
    return last.policy


@pytest.mark.parametrize("probe", probes.PROBES)
def test_q_learning(probe: str) -> None:
    task = probes.task(probe, discrete=True)
    policy = trained(q_learning.train(q_learning.QLearningSettings(task=task, gamma=0.5, total_env_steps=8_000)))
    assert isinstance(policy, Table)
    expected = probes.values(probe, 0.5)
    known = ~np.isnan(expected)
    np.testing.assert_allclose(policy.Q[known], expected[known], atol=1e-3)


@pytest.mark.parametrize("discrete", [False, True])
@pytest.mark.parametrize("preset", sorted(name for name, settings in dqn.PRESETS.items() if not settings.convolutions))
@pytest.mark.parametrize("probe", probes.PROBES)
def test_dqn(probe: str, preset: str, discrete: bool) -> None:
    num_envs = dqn.PRESETS[preset].num_envs
    settings = replace(
        dqn.PRESETS[preset],
        task=probes.task(probe, discrete=discrete),
        **{"gamma": 0.5, "reward_scale": 1.0, "observation_scale": (), "hidden": (32,)},
        **{"total_env_steps": 700 * num_envs, "warmup": 100, "eval_every_env_steps": 350 * num_envs, "goal": np.inf},
        **{"learning_rate": 5e-3, "learning_rate_end": 1e-4, "update_every_env_steps": 1, "target_update_period": 5},
    )
    if preset == "lecture":
        settings = replace(settings, target_update_period=0, double_q=False)
    policy = trained(dqn.train(settings))
    assert isinstance(policy, Perceptron)
    seen = np.arange(2) if discrete else np.array([[0.0], [1.0]])
    expected = probes.values(probe, 0.5)
    known = ~np.isnan(expected)
    np.testing.assert_allclose(policy.outputs(policy.encode(seen))[known], expected[known], atol=0.1)


@pytest.mark.parametrize("probe", probes.PROBES)
def test_dqn_from_pictures(probe: str) -> None:
    settings = replace(
        dqn.PRESETS["atari-cpu"],
        task=films.task(probe),
        **{"gamma": 0.5, "convolutions": ((8, 4, 4), (8, 2, 1)), "hidden": (32,), "num_envs": 4, "capacity": 1_000},
        **{"total_env_steps": 1_200, "warmup": 100, "eval_every_env_steps": 1_200},
        **{"epsilon_env_steps": 400, "epsilon_end": 0.5},
        **{"learning_rate": 5e-3, "learning_rate_end": 1e-4, "target_update_period": 5},
    )
    policy = trained(dqn.train(settings))
    assert isinstance(policy, Convolutional)
    expected = probes.values(probe, 0.5)
    known = ~np.isnan(expected)
    np.testing.assert_allclose(policy.outputs(films.picture(np.arange(2)))[known], expected[known], atol=0.1)
