"""Distributions over actions against torch's own."""

from __future__ import annotations

from dataclasses import replace

import gymnasium
import numpy as np
import pytest
import torch

from baselines.algorithms import actor_critic
from baselines.nets.distributions import Categorical, Gaussian, SquashedGaussian, head
from rlbench.errors import UserError


def test_log_prob_and_entropy() -> None:
    outputs = torch.tensor([[1.0, 2.0, -3.0], [0.0, 0.0, 50.0]])
    second = torch.distributions.Categorical(logits=outputs)
    a = torch.tensor([1, 0])
    torch.testing.assert_close(Categorical(3).log_prob(outputs, a), second.log_prob(a))
    torch.testing.assert_close(Categorical(3).entropy(outputs), second.entropy())


def test_samples_come_as_often_as_they_should() -> None:
    outputs = np.log(np.array([[0.2, 0.5, 0.3]], np.float32)) + 700  # a shift that would overflow exp
    u = np.linspace(0, 1, 1000, endpoint=False)[:, None]
    drawn = Categorical(3).sample(np.repeat(outputs, 1000, axis=0), u)
    assert np.bincount(drawn).tolist() == pytest.approx([200, 500, 300], abs=1)
    assert Categorical(3).sample(outputs, np.array([[np.nextafter(1, 0)]])).tolist() == [2]


def test_an_action_of_no_probability_is_never_drawn() -> None:
    outputs = np.array([[-np.inf, 0.0, -np.inf]])
    for u in (0.0, 0.5, np.nextafter(1, 0)):
        assert Categorical(3).sample(outputs, np.array([[u]])).tolist() == [1]


BOX = gymnasium.spaces.Box(np.array([-1, 0], np.float32), np.array([1, 10], np.float32))


def test_spaces_without_a_distribution() -> None:
    assert head(gymnasium.spaces.Discrete(3)).outputs == 3
    assert head(BOX).outputs == 2
    with pytest.raises(UserError, match="actions must be Discrete"):
        head(gymnasium.spaces.MultiDiscrete([2, 2]))
    for space in (gymnasium.spaces.Box(-np.inf, np.inf, (2,)), gymnasium.spaces.Box(-1, 1, (2, 2))):
        with pytest.raises(UserError, match="a bounded Box of one axis"):
            head(space)


def test_gaussian() -> None:
    gaussian = Gaussian(BOX, deviation=0.5)
    outputs, a = torch.tensor([[0.3, -0.2], [1.0, 2.0]]), torch.tensor([[0.0, 0.0], [1.5, -2.0]])
    second = torch.distributions.Independent(torch.distributions.Normal(outputs, 0.5), 1)
    torch.testing.assert_close(gaussian.log_prob(outputs, a), second.log_prob(a))
    torch.testing.assert_close(gaussian.entropy(outputs), second.entropy())
    drawn = gaussian.sample(np.tile([[0.3, -0.2]], (100_000, 1)), np.random.default_rng(0).random((100_000, 4)))
    np.testing.assert_allclose(drawn.mean(axis=0), [0.3, -0.2], atol=0.01)
    np.testing.assert_allclose(np.cov(drawn.T), 0.25 * np.eye(2), atol=0.01)


def test_actions_in_the_units_of_the_space() -> None:
    units = np.array([[-1.0, -1.0], [0.0, 0.5], [9.0, -9.0]], np.float32)
    decoded = [[-1.0, 0.0], [0.0, 7.5], [1.0, 0.0]]
    for distribution in (Gaussian(BOX, 1.0), SquashedGaussian(BOX)):
        given = distribution.decode(units)
        assert given.tolist() == decoded
        assert all(BOX.contains(a) for a in given)


def test_squashed_gaussian() -> None:
    """Against torch's own chain of a normal and tanh; and where that one is infinite, finite."""
    outputs = torch.tensor([[0.3, -2.0, 0.1, -1.0], [0.0, 1.0, -2.0, 0.5]])
    mu, sigma, z = outputs[:, :2], outputs[:, 2:].exp(), torch.tensor([[0.5, -1.0], [0.0, 0.3]])
    a, log_pi = SquashedGaussian(BOX).draw(outputs, z)
    transform = torch.distributions.transforms.TanhTransform(cache_size=1)
    second = torch.distributions.TransformedDistribution(torch.distributions.Normal(mu, sigma), [transform])
    torch.testing.assert_close(a, transform(mu + sigma * z))
    torch.testing.assert_close(log_pi, second.log_prob(a).sum(dim=1), rtol=1e-4, atol=1e-5)
    far, log_far = SquashedGaussian(BOX).draw(torch.tensor([[50.0, -50.0, 0.0, 0.0]]), torch.zeros(1, 2))
    assert far.tolist() == [[1.0, -1.0]]
    assert log_far.isfinite().all()


def test_the_deviation_is_learned_and_kept() -> None:
    """It is one of the actor's parameters, at the end of its vector, and goes on from a checkpoint."""
    settings = replace(
        actor_critic.PRESETS["fast"], task="Pendulum-v1", observation_scale=(), num_envs=2, horizon=8, deviation=0.5
    )
    learner, other = (actor_critic.ActorCritic(settings) for _ in range(2))
    assert learner.actor.theta[-1].item() == pytest.approx(np.log(0.5))
    learner.begin_episodes()
    learner.update()
    assert learner.head.parameters[0].item() == learner.actor.theta[-1].item() != pytest.approx(np.log(0.5))
    other.restore(learner.state())
    assert other.head.parameters[0].item() == learner.head.parameters[0].item()
