"""Every estimator of the policy gradient against numbers worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from baselines.maths import estimators as es

# Two lanes, five steps, rewards as drawn; | ends an episode by termination, / cuts one short.
#   lane 0:  1  2  4| 1  1
#   lane 1:  1  1/ 10 20 30
R = np.array([[1.0, 1], [2, 1], [4, 10], [1, 20], [1, 30]])
TERMINATED = np.array([[0, 0], [0, 0], [1, 0], [0, 0], [0, 0]], bool)
LAST = TERMINATED | np.array([[0, 0], [0, 1], [0, 0], [0, 0], [0, 0]], bool)


def test_whole_trajectory_return() -> None:
    assert es.whole_trajectory_return(R, LAST).T.tolist() == [[7, 7, 7, 2, 2], [2, 2, 60, 60, 60]]


def test_reward_to_go() -> None:
    assert es.reward_to_go(R, LAST).T.tolist() == [[7, 6, 4, 2, 1], [2, 1, 60, 50, 30]]


def test_discounted_reward_to_go() -> None:
    G = es.discounted_reward_to_go(R, LAST, 0.5)
    assert G.T.tolist() == [[1 + 1 + 1, 2 + 2, 4, 1.5, 1], [1.5, 1, 10 + 10 + 7.5, 20 + 15, 30]]


def test_baselines_are_subtracted() -> None:
    G = np.array([[3.0, 5.0]])
    assert es.minus_moving_average(G, 2.0).tolist() == [[1, 3]]
    assert es.minus_value(G, np.array([[1.0, 7.0]])).tolist() == [[2, -2]]


def test_moving_average_is_a_mean_and_then_forgets() -> None:
    b, seen = 0.0, []
    for k, mean_G in enumerate([4.0, 8.0, 12.0, 4.0], start=1):
        b = es.moving_average(b, k, mean_G, rate=0.5)
        seen.append(b)
    assert seen == [4, 6, 9, 6.5]


V = np.array([[2.0, 2], [4, 8], [6, 4], [2, 2], [8, 16]])  # V(s_t)
V_NEXT = np.array([[4.0, 8], [6, 6], [100, 2], [8, 16], [4, 40]])  # V(s_{t+1}); 100 is behind a termination


def test_n_step_advantage() -> None:
    A = es.n_step_advantage(R, 0.5 * ~TERMINATED, LAST, V, V_NEXT)
    lane_0 = [1 + 1 + 1 - 2, 2 + 2 - 4, 4 - 6, 1 + 0.5 + 0.25 * 4 - 2, 1 + 0.5 * 4 - 8]
    lane_1 = [1 + 0.5 + 0.25 * 6 - 2, 1 + 3 - 8, 10 + 10 + 7.5 + 5 - 4, 20 + 15 + 10 - 2, 30 + 20 - 16]
    assert A.T.tolist() == [lane_0, lane_1]


def test_generalised_advantage() -> None:
    """gamma lambda = 1/4. Errors delta, lane 0: 1, 1, -2 | 3, -5; lane 1: 3, -4 / 7, 26, 34."""
    A = es.generalised_advantage(R, 0.5 * ~TERMINATED, LAST, V, V_NEXT, 0.5)
    lane_0 = [1 + (1 - 2 / 4) / 4, 1 - 2 / 4, -2, 3 - 5 / 4, -5]
    lane_1 = [3 - 4 / 4, -4, 7 + (26 + 34 / 4) / 4, 26 + 34 / 4, 34]
    assert A.T.tolist() == [lane_0, lane_1]


def test_generalised_advantage_of_lambda_0_is_the_error_of_one_step() -> None:
    A = es.generalised_advantage(R, 0.5 * ~TERMINATED, LAST, V, V_NEXT, 0.0)
    assert A.T.tolist() == [[1, 1, -2, 3, -5], [3, -4, 7, 26, 34]]


def test_standardised() -> None:
    np.testing.assert_allclose(es.standardised(np.array([1.0, 5.0])), [-1, 1], rtol=1e-6)
    assert es.standardised(np.array([3.0, 3.0])).tolist() == [0, 0]


def test_policy_gradient_loss() -> None:
    log_pi = torch.tensor([-1.0, -2.0], requires_grad=True)
    loss = es.policy_gradient_loss(log_pi, torch.tensor([3.0, 5.0]), m=2)
    loss.backward()
    assert loss.item() == (3 + 10) / 2
    assert log_pi.grad is not None
    assert log_pi.grad.tolist() == [-1.5, -2.5]


@pytest.mark.parametrize(
    ("rho", "A", "loss", "slope"),
    [
        (1.0, 2.0, -2.0, -2.0),  # where it was: the plain policy gradient
        (1.5, 2.0, -2.4, 0.0),  # far enough in the right direction
        (0.5, 2.0, -1.0, -1.0),  # in the wrong direction: pulled back, however far
        (0.5, -2.0, 1.6, 0.0),
        (1.5, -2.0, 3.0, 3.0),
    ],
)
def test_clipped_policy_loss(rho: float, A: float, loss: float, slope: float) -> None:
    old = torch.tensor([-1.0])
    log_pi = (old + np.log(rho)).requires_grad_()
    value = es.clipped_policy_loss(log_pi, old, torch.tensor([A]), clip=0.2)
    value.backward()
    assert value.item() == pytest.approx(loss, rel=1e-6)
    assert log_pi.grad is not None
    assert log_pi.grad.item() == pytest.approx(slope, rel=1e-6)


def test_value_loss_is_the_lectures_sum_of_squares() -> None:
    v = torch.tensor([1.0, 2.0], requires_grad=True)
    loss = es.value_loss(v, torch.tensor([4.0, 0.0]), m=1)
    loss.backward()
    assert loss.item() == 9 + 4
    assert v.grad is not None
    assert v.grad.tolist() == [-6, 4]
