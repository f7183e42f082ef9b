"""Opponents that come with the rules."""

from __future__ import annotations

from typing import Any

EXTERNAL = -1  # the opponent's moves come from outside
RANDOM = 0  # it draws one of the legal actions; larger numbers are the playouts of a search


def random_action(legal: Any, u: float) -> int:
    """One of the legal actions, uniformly; the pass is one of them.

    Args:
        legal: int8[m n + 1] of 0 and 1.
        u: A uniform in [0, 1).
    """
    left = int(u * legal.sum())
    for action in range(len(legal)):
        left -= int(legal[action])
        if left < 0:
            return action
    return len(legal) - 1
