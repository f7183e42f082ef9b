"""DQN's parts: what its presets are, its targets by hand, how its target network follows, when it gives up."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from baselines.algorithms import dqn, off_policy
from baselines.data.replay import Batch
from rlbench.errors import UserError

FAST, LECTURE = dqn.PRESETS["fast"], dqn.PRESETS["lecture"]


def test_the_lecture_is_algorithm_1() -> None:
    """One environment, an update per step on uniform replay, no target network, one-step targets, squared error."""
    assert (LECTURE.lanes, LECTURE.update_every, LECTURE.n_step) == (1, 1, 1)
    assert (LECTURE.refresh_every, LECTURE.double_q) == (0, False)
    assert (LECTURE.reward_scale, LECTURE.observation_scale) == (1.0, ())


def constant_network(network: torch.nn.Sequential, outputs: tuple[float, float]) -> None:
    """Make the network answer `outputs` whatever it sees."""
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.zero_()
        network[-1].bias.copy_(torch.tensor(outputs))


@pytest.mark.parametrize(
    ("config", "value"),
    [(LECTURE, 5.0), (replace(FAST, double_q=False), 70.0), (FAST, 30.0)],
    ids=["online max", "target max", "double"],
)
def test_targets(config: dqn.Config, value: float) -> None:
    """The online network says (2, 5), the target network (70, 30)."""
    learner = dqn.make_learner(config)
    constant_network(learner.network, (2.0, 5.0))
    constant_network(learner.target, (70.0, 30.0))
    s = torch.zeros((2, 4))
    batch = Batch(s, torch.tensor([0, 1]), torch.tensor([1.0, -1.0]), torch.tensor([0.5, 0.0]), s)
    assert dqn.td_target(learner, batch).tolist() == [1 + 0.5 * value, -1.0]


def test_the_target_network_follows() -> None:
    learner = dqn.make_learner(replace(FAST, warmup=1, batch=4, lanes=4, n_step=1, tau=0.25, refresh_every=2))
    assert torch.equal(learner.target_flat.theta, learner.flat.theta)
    learner.lanes.reset(0)
    dqn.act(learner)
    online = []
    for _ in range(3):
        online.append(learner.flat.theta.clone())
        dqn.learn(learner)
    expected = 0.75 * online[0] + 0.25 * online[2]  # moved before updates 0 and 2
    torch.testing.assert_close(learner.target_flat.theta, expected)


def test_the_update_at_which_the_loss_broke() -> None:
    learner = dqn.make_learner(FAST)
    learner.updates = 10
    learner.losses = [torch.tensor(1.0), torch.tensor(float("nan")), torch.tensor(float("inf"))]
    with pytest.raises(UserError, match="the loss became nan at update 9"):
        off_policy.mean_loss(learner)
    with torch.no_grad():
        learner.flat.theta[0] = float("inf")
    with pytest.raises(UserError, match="a weight became infinite at update 10"):
        off_policy.mean_loss(learner)
