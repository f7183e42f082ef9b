"""The equations of the reference agents: one function each, in the letters of its source.

Time is written as in the literature: `s_tm1, a_tm1` is where an agent was and what it did, `r_t, discount_t, s_t` is
what came of it. `discount_t` is 0 where the episode terminated and gamma elsewhere. A truncated episode keeps gamma,
so what bootstraps from a value needs no case for it; sums of rewards to the end of an episode (`estimators`) know only
what was earned before it was cut. B is a batch, N environments, S states, A actions, K outcomes, n steps.

Functions marked *torch* take tensors, *NumPy* arrays, the others either. This module imports no torch, so that
tabular agents start at once.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from baselines.types import Floats

if TYPE_CHECKING:
    import torch

AnyArray = TypeVar("AnyArray", "torch.Tensor", Floats)


class Model(NamedTuple):
    """An exact model of a finite world, as arrays [S, A, K]; missing outcomes have probability 0.

    `p` probability, `r` reward, `s_t` next state (integer), `goes_on` 0.0 where the outcome terminates, else 1.0.
    """

    p: Floats
    r: Floats
    s_t: NDArray[np.intp]
    goes_on: Floats


def action_values(v: Floats, model: Model, gamma: float) -> Floats:
    """Action values of a state-value function v: q(s,a) = sum_{s',r} p(s',r|s,a) [r + gamma v(s')].

    v[S] -> q[S, A]; NumPy. Sutton & Barto (2018), equation 4.6.
    """
    discount_t = gamma * model.goes_on
    return (model.p * (model.r + discount_t * v[model.s_t])).sum(axis=2)


def bellman_expectation_backup(v_k: Floats, pi: Floats, model: Model, gamma: float) -> Floats:
    """A sweep of policy evaluation: v_{k+1}(s) = sum_a pi(a|s) sum_{s',r} p(s',r|s,a) [r + gamma v_k(s')].

    v_k[S], pi[S, A] -> v_{k+1}[S]; NumPy. Sutton & Barto (2018), equation 4.5.
    """
    return (pi * action_values(v_k, model, gamma)).sum(axis=1)


def bellman_optimality_backup(Q_i: Floats, model: Model, gamma: float) -> Floats:
    """A sweep of value iteration: Q_{i+1}(s,a) = E[r + gamma max_a' Q_i(s',a')].

    Q_i[S, A] -> Q_{i+1}[S, A]; NumPy. The lecture's form; Mnih et al. (2013), section 2.
    """
    return action_values(Q_i.max(axis=1), model, gamma)


def q_learning_target(r_t: AnyArray, discount_t: AnyArray, max_q_t: AnyArray) -> AnyArray:
    """Learning target of Q(s_tm1, a_tm1): y = r_t + discount_t max_a' Q(s_t, a').

    r_t[B], discount_t[B], max_q_t[B] (the maximum already taken) -> y[B]. Mnih et al. (2013), Algorithm 1.
    """
    return r_t + discount_t * max_q_t


def double_q_value(q_t: torch.Tensor, q_t_selector: torch.Tensor) -> torch.Tensor:
    """Next state's value by double Q-learning: Q'(s_t, argmax_a' Q(s_t, a')).

    q_t[B, A] evaluates the action (target network), q_t_selector[B, A] chooses it (online network) -> [B]; torch.
    van Hasselt, Guez & Silver (2016), equation 4.
    """
    return q_t.gather(1, q_t_selector.argmax(dim=1, keepdim=True)).squeeze(1)


def q_learning_update(q_tm1: AnyArray, target_tm1: AnyArray, alpha: float) -> AnyArray:
    """Tabular learning step: Q(s,a) <- Q(s,a) + alpha [y - Q(s,a)].

    q_tm1[B], target_tm1[B] -> the new q[B]. Watkins & Dayan (1992), equation 1.
    """
    return q_tm1 + alpha * (target_tm1 - q_tm1)


def q_learning_loss(q_tm1: torch.Tensor, target_tm1: torch.Tensor) -> torch.Tensor:
    """Half the mean squared error: L = 1/2 E[(y - Q(s,a))^2], with y held constant.

    q_tm1[B], target_tm1[B] -> scalar; torch. Mnih et al. (2013), equation 2, write it without the half, and its
    gradient (equation 3, the lecture's) without the factor -2 that this gives. With the half, the direction of
    descent, minus grad L, is the printed E[(y - Q(s,a)) grad Q(s,a)] to the letter.
    """
    return 0.5 * (target_tm1.detach() - q_tm1).square().mean()


def clipped_q_learning_loss(q_tm1: torch.Tensor, target_tm1: torch.Tensor, clip: float) -> torch.Tensor:
    """Huber's loss: half the mean squared error, the error y - Q(s,a) clipped to +-clip in the gradient.

    q_tm1[B], target_tm1[B] -> scalar; torch. Mnih et al. (2015), "Training algorithm for deep Q-networks", clip at 1.
    """
    error = target_tm1.detach() - q_tm1
    clipped = error.clamp(-clip, clip)
    return (clipped * (error - 0.5 * clipped)).mean()


ILLEGAL = 1e9
"""What is subtracted from the logit of an illegal action: exp(-1e9) is 0, and no infinity enters a gradient."""


def masked_logits(h: AnyArray, legal: AnyArray) -> AnyArray:
    """Logits under which illegal actions have probability 0: h_a - 1e9 (1 - legal_a), legal_a in {0, 1}.

    h[B, A], legal[B, A] -> [B, A]; NumPy and torch. Huang & Ontanon (2022), section 2.
    """
    return h + (legal - 1) * ILLEGAL


def standard_normal(u: AnyArray) -> AnyArray:
    """Normal numbers from pairs of uniforms: z = sqrt(-2 ln(1 - u_1)) cos(2 pi u_2).

    u[..., 2A] in [0, 1), the first half u_1, the second u_2 -> z[..., A], always finite. Box & Muller (1958).
    """
    half = u.shape[-1] // 2
    u_1, u_2 = u[..., :half], u[..., half:]
    if isinstance(u, np.ndarray):
        return np.sqrt(-2 * np.log1p(-u_1)) * np.cos(2 * math.pi * u_2)
    return (-2 * (-u_1).log1p()).sqrt() * (2 * math.pi * u_2).cos()


def gaussian_log_prob(a: torch.Tensor, mu: torch.Tensor, log_sigma: torch.Tensor) -> torch.Tensor:
    """Log-density of a Gaussian: log pi(a) = -sum_k [(a_k - mu_k)^2 / (2 sigma_k^2) + log sigma_k + 1/2 log 2 pi].

    Diagonal: a[..., A], mu[..., A], log_sigma one number, [A] or [..., A] -> [...]; torch. Williams (1992), section 6.
    """
    z = (a - mu) * (-log_sigma).exp()
    return -(0.5 * z.square() + log_sigma + 0.5 * math.log(2 * math.pi)).sum(dim=-1)


def gaussian_entropy(log_sigma: torch.Tensor) -> torch.Tensor:
    """Entropy of a diagonal Gaussian: H = sum_k [log sigma_k + 1/2 log(2 pi e)], log_sigma[..., A] -> [...]; torch."""
    return (log_sigma + 0.5 * math.log(2 * math.pi * math.e)).sum(dim=-1)


def tanh_log_slope(u: torch.Tensor) -> torch.Tensor:
    """Log-determinant of tanh's Jacobian at u: sum_k log(1 - tanh^2 u_k) = sum_k 2 (log 2 - u_k - softplus(-2 u_k)).

    u[B, A] -> [B]; torch. So log pi(tanh u) = log pi(u) - this. Haarnoja et al. (2018), equation 21; the second form
    does not round to log 0 where tanh saturates.
    """
    softplus = (-2 * u).logaddexp(u.new_zeros(()))
    return 2 * (math.log(2) - u - softplus).sum(dim=1)


def soft_q_target(
    r_t: torch.Tensor, discount_t: torch.Tensor, q_t: torch.Tensor, log_pi_t: torch.Tensor, alpha: torch.Tensor
) -> torch.Tensor:
    """Soft learning target of Q(s_tm1, a_tm1): y = r + discount [min_i Q_i - alpha log pi].

    r_t[B], discount_t[B], q_t[2, B] of both target critics at an action drawn in s_t, log_pi_t[B] of that action ->
    y[B]; torch. Haarnoja et al. (2018b), equations 3 and 5.
    """
    return r_t + discount_t * (q_t.amin(dim=0) - alpha * log_pi_t)


def squared_errors(q_tm1: torch.Tensor, target_tm1: torch.Tensor) -> torch.Tensor:
    """Loss of two critics with the same target: L = sum_i E[(y - Q_i(s,a))^2] / 2, with y held constant.

    q_tm1[2, B], target_tm1[B] -> scalar; torch. Haarnoja et al. (2018b), equation 5.
    """
    return 0.5 * (target_tm1.detach() - q_tm1).square().mean(dim=1).sum()


def soft_policy_loss(q: torch.Tensor, log_pi: torch.Tensor, alpha: torch.Tensor) -> torch.Tensor:
    """Loss of the actor: J = E[alpha log pi(a|s) - min_i Q_i(s, a)], a = f_phi(eps; s).

    q[2, B], log_pi[B] -> scalar; torch. Haarnoja et al. (2018b), equation 9.
    """
    return (alpha * log_pi - q.amin(dim=0)).mean()


def temperature_gradient(log_pi: torch.Tensor, entropy: float) -> torch.Tensor:
    """Gradient of the temperature's loss J(alpha) = -alpha E[log pi(a|s) + H], H the target entropy: -E[log pi + H].

    log_pi[B] -> scalar; torch. Haarnoja et al. (2018b), equation 18; as in their code it is
    used as the gradient along log alpha. Alpha rises where the entropy is below H.
    """
    return -(log_pi + entropy).mean()


def location_loss(log_pi_t: torch.Tensor, R: torch.Tensor, b_t: torch.Tensor) -> torch.Tensor:
    """Surrogate of REINFORCE for the locations: L = -1/M sum_i sum_t (R^i - b_t) log pi(l_t^i).

    log_pi_t[T, M], R[M] the reward at the end (or [T, M], what followed each location), b_t[T, M]; R and b_t held
    constant -> scalar; torch. Mnih et al. (2014), equation 4 is minus its gradient.
    """
    return -((R - b_t).detach() * log_pi_t).sum(0).mean()


def baseline_loss(b_t: torch.Tensor, R: torch.Tensor) -> torch.Tensor:
    """Loss of the baseline: L = 1/M sum_i 1/T sum_t (R^i - b_t)^2.

    b_t[T, M], R[M] or R[T, M] held constant -> scalar; torch. Mnih et al. (2014), section 3.2: b_t estimates E[R].
    """
    return (R.detach() - b_t).square().mean()


def information_gain(logits_t: torch.Tensor, label: torch.Tensor, minimum: float = -4.0) -> torch.Tensor:
    """Information gain of each further glimpse about the right class: r_t = log p_{t+1}(label) - log p_t(label).

    p_t = softmax(logits_t), log p_t cut off below `minimum`; logits_t[T, M, classes], label[M] -> r_t[T - 1, M]; torch.
    The sum is log p_T(label), the reward of Ba, Mnih & Kavukcuoglu (2015), section 3, but for a term that no location
    changes: a shaping by potentials, Ng, Harada & Russell (1999).
    """
    log_p_t = logits_t.log_softmax(dim=-1)
    right = label.expand(logits_t.shape[:-1]).unsqueeze(-1)
    return log_p_t.gather(-1, right).squeeze(-1).clamp(min=minimum).diff(dim=0)


def classification_loss(logits: torch.Tensor, label: torch.Tensor) -> torch.Tensor:
    """Cross-entropy of the right classes: L = -1/M sum_i log softmax(logits^i)[label^i].

    logits[..., M, classes], label[M] -> scalar, the mean over all; torch. Mnih et al. (2014), section 3.2, the
    supervised part of the hybrid loss.
    """
    right = label.expand(logits.shape[:-1]).unsqueeze(-1)
    return -logits.log_softmax(dim=-1).gather(-1, right).mean()


def alphazero_losses(
    logits: torch.Tensor, v: torch.Tensor, pi: torch.Tensor, z: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """The errors of value and policy: (z - v)^2 and -pi^T log p, each the mean over the positions.

    logits[B, A] of p, v[B], pi[B, A] the search's policy, z[B] the outcome -> two scalars; torch. Silver et al. (2017),
    "Mastering the game of Go without human knowledge", equation 1, whose third term is in `l2_gradient`.
    """
    return (z - v).square().mean(), -(pi * logits.log_softmax(dim=1)).sum(dim=1).mean()


def l2_gradient(theta: torch.Tensor, c: float) -> torch.Tensor:
    """The gradient of c |theta|^2, 2 c theta; any shape; torch. Silver et al. (2017), equation 1."""
    return 2 * c * theta
