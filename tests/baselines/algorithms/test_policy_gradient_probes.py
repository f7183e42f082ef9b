"""The policy-gradient learners on the five probes: what is a state worth, and what is to be done there."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from baselines.algorithms import actor_critic, reinforce
from baselines.algorithms.policy_gradient_base import PolicyGradient
from baselines.training.events import Finished
from tests.baselines import probes

PROBE = {"gamma": 0.5, "reward_scale": 1.0, "observation_scale": (), "goal": np.inf, "eval_every_updates": 50}
SETTINGS = {
    "reinforce": replace(
        reinforce.PRESETS["fast"], total_env_steps=4_000, learning_rate=1e-2, critic_learning_rate=2e-2, **PROBE
    ),
    "actor-critic fast": replace(actor_critic.PRESETS["fast"], total_env_steps=8_000, horizon=16, **PROBE),
    "actor-critic lecture": replace(
        actor_critic.PRESETS["lecture"],
        **{
            "total_env_steps": 6_000,
            "learning_rate": 5e-2,
            "learning_rate_end": 1e-2,
            "critic_learning_rate": 2e-2,
            **PROBE,
        },
    ),
}


def trained(settings: Any) -> PolicyGradient:
    """The learner in which a training run ends."""
    of_reinforce = isinstance(settings, reinforce.ReinforceSettings)
    *_, last = (reinforce if of_reinforce else actor_critic).train(settings)
    assert isinstance(last, Finished)
    learner = (reinforce.Reinforce if of_reinforce else actor_critic.ActorCritic)(settings)
    learner.restore(last.state()["learner"])
    return learner


@pytest.mark.parametrize("discrete", [False, True])
@pytest.mark.parametrize("name", SETTINGS)
@pytest.mark.parametrize("probe", probes.PROBES)
def test_probe(probe: str, name: str, discrete: bool) -> None:
    learner = trained(replace(SETTINGS[name], task=probes.task(probe, discrete=discrete)))
    known = probes.values(probe, 0.5)
    seen = ~np.isnan(known).any(axis=1)
    s = learner.rollout.encode(np.arange(2) if discrete else np.array([[0.0], [1.0]]))[seen]
    np.testing.assert_allclose(learner.values(s), known[seen].max(axis=1), atol=0.15)
    if probe in ("action", "both"):
        outputs = learner.actor.outputs(s)
        p = np.exp(outputs - outputs.max(axis=1, keepdims=True))
        best = p[np.arange(len(s)), known[seen].argmax(axis=1)] / p.sum(axis=1)
        assert best.min() > 0.9


@pytest.mark.parametrize("estimator", ["whole-trajectory", "reward-to-go", "discounted", "moving-average"])
@pytest.mark.parametrize("probe", ["action", "both"])
def test_every_estimator_finds_the_right_action(probe: str, estimator: Any) -> None:
    learner = trained(replace(SETTINGS["reinforce"], task=probes.task(probe), estimator=estimator))
    s = np.array([[0.0], [1.0]], np.float32)[: 2 if probe == "both" else 1]
    known = probes.values(probe, 0.5)
    assert learner.actor.outputs(s).argmax(axis=1).tolist() == known[: len(s)].argmax(axis=1).tolist()
