"""Every estimator of the policy gradient against numbers worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from baselines.maths import estimators as es

# Two environments, five steps, rewards as drawn; | ends an episode by termination, / cuts one short.
#   first:    1  2  4| 1  1
#   second:   1  1/ 10 20 30
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
    first = [1 + 1 + 1 - 2, 2 + 2 - 4, 4 - 6, 1 + 0.5 + 0.25 * 4 - 2, 1 + 0.5 * 4 - 8]
    second = [1 + 0.5 + 0.25 * 6 - 2, 1 + 3 - 8, 10 + 10 + 7.5 + 5 - 4, 20 + 15 + 10 - 2, 30 + 20 - 16]
    assert A.T.tolist() == [first, second]


def test_generalised_advantage() -> None:
    """gamma lambda = 1/4. Errors delta, first: 1, 1, -2 | 3, -5; second: 3, -4 / 7, 26, 34."""
    A = es.generalised_advantage(R, 0.5 * ~TERMINATED, LAST, V, V_NEXT, 0.5)
    first = [1 + (1 - 2 / 4) / 4, 1 - 2 / 4, -2, 3 - 5 / 4, -5]
    second = [3 - 4 / 4, -4, 7 + (26 + 34 / 4) / 4, 26 + 34 / 4, 34]
    assert A.T.tolist() == [first, second]


def test_generalised_advantage_of_lambda_0_is_the_error_of_one_step() -> None:
    A = es.generalised_advantage(R, 0.5 * ~TERMINATED, LAST, V, V_NEXT, 0.0)
    assert A.T.tolist() == [[1, 1, -2, 3, -5], [3, -4, 7, 26, 34]]


def test_sums_of_rewards_stop_at_a_cut_and_forecasts_go_on_behind_it() -> None:
    """The second environment is cut short after its second step; what if it had terminated there?"""
    ended = TERMINATED.copy()
    ended[1, 1] = True
    cut, over = 0.5 * ~TERMINATED, 0.5 * ~ended
    for G in (es.whole_trajectory_return(R, LAST), es.reward_to_go(R, LAST), es.discounted_reward_to_go(R, LAST, 0.5)):
        assert G[1, 1] in (1.0, 2.0), "rewards before the cut, nothing behind it"
    for estimate in (
        es.n_step_advantage,
        lambda *steps: es.generalised_advantage(*steps, 1.0),
        lambda *steps: es.generalised_advantage(*steps, 0.0),
    ):
        behind = estimate(R, cut, LAST, V, V_NEXT)[1, 1] - estimate(R, over, LAST, V, V_NEXT)[1, 1]
        assert behind == 0.5 * V_NEXT[1, 1] == 3.0


@pytest.mark.parametrize("m", [1, 4])
def test_every_loss_is_a_sum_over_m(m: int) -> None:
    """Of four steps: with m = 4 a mean, with m = 1 four times that, whichever the loss."""
    log_pi, old, A = (
        torch.tensor([-1.0, -2, -1, -3]),
        torch.tensor([-1.5, -2, -0.5, -3.5]),
        torch.tensor([1.0, -2, 3, 4]),
    )
    clipped = es.clipped_policy_loss(log_pi, old, A, 0.2, m).item()
    rho = np.exp([0.5, 0.0, -0.5, 0.5])
    assert clipped == pytest.approx(-(1.2 * 1 + 1 * -2 + rho[2] * 3 + 1.2 * 4) / m)
    assert es.policy_gradient_loss(log_pi, A, m).item() == pytest.approx(-(-1 + 4 - 3 - 12) / m)
    assert es.value_loss(log_pi, A, m).item() == pytest.approx((4 + 0 + 16 + 49) / m)


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
    value = es.clipped_policy_loss(log_pi, old, torch.tensor([A]), clip=0.2, m=1)
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


def test_n_step_return() -> None:
    """Four environments: nothing ends; terminates at the second step; is cut short there; terminates at the last."""
    r = np.array([[1.0] * 4, [2.0] * 4, [4.0] * 4])
    terminated = np.array([[0, 0, 0, 0], [0, 1, 0, 0], [0, 0, 0, 1]], bool)
    last = terminated | np.array([[0, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 0]], bool)
    G = es.n_step_return(r, 0.5 * ~terminated, last)
    assert G.r_t.tolist() == [1 + 1 + 1, 1 + 1, 1 + 1, 1 + 1 + 1]
    assert G.discount_t.tolist() == [0.125, 0.0, 0.25, 0.0]
    assert G.k.tolist() == [2, 1, 1, 2]


def test_one_step_return_is_the_step() -> None:
    G = es.n_step_return(np.array([[3.0]]), np.array([[0.9]]), np.array([[False]]))
    assert (G.r_t.tolist(), G.discount_t.tolist(), G.k.tolist()) == ([3.0], [0.9], [0])


@pytest.mark.parametrize("lambda_", [0.0, 0.65, 1.0])
def test_lambda_return_against_the_mixture_of_n_step_returns(lambda_: float) -> None:
    """G = (1 - lambda) sum_n lambda^(n-1) G^(n), the last of the n-step returns having all of the weight left.

    Episodes terminate, are cut short, lose a life (the discount is 0 and the episode goes on), or run on.
    """
    rng = np.random.default_rng(0)
    T, N = 7, 40
    r, v = rng.normal(size=(2, T, N))
    last = rng.random((T, N)) < 0.2
    discount = 0.9 * (rng.random((T, N)) > np.where(last, 0.5, 0.1))
    G = es.lambda_return(r, discount, last, v, lambda_)
    for t, i in np.ndindex(T, N):
        returns, earned, factor = [], 0.0, 1.0
        for k in range(t, T):
            earned, factor = earned + factor * r[k, i], factor * discount[k, i]
            returns.append(earned + factor * v[k, i])
            if last[k, i]:
                break
        weights = [(1 - lambda_) * lambda_**n for n in range(len(returns) - 1)]
        expected = np.dot([*weights, 1 - sum(weights)], returns)
        assert G[t, i] == pytest.approx(expected, abs=1e-12)


def test_lambda_return_is_value_plus_generalised_advantage() -> None:
    rng = np.random.default_rng(1)
    r, v_t, v_next = rng.normal(size=(3, 6, 5))
    last = rng.random((6, 5)) < 0.3
    discount = np.where(last, 0.0, 0.97)
    v_next[:-1] = np.where(last[:-1], v_next[:-1], v_t[1:])  # V(s_{t+1}) is one number, whichever step asks for it
    expected = v_t + es.generalised_advantage(r, discount, last, v_t, v_next, 0.8)
    np.testing.assert_allclose(es.lambda_return(r, discount, last, v_next, 0.8), expected, rtol=1e-12)
