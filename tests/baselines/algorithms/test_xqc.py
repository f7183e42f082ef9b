"""XQC: its update against one written with torch's own modules, SAC without its parts, resumed, refused, exported."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from baselines.algorithms import soft_actor_critic, xqc
from baselines.training import runner
from baselines.training.events import Snapshot
from rlbench.errors import UserError
from tests.baselines.algorithms.test_soft_actor_critic import BRIEF as OF_SAC
from tests.baselines.algorithms.test_soft_actor_critic import step
from tests.baselines.test_export import exported_actions

BRIEF = xqc.XQCSettings(**asdict(replace(OF_SAC, agent="xqc")), atoms=21)
PARTS = ("batch_norm", "weight_norm", "categorical")
TRAINED = ("actor", "critics", "targets", "temperature")


def warm(**changes: Any) -> xqc.XQC:
    """A learner whose replay is full enough to learn from."""
    learner = xqc.XQC(replace(BRIEF, **changes))
    learner.begin_episodes()
    while len(learner.replay) < BRIEF.warmup:
        learner.act()
    return learner


def in_torch(network: nn.Sequential) -> nn.Sequential:
    """The same network of torch's own layers, with the same parameters."""
    layers: list[nn.Module] = []
    for layer in network:
        if isinstance(layer, nn.Linear):
            layers.append(nn.Linear(layer.in_features, layer.out_features, bias=layer.bias is not None))
        elif isinstance(layer, nn.ReLU):
            layers.append(nn.ReLU())
        else:
            layers.append(nn.BatchNorm1d(len(layer.mean), eps=1e-3, momentum=0.01, affine=bool(layers)))
    for ours, theirs in zip(network.parameters(), nn.Sequential(*layers).parameters(), strict=True):
        theirs.data.copy_(ours.detach())
    return nn.Sequential(*layers)


def unit_rows(network: nn.Module) -> None:
    """Every unit's weights divided by their length."""
    with torch.no_grad():
        for layer in network.modules():
            if isinstance(layer, nn.Linear):
                layer.weight.div_(layer.weight.norm(dim=1, keepdim=True))


def flat(network: nn.Module) -> torch.Tensor:
    return torch.cat([p.detach().reshape(-1) for p in network.parameters()])


def test_one_update_by_torchs_own_layers() -> None:
    """Both halves of the batch pass the critics, and the targets, together; the actor sees the critics' averages."""
    learner, other = warm(), warm()
    learner.learn()
    actor = in_torch(other.actor.network).eval()
    critics = nn.ModuleList([in_torch(each) for each in other.critics.network.both])
    targets = nn.ModuleList([in_torch(each) for each in other.targets.network.both])
    batch, z, alpha = other.replay.sample(32, other.rng), torch.linspace(-5, 5, 21), 0.2
    r_t = batch.r_t * float(1 / np.sqrt(other.return_scale.moments.squares / 60 + 1e-8)[0])

    def draw(s: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        mu, log_sigma = actor(s).chunk(2, dim=1)
        log_sigma = log_sigma.clamp(-20, 2)
        u = mu + log_sigma.exp() * torch.from_numpy(other.rng.standard_normal((32, 1), dtype=np.float32))
        normal = torch.distributions.Normal(mu, log_sigma.exp()).log_prob(u)
        slope = torch.distributions.TanhTransform().log_abs_det_jacobian(u, u.tanh())
        return u.tanh(), (normal - slope).squeeze(1)

    with torch.no_grad():
        a_t, log_pi_t = draw(batch.s_t)
        x = torch.cat([torch.cat([batch.s_tm1, batch.a_tm1], 1), torch.cat([batch.s_t, a_t], 1)])
        p_1, p_2 = (each(x)[32:].softmax(dim=1) for each in targets)
        p = torch.where((p_2 @ z < p_1 @ z)[:, None], p_2, p_1)
        y = (r_t[:, None] + batch.discount_t[:, None] * (z - alpha * log_pi_t[:, None])).clamp(-5, 5)
        near = (1 - (y[:, :, None] - z).abs() / 0.5).clamp(min=0)
        m = (p[:, :, None] * near).sum(dim=1)
    loss = sum(nn.functional.cross_entropy(each(x)[:32], m) for each in critics)
    step(list(critics.parameters()), loss, 1e-3)
    unit_rows(critics)
    critics.eval()
    a, log_pi = (actor.train(), draw(batch.s_tm1))[1]
    pair = torch.cat([batch.s_tm1, a], dim=1)
    q = torch.stack([each(pair).softmax(dim=1) @ z for each in critics]).amin(dim=0)
    step(list(actor.parameters()), (alpha * log_pi - q).mean(), 1e-3)
    unit_rows(actor)
    log_alpha = np.log(0.2) - 3e-4 * np.sign(-float((log_pi.detach() - 0.5).mean()))  # Adam's first step is its size
    expected = {
        "actor": flat(actor),
        "critics": flat(critics),
        "targets": flat(targets) * 0.995 + 0.005 * flat(critics),
        "temperature": torch.tensor([log_alpha]).float(),
    }
    for name, theta in expected.items():
        torch.testing.assert_close(getattr(learner, name).theta, theta, rtol=1e-3, atol=2e-5)
    for layer, its in zip(learner.critics.network.both[0], critics[0], strict=True):
        if isinstance(its, nn.BatchNorm1d):
            torch.testing.assert_close(layer.mean, its.running_mean, rtol=1e-4, atol=1e-6)
            torch.testing.assert_close(layer.variance, its.running_var, rtol=1e-4, atol=1e-6)


def test_without_its_parts_it_is_sac_bit_for_bit() -> None:
    off = dict.fromkeys((*PARTS, "normalize_rewards"), False)
    *_, ours = xqc.train(replace(BRIEF, **off, entropy=-1.0))
    *_, its = soft_actor_critic.train(OF_SAC)
    for name in TRAINED:
        np.testing.assert_array_equal(
            ours.state()["learner"][name]["theta"], its.state()["learner"][name]["theta"], err_msg=name
        )


@pytest.mark.parametrize("part", [*PARTS, "normalize_rewards"])
def test_each_part_matters_and_can_be_left_out(part: str) -> None:
    """Networks have the layers and the outputs that the part says, and an update moves all of them to numbers."""
    whole, without = warm(), warm(**{part: False})
    for learner in (whole, without):
        learner.learn()
        learner.check_finite()
    sizes = [sum(p.numel() for p in each.critics.network.parameters()) for each in (whole, without)]
    assert (sizes[0] != sizes[1]) == (part in ("batch_norm", "categorical"))
    rows = [
        torch.cat([layer.weight, layer.bias[:, None]], 1)
        if part == "batch_norm" and len(layer.bias) == 16
        else layer.weight
        for layer in without.critics.network.modules()
        if isinstance(layer, nn.Linear)
    ]
    lengths = torch.cat([row.detach().norm(dim=1) for row in rows])
    assert bool((lengths - 1).abs().max() < 1e-6) == (part != "weight_norm"), "of the outputs, without batch_norm, too"
    if sizes[0] == sizes[1]:
        assert not torch.equal(whole.critics.theta, without.critics.theta)


def test_rewards_are_learned_in_units_of_the_deviation_of_their_sum() -> None:
    learner = warm()
    ring, scale = learner.replay.ring, float(learner.return_scale.factor)
    drawn = learner.sample().r_t
    assert np.isin(drawn.numpy(), (ring.r_t[:60] * scale).numpy()).all()
    learner.act()
    assert float(learner.return_scale.factor) != scale, "it follows the rewards"
    as_they_are = warm(normalize_rewards=False)
    assert np.isin(as_they_are.sample().r_t.numpy(), ring.r_t.numpy()).all()


def test_resumed_from_every_snapshot_is_uninterrupted() -> None:
    events = [(event, event.state() if isinstance(event, Snapshot) else None) for event in xqc.train(BRIEF)]
    whole = events[-1][0].state()["learner"]
    states = [state for _, state in events if state]
    assert len(states) == 3
    for state in states:
        *_, last = xqc.train(BRIEF, resume=state)
        again = last.state()["learner"]
        for part in TRAINED:
            np.testing.assert_array_equal(again[part]["theta"], whole[part]["theta"])
        for part in ("actor", "critics"):
            np.testing.assert_array_equal(again[part]["statistics"], whole[part]["statistics"])
        np.testing.assert_array_equal(
            again["return_scale"]["moments"]["mean"], whole["return_scale"]["moments"]["mean"]
        )
    assert whole["updates"] > 50


def test_exported_it_answers_alike(tmp_path: Path) -> None:
    """The submission has no normalization: its layers are those of the actor, folded."""
    submission = runner.run("xqc", BRIEF, tmp_path, quiet=True)
    *_, last = xqc.train(BRIEF)
    seen = np.random.default_rng(0).normal(size=(20, 3))
    answers = np.array(exported_actions(submission, seen), np.float32)
    np.testing.assert_array_equal(answers, last.policy.act(seen, np.ones(20, bool)))
    learner = xqc.XQC(BRIEF)
    learner.restore(last.state()["learner"])
    mu = learner.actor(torch.from_numpy(seen).float())[:, :1].tanh().detach().numpy()
    np.testing.assert_allclose(learner.policy().act(seen, np.ones(20, bool)), 2 * mu, atol=1e-5)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"task": "CartPole-v1"}, "continuous actions must be a bounded Box of one axis, not Discrete"),
        ({"batch_size": 1}, "batch_size=1 has no variance for batch_norm; give 2 or more"),
        ({"atoms": 1}, "atoms=1 are no range of values; give 2 or more"),
        ({"max_value": 0.0}, "max_value must be a positive number, not 0.0"),
        ({"critic_hidden": (0,)}, "critic_hidden must be a whole number of at least 1, not 0"),
    ],
)
def test_bad_settings(change: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        next(xqc.train(replace(BRIEF, **change)))
