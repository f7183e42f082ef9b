"""PQN's parts: networks of the papers' sizes, targets and exploration by hand, killed and resumed, what it refuses."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from baselines.algorithms import pqn
from baselines.data.rollout import Transition
from baselines.nets.networks import in_blocks
from baselines.templates.policies import GraphPolicy
from baselines.training import runner
from baselines.training.events import Evaluated, Finished, Snapshot
from rlbench.errors import UserError
from tests.baselines import films, probes
from tests.baselines.algorithms.test_dqn import constant_network
from tests.baselines.runs import curve, kill, weights

BRIEF: dict[str, Any] = {
    **{"num_envs": 4, "goal": np.inf, "eval_every_updates": 4, "evaluation_episodes": 4},
    **{"checkpoint_every_updates": 4, "hidden": (16,)},
}
SETTINGS: dict[str, pqn.PQNSettings] = {
    "numbers": replace(pqn.PRESETS["fast"], **BRIEF, horizon=32, total_env_steps=2_500),
    "frames": replace(
        pqn.PRESETS["atari-cpu"],
        **BRIEF | {"convolutions": ((4, 4, 4), (4, 2, 1)), "evaluation_steps": 20},
        **{"task": films.task("noise"), "horizon": 8, "total_env_steps": 600, "minibatches": 2, "life_loss": False},
    ),
}

KILLED = """
import sys
from pathlib import Path
from baselines.training import runner
from tests.baselines.algorithms.test_pqn import SETTINGS
runner.run("pqn", SETTINGS[sys.argv[1]], Path(sys.argv[2]), quiet=True)
"""


def network(preset: str) -> torch.nn.Sequential:
    made: torch.nn.Sequential = pqn.PQN(replace(pqn.PRESETS[preset], num_envs=1, evaluation_episodes=1)).q.network
    return made


def test_the_network_of_the_paper_on_cart_pole() -> None:
    """Two hidden layers of 256, each normalized before its ReLU."""
    made = network("paper")
    block = [torch.nn.Linear, torch.nn.LayerNorm, torch.nn.ReLU]
    assert [isinstance(layer, kind) for layer, kind in zip(made, [*block, *block], strict=False)] == [True] * 6
    assert [tuple(layer.weight.shape) for layer in made[::3]] == [(256, 4), (256, 256), (2, 256)]


def test_the_network_of_the_paper_on_atari() -> None:
    """That of Mnih et al. (2015), 1,686,180 weights for four actions, and a gain and a bias of each unit and filter."""
    pytest.importorskip("ale_py")
    assert sum(p.numel() for p in network("atari-paper").parameters()) == 1_686_180 + 2 * (32 + 64 + 64 + 512)


def test_hidden_layers_are_normalized() -> None:
    """Of one image over all places and filters; of numbers over the units: mean 0, variance 1."""
    rng = np.random.default_rng(0)
    for name, seen in {
        "numbers": rng.normal(size=(5, 4)).astype("f4"),
        "frames": in_blocks(rng.integers(256, size=(5, 4, 12, 12), dtype=np.uint8), 4),
    }.items():
        learner = pqn.PQN(SETTINGS[name])
        normalized = learner.q.network[:2](torch.from_numpy(seen)).flatten(1)
        torch.testing.assert_close(normalized.mean(dim=1), torch.zeros(5), atol=1e-6, rtol=0)
        torch.testing.assert_close(normalized.var(dim=1, correction=0), torch.ones(5), atol=1e-3, rtol=0)


@pytest.mark.parametrize(("rows", "epsilon"), [(0, 1.0), (25, 0.8), (50, 0.6), (100, 0.2), (10_000, 0.2)])
def test_exploration_falls_on_a_line(rows: int, epsilon: float) -> None:
    settings = replace(SETTINGS["numbers"], epsilon_start=1.0, epsilon_end=0.2, epsilon_env_steps=100)
    learner = pqn.PQN(settings)
    learner.rollout.rows = rows
    assert learner.epsilon() == pytest.approx(epsilon)


@pytest.mark.parametrize("epsilon", [0.0, 1.0])
def test_actions_are_the_best_or_at_random(epsilon: float) -> None:
    learner = pqn.PQN(replace(SETTINGS["numbers"], epsilon_start=epsilon, epsilon_end=epsilon))
    constant_network(learner.q.network, (2.0, 5.0))
    learner.begin_episodes()
    played = learner.play()
    assert played.a_tm1.shape == (32, 4)
    assert played.a_tm1.mean() == (1.0 if epsilon == 0 else pytest.approx(0.5, abs=0.2))


def rollout(**columns: Any) -> Transition:
    """Three steps of one environment, of ones and zeros but for these columns."""
    given = {name: np.array(values)[:, None] for name, values in columns.items()}
    no, s = np.zeros((3, 1), bool), np.zeros((3, 1, 4), "f4")
    step = Transition(s, np.zeros((3, 1), int), np.ones((3, 1), "f4"), no, no, s, ~no)
    return step._replace(**given)


@pytest.mark.parametrize(
    ("columns", "targets"),
    [
        ({}, [1 + 0.25 * 5 + 0.25 * (1 + 0.25 * 5 + 0.25 * 3.5), 1 + 0.25 * 5 + 0.25 * 3.5, 3.5]),
        ({"terminated": [False, True, False], "last_t": [False, True, False]}, [1 + 0.25 * 5 + 0.25, 1, 3.5]),
        ({"last_t": [False, True, False]}, [1 + 0.25 * 5 + 0.25 * 3.5, 3.5, 3.5]),  # cut short
        ({"terminated": [False, True, False]}, [1 + 0.25 * 5 + 0.25, 1, 3.5]),  # a life is lost
        ({"r_t": [0.0, 0.0, 9.0]}, [1.25 + 0.25 * (1.25 + 0.25 * 4.5), 1.25 + 0.25 * 4.5, 2 + 2.5]),  # clipped at 2
    ],
    ids=["goes on", "terminated", "truncated", "life lost", "clipped"],
)
def test_targets(columns: dict[str, Any], targets: list[float]) -> None:
    """Q is (2, 5) everywhere, gamma = lambda = 1/2: a step and half of 5, or half the mean of 5 and the next target."""
    learner = pqn.PQN(replace(SETTINGS["numbers"], gamma=0.5, lambda_=0.5, reward_scale=1.0, reward_clip=2.0))
    constant_network(learner.q.network, (2.0, 5.0))
    np.testing.assert_allclose(learner.targets(rollout(**columns))[:, 0], targets)


def test_the_scale_multiplies_what_the_bound_left() -> None:
    learner = pqn.PQN(replace(SETTINGS["numbers"], lambda_=0.0, reward_scale=10.0, reward_clip=2.0))
    constant_network(learner.q.network, (0.0, 0.0))
    assert learner.targets(rollout(r_t=[-7.0, 0.5, 7.0]))[:, 0].tolist() == [-20, 5, 20]


def test_steps_in_which_an_environment_only_reset_are_not_learned_from() -> None:
    learner = pqn.PQN(SETTINGS["numbers"])
    played = rollout(valid=[True, False, True], a_tm1=[7, 8, 9])
    assert learner.batch(played).a_tm1.tolist() == [7, 9]
    nothing = learner.batch(rollout(valid=[False] * 3))
    assert [*learner.minibatches(nothing)] == []


@pytest.mark.parametrize("minibatches", [1, 3, 100])
def test_an_epoch_sees_every_step_once(minibatches: int) -> None:
    learner = pqn.PQN(replace(SETTINGS["numbers"], minibatches=minibatches))
    learner.begin_episodes()
    batch = learner.batch(learner.play())._replace(a_tm1=torch.arange(128))
    batch = pqn.QBatch(*(column[:100] for column in batch))
    parts = [*learner.minibatches(batch)]
    assert len(parts) == minibatches
    assert max(len(p.a_tm1) for p in parts) - min(len(p.a_tm1) for p in parts) <= 1
    order = torch.cat([part.a_tm1 for part in parts]).tolist()
    assert sorted(order) == [*range(100)] != order
    for part in parts:  # rows stay together
        assert torch.equal(part.G_t, batch.G_t[part.a_tm1])
        assert torch.equal(part.s_tm1, batch.s_tm1[part.a_tm1])


@pytest.mark.parametrize("name", SETTINGS)
def test_the_exported_policy_answers_as_the_network(name: str) -> None:
    learner = pqn.PQN(replace(SETTINGS[name], evaluation_epsilon=0.0, tau=1.0))
    with torch.no_grad():  # gains and biases of the normalization, which begin at 1 and 0
        learner.q.theta.add_(torch.randn(len(learner.q.theta), generator=torch.Generator().manual_seed(0)), alpha=0.1)
    rng = np.random.default_rng(0)
    seen = rng.integers(256, size=(20, 4, 12, 12), dtype=np.uint8) if name == "frames" else rng.normal(size=(20, 4))
    policy = learner.policy()
    assert isinstance(policy, GraphPolicy)
    answers = policy.act(seen, np.ones(20, bool))
    q = learner.action_values(torch.from_numpy(learner.rollout.encode(seen)))
    np.testing.assert_allclose(policy.explain()["action_values"], q.numpy(), rtol=1e-4, atol=1e-5)
    assert answers.tolist() == q.argmax(dim=1).tolist()


def test_the_average_weights_are_submitted_and_change_nothing_of_what_is_learned() -> None:
    """After each gradient step the average moves by tau of the way to the learned weights."""
    plain, averaged = (pqn.PQN(replace(SETTINGS["numbers"], tau=tau)) for tau in (1.0, 0.25))
    expected = averaged.q.theta.clone()
    learn = averaged.learn

    def followed(batch: pqn.QBatch) -> torch.Tensor:
        nonlocal expected
        loss = learn(batch)
        expected = 0.75 * expected + 0.25 * averaged.q.theta
        return loss

    averaged.learn = followed  # type: ignore[method-assign]
    plain.begin_episodes()
    averaged.begin_episodes()
    for _ in range(3):
        plain.iterate()
        averaged.iterate()
    assert torch.equal(plain.q.theta, averaged.q.theta)
    torch.testing.assert_close(averaged.average_theta, expected)
    assert not torch.equal(averaged.average_theta, averaged.q.theta)
    policy, seen = averaged.policy(), np.random.default_rng(0).normal(size=(20, 4))
    assert isinstance(policy, GraphPolicy)
    with torch.no_grad():
        q = averaged.average(torch.from_numpy(averaged.rollout.encode(seen)))
    np.testing.assert_allclose(values(policy, seen), q.numpy(), rtol=1e-4, atol=1e-5)


def trained(settings: pqn.PQNSettings) -> GraphPolicy:
    """The policy in which a training run ends."""
    *_, last = pqn.train(settings)
    assert isinstance(last, Finished)
    assert isinstance(last.policy, GraphPolicy)
    return last.policy


def values(policy: GraphPolicy, seen: np.ndarray) -> np.ndarray:
    policy.act(seen, np.ones(len(seen), bool))
    return policy.outputs()["action_values"]


@pytest.mark.parametrize("discrete", [False, True])
@pytest.mark.parametrize("probe", probes.PROBES)
def test_values_of_the_probes(probe: str, discrete: bool) -> None:
    settings = replace(
        pqn.PRESETS["fast"],
        task=probes.task(probe, discrete=discrete),
        **{"gamma": 0.5, "reward_scale": 1.0, "observation_scale": (), "hidden": (32,), "num_envs": 16, "horizon": 8},
        **{"total_env_steps": 128 * 60, "epochs": 2, "minibatches": 4, "eval_every_updates": 60, "goal": np.inf},
        **{"learning_rate": 1e-2, "learning_rate_end": 1e-4, "epsilon_end": 0.5},
    )
    policy = trained(settings)
    expected = probes.values(probe, 0.5)
    known = ~np.isnan(expected)
    seen = np.arange(2) if discrete else np.array([[0.0], [1.0]])
    np.testing.assert_allclose(values(policy, seen)[known], expected[known], atol=0.1)


@pytest.mark.parametrize("probe", probes.PROBES)
def test_values_of_the_probes_from_pictures(probe: str) -> None:
    settings = replace(
        pqn.PRESETS["atari-cpu"],
        **{"task": films.task(probe), "life_loss": False},
        **{"gamma": 0.5, "convolutions": ((8, 4, 4), (8, 2, 1)), "hidden": (32,), "num_envs": 8, "horizon": 8},
        **{"total_env_steps": 64 * 40, "epochs": 2, "minibatches": 4, "eval_every_updates": 40, "tau": 1.0},
        **{"optimizer": "adam", "learning_rate": 1e-2, "learning_rate_end": 1e-4, "epsilon_end": 0.5},
    )
    policy = trained(settings)
    expected = probes.values(probe, 0.5)
    known = ~np.isnan(expected)
    np.testing.assert_allclose(values(policy, films.picture(np.arange(2)))[known], expected[known], atol=0.1)


@pytest.mark.parametrize("name", SETTINGS)
def test_resumed_from_every_snapshot(name: str) -> None:
    events = [(event, event.state() if isinstance(event, Snapshot) else None) for event in pqn.train(SETTINGS[name])]
    whole = events[-1][0].state()["learner"]
    states = [state for _, state in events if state]
    assert len(states) > 2
    for state in states:
        *_, last = pqn.train(SETTINGS[name], resume=state)
        again = last.state()["learner"]
        np.testing.assert_array_equal(again["q"]["theta"], whole["q"]["theta"])
        assert (again["rng"], again["rollout"]) == (whole["rng"], whole["rollout"])


@pytest.mark.parametrize("name", ["numbers", pytest.param("frames", marks=pytest.mark.slow)])
def test_killed_and_resumed_is_uninterrupted(name: str, tmp_path: Path) -> None:
    """Killed with signal 9 as soon as a checkpoint is there; the rest is done here."""
    whole = runner.run("pqn", SETTINGS[name], tmp_path / "whole", quiet=True)
    out = tmp_path / "killed"
    kill(KILLED, out, name)
    submission = runner.run("pqn", SETTINGS[name], out, quiet=True)
    assert weights(submission) == weights(whole)
    assert curve(out) == curve(tmp_path / "whole")
    other = runner.run("pqn", replace(SETTINGS[name], seed=1), tmp_path / "other", quiet=True)
    assert weights(other) != weights(whole)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"evaluation_epsilon": 0.1}, "evaluation_epsilon is for networks with convolutions"),
        ({"horizon": 0}, "horizon must be"),
        ({"lambda_": 1.5}, "lambda_ must lie in"),
        ({"minibatches": 0}, "minibatches must be"),
        ({"task": "Pendulum-v1", "observation_scale": ()}, "actions must be Discrete"),
        ({"convolutions": ((4, 4, 4),)}, "convolutions take stacked frames"),
        ({"observation_scale": (1.0, 2.0)}, "observation_scale has 2 numbers, the observation 4"),
        ({"life_loss": True}, "takes no life_loss"),
        ({"horizon": 10**12}, "horizon=1000000000000 takes .* of memory"),
        ({"learning_rate": 1e30}, "became (nan|inf)|a weight became infinite"),
    ],
)
def test_mistakes(change: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        for _ in pqn.train(replace(SETTINGS["numbers"], **change)):
            pass


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(1, 10))])
def test_cart_pole_is_held(seed: int) -> None:
    """Three evaluations in a row average 475, and the best weights do so in 100 further episodes."""
    *events, last = pqn.train(replace(pqn.PRESETS["fast"], seed=seed))
    assert isinstance(last, Finished)
    assert last.reason == "sustained"
    assert [event.mean >= 475 for event in events if isinstance(event, Evaluated)][-3:] == [True] * 3
