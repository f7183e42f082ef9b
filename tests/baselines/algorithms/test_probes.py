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
    """The policy in which a training ends."""
    *_, last = events
    assert isinstance(last, Finished)
    return last.policy


@pytest.mark.parametrize("probe", probes.PROBES)
def test_q_learning(probe: str) -> None:
    task = probes.task(probe, discrete=True)
    policy = trained(q_learning.train(q_learning.Config(task=task, gamma=0.5, steps=500)))
    assert isinstance(policy, Table)
    expected = probes.values(probe, 0.5)
    known = ~np.isnan(expected)
    np.testing.assert_allclose(policy.Q[known], expected[known], atol=1e-3)


@pytest.mark.parametrize("discrete", [False, True])
@pytest.mark.parametrize("preset", sorted(name for name, config in dqn.PRESETS.items() if not config.convolutions))
@pytest.mark.parametrize("probe", probes.PROBES)
def test_dqn(probe: str, preset: str, discrete: bool) -> None:
    config = replace(
        dqn.PRESETS[preset],
        task=probes.task(probe, discrete=discrete),
        **{"gamma": 0.5, "reward_scale": 1.0, "observation_scale": (), "hidden": (32,)},
        **{"steps": 700, "warmup": 100, "evaluate_every": 350, "goal": np.inf},
        **{"learning_rate": 5e-3, "learning_rate_end": 1e-4, "update_every": 1, "refresh_every": 5},
    )
    if preset == "lecture":
        config = replace(config, refresh_every=0, double_q=False)
    policy = trained(dqn.train(config))
    assert isinstance(policy, Perceptron)
    seen = np.arange(2) if discrete else np.array([[0.0], [1.0]])
    expected = probes.values(probe, 0.5)
    known = ~np.isnan(expected)
    np.testing.assert_allclose(policy.outputs(policy.encode(seen))[known], expected[known], atol=0.1)


@pytest.mark.parametrize("probe", probes.PROBES)
def test_dqn_from_pictures(probe: str) -> None:
    config = replace(
        dqn.PRESETS["atari-cpu"],
        task=films.task(probe),
        **{"gamma": 0.5, "convolutions": ((8, 4, 4), (8, 2, 1)), "hidden": (32,), "lanes": 4, "capacity": 1_000},
        **{"steps": 300, "warmup": 100, "evaluate_every": 300, "epsilon_steps": 100, "epsilon_end": 0.5},
        **{"learning_rate": 5e-3, "learning_rate_end": 1e-4, "refresh_every": 5},
    )
    policy = trained(dqn.train(config))
    assert isinstance(policy, Convolutional)
    expected = probes.values(probe, 0.5)
    known = ~np.isnan(expected)
    np.testing.assert_allclose(policy.outputs(films.picture(np.arange(2)))[known], expected[known], atol=0.1)
