"""Soft actor-critic: its update against one written with autograd alone, resumed, refused, exported."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from baselines.algorithms import soft_actor_critic as sac
from baselines.training import runner
from baselines.training.events import Snapshot
from rlbench.errors import UserError
from tests.baselines.test_export import exported_actions

BRIEF = sac.SACSettings(
    **{"task": "Pendulum-v1", "num_envs": 2, "hidden": (16,), "batch_size": 32, "warmup": 60, "capacity": 500},
    **{"total_env_steps": 240, "eval_every_env_steps": 120, "evaluation_episodes": 2},
    **{"checkpoint_every_env_steps": 100, "actor_every": 2, "temperature": 0.2},
)


def warm(**changes: Any) -> sac.SAC:
    """A learner whose replay is full enough to learn from."""
    learner = sac.SAC(replace(BRIEF, **changes))
    learner.begin_episodes()
    while len(learner.replay) < BRIEF.warmup:
        learner.act()
    return learner


def thetas(learner: sac.SAC) -> dict[str, torch.Tensor]:
    return {name: getattr(learner, name).theta.clone() for name in ("actor", "critics", "targets", "temperature")}


def test_one_update_by_autograd_and_torchs_adam() -> None:
    """Haarnoja et al. (2018b), Algorithm 1, with torch's distributions and optimizers, on the same draws."""
    learner, other = warm(), warm()
    learner.learn()
    actor, critics, targets = other.actor.network, other.critics.network, other.targets.network
    batch, parameters = other.replay.sample(32, other.rng), list(critics.parameters())
    log_alpha = torch.tensor(np.log(0.2), requires_grad=True)

    def draw(s: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        mu, log_sigma = actor(s).chunk(2, dim=1)
        u = mu + log_sigma.exp() * torch.from_numpy(other.rng.standard_normal((32, 1), dtype=np.float32))
        normal = torch.distributions.Normal(mu, log_sigma.exp()).log_prob(u)
        return u.tanh(), (normal - (1 - u.tanh() ** 2).log()).squeeze(1)

    with torch.no_grad():
        a_t, log_pi_t = draw(batch.s_t)
        y = batch.r_t + batch.discount_t * (targets(batch.s_t, a_t).amin(dim=0) - 0.2 * log_pi_t)
    q_1, q_2 = critics(batch.s_tm1, batch.a_tm1)
    loss = 0.5 * ((q_1 - y) ** 2).mean() + 0.5 * ((q_2 - y) ** 2).mean()
    step(parameters, loss, 1e-3)
    a, log_pi = draw(batch.s_tm1)
    step(list(actor.parameters()), (0.2 * log_pi - torch.minimum(*critics(batch.s_tm1, a))).mean(), 1e-3)
    step([log_alpha], -(log_alpha * (log_pi.detach() - 1)).mean(), 3e-4)
    expected = {
        "actor": torch.cat([p.reshape(-1) for p in actor.parameters()]),
        "critics": (moved := torch.cat([p.reshape(-1) for p in parameters])),
        "targets": other.targets.theta * 0.995 + 0.005 * moved,
        "temperature": log_alpha.reshape(1).float(),
    }
    for name, theta in thetas(learner).items():
        torch.testing.assert_close(theta, expected[name].detach(), rtol=1e-4, atol=2e-6)


def step(parameters: list[Any], loss: torch.Tensor, alpha: float) -> None:
    """One step of torch's own Adam along the gradient of a loss, with respect to nothing else."""
    gradients = torch.autograd.grad(loss, parameters)
    for parameter, gradient in zip(parameters, gradients, strict=True):
        parameter.grad = gradient
    torch.optim.Adam(parameters, lr=alpha).step()


def test_the_actor_is_delayed_and_leaves_the_critics_alone() -> None:
    learner = warm()
    learner.learn()
    assert not learner.critics.flat.grad.any()
    before = thetas(learner)
    learner.learn()  # the second update is the critics' alone
    after = thetas(learner)
    assert {name for name in before if not torch.equal(before[name], after[name])} == {"critics", "targets"}


def test_divergence_is_reported_before_an_action_is_taken() -> None:
    learner = warm()
    learner.losses.add(torch.tensor(float("nan")))
    learner.updates = 1
    with torch.no_grad():
        learner.actor.theta.fill_(float("nan"))
    with pytest.raises(UserError, match="the loss became nan at update 1; try a lower learning rate"):
        learner.act()


def test_a_fixed_temperature_stays() -> None:
    learner = warm(temperature_learning_rate=0.0)
    learner.learn()
    assert learner.temperature.theta.item() == pytest.approx(np.log(0.2))


def test_resumed_from_every_snapshot_is_uninterrupted() -> None:
    events = [(event, event.state() if isinstance(event, Snapshot) else None) for event in sac.train(BRIEF)]
    whole = events[-1][0].state()["learner"]
    states = [state for _, state in events if state]
    assert len(states) == 3
    for state in states:
        *_, last = sac.train(BRIEF, resume=state)
        again = last.state()["learner"]
        for part in ("actor", "critics", "targets", "temperature"):
            np.testing.assert_array_equal(again[part]["theta"], whole[part]["theta"])
        assert (again["rng"], again["rollout"], again["updates"]) == (whole["rng"], whole["rollout"], whole["updates"])
    assert whole["updates"] > 50


def test_exported_it_answers_alike(tmp_path: Path) -> None:
    submission = runner.run("soft-actor-critic", BRIEF, tmp_path, quiet=True)
    *_, last = sac.train(BRIEF)
    seen = np.random.default_rng(0).normal(size=(20, 3))
    answers = np.array(exported_actions(submission, seen), np.float32)
    np.testing.assert_array_equal(answers, last.policy.act(seen, np.ones(20, bool)))
    assert answers.shape == (20, 1)
    assert np.abs(answers).max() <= 2


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"task": "CartPole-v1"}, "continuous actions must be a bounded Box of one axis, not Discrete"),
        ({"tau": 1.5}, r"tau must lie in \[0, 1\], not 1.5"),
        ({"temperature": 0.0}, "temperature must be a positive number, not 0.0"),
        ({"updates_per_step": 0}, "updates_per_step must be a whole number of at least 1, not 0"),
        ({"actor_every": 0}, "actor_every must be a whole number of at least 1, not 0"),
        ({"capacity": 10}, "capacity=10 must hold warmup=60"),
        ({"learning_rate": float("nan")}, "learning_rate must be a positive number, not nan"),
        ({"entropy": float("nan")}, "entropy must be a finite number, not nan"),
    ],
)
def test_bad_settings(change: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        next(sac.train(replace(BRIEF, **change)))
