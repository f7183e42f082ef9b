"""Every equation against numbers worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from baselines.maths import equations as eq

# Two states, two actions. From state 0: action 0 stays for -1, action 1 goes to state 1 or ends, half and half, for 4.
# From state 1: either action ends, for 10 or for 2.
MODEL = eq.Model(
    p=np.array([[[1.0, 0.0], [0.5, 0.5]], [[1.0, 0.0], [1.0, 0.0]]]),
    r=np.array([[[-1.0, 0.0], [4.0, 4.0]], [[10.0, 0.0], [2.0, 0.0]]]),
    s_t=np.array([[[0, 0], [1, 0]], [[1, 0], [1, 0]]]),
    goes_on=np.array([[[1.0, 0.0], [1.0, 0.0]], [[0.0, 0.0], [0.0, 0.0]]]),
)


def test_action_values() -> None:
    q = eq.action_values(np.array([6.0, 8.0]), MODEL, 0.5)
    assert q.tolist() == [[-1 + 3, 4 + 0.5 * 4], [10, 2]]


def test_expectation_backup() -> None:
    pi = np.array([[0.25, 0.75], [0.5, 0.5]])
    v = eq.bellman_expectation_backup(np.array([6.0, 8.0]), pi, MODEL, 0.5)
    assert v.tolist() == [0.25 * 2 + 0.75 * 6, 6]


def test_optimality_backup() -> None:
    Q_i = np.array([[1.0, 6.0], [8.0, 3.0]])
    assert eq.bellman_optimality_backup(Q_i, MODEL, 0.5).tolist() == [[2, 6], [10, 2]]


def test_q_learning_target_has_no_future_after_a_termination() -> None:
    y = eq.q_learning_target(np.array([1.0, 1.0]), np.array([0.9, 0.0]), np.array([10.0, 10.0]))
    assert y.tolist() == [10.0, 1.0]


def test_double_q_takes_the_online_choice_and_the_target_value() -> None:
    online = torch.tensor([[1.0, 2.0], [5.0, 4.0]])
    target = torch.tensor([[30.0, 20.0], [7.0, 8.0]])
    assert eq.double_q_value(target, online).tolist() == [20.0, 7.0]


def test_q_learning_update() -> None:
    assert eq.q_learning_update(np.array([2.0]), np.array([10.0]), 0.25).tolist() == [4.0]


def test_q_learning_loss() -> None:
    q, y = torch.tensor([0.0, 0.0]), torch.tensor([0.5, -3.0])
    assert eq.q_learning_loss(q, y).item() == pytest.approx((0.125 + 4.5) / 2)


@pytest.mark.parametrize("clip", [0.3, 1.0])
def test_clipped_loss_is_hubers(clip: float) -> None:
    y = torch.linspace(-3, 3, 21)
    ours, theirs = (torch.zeros(21, requires_grad=True) for _ in range(2))
    loss = eq.clipped_q_learning_loss(ours, y, clip)
    reference = torch.nn.functional.huber_loss(theirs, y, delta=clip)
    torch.testing.assert_close(loss, reference)
    loss.backward()
    reference.backward()
    torch.testing.assert_close(ours.grad, theirs.grad)


def test_autograd_of_the_loss_is_the_lectures_gradient() -> None:
    """Equation 3 of Mnih et al. (2013): E[(r + gamma max_a' Q(s',a') - Q(s,a)) grad Q(s,a)] is where Q moves.

    Q(s, a) = theta[a] . s, linear, so that grad_theta[a] Q(s, a) = s and 0 for the other action. `backward` leaves
    the gradient of a loss that is to fall, the printed expression is the direction to go: the sign differs; the
    printed one drops the 2 that comes down from the square, and so does a loss with a half in front.
    """
    theta = torch.tensor([[0.5, -1.0], [2.0, 0.25]], requires_grad=True)  # [A, D]
    s_tm1, a_tm1 = torch.tensor([[1.0, 2.0], [3.0, -1.0], [0.5, 0.5]]), torch.tensor([0, 1, 0])
    r_t, discount_t = torch.tensor([1.0, 0.0, -1.0]), torch.tensor([0.9, 0.9, 0.0])
    s_t = torch.tensor([[0.0, 1.0], [1.0, 1.0], [2.0, 2.0]])

    y = eq.q_learning_target(r_t, discount_t, (s_t @ theta.T).amax(dim=1))
    q_tm1 = (s_tm1 @ theta.T).gather(1, a_tm1.unsqueeze(1)).squeeze(1)
    eq.q_learning_loss(q_tm1, y).backward()

    # By hand. Q(s,a): 0.5 - 2 = -1.5, 6 - 0.25 = 5.75, 0.25 - 0.5 = -0.25.
    # max Q(s',.): max(-1, 0.25) = 0.25, max(-0.5, 2.25) = 2.25, not needed.
    # y: 1 + 0.225 = 1.225, 0 + 2.025 = 2.025, -1.  y - Q: 2.725, -3.725, -0.75.
    lecture = np.array([[2.725 * 1 - 0.75 * 0.5, 2.725 * 2 - 0.75 * 0.5], [-3.725 * 3, 3.725]]) / 3
    assert theta.grad is not None
    np.testing.assert_allclose(-theta.grad.numpy(), lecture, rtol=1e-6)


def test_gaussian_of_several_axes_and_one_deviation() -> None:
    """At the mean 1 / (2 pi sigma^2), a deviation away in one coordinate e^(-1/2) of that; and as PyTorch has it."""
    l_t, mu_t = torch.tensor([[0.5, -0.25], [0.5, 0.25]]), torch.tensor([0.5, -0.25])
    peak = 1 / (2 * np.pi * 0.25)
    assert eq.gaussian_log_prob(l_t, mu_t, torch.tensor(np.log(0.5))).exp().tolist() == pytest.approx(
        [peak, peak * np.exp(-0.5)]
    )
    peer = torch.distributions.Normal(mu_t, 0.5).log_prob(l_t).sum(-1)
    torch.testing.assert_close(eq.gaussian_log_prob(l_t, mu_t, torch.tensor(np.log(0.5))), peer)


def test_location_loss() -> None:
    """Two episodes of two moves: -1/2 [(1 - 0.5)(-1) + (1 - 0.25)(-2) + (0 - 0.5)(-3) + (0 - 1)(-4)]."""
    log_pi_t, R = torch.tensor([[-1.0, -3.0], [-2.0, -4.0]]), torch.tensor([1.0, 0.0])
    b_t = torch.tensor([[0.5, 0.5], [0.25, 1.0]], requires_grad=True)
    assert eq.location_loss(log_pi_t, R, b_t).item() == pytest.approx(-(-0.5 - 1.5 + 1.5 + 4.0) / 2)
    assert not eq.location_loss(log_pi_t, R, b_t).requires_grad, "the baseline must not learn by this loss"


def test_autograd_of_the_location_loss_is_the_score_function_estimator() -> None:
    """1/M sum_i sum_t grad log pi(l_t^i) (R^i - b_t), and grad_W log pi = (l - W h) h^T / sigma^2 where mu = W h."""
    draw = torch.Generator().manual_seed(0)
    W = torch.randn(2, 5, generator=draw, dtype=torch.float64).requires_grad_()
    h, l_t = (torch.randn(3, 7, d, generator=draw, dtype=torch.float64) for d in (5, 2))
    R, b_t = torch.randn(7, generator=draw), torch.randn(3, 7, generator=draw)
    eq.location_loss(eq.gaussian_log_prob(l_t, h @ W.T, torch.tensor(np.log(0.3))), R, b_t).backward()
    estimate = np.zeros((2, 5))
    for t in range(3):
        for i in range(7):
            score = np.outer((l_t[t, i] - h[t, i] @ W.T).detach(), h[t, i]) / 0.3**2
            estimate += float(R[i] - b_t[t, i]) * score / 7
    np.testing.assert_allclose(-W.grad.numpy(), estimate, rtol=1e-6)


def test_the_score_function_estimator_points_where_the_reward_rises() -> None:
    """R = -|l - c|^2 has the exact gradient -2 (mu - c) in the mean, whatever the baseline."""
    mu, c = torch.tensor([0.2, -0.1]), torch.tensor([0.5, 0.3])
    for b in (0.0, -1.0):
        theta = mu.clone().requires_grad_()
        l_t = mu + 0.1 * torch.randn(1, 400_000, 2, generator=torch.Generator().manual_seed(1))
        R = -(l_t[0] - c).square().sum(-1)
        eq.location_loss(
            eq.gaussian_log_prob(l_t, theta, torch.tensor(np.log(0.1))), R, torch.full((1, 1), b)
        ).backward()
        assert (-theta.grad).tolist() == pytest.approx((-2 * (mu - c)).tolist(), abs=0.05)


def test_baseline_loss() -> None:
    b_t = torch.tensor([[0.5, 0.0], [1.0, 1.0]])
    assert eq.baseline_loss(b_t, torch.tensor([1.0, 0.0])).item() == pytest.approx((0.25 + 0 + 0 + 1) / 4)


def test_classification_loss() -> None:
    logits, label = torch.tensor([[0.0, np.log(3.0)], [0.0, 0.0]], dtype=torch.float32), torch.tensor([1, 0])
    assert eq.classification_loss(logits, label).item() == pytest.approx(-(np.log(0.75) + np.log(0.5)) / 2)
    peer = torch.nn.functional.cross_entropy(logits, label)
    torch.testing.assert_close(eq.classification_loss(logits, label), peer)


def test_information_gain() -> None:
    """The right class goes from 1/2 to 3/4, then to 1/4: log 3/2 is gained, log 3 lost. Below e^-4 counts as e^-4."""
    even, three, one, never = (0.0, 0.0), (0.0, np.log(3.0)), (np.log(3.0), 0.0), (100.0, 0.0)
    logits_t = torch.tensor([[even, even], [three, never], [one, even]], dtype=torch.float64)
    gain = eq.information_gain(logits_t, torch.tensor([1, 1]))
    expected = [[np.log(3 / 2), -4 + np.log(2)], [-np.log(3), 4 - np.log(2)]]
    np.testing.assert_allclose(gain, expected)


def test_normal_numbers_by_hand() -> None:
    """sqrt(-2 ln(1 - u_1)) cos(2 pi u_2): 0 at u_1 = 0; sqrt(2) at 1 - 1/e and 0, its negative at a half turn."""
    u = np.array([[0.0, 0.3], [1 - np.exp(-1), 0.0], [1 - np.exp(-1), 0.5], [np.nextafter(1, 0), 0.0]])
    z = eq.standard_normal(u)[:, 0]
    np.testing.assert_allclose(z[:3], [0.0, 2**0.5, -(2**0.5)], atol=1e-12)
    assert np.isfinite(z).all()


def test_gaussian_by_hand() -> None:
    """sigma = 2, one deviation off: log pi = -1/2 - ln 2 - 1/2 ln 2 pi; entropy ln 2 + 1/2 ln 2 pi e."""
    log_sigma = torch.tensor([np.log(2.0)], dtype=torch.float64)
    a, mu = torch.tensor([[3.0]], dtype=torch.float64), torch.tensor([[1.0]], dtype=torch.float64)
    assert eq.gaussian_log_prob(a, mu, log_sigma).item() == pytest.approx(-0.5 - np.log(2) - 0.9189385332)
    assert eq.gaussian_entropy(log_sigma).item() == pytest.approx(np.log(2) + 1.4189385332)


def test_tanh_log_slope() -> None:
    u = torch.tensor([[0.5, -2.0]], dtype=torch.float64)
    assert eq.tanh_log_slope(u).item() == pytest.approx(float(np.log(1 - np.tanh([0.5, -2.0]) ** 2).sum()))
    assert eq.tanh_log_slope(torch.tensor([[40.0]])).item() == pytest.approx(2 * (np.log(2) - 40))


def test_soft_equations_by_hand() -> None:
    q, log_pi, alpha = torch.tensor([[1.0, 5.0], [2.0, 3.0]]), torch.tensor([-1.0, 2.0]), torch.tensor(0.5)
    r, discount = torch.tensor([10.0, 20.0]), torch.tensor([0.9, 0.0])
    torch.testing.assert_close(eq.soft_q_target(r, discount, q, log_pi, alpha), torch.tensor([11.35, 20.0]))
    assert eq.soft_policy_loss(q, log_pi, alpha).item() == pytest.approx((-1.5 - 2.0) / 2)
    assert eq.squared_errors(q, torch.tensor([1.0, 1.0])).item() == pytest.approx(0.5 * (16 / 2 + 5 / 2))
    assert eq.temperature_gradient(log_pi, -2.0).item() == pytest.approx(1.5)  # entropy -0.5 exceeds -2: alpha falls
