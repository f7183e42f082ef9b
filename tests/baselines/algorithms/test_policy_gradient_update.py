"""What an update of REINFORCE and of actor-critic plays and learns, against single steps and formulas by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import gymnasium
import numpy as np
import pytest
import torch

from baselines.algorithms import actor_critic, policy_gradient_base
from baselines.algorithms.actor_critic import ActorCritic
from baselines.data.rollout import play_episodes
from baselines.maths.estimators import discounted_reward_to_go
from baselines.training.events import Finished, Progress
from tests.baselines.algorithms.test_policy_gradient_training import SETTINGS, train


def make(name: str = "actor-critic fast", **changes: Any) -> ActorCritic:
    return ActorCritic(replace(SETTINGS[name], **changes))


def test_episodes_are_those_of_a_single_environment() -> None:
    """Actions are drawn anew, so they are recorded and replayed one episode at a time."""
    learner = make(num_envs=5)
    played = play_episodes(learner.rollout, learner.choose, seed=40)
    assert played.valid[0].all()
    for n in range(5):
        env = gymnasium.make("rlbench/CartPole-v0")
        observation, _ = env.reset(seed=40 + n)
        T = int(played.valid[:, n].sum())
        assert played.valid[:T, n].all()
        for t in range(T):
            np.testing.assert_array_equal(learner.rollout.encode(observation[None])[0], played.s_tm1[t, n])
            observation, reward, terminated, truncated, _ = env.step(int(played.a_tm1[t, n]))
            assert played.r_t[t, n] == reward
            assert played.last_t[t, n] == (terminated or truncated) == (t == T - 1)


def test_a_stretch_goes_on_where_the_last_one_ended() -> None:
    learner = make(num_envs=3)
    learner.rollout.reset(0)
    first, second = (learner.play_steps(7) for _ in range(2))
    assert first.s_tm1.shape == (7, 3, 4)
    np.testing.assert_array_equal(first.s_t[-1], second.s_tm1[0])
    np.testing.assert_array_equal(first.s_t[:-1], first.s_tm1[1:])


def test_networks_away_from_the_cpu_act_as_in_numpy(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a GPU there is no twin that shares the network's memory; the device answers by itself."""
    learner = make()
    s = np.random.default_rng(0).normal(size=(6, 4)).astype(np.float32)
    outputs, values = learner.actor.outputs(s), learner.values(s)
    for network in (learner.actor, learner.critic):
        monkeypatch.setattr(network, "device", torch.device("meta"))
        monkeypatch.setattr(network, "tensor", torch.from_numpy)
        monkeypatch.setattr(network.in_numpy, "outputs", None)
    np.testing.assert_allclose(learner.actor.outputs(s), outputs, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(learner.values(s), values, rtol=1e-4, atol=1e-6)
    learner.rollout.reset(0)
    assert np.isfinite(learner.update())


def test_the_lectures_update_by_hand() -> None:
    """theta + alpha sum_t A_t grad log pi(a_t|s_t) and phi - beta grad sum_t |A_t|^2, step by step in float64."""
    name = "actor-critic lecture"
    learner, other = (make(name, learning_rate_end=1e-3) for _ in range(2))
    learner.update()
    played = other.play()
    theta, phi = (net.theta.double() for net in (other.actor, other.critic))
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
    torch.testing.assert_close(learner.actor.theta.double(), theta, rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(learner.critic.theta.double(), phi, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("clip", [0.0, 0.2])
def test_without_average_both_losses_are_sums(clip: float) -> None:
    """A step along the sum is as many times as long as one along the mean as there are steps, for either network."""
    moved = {}
    for average in (True, False):
        learner = make(clip=clip, average=average, entropy=0.01, optimizer="ascent", max_grad_norm=0.0)
        learner.rollout.reset(0)
        batch = learner.batch(learner.play())
        log_pi_old_t = batch.log_pi_old_t + torch.linspace(-0.5, 0.5, len(batch.s_t))  # so that some steps are clipped
        batch = batch._replace(log_pi_old_t=log_pi_old_t)
        before = learner.actor.theta.clone(), learner.critic.theta.clone()
        learner.improve(batch)
        moved[average] = [net.theta - old for net, old in zip((learner.actor, learner.critic), before, strict=True)]
    for mean, total in zip(moved[True], moved[False], strict=True):
        assert mean.abs().max() > 1e-5
        torch.testing.assert_close(total, len(batch.s_t) * mean, rtol=1e-3, atol=1e-4)


def test_the_training_return_is_that_of_all_updates_since_the_last_evaluation(monkeypatch: pytest.MonkeyPatch) -> None:
    returns: list[float] = []

    def recorded(*arguments: Any) -> Any:
        played = play_episodes(*arguments)
        returns.extend((played.r_t * played.valid).sum(axis=0).tolist())
        return played

    monkeypatch.setattr(policy_gradient_base, "play_episodes", recorded)
    plotted = 0
    for event in train("reinforce fast", num_envs=3, checkpoint_every_updates=3):
        if isinstance(event, Progress):
            assert len(returns) in (3 * 4, 3 * (event.update % 4))
            assert event.metrics["training return"] == pytest.approx(np.mean(returns))
            returns.clear()
            plotted += 1
    assert plotted > 2


def test_truncation_is_bootstrapped_and_termination_is_not() -> None:
    learner = make()
    learner.rollout.reset(0)
    played = learner.play()
    A, target = learner.advantages(played)
    v, v_next = learner.values(played.s_tm1), learner.values(played.s_t)
    ends = played.last_t & played.terminated
    assert ends.any()
    np.testing.assert_allclose(A[ends], 0.05 * played.r_t[ends] - v[ends], rtol=1e-5)
    cut = played._replace(terminated=np.zeros_like(played.terminated))
    A, _ = learner.advantages(cut)
    np.testing.assert_allclose(A[ends], 0.05 * played.r_t[ends] + 0.99 * v_next[ends] - v[ends], rtol=1e-4)
    np.testing.assert_allclose(target[-1], 0.05 * played.r_t[-1] + 0.99 * (v_next * ~played.terminated)[-1], rtol=1e-4)


def test_a_step_in_which_every_environment_only_resets_teaches_nothing() -> None:
    """With one environment and a horizon of 1, an update may have no transition at all."""
    settings = replace(
        actor_critic.PRESETS["fast"],
        **{"num_envs": 1, "horizon": 1, "total_env_steps": 200, "eval_every_updates": 100, "evaluation_episodes": 1},
    )
    *_, last = actor_critic.train(settings)
    assert isinstance(last, Finished)
    assert last.update == 200
    assert last.steps < 200  # the others were resets
