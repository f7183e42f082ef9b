"""Returns and advantages, one function per formula: estimators of the policy gradient, and n-step returns.

What each grad log pi(a_t|s_t) is multiplied with: the lecture writes every estimate of grad_theta J as a sum over the
steps of the episodes tau that were played,

    grad_theta J(theta) ~ 1/m sum_tau sum_{t>=0} Psi_t grad_theta log pi_theta(a_t|s_t),

and only Psi_t changes from slide to slide. The letters are the slides': at s_t the agent does a_t and earns r_t.
(`rollout.Transition` calls these three s_tm1, a_tm1, r_t.) Arrays are [T, N], T steps of N environments. `last_t` is
True where an episode ends with this step, `discount_t` is 0 where it terminates there and gamma elsewhere. Estimators
take arrays of NumPy or tensors, losses, at the end, tensors; this module imports no torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from baselines.types import Bools, Floats

if TYPE_CHECKING:
    import torch


def whole_trajectory_return(r_t: Floats, last_t: Bools) -> Floats:
    """Return of the whole episode, at each of its steps: Psi_t = r(tau) = sum_{t'>=0} r_t'.

    r_t[T, N], last_t[T, N] -> [T, N]. Unbiased, but a step is credited with what came before it. Williams (1992).
    """
    to_go, before = reward_to_go(r_t, last_t), 0 * r_t
    for t in range(1, len(r_t)):
        before[t] = (before[t - 1] + r_t[t - 1]) * ~last_t[t - 1]
    return before + to_go


def reward_to_go(r_t: Floats, last_t: Bools) -> Floats:
    """Reward-to-go, the sum of the rewards from this step on: Psi_t = sum_{t'>=t} r_t'.

    r_t[T, N], last_t[T, N] -> [T, N]. "Push up the probability of an action only by what follows it."
    """
    return discounted_reward_to_go(r_t, last_t, 1.0)


def discounted_reward_to_go(r_t: Floats, last_t: Bools, gamma: float) -> Floats:
    """Discounted reward-to-go: G_t = sum_{t'>=t} gamma^(t'-t) r_t'.

    r_t[T, N], last_t[T, N] -> G_t[T, N]. "Ignore delayed effects": for gamma < 1 no longer unbiased.
    """
    return generalised_advantage(r_t, gamma * ~last_t, last_t, 0.0, 0.0, 1.0)


def minus_moving_average(G_t: Floats, b: float) -> Floats:
    """Reward-to-go minus a constant baseline: Psi_t = sum_{t'>=t} gamma^(t'-t) r_t' - b.

    G_t[T, N], b the moving average of earlier G_t (`moving_average`) -> [T, N]. A b that does
    not depend on this episode's actions leaves the expectation as it is.
    """
    return G_t - b


def moving_average(b: float, k: int, mean_G: float, rate: float) -> float:
    """Constant baseline after the k-th batch (from 1): b <- b + max(rate, 1/k) (mean G - b).

    The plain mean of the first 1/rate batches, then a window that forgets: "a moving average of the rewards
    experienced so far from all trajectories".
    """
    return b + max(rate, 1 / k) * (mean_G - b)


def minus_value(G_t: Floats, v_t: Floats) -> Floats:
    """Reward-to-go minus the value, an advantage: A_t = sum_{t'>=t} gamma^(t'-t) r_t' - V_phi(s_t).

    G_t[T, N], v_t[T, N] = V_phi(s_t) -> A_t[T, N]. Sutton & Barto (2018), equation 13.11; the lecture's actor-critic.
    """
    return G_t - v_t


def n_step_advantage(r_t: Floats, discount_t: Floats, last_t: Bools, v_t: Floats, v_next_t: Floats) -> Floats:
    """n-step advantage: rewards up to the end of the rollout or of the episode, then the value as bootstrap.

    A_t = r_t + gamma r_{t+1} + ... + gamma^(k-1) r_{t+k-1} + gamma^k V_phi(s_{t+k}) - V_phi(s_t), k steps ahead.

    r_t, discount_t, last_t, v_t = V(s_t), v_next_t = V(s_{t+1}), each [T, N] -> A_t[T, N]. Mnih et al. (2016),
    section 4. It is the generalised advantage with lambda = 1.
    """
    return generalised_advantage(r_t, discount_t, last_t, v_t, v_next_t, 1.0)


def generalised_advantage(
    r_t: Floats, discount_t: Floats, last_t: Bools, v_t: Floats | float, v_next_t: Floats | float, lambda_: float
) -> Floats:
    """Generalised advantage estimate (GAE): A_t = sum_{l>=0} (gamma lambda)^l delta_{t+l}.

    delta_t = r_t + discount_t V(s_{t+1}) - V(s_t); the sum ends with the episode, or with the rollout.

    Shapes as in `n_step_advantage`; v_next_t is the value of the true next observation, before any reset. Schulman
    et al. (2016), equations 11 and 16.
    """
    A_t = r_t + discount_t * v_next_t - v_t
    carry = lambda_ * discount_t * ~last_t
    for t in reversed(range(len(A_t) - 1)):
        A_t[t] += carry[t] * A_t[t + 1]
    return A_t


def standardised(A_t: Floats) -> Floats:
    """Advantages with mean 0 and deviation 1, [B] -> [B]; left as they are where they are all alike.

    Not in the lecture. A usual companion of many epochs per batch: steps keep their length when returns grow.
    """
    centred: Floats = A_t - A_t.mean()
    variance = (centred * centred).mean()
    return centred / ((np.sqrt(variance) if isinstance(A_t, np.ndarray) else variance.sqrt()) + 1e-8)


def lambda_return(r_t: Floats, discount_t: Floats, last_t: Bools, v_t: Floats, lambda_: float) -> Floats:
    """Lambda-return: G_t = r_t + discount_t [lambda G_{t+1} + (1 - lambda) V(s_{t+1})].

    Where the rollout or the episode ends with this step, G_t = r_t + discount_t V(s_{t+1}).

    r_t, discount_t, last_t, v_t = V(s_{t+1}) before any reset, each [T, N] -> G_t[T, N]; NumPy. With V = max_a Q this
    is Peng & Williams's (1996) Q(lambda), as in Gallici et al. (2025); Sutton & Barto (2018), equation 12.20.
    """
    G_t = r_t + discount_t * v_t
    trace = lambda_ * discount_t * ~last_t
    for t in reversed(range(len(G_t) - 1)):
        G_t[t] += trace[t] * (G_t[t + 1] - v_t[t])
    return G_t


class NStep(NamedTuple):
    """n-step returns `r_t[N]`, discounts `discount_t[N]` of the bootstrap, and `k[N]`, the step that each ends in."""

    r_t: Floats
    discount_t: Floats
    k: NDArray[np.intp]


def n_step_return(r_t: Floats, discount_t: Floats, last_t: Bools) -> NStep:
    """Return of n steps, R = r_1 + gamma r_2 + ... + gamma^(n-1) r_n, and the discount gamma^n after it.

    r_t[n, N], discount_t[n, N], last_t[n, N] (an episode ends with this step, either way) -> NStep. A window
    closes with its first `last_t`, k: its discount is then 0 after a termination and gamma^(k+1) after a truncation.
    Sutton & Barto (2018), equation 7.1.
    """
    R, discount, k = r_t[-1], discount_t[-1], len(r_t) - 1 + 0 * last_t[-1]
    for i in reversed(range(len(r_t) - 1)):
        goes_on = ~last_t[i]
        R = r_t[i] + discount_t[i] * R * goes_on
        discount = discount_t[i] * (discount * goes_on + last_t[i])
        k = k * goes_on + i * last_t[i]
    return NStep(R, discount, k)


def policy_gradient_loss(log_pi_t: torch.Tensor, psi_t: torch.Tensor, m: float) -> torch.Tensor:
    """Surrogate whose gradient is minus the estimate: L = -1/m sum_t Psi_t log pi_theta(a_t|s_t); torch.

    log_pi_t[B], psi_t[B] held constant, m what the sum is divided by (the episodes played, or 1) -> scalar.
    """
    return -(psi_t.detach() * log_pi_t).sum() / m


def clipped_policy_loss(
    log_pi_t: torch.Tensor, log_pi_old_t: torch.Tensor, A_t: torch.Tensor, clip: float, m: float
) -> torch.Tensor:
    """PPO's surrogate: L = -1/m sum_t min(rho A, clamp(rho, 1 - clip, 1 + clip) A), rho = pi(a|s) / pi_old(a|s); torch.

    log_pi_t[B], log_pi_old_t[B], A_t[B], m what the sum is divided by (B for the paper's mean) -> scalar. Schulman et
    al. (2017), equation 7.
    """
    rho = (log_pi_t - log_pi_old_t.detach()).exp()
    return -(rho * A_t).minimum(rho.clamp(1 - clip, 1 + clip) * A_t).sum() / m


def value_loss(v_t: torch.Tensor, target_t: torch.Tensor, m: float) -> torch.Tensor:
    """Loss of the critic: L = 1/m sum_t |target_t - V_phi(s_t)|^2, the lecture's sum_t |A_t|^2; torch.

    v_t[B], target_t[B] held constant, m what the sum is divided by -> scalar.
    """
    return (target_t.detach() - v_t).square().sum() / m
