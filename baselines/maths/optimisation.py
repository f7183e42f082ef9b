"""The equations of optimisers and of schedules: one function each, in the letters of its source.

Optimisers step flat tensors in place. A schedule is one of a number, or of a tensor that counts on a device. This
module imports no torch.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch


def linear_schedule(step: Any, start: float, end: float, steps: int) -> Any:
    """Linear schedule, constant after `steps`: start + min(step / steps, 1) (end - start).

    Of a number, or of a tensor that counts on a device. Exploration's epsilon in Mnih et al. (2013), section 5: from 1
    to 0.1 over the first million frames.
    """
    if steps <= 0:
        return end
    part = (step / steps).clamp(max=1.0) if hasattr(step, "clamp") else min(step / steps, 1.0)
    return start + part * (end - start)


def cosine_schedule(step: Any, start: float, steps: float) -> Any:
    """Cosine schedule from `start` to 0: start (1 + cos(pi step / steps)) / 2.

    Of a number, or of a tensor that counts on a device. Loshchilov & Hutter (2017), equation 5, without restarts.
    """
    if hasattr(step, "clamp"):
        return start * 0.5 * (1.0 + (math.pi * (step / steps).clamp(max=1.0)).cos())
    return start * 0.5 * (1.0 + math.cos(math.pi * min(step / steps, 1.0)))


def warm_restarts(step: Any, start: float, steps: int, cycles: int) -> Any:
    """Cosine schedule with warm restarts: start (1 + cos(pi (step mod T) / T)) / 2, T = steps / cycles, step < steps.

    Of a number, or of a tensor that counts on a device. Loshchilov & Hutter (2017), equation 5, cycles of equal length.
    """
    T = steps / cycles
    return cosine_schedule(step % T, start, T)


def adam_step(
    theta: torch.Tensor,
    g: torch.Tensor,
    m: torch.Tensor,
    v: torch.Tensor,
    t: Any,
    alpha: Any,
    epsilon: float = 1e-8,
) -> None:
    """Adam: m <- b1 m + (1-b1) g, v <- b2 v + (1-b2) g^2, theta <- theta - alpha m^ / (sqrt(v^) + epsilon).

    theta, g, m, v: flat tensors of one length, changed in place (all but g); t counts from 1, alpha is a number, either
    may be a tensor of one; b1 = 0.9, b2 = 0.999; m^ = m / (1 - b1^t), v^ = v / (1 - b2^t); torch. Kingma & Ba (2015),
    Algorithm 1.
    """
    b1, b2 = 0.9, 0.999
    m.lerp_(g, 1 - b1)
    v.lerp_(g * g, 1 - b2)
    v_hat, step = v / (1 - b2**t), alpha / (1 - b1**t)
    if isinstance(step, float):
        theta.addcdiv_(m, v_hat.sqrt_().add_(epsilon), value=-step)
    else:
        theta.sub_(step * (m / v_hat.sqrt_().add_(epsilon)))


def radam_step(
    theta: torch.Tensor,
    g: torch.Tensor,
    m: torch.Tensor,
    v: torch.Tensor,
    t: Any,
    alpha: Any,
    epsilon: float = 1e-8,
) -> None:
    """Rectified Adam: Adam's step times r_t, and as long as r_t is undefined theta <- theta - alpha m^.

    r_t = sqrt((rho_t - 4)(rho_t - 2) rho_inf / ((rho_inf - 4)(rho_inf - 2) rho_t)), defined where rho_t > 5;
    rho_inf = 2 / (1 - b2) - 1, rho_t = rho_inf - 2 t b2^t / (1 - b2^t). Arguments as of `adam_step`, in place; torch.
    Liu et al. (2020), Algorithm 2, with the bound of PyTorch and optax, 5 in place of 4.
    """
    b1, b2 = 0.9, 0.999
    m.lerp_(g, 1 - b1)
    v.lerp_(g * g, 1 - b2)
    rho_inf = 2 / (1 - b2) - 1
    rho_t = rho_inf - 2 * t * b2**t / (1 - b2**t)
    r_t = (abs((rho_t - 4) * (rho_t - 2) * rho_inf / ((rho_inf - 4) * (rho_inf - 2) * rho_t))) ** 0.5
    m_hat, deviation = m / (1 - b1**t), (v / (1 - b2**t)).sqrt_().add_(epsilon)
    if isinstance(rho_t, float):
        theta.sub_(m_hat / deviation * (alpha * r_t) if rho_t > 5 else m_hat * alpha)
    else:
        theta.sub_((m_hat / deviation * r_t).where(rho_t > 5, m_hat) * alpha)


def clip_norm(g: torch.Tensor, max_norm: float) -> torch.Tensor:
    """Gradient scaled in place to length `max_norm` or less, g <- g min(1, max_norm / |g|); |g| before; torch.

    Pascanu, Mikolov & Bengio (2013), Algorithm 1.
    """
    norm = g.square().sum().sqrt()
    g.mul_((max_norm / (norm + 1e-6)).clamp(max=1.0))
    return norm
