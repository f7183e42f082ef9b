"""REINFORCE and actor-critic as a user runs them: killed, resumed, refused, exported."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from baselines.algorithms import actor_critic, reinforce
from baselines.data.rollout import evaluate, make_envs
from baselines.training import checkpoint, runner
from baselines.training.events import Evaluated, Finished, Snapshot
from rlbench.errors import UserError
from tests.baselines.runs import curve, kill, weights
from tests.baselines.test_export import exported_actions

MODULES = {"reinforce": reinforce, "actor-critic": actor_critic}
BRIEF = {"goal": np.inf, "eval_every_updates": 4, "evaluation_episodes": 4, "checkpoint_every_updates": 4}
SETTINGS: dict[str, Any] = {
    "reinforce fast": replace(reinforce.PRESETS["fast"], total_env_steps=5_000, **BRIEF),
    "reinforce lecture": replace(reinforce.PRESETS["lecture"], total_env_steps=5_000, **BRIEF),
    "actor-critic fast": replace(actor_critic.PRESETS["fast"], num_envs=4, horizon=32, total_env_steps=2_500, **BRIEF),
    "actor-critic lecture": replace(actor_critic.PRESETS["lecture"], total_env_steps=5_000, **BRIEF),
    "actor-critic locomotion": replace(
        actor_critic.PRESETS["locomotion"],
        **{"task": "Pendulum-v1", "num_envs": 8, "horizon": 64, "total_env_steps": 8_000, "epochs": 2},
        **{"minibatches": 2, **BRIEF},
    ),
}

KILLED = """
import sys
from pathlib import Path
from baselines.training import runner
from tests.baselines.algorithms.test_policy_gradient_training import SETTINGS
runner.run(sys.argv[1].split()[0], SETTINGS[sys.argv[1]], Path(sys.argv[2]), quiet=True)
"""


def train(name: str, **changes: Any) -> Any:
    return MODULES[name.split()[0]].train(replace(SETTINGS[name], **changes))


@pytest.mark.parametrize("name", SETTINGS)
def test_two_runs_of_one_seed_are_the_same(name: str) -> None:
    one, two, other = ([*train(name, seed=seed)][-1] for seed in (3, 3, 4))
    for key, tensor in one.policy.tensors().items():
        np.testing.assert_array_equal(two.policy.tensors()[key], tensor)
    assert one.state()["learner"]["rollout"]["rows"] >= SETTINGS[name].total_env_steps
    assert one.steps == one.state()["learner"]["rollout"]["env_steps"]
    assert any((other.policy.tensors()[key] != tensor).any() for key, tensor in one.policy.tensors().items())


@pytest.mark.parametrize("name", SETTINGS)
def test_resumed_from_every_snapshot(name: str) -> None:
    events = [(event, event.state() if isinstance(event, Snapshot) else None) for event in train(name)]
    whole = events[-1][0].state()["learner"]
    states = [state for _, state in events if state]
    assert len(states) > 2
    for state in states:
        *_, last = train_from(name, state)
        again = last.state()["learner"]
        for part in ("actor", "critic"):
            np.testing.assert_array_equal(again[part]["theta"], whole[part]["theta"])
        assert (again["rng"], again["rollout"], again.get("b")) == (whole["rng"], whole["rollout"], whole.get("b"))


def train_from(name: str, state: Any) -> Any:
    return MODULES[name.split()[0]].train(SETTINGS[name], resume=state)


@pytest.mark.parametrize("name", ["reinforce fast", "actor-critic fast"])
def test_killed_and_resumed_is_uninterrupted(name: str, tmp_path: Path) -> None:
    """Killed with signal 9 as soon as a checkpoint is there; the rest is done here. Then exported: NumPy answers."""
    algorithm, settings = name.split()[0], SETTINGS[name]
    whole = runner.run(algorithm, settings, tmp_path / "whole", quiet=True)
    out = tmp_path / "killed"
    kill(KILLED, out, name)
    submission = runner.run(algorithm, settings, out, quiet=True)
    assert weights(submission) == weights(whole)
    assert curve(out) == curve(tmp_path / "whole")

    *_, last = train(name)
    seen = np.random.default_rng(0).normal(size=(20, 4))
    assert exported_actions(submission, seen) == last.policy.act(seen, np.ones(20, bool)).tolist()


@pytest.mark.parametrize("name", ["reinforce fast", "actor-critic fast"])
def test_a_loss_that_is_no_number_stops_and_keeps_the_checkpoint(name: str, tmp_path: Path) -> None:
    settings = replace(SETTINGS[name], critic_learning_rate=1e30, checkpoint_every_updates=1)
    algorithm = name.split()[0]
    with pytest.raises(UserError, match=r"became (nan|inf|infinite) at update \d+.*last good checkpoint is kept"):
        runner.run(algorithm, settings, tmp_path, quiet=True)
    state = checkpoint.load(tmp_path / "checkpoint.safetensors", algorithm, runner.checks.as_json(settings))
    for part in ("actor", "critic"):
        assert np.isfinite(state["training"]["learner"][part]["theta"]).all()
    assert not (tmp_path / "submission").exists()


BAD = [
    ({"learning_rate": 0.0}, "learning_rate must be a positive number, not 0.0"),
    ({"learning_rate": float("nan")}, "learning_rate must be a positive number, not nan"),
    ({"critic_learning_rate": 0.0}, "critic_learning_rate must be a positive number, not 0.0"),
    ({"gamma": 0.0}, r"gamma must lie in \(0, 1\], not 0.0"),
    ({"gamma": 1.01}, r"gamma must lie in \(0, 1\], not 1.01"),
    ({"gamma": float("nan")}, r"gamma must lie in \(0, 1\], not nan"),
    ({"total_env_steps": 0}, "total_env_steps must be a whole number of at least 1, not 0"),
    ({"seed": -1}, "seed must be a whole number of at least 0, not -1"),
    ({"optimizer": "adamw"}, "unknown optimizer 'adamw'; did you mean adam"),
    ({"task": "FrozenLake-v1x"}, "unknown task or environment"),
    ({"activation": "gelu"}, "unknown activation 'gelu'"),
    ({"deviation": 0.0}, "deviation must be a positive number, not 0.0"),
    ({"task": "Blackjack-v1"}, "observations must be a Box or a Discrete that starts at 0, not Tuple"),
]


@pytest.mark.parametrize("name", ["reinforce fast", "actor-critic fast"])
@pytest.mark.parametrize(("change", "message"), BAD)
def test_bad_settings(name: str, change: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        next(train(name, observation_scale=(), **change))


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("reinforce fast", {"num_envs": 0}, "num_envs must be a whole number of at least 1, not 0"),
        ("reinforce fast", {"estimator": "magic"}, "unknown estimator 'magic'"),
        ("actor-critic fast", {"num_envs": 0}, "num_envs must be a whole number of at least 1, not 0"),
        ("actor-critic lecture", {"num_envs": 0}, "num_envs must be a whole number of at least 1, not 0"),
        ("actor-critic fast", {"horizon": -1}, "horizon must be a whole number of at least 0, not -1"),
        ("actor-critic fast", {"lambda_": 1.5}, r"lambda_ must lie in \[0, 1\], not 1.5"),
        ("actor-critic fast", {"advantage": "magic"}, "unknown advantage 'magic'"),
        (
            "actor-critic fast",
            {"advantage": "return"},
            "advantage=return needs whole episodes, horizon=0, not 32: .*n-step",
        ),
        (
            "actor-critic lecture",
            {"horizon": 128},
            "not 128: .*; advantage=n-step or generalised",
        ),
        ("actor-critic fast", {"clip": -0.1}, r"clip must lie in \[0, 1\], not -0.1"),
        ("actor-critic fast", {"normalize_observations": True}, "leave observation_scale empty"),
        ("actor-critic fast", {"entropy": float("nan")}, "entropy must be a number of at least 0, not nan"),
    ],
)
def test_bad_settings_of_one(name: str, change: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        next(train(name, **change))


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.slow) if "lecture" in name else name
        for name in SETTINGS
        if "locomotion" not in name
    ],
)
def test_cart_pole_is_learned(name: str) -> None:
    """One seed of each preset; ten are in `results/`."""
    module = MODULES[name.split()[0]]
    events = list(module.train(replace(module.PRESETS[name.split()[1]], seed=1)))
    assert isinstance(events[-1], Finished)
    assert events[-1].reason == "sustained"
    assert [event.mean >= 475 for event in events if isinstance(event, Evaluated)][-3:] == [True] * 3
    assert evaluate(make_envs("cart-pole@1", 50), events[-1].policy.act, 2**30, 100).mean() >= 475
