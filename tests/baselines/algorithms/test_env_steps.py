"""Steps that are reported, against the transitions that the environments really made."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from baselines.algorithms import actor_critic, dqn, pqn, q_learning, reinforce, soft_actor_critic, value_iteration
from baselines.training.events import Finished, Snapshot
from tests.baselines.counting import Transitions

OFF_POLICY: dict[str, Any] = {
    **{"num_envs": 5, "total_env_steps": 603, "eval_every_env_steps": 200, "checkpoint_every_env_steps": 250},
    **{"evaluation_episodes": 2},
}
ON_POLICY: dict[str, Any] = {
    **{"num_envs": 5, "total_env_steps": 1_500, "eval_every_updates": 2, "checkpoint_every_updates": 3},
    **{"evaluation_episodes": 2, "goal": np.inf},
}
ACTOR_CRITIC = actor_critic.PRESETS
RUNS: dict[str, Any] = {
    "q-learning": (q_learning, q_learning.QLearningSettings(**OFF_POLICY)),
    "dqn": (dqn, dqn.DQNSettings(**OFF_POLICY, warmup=50, goal=np.inf)),
    "sac": (
        soft_actor_critic,
        soft_actor_critic.SACSettings(
            **OFF_POLICY | {"total_env_steps": 2_600, "checkpoint_every_env_steps": 1_200},
            **{"task": "Pendulum-v1", "warmup": 2_500, "batch_size": 8, "hidden": (8,)},
        ),
    ),
    "pqn": (pqn, replace(pqn.PRESETS["fast"], **ON_POLICY, horizon=32)),
    "reinforce": (reinforce, replace(reinforce.PRESETS["fast"], **ON_POLICY)),
    "actor-critic, whole episodes": (actor_critic, replace(ACTOR_CRITIC["lecture"], **ON_POLICY)),
    "actor-critic, horizon": (actor_critic, replace(ACTOR_CRITIC["fast"], **ON_POLICY, horizon=32)),
    "actor-critic, after a first look": (
        actor_critic,
        replace(ACTOR_CRITIC["fast"], **ON_POLICY | {"total_env_steps": 3_000}, horizon=32, normalize_rewards=True),
    ),
}


@pytest.mark.parametrize("name", RUNS)
def test_steps_are_the_transitions_that_were_made(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """In every event; rows in which an environment only reset are left out, and there are some."""
    module, settings = RUNS[name]
    whole_episodes = getattr(settings, "horizon", 0) == 0 and module in (reinforce, actor_critic)
    made = Transitions(monkeypatch, 5, first_only=whole_episodes)
    events = 0
    for event in module.train(settings):
        assert event.steps == made.count, event
        events += 1
    assert isinstance(event, Finished)
    assert events > 5
    assert made.count > 0
    assert made.resets > 0
    rows = event.state()["learner"]["rollout"]["rows"]
    assert rows == made.count + (0 if whole_episodes else made.resets)
    assert rows >= settings.total_env_steps, "the budget counts calls of the environment"


@pytest.mark.parametrize("name", RUNS)
def test_a_resumed_run_counts_on(name: str) -> None:
    module, settings = RUNS[name]
    *_, whole = module.train(settings)
    states = [event.state() for event in module.train(settings) if isinstance(event, Snapshot)]
    assert len(states) > 1
    *_, last = module.train(settings, resume=states[-1])
    assert (last.steps, last.update) == (whole.steps, whole.update)


def test_planning_makes_no_step() -> None:
    assert {event.steps for event in value_iteration.train(value_iteration.ValueIterationSettings())} == {0}
