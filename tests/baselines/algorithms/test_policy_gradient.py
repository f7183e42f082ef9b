"""The surrogate's gradient on a world of two states: by hand, and summed over every trajectory there is.

From state s, action a earns r(s, a) and leads on with the chances drawn below; what is missing to 1 ends the episode,
which after three steps ends anyhow.

    s = 0   a = 0 earns 1:  to 0 1/2, to 1 1/4        s = 1   a = 0 earns -1:  to 0 1
            a = 1 earns 2:  to 1 1/2                          a = 1 earns  3:  to 0 1/4, to 1 1/4
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import get_args

import numpy as np
import pytest
import torch

from baselines.algorithms.reinforce import Estimator, psi
from baselines.maths.estimators import policy_gradient_loss
from baselines.nets.distributions import Categorical

P = np.array([[[0.5, 0.25], [0.0, 0.5]], [[1.0, 0.0], [0.25, 0.25]]])  # [s, a, s']
R = np.array([[1.0, 2.0], [-1.0, 3.0]])  # [s, a]
START = np.array([0.75, 0.25])
T = 3
THETA = np.array([[0.3, -0.2], [0.1, 0.8]])  # logits h(s, .) = theta[s], so that a network is a table
PI = np.exp(THETA) / np.exp(THETA).sum(axis=1, keepdims=True)
B, V = 1.7, np.array([2.5, -0.5])  # any baselines will do
ESTIMATORS = get_args(Estimator)
Trajectory = tuple[float, list[tuple[int, int]]]


def trajectories(p: float, past: list[tuple[int, int]], s: int) -> Iterator[Trajectory]:
    """Every trajectory that goes on from s after `past`, and its probability under PI."""
    for a in range(2):
        path, p_a = [*past, (s, a)], p * PI[s, a]
        if len(path) == T:
            yield p_a, path
            continue
        yield p_a * (1 - P[s, a].sum()), path
        for s_t in range(2):
            yield from trajectories(p_a * P[s, a, s_t], path, s_t)


def padded(paths: list[Trajectory]) -> dict[str, np.ndarray]:
    """Trajectories as arrays [T, N]; rows after the end are not valid."""
    N = len(paths)
    arrays = {name: np.zeros((T, N), int) for name in ("s", "a", "last", "valid")}
    for n, (_, path) in enumerate(paths):
        for t, (s, a) in enumerate(path):
            arrays["s"][t, n], arrays["a"][t, n], arrays["valid"][t, n] = s, a, 1
        arrays["last"][len(path) - 1, n] = 1
    bools = {name: arrays[name].astype(bool) for name in ("last", "valid")}
    return {**arrays, **bools, "p": np.array([p for p, _ in paths])}


def psi_of(estimator: Estimator, arrays: dict[str, np.ndarray], gamma: float) -> np.ndarray:
    r_t = R[arrays["s"], arrays["a"]] * arrays["valid"]
    return psi(estimator, r_t, arrays["last"], gamma, b=B, v_t=V[arrays["s"]])


def by_autograd(arrays: dict[str, np.ndarray], Psi_t: np.ndarray) -> np.ndarray:
    """Minus the gradient of the surrogate, [s, a], by torch."""
    theta, valid = torch.tensor(THETA, requires_grad=True), arrays["valid"]
    s, a = (torch.from_numpy(arrays[name][valid]) for name in ("s", "a"))
    log_pi_t = Categorical(2).log_prob(theta[s], a)
    policy_gradient_loss(log_pi_t, torch.from_numpy(Psi_t[valid]), 1).backward()
    assert theta.grad is not None
    return -theta.grad.numpy()


ALL = [each for s in range(2) for each in trajectories(START[s], [], s)]
EVERY = padded(ALL)


def test_the_trajectories_are_all_there_are() -> None:
    assert EVERY["p"].sum() == pytest.approx(1)
    assert len(ALL) == 4 + 16 + 64  # of one, two and three steps


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_autograd_of_the_surrogate_is_the_score_function_estimator(estimator: Estimator) -> None:
    """One trajectory, (s, a) = (0, 1), (1, 0), (0, 0), rewards 2, -1, 1, by hand, gamma = 1/2.

    d log pi(a|s) / d theta[s, b] = 1[a = b] - pi(b|s), and nothing for the other state.
    """
    arrays = padded([(1.0, [(0, 1), (1, 0), (0, 0)])])
    by_hand = {
        "whole-trajectory": [2, 2, 2],
        "reward-to-go": [2, 0, 1],
        "discounted": [2 - 0.5 + 0.25, -1 + 0.5, 1],
        "moving-average": [1.75 - 1.7, -0.5 - 1.7, 1 - 1.7],
        "learned-value": [1.75 - 2.5, -0.5 + 0.5, 1 - 2.5],
    }[estimator]
    pi = 1 / (1 + np.exp(-0.5)), 1 / (1 + np.exp(0.7))  # pi(0|s): logits 0.5 apart, and 0.7
    score = [(0, -pi[0], pi[0]), (1, 1 - pi[1], pi[1] - 1), (0, 1 - pi[0], pi[0] - 1)]
    expected = np.zeros((2, 2))
    for Psi, (s, *slope) in zip(by_hand, score, strict=True):
        expected[s] += Psi * np.array(slope)
    np.testing.assert_allclose(by_autograd(arrays, psi_of(estimator, arrays, 0.5)), expected, atol=1e-12)


def exact_gradient() -> np.ndarray:
    """Gradient of J = E[sum_t r_t], [s, a], by central differences of backward induction."""

    def J(theta: np.ndarray) -> float:
        pi, v = np.exp(theta) / np.exp(theta).sum(axis=1, keepdims=True), np.zeros(2)
        for _ in range(T):
            v = (pi * (R + P @ v)).sum(axis=1)
        return float(START @ v)

    gradient, h = np.zeros((2, 2)), 1e-5
    for at in np.ndindex(2, 2):
        step = np.zeros((2, 2))
        step[at] = h
        gradient[at] = (J(THETA + step) - J(THETA - step)) / (2 * h)
    return gradient


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_the_expectation_is_the_policy_gradient(estimator: Estimator) -> None:
    """Without a discount every estimator is unbiased, whatever its baseline."""
    expectation = by_autograd(EVERY, EVERY["p"] * psi_of(estimator, EVERY, 1.0))
    np.testing.assert_allclose(expectation, exact_gradient(), atol=1e-9)
    assert np.abs(exact_gradient()).min() > 0.05


@pytest.mark.parametrize("estimator", ["discounted", "moving-average", "learned-value"])
def test_the_expectation_under_a_discount(estimator: Estimator) -> None:
    """It is sum_t E[Q_t(s_t, a_t) grad log pi(a_t|s_t)], Q_t discounted but the sum over t not: not grad J."""
    q, d, expected = [R], START, np.zeros((2, 2))  # q[k]: with k steps to come after this one
    for _ in range(T - 1):
        q.append(R + 0.5 * P @ (PI * q[-1]).sum(axis=1))
    for t in range(T):
        advantage = q[T - 1 - t] - (PI * q[T - 1 - t]).sum(axis=1, keepdims=True)
        expected += d[:, None] * PI * advantage
        d = np.einsum("s,sa,sab->b", d, PI, P)
    expectation = by_autograd(EVERY, EVERY["p"] * psi_of(estimator, EVERY, 0.5))
    np.testing.assert_allclose(expectation, expected, atol=1e-12)
