"""Returns as distributions over fixed values: what a categorical critic learns from, one function per equation.

K values z_1 < ... < z_K at equal distances; a critic's outputs are the logits of the return's probabilities p_i there.
Letters and shapes are those of `equations`; all functions take tensors. Bellemare, Dabney & Munos (2017), "A
distributional perspective on reinforcement learning", section 4.
"""

from __future__ import annotations

import torch


def atoms(low: float, high: float, K: int, device: torch.device) -> torch.Tensor:
    """The values z[K] from `low` to `high`."""
    return torch.linspace(low, high, K, device=device)


def expected_value(logits: torch.Tensor, z: torch.Tensor) -> torch.Tensor:
    """Mean of a distribution: Q = sum_i p_i z_i, p = softmax(logits); logits[..., K] -> [...]."""
    return logits.softmax(dim=-1) @ z


def lower_distribution(logits: torch.Tensor, z: torch.Tensor) -> torch.Tensor:
    """The distribution of that critic whose mean is the lower, p[B, K], of logits[2, B, K]; the first of equals.

    What min_i Q_i is to values: Fujimoto et al. (2018), equation 10.
    """
    p = logits.softmax(dim=-1)
    q_1, q_2 = p @ z
    return torch.where((q_2 < q_1).unsqueeze(1), p[1], p[0])


def soft_return_atoms(
    r_t: torch.Tensor, discount_t: torch.Tensor, z: torch.Tensor, log_pi_t: torch.Tensor, alpha: torch.Tensor
) -> torch.Tensor:
    """The returns that the values z of the next state come to, with entropy: y_j = r + discount (z_j - alpha log pi).

    r_t[B], discount_t[B], z[K], log_pi_t[B] -> y[B, K]. Their mean is `equations.soft_q_target`.
    """
    return r_t.unsqueeze(1) + discount_t.unsqueeze(1) * (z - alpha * log_pi_t.unsqueeze(1))


def project(p: torch.Tensor, y: torch.Tensor, z: torch.Tensor) -> torch.Tensor:
    """Distribution over the values z with the same mean: each y_j, cut to their range, shared by the two z about it.

    m_i = sum_j p_j max(0, 1 - |y_j - z_i| / (z_2 - z_1)); p[B, J], y[B, J], z[K] -> m[B, K]. Bellemare et al. (2017),
    equation 7. Here by adding at two places, in time K where the formula takes K^2.
    """
    K = len(z)
    place = ((y - z[0]) * ((K - 1) / (z[-1] - z[0]))).clamp(0, K - 1)  # of y among the z, in units of their distance
    below = place.floor().clamp(max=K - 2)
    upper, index = place - below, below.long()
    m = p.new_zeros(len(p), K).scatter_add_(1, index, p * (1 - upper))
    return m.scatter_add_(1, index + 1, p * upper)


def cross_entropies(logits_tm1: torch.Tensor, m: torch.Tensor) -> torch.Tensor:
    """Loss of two critics with the same target: L = -sum_i E[sum_k m_k log p_k^i], with m held constant.

    logits_tm1[2, B, K], m[B, K] -> scalar. Bellemare et al. (2017), Algorithm 1.
    """
    return -(m.detach() * logits_tm1.log_softmax(dim=-1)).sum(dim=-1).mean(dim=1).sum()
