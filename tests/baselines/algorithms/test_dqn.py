"""DQN's parts: what its presets are, its targets by hand, how its target network follows, when it gives up."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import numpy as np
import pytest
import torch

from baselines.algorithms import dqn
from baselines.data.replay import ReplayBatch
from baselines.nets.optim import FusedAdam
from baselines.templates.agent_template import Perceptron
from rlbench.errors import UserError
from tests.baselines import films

FAST, LECTURE = dqn.PRESETS["fast"], dqn.PRESETS["lecture"]


def test_the_lecture_is_algorithm_1() -> None:
    """One environment, an update per step on uniform replay, no target network, one-step targets, squared error."""
    assert (LECTURE.num_envs, LECTURE.update_every_env_steps, LECTURE.n_step) == (1, 1, 1)
    assert (LECTURE.target_update_period, LECTURE.double_q) == (0, False)
    assert (LECTURE.reward_scale, LECTURE.observation_scale) == (1.0, ())


def test_the_nature_preset_is_the_papers() -> None:
    """Adam's epsilon of Dopamine; a target network 10,000 steps old at most, which is not what is submitted."""
    nature = dqn.PRESETS["atari-nature"]
    assert (nature.num_envs, nature.adam_epsilon, nature.submit) == (1, 1.5e-4, "online")
    assert (nature.update_every_env_steps, nature.target_update_period, nature.tau) == (4, 2_500, 1.0)
    assert nature.update_every_env_steps * nature.target_update_period == 10_000
    small = {"convolutions": ((4, 4, 4), (4, 2, 1)), "hidden": (8,), "capacity": 500, "warmup": 100}
    learner = dqn.DQN(replace(nature, task=films.task("noise"), **small))
    assert isinstance(learner.online.optimizer, FusedAdam)
    assert learner.online.optimizer.epsilon == 1.5e-4


def test_the_data_efficient_preset_is_the_papers() -> None:
    """Table 1 of van Hasselt et al. (2019), of what a network of action values can have of it."""
    preset = dqn.PRESETS["atari-data-efficient"]
    assert (preset.total_env_steps, preset.warmup, preset.batch_size, preset.gamma) == (100_000, 1_600, 32, 0.99)
    assert (preset.num_envs, preset.update_every_env_steps, preset.n_step) == (1, 1, 20)
    assert (preset.target_update_period, preset.tau, preset.double_q) == (2_000, 1.0, True)
    assert (preset.learning_rate, preset.learning_rate_end) == (1e-4, 1e-4)
    assert [filters for filters, _, _ in preset.convolutions] == [32, 64]
    assert preset.capacity > preset.total_env_steps  # unbounded there


@pytest.mark.parametrize(("submit", "outputs"), [("target", (70.0, 30.0)), ("online", (2.0, 5.0))])
def test_the_network_that_is_submitted(submit: Literal["target", "online"], outputs: tuple[float, float]) -> None:
    learner = dqn.DQN(replace(FAST, submit=submit, adam_epsilon=0.25))
    assert learner.online.optimizer.epsilon == 0.25
    constant_network(learner.online.network, (2.0, 5.0))
    constant_network(learner.target, (70.0, 30.0))
    policy = learner.policy()
    assert isinstance(policy, Perceptron)
    assert policy.outputs(np.zeros((1, 4), np.float32)).tolist() == [[*outputs]]


def test_the_online_network_is_submitted_where_there_is_no_target() -> None:
    learner = dqn.DQN(replace(FAST, target_update_period=0, double_q=False))
    constant_network(learner.online.network, (2.0, 5.0))
    policy = learner.policy()
    assert isinstance(policy, Perceptron)
    assert policy.outputs(np.zeros((1, 4), np.float32)).tolist() == [[2.0, 5.0]]


def constant_network(network: torch.nn.Sequential, outputs: tuple[float, float]) -> None:
    """Make the network answer `outputs` whatever it sees."""
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.zero_()
        network[-1].bias.copy_(torch.tensor(outputs))


@pytest.mark.parametrize(
    ("settings", "value"),
    [(LECTURE, 5.0), (replace(FAST, double_q=False), 70.0), (FAST, 30.0)],
    ids=["online max", "target max", "double"],
)
def test_targets(settings: dqn.DQNSettings, value: float) -> None:
    """The online network says (2, 5), the target network (70, 30)."""
    learner = dqn.DQN(settings)
    constant_network(learner.online.network, (2.0, 5.0))
    constant_network(learner.target, (70.0, 30.0))
    s = torch.zeros((2, 4))
    batch = ReplayBatch(s, torch.tensor([0, 1]), torch.tensor([1.0, -1.0]), torch.tensor([0.5, 0.0]), s)
    assert learner.td_target(batch).tolist() == [1 + 0.5 * value, -1.0]


def test_the_target_network_follows() -> None:
    learner = dqn.DQN(replace(FAST, warmup=1, batch_size=4, num_envs=4, n_step=1, tau=0.25, target_update_period=2))
    assert torch.equal(learner.target_theta, learner.online.theta)
    learner.rollout.reset(0)
    learner.act()
    online = []
    for _ in range(3):
        online.append(learner.online.theta.clone())
        learner.learn(learner.moves_target())
    expected = 0.75 * online[0] + 0.25 * online[2]  # moved before updates 0 and 2
    torch.testing.assert_close(learner.target_theta, expected)


def test_the_update_at_which_the_loss_broke() -> None:
    learner = dqn.DQN(FAST)
    learner.updates = 10
    for loss in (1.0, float("nan"), float("inf")):
        learner.losses.add(torch.tensor(loss))
    with pytest.raises(UserError, match="the loss became nan at update 9"):
        learner.metrics()
    learner.losses.mean()  # the losses are forgotten, the weights are not
    with torch.no_grad():
        learner.online.theta[0] = float("inf")
    with pytest.raises(UserError, match="a weight became infinite at update 10"):
        learner.metrics()
