"""REINFORCE and actor-critic as a user runs them: played, killed, resumed, refused, exported."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
import torch

from baselines.algorithms import actor_critic, on_policy, reinforce
from baselines.data.rollout import evaluate, make_lanes
from baselines.data.trajectories import play, play_episodes
from baselines.maths.estimators import discounted_reward_to_go
from baselines.training import checkpoint, runner
from baselines.training.events import Evaluated, Finished, Snapshot
from rlbench.errors import UserError
from tests.baselines.test_export import answers_alone

MODULES = {"reinforce": reinforce, "actor-critic": actor_critic}
BRIEF = {"goal": np.inf, "evaluate_every": 4, "evaluation_episodes": 4, "checkpoint_every": 4}
CONFIGS: dict[str, Any] = {
    "reinforce fast": replace(reinforce.PRESETS["fast"], steps=5_000, **BRIEF),
    "reinforce lecture": replace(reinforce.PRESETS["lecture"], steps=5_000, **BRIEF),
    "actor-critic fast": replace(actor_critic.PRESETS["fast"], lanes=4, horizon=32, steps=2_500, **BRIEF),
    "actor-critic lecture": replace(actor_critic.PRESETS["lecture"], steps=5_000, **BRIEF),
    "actor-critic locomotion": replace(
        actor_critic.PRESETS["locomotion"],
        **{"task": "Pendulum-v1", "lanes": 8, "horizon": 64, "steps": 8_000, "epochs": 2, "minibatches": 2, **BRIEF},
    ),
}

KILLED = """
import sys
from pathlib import Path
from baselines.training import runner as training
from tests.baselines.algorithms.test_on_policy import CONFIGS
training.run(sys.argv[1].split()[0], CONFIGS[sys.argv[1]], Path(sys.argv[2]), quiet=True)
"""


def train(name: str, **changes: Any) -> Any:
    return MODULES[name.split()[0]].train(replace(CONFIGS[name], **changes))


def weights(submission: Path) -> bytes:
    return (submission / "weights.safetensors").read_bytes()


def curve(out: Path) -> list[dict[str, Any]]:
    """The learning curve without its wall-clock times."""
    lines = [json.loads(line) for line in (out / "curve.jsonl").read_text().splitlines()]
    return [{name: value for name, value in line.items() if name != "seconds"} for line in lines]


def make(name: str = "actor-critic fast", **changes: Any) -> on_policy.Learner:
    return on_policy.make_learner(replace(CONFIGS[name], **changes))


def test_episodes_are_those_of_a_single_environment() -> None:
    """Actions are drawn anew, so they are recorded and replayed one episode at a time."""
    learner = make(lanes=5)
    played = play_episodes(learner.lanes, learner.choose, seed=40)
    assert played.valid[0].all()
    for n in range(5):
        env = gymnasium.make("rlbench/CartPole-v0")
        observation, _ = env.reset(seed=40 + n)
        T = int(played.valid[:, n].sum())
        assert played.valid[:T, n].all()
        for t in range(T):
            np.testing.assert_array_equal(learner.lanes.encode(observation[None])[0], played.s_tm1[t, n])
            observation, reward, terminated, truncated, _ = env.step(int(played.a_tm1[t, n]))
            assert played.r_t[t, n] == reward
            assert played.last_t[t, n] == (terminated or truncated) == (t == T - 1)


def test_a_stretch_goes_on_where_the_last_one_ended() -> None:
    learner = make(lanes=3)
    learner.lanes.reset(0)
    first, second = (play(learner.lanes, learner.choose, 7) for _ in range(2))
    assert first.s_tm1.shape == (7, 3, 4)
    np.testing.assert_array_equal(first.s_t[-1], second.s_tm1[0])
    np.testing.assert_array_equal(first.s_t[:-1], first.s_tm1[1:])


def test_networks_away_from_the_cpu_act_as_their_twins_in_numpy() -> None:
    """On a GPU there is no twin that shares the network's memory; the device answers by itself."""
    learner = make()
    s = np.random.default_rng(0).normal(size=(6, 4)).astype(np.float32)
    outputs, values = learner.actor.outputs(s), learner.values(s)
    learner.actor.numpy = learner.critic.numpy = None
    np.testing.assert_allclose(learner.actor.outputs(s), outputs, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(learner.values(s), values, rtol=1e-4, atol=1e-6)
    learner.lanes.reset(0)
    assert np.isfinite(actor_critic.update(learner)["loss"])


def test_the_lectures_update_by_hand() -> None:
    """theta + alpha sum_t A_t grad log pi(a_t|s_t) and phi - beta grad sum_t |A_t|^2, step by step in float64."""
    name = "actor-critic lecture"
    learner, other = (make(name, learning_rate_end=1e-3) for _ in range(2))
    actor_critic.update(learner)
    played = actor_critic.gather(other)
    theta, phi = (net.flat.theta.double() for net in (other.actor, other.critic))
    actor, critic = (torch.nn.Sequential(*net.network).double() for net in (other.actor, other.critic))
    r_t = 0.05 * played.r_t.astype(float)
    G = discounted_reward_to_go(r_t, played.last_t, 0.99)
    delta_theta = [torch.zeros_like(p) for p in actor.parameters()]
    delta_phi = [torch.zeros_like(p) for p in critic.parameters()]
    for t, n in np.argwhere(played.valid):
        s = torch.from_numpy(played.s_tm1[t, n].astype(float))
        A = G[t, n] - critic(s)[0]
        log_pi = torch.log_softmax(actor(s), 0)[played.a_tm1[t, n]]
        for total, g in zip(delta_theta, torch.autograd.grad(log_pi, list(actor.parameters())), strict=True):
            total += A.detach() * g
        for total, g in zip(delta_phi, torch.autograd.grad(A.square(), list(critic.parameters())), strict=True):
            total += g
    theta = theta + 1e-3 * torch.cat([total.reshape(-1) for total in delta_theta])
    phi = phi - 3e-4 * torch.cat([total.reshape(-1) for total in delta_phi])
    torch.testing.assert_close(learner.actor.flat.theta.double(), theta, rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(learner.critic.flat.theta.double(), phi, rtol=1e-4, atol=1e-6)


def test_truncation_is_bootstrapped_and_termination_is_not() -> None:
    learner = make()
    learner.lanes.reset(0)
    played = actor_critic.gather(learner)
    A, target = actor_critic.advantages(learner, played)
    v, v_next = learner.values(played.s_tm1), learner.values(played.s_t)
    ends = played.last_t & played.terminated
    assert ends.any()
    np.testing.assert_allclose(A[ends], 0.05 * played.r_t[ends] - v[ends], rtol=1e-5)
    cut = played._replace(terminated=np.zeros_like(played.terminated))
    A, _ = actor_critic.advantages(learner, cut)
    np.testing.assert_allclose(A[ends], 0.05 * played.r_t[ends] + 0.99 * v_next[ends] - v[ends], rtol=1e-4)
    np.testing.assert_allclose(target[-1], 0.05 * played.r_t[-1] + 0.99 * (v_next * ~played.terminated)[-1], rtol=1e-4)


@pytest.mark.parametrize("name", CONFIGS)
def test_two_trainings_of_one_seed_are_the_same(name: str) -> None:
    one, two, other = ([*train(name, seed=seed)][-1] for seed in (3, 3, 4))
    for key, tensor in one.policy.tensors().items():
        np.testing.assert_array_equal(two.policy.tensors()[key], tensor)
    assert one.steps >= CONFIGS[name].steps
    assert any((other.policy.tensors()[key] != tensor).any() for key, tensor in one.policy.tensors().items())


@pytest.mark.parametrize("name", CONFIGS)
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
        assert (again["rng"], again["steps"], again["b"]) == (whole["rng"], whole["steps"], whole["b"])


def train_from(name: str, state: Any) -> Any:
    return MODULES[name.split()[0]].train(CONFIGS[name], resume=state)


@pytest.mark.parametrize("name", ["reinforce fast", "actor-critic fast"])
def test_killed_and_resumed_is_uninterrupted(name: str, tmp_path: Path) -> None:
    """Killed with signal 9 as soon as a checkpoint is there; the rest is done here. Then exported: NumPy answers."""
    algorithm, config = name.split()[0], CONFIGS[name]
    whole = runner.run(algorithm, config, tmp_path / "whole", quiet=True)
    out, root = tmp_path / "killed", Path(__file__).parents[3]
    killed = subprocess.Popen([sys.executable, "-c", KILLED, name, str(out)], cwd=root)
    while not (out / "curve.jsonl").exists() or len((out / "curve.jsonl").read_bytes()) < 500:
        assert killed.poll() is None, "it ended before it could be killed"
        time.sleep(0.001)
    killed.kill()
    killed.wait()
    assert not (out / "submission").exists()
    submission = runner.run(algorithm, config, out, quiet=True)
    assert weights(submission) == weights(whole)
    assert curve(out) == curve(tmp_path / "whole")

    *_, last = train(name)
    seen = np.random.default_rng(0).normal(size=(20, 4))
    assert answers_alone(submission, seen) == last.policy.act(seen, np.ones(20, bool)).tolist()


@pytest.mark.parametrize("name", ["reinforce fast", "actor-critic fast"])
def test_a_loss_that_is_no_number_stops_and_keeps_the_checkpoint(name: str, tmp_path: Path) -> None:
    config = replace(CONFIGS[name], critic_learning_rate=1e30, checkpoint_every=1)
    algorithm = name.split()[0]
    with pytest.raises(UserError, match=r"became (nan|inf|infinite) at update \d+.*last good checkpoint is kept"):
        runner.run(algorithm, config, tmp_path, quiet=True)
    state = checkpoint.load(tmp_path / "checkpoint.safetensors", algorithm, runner.checks.as_json(config))
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
    ({"steps": 0}, "steps must be a whole number of at least 1, not 0"),
    ({"seed": -1}, "seed must be a whole number of at least 0, not -1"),
    ({"optimiser": "adamw"}, "unknown optimiser 'adamw'; did you mean adam"),
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
        ("reinforce fast", {"trajectories": 0}, "trajectories must be a whole number of at least 1, not 0"),
        ("reinforce fast", {"estimator": "magic"}, "unknown estimator 'magic'"),
        ("actor-critic fast", {"lanes": 0}, "lanes must be a whole number of at least 1, not 0"),
        ("actor-critic lecture", {"lanes": 0}, "lanes must be a whole number of at least 1, not 0"),
        ("actor-critic fast", {"horizon": -1}, "horizon must be a whole number of at least 0, not -1"),
        ("actor-critic fast", {"lambda_": 1.5}, r"lambda_ must lie in \[0, 1\], not 1.5"),
        ("actor-critic fast", {"advantage": "magic"}, "unknown advantage 'magic'"),
        ("actor-critic fast", {"clip": -0.1}, r"clip must lie in \[0, 1\], not -0.1"),
        ("actor-critic fast", {"normalise": True}, "leave observation_scale empty"),
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
        for name in CONFIGS
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
    assert evaluate(make_lanes("cart-pole@1", 50), events[-1].policy.act, 2**30, 100).mean() >= 475
