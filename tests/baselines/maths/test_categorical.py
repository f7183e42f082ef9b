"""Distributions of returns against sums written out, numbers worked out by hand, and the equations of values."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from baselines.maths import categorical
from baselines.maths.equations import soft_q_target

CPU = torch.device("cpu")


def drawn(*shape: int, seed: int = 0) -> torch.Tensor:
    """Normal numbers."""
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def test_atoms() -> None:
    assert categorical.atoms(-1.0, 2.0, 4, CPU).tolist() == [-1, 0, 1, 2]


def test_a_value_is_shared_by_its_neighbours() -> None:
    """Atoms 0, 1, 2, 3.  y = 1.25 gives 3/4 to 1 and 1/4 to 2; 3 is an atom itself; -7 and 9 are cut to the ends."""
    z, one = torch.arange(4.0), torch.tensor([[1.0]])
    expected = {
        1.25: [0, 0.75, 0.25, 0],
        0.0: [1, 0, 0, 0],
        2.0: [0, 0, 1, 0],
        3.0: [0, 0, 0, 1],
        -7.0: [1, 0, 0, 0],
        9.0: [0, 0, 0, 1],
    }
    for y, m in expected.items():
        assert categorical.project(one, torch.tensor([[y]]), z).tolist() == [m], y


@pytest.mark.parametrize("K", [2, 3, 101])
def test_projection_by_the_formula(K: int) -> None:
    """m_i = sum_j p_j max(0, 1 - |y_j - z_i| / dz), as a sum over all pairs."""
    z = categorical.atoms(-5.0, 5.0, K, CPU)
    p, y = drawn(64, K).softmax(dim=1), 4 * drawn(64, K, seed=1)
    y[0], y[1, 0] = z, torch.inf  # the atoms themselves, all the way to the last
    dz = 10 / (K - 1)
    near = (1 - (y.double().clamp(-5, 5).unsqueeze(2) - z.double()).abs() / dz).clamp(min=0)
    expected = (p.double().unsqueeze(2) * near).sum(dim=1)
    m = categorical.project(p, y, z)
    torch.testing.assert_close(m.double(), expected, rtol=0, atol=2e-6)
    torch.testing.assert_close(m.sum(dim=1), torch.ones(64))
    torch.testing.assert_close(m[0], p[0], rtol=0, atol=1e-5)


def test_the_target_has_the_mean_of_the_target_of_values() -> None:
    z = categorical.atoms(-5.0, 5.0, 51, CPU)
    logits, r, log_pi, alpha = drawn(2, 32, 51), drawn(32, seed=1), drawn(32, seed=2), torch.tensor(0.1)
    discount = torch.where(torch.arange(32) % 4 == 0, 0.0, 0.9)
    y = categorical.soft_return_atoms(r, discount, z, log_pi, alpha)
    assert y[4].tolist() == [r[4].item()] * 51, "nothing follows a termination"
    p = categorical.lower_distribution(logits, z)
    expected = soft_q_target(r, discount, categorical.expected_value(logits, z), log_pi, alpha)
    torch.testing.assert_close((p * y).sum(dim=1), expected)
    inside = (y.abs() <= 5).all(dim=1)
    assert 0 < inside.sum() < 32
    torch.testing.assert_close((categorical.project(p, y, z) @ z)[inside], expected[inside])


def test_the_lower_distribution_is_that_of_the_lower_mean() -> None:
    z = categorical.atoms(-1.0, 1.0, 3, CPU)
    low, high = torch.tensor([3.0, 0.0, 0.0]), torch.tensor([0.0, 0.0, 3.0])
    p = categorical.lower_distribution(torch.stack([torch.stack([low, high]), torch.stack([high, low])]), z)
    torch.testing.assert_close(p, low.softmax(dim=0).expand(2, 3))


def test_cross_entropies_of_two_critics() -> None:
    logits, m = drawn(2, 8, 5).requires_grad_(), drawn(8, 5, seed=1).softmax(dim=1).requires_grad_()
    loss = categorical.cross_entropies(logits, m)
    expected = sum(torch.nn.functional.cross_entropy(each, m.detach()) for each in logits)
    torch.testing.assert_close(loss, expected)
    loss.backward()
    assert m.grad is None, "the target is held constant"
    torch.testing.assert_close(logits.grad, (logits.detach().softmax(dim=2) - m.detach()) / 8)


def test_expected_value_in_numpy() -> None:
    logits, z = drawn(3, 4), categorical.atoms(0.0, 3.0, 4, CPU)
    p = np.exp(logits.numpy())
    expected = (p / p.sum(axis=1, keepdims=True)) @ z.numpy()
    np.testing.assert_allclose(categorical.expected_value(logits, z), expected, rtol=1e-6)
