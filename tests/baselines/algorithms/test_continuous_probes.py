"""The learners of continuous actions on the five probes: what is a state worth, and what is to be done there."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

import numpy as np
import pytest
import torch

from baselines.algorithms import actor_critic, reinforce, soft_actor_critic, xqc
from baselines.training.events import Finished
from tests.baselines import probes

GAMMA = 0.5
PROBE = {"gamma": GAMMA, "reward_scale": 1.0, "observation_scale": (), "goal": np.inf, "eval_every_updates": 50}
SETTINGS: dict[str, Any] = {
    "reinforce": replace(
        reinforce.PRESETS["fast"], num_envs=32, total_env_steps=12_000, critic_learning_rate=2e-2, **PROBE
    ),
    "actor-critic": replace(actor_critic.PRESETS["fast"], total_env_steps=16_000, horizon=16, **PROBE),
}
SAC = soft_actor_critic.SACSettings(
    **{"gamma": GAMMA, "hidden": (32,), "batch_size": 64, "warmup": 200, "total_env_steps": 1_400, "capacity": 2_000},
    **{"temperature": 1e-3, "temperature_learning_rate": 0.0, "learning_rate": 1e-2, "learning_rate_end": 1e-3},
    **{"eval_every_env_steps": 1_400, "tau": 0.05, "agent": "sac"},
)
XQC = xqc.XQCSettings(
    **asdict(replace(SAC, agent="xqc", warmup=300, total_env_steps=1_600, learning_rate=3e-2)),
    **{"normalize_rewards": False, "max_value": 2.0, "atoms": 41},
)


def known(probe: str) -> np.ndarray:
    """V[observation] of the best policy; NaN for an observation that the probe never shows."""
    values = probes.values(probe, GAMMA).max(axis=1)
    return values if np.isnan(probes.best(probe)).all() else np.where(np.isnan(values), np.nan, 1.0)


def finished(events: Any) -> Finished:
    """How a training run ends."""
    *_, last = events
    assert isinstance(last, Finished)
    return last


def check_action(probe: str, act: Any) -> None:
    """The policy's action is the best one where it matters, in the units of the space, [-1, 3]."""
    observations, best = np.array([[0.0], [1.0]]), probes.best(probe)
    matters = ~np.isnan(best)
    np.testing.assert_allclose(act(observations, np.ones(2, bool))[matters, 0], 1 + 2 * best[matters], atol=0.3)


@pytest.mark.parametrize("name", SETTINGS)
@pytest.mark.parametrize("probe", probes.PROBES)
def test_policy_gradient(probe: str, name: str) -> None:
    module, make = {
        "reinforce": (reinforce, reinforce.Reinforce),
        "actor-critic": (actor_critic, actor_critic.ActorCritic),
    }[name]
    settings = replace(SETTINGS[name], task=probes.task(probe, continuous=True))
    last = finished(module.train(settings))
    learner = make(settings)
    learner.restore(last.state()["learner"])
    check_action(probe, learner.policy().act)
    values = known(probe)
    seen = ~np.isnan(values)
    s = learner.rollout.encode(np.array([[0.0], [1.0]]))[seen]
    chance = float(np.exp(2 * learner.actor.theta[-1].item())) if probe in ("action", "both") else 0.0
    np.testing.assert_allclose(learner.values(s), values[seen] - chance, atol=0.2)  # E[(u - u*)^2] is its variance


@pytest.mark.parametrize(
    ("settings", "train", "make"),
    [
        pytest.param(SAC, soft_actor_critic.train, soft_actor_critic.SAC, id="sac"),
        pytest.param(XQC, xqc.train, xqc.XQC, id="xqc", marks=pytest.mark.slow),
    ],
)
@pytest.mark.parametrize("probe", probes.PROBES)
def test_action_values(probe: str, settings: Any, train: Any, make: Any) -> None:
    settings = replace(settings, task=probes.task(probe, continuous=True))
    last = finished(train(settings))
    learner = make(settings)
    learner.restore(last.state()["learner"])
    check_action(probe, learner.policy().act)
    check_values(probe, learner.q)


def check_values(probe: str, q_of: Any) -> None:
    """Both critics give the value of the reward where it is known, over the actions between the bounds."""
    u = torch.linspace(-0.75, 0.75, 4).repeat(2)[:, None]
    s = torch.tensor([0.0, 1.0]).repeat_interleave(4)[:, None]
    q = q_of(s, u).detach().numpy().reshape(2, 2, 4)
    values, best = known(probe)[:, None], probes.best(probe)[:, None]
    if not np.isnan(best).all():
        values = values - (u[:4].numpy().T - best) ** 2
    for critic in q:
        np.testing.assert_allclose(critic, np.where(np.isnan(values), critic, values), atol=0.15)
