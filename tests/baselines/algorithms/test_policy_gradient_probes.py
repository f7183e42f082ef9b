"""The policy-gradient learners on the five probes: what is a state worth, and what is to be done there."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from baselines.algorithms import actor_critic, on_policy, reinforce
from baselines.algorithms.on_policy import Learner
from baselines.training.events import Finished
from tests.baselines import probes

PROBE = {"gamma": 0.5, "reward_scale": 1.0, "observation_scale": (), "goal": np.inf, "evaluate_every": 50}
CONFIGS = {
    "reinforce": replace(
        reinforce.PRESETS["fast"], steps=4_000, learning_rate=1e-2, critic_learning_rate=2e-2, **PROBE
    ),
    "actor-critic fast": replace(actor_critic.PRESETS["fast"], steps=8_000, horizon=16, **PROBE),
    "actor-critic lecture": replace(
        actor_critic.PRESETS["lecture"],
        **{"steps": 6_000, "learning_rate": 5e-2, "learning_rate_end": 1e-2, "critic_learning_rate": 2e-2, **PROBE},
    ),
}


def trained(config: Any) -> Learner:
    """The learner in which a training ends."""
    module = reinforce if isinstance(config, reinforce.Config) else actor_critic
    *_, last = module.train(config)
    assert isinstance(last, Finished)
    learner = on_policy.make_learner(config)
    learner.restore(last.state()["learner"])
    return learner


@pytest.mark.parametrize("discrete", [False, True])
@pytest.mark.parametrize("name", CONFIGS)
@pytest.mark.parametrize("probe", probes.PROBES)
def test_probe(probe: str, name: str, discrete: bool) -> None:
    learner = trained(replace(CONFIGS[name], task=probes.task(probe, discrete=discrete)))
    known = probes.values(probe, 0.5)
    seen = ~np.isnan(known).any(axis=1)
    s = learner.lanes.encode(np.arange(2) if discrete else np.array([[0.0], [1.0]]))[seen]
    np.testing.assert_allclose(learner.values(s), known[seen].max(axis=1), atol=0.15)
    if probe in ("action", "both"):
        outputs = learner.actor.outputs(s)
        p = np.exp(outputs - outputs.max(axis=1, keepdims=True))
        best = p[np.arange(len(s)), known[seen].argmax(axis=1)] / p.sum(axis=1)
        assert best.min() > 0.9


@pytest.mark.parametrize("estimator", ["whole-trajectory", "reward-to-go", "discounted", "moving-average"])
@pytest.mark.parametrize("probe", ["action", "both"])
def test_every_estimator_finds_the_right_action(probe: str, estimator: Any) -> None:
    learner = trained(replace(CONFIGS["reinforce"], task=probes.task(probe), estimator=estimator))
    s = np.array([[0.0], [1.0]], np.float32)[: 2 if probe == "both" else 1]
    known = probes.values(probe, 0.5)
    assert learner.actor.outputs(s).argmax(axis=1).tolist() == known[: len(s)].argmax(axis=1).tolist()
