"""Every learner on the five probes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from baselines import dqn, q_learning
from baselines.agent_template import Perceptron, Policy, Table
from baselines.events import Event, Finished
from tests.baselines import probes


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
@pytest.mark.parametrize("preset", sorted(dqn.PRESETS))
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
