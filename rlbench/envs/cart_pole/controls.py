"""Controls of cart-pole: the arrow keys push, and so does dragging, towards the pointer."""

from __future__ import annotations

from typing import Any

import numpy as np

from rlbench.controls.protocol import Help, PlayerInput
from rlbench.envs.cart_pole.render import WIDTH, pixels_per_metre

REAL_TIME = True
REACH = 60.0  # pixels between cart and pointer at which the push is full


def actions(env: Any) -> tuple[str, ...]:
    """The two pushes; none where actions are forces."""
    return () if env.unwrapped.params.continuous else ("left", "right")


def help(env: Any) -> Help:
    """Keys and mouse."""
    return (("← →", "push the cart"), ("drag", "push it towards the pointer"))


def push(player: PlayerInput, env: Any) -> float:
    """The push that is asked for, in [-1, 1]; 0 for none."""
    if not player.dragging or player.pointer is None:
        return float(player.axis("left", "right"))
    base = env.unwrapped
    scale = pixels_per_metre(base.params.x_threshold, base.params.length)
    cart = WIDTH / 2 + scale * base.state.x
    return float(np.clip((player.pointer[0] - cart) / REACH, -1, 1))


def action(player: PlayerInput, env: Any) -> Any:
    """The action for the push. Where there is none, left and right alternate, which is none on average."""
    wanted = push(player, env)
    if env.unwrapped.params.continuous:
        return np.array([wanted], np.float32)
    return int(wanted > 0) if wanted else player.step % 2
