"""PUCT: the choice of actions by upper confidence bounds with priors, and noise in the priors of the root.

Silver et al. (2018), A general reinforcement learning algorithm that masters chess, shogi, and Go through self-play,
supplement; the same with a constant C(s) in Silver et al. (2017).
"""

from __future__ import annotations

import math
from typing import Any

from rlbench.search.tree import SearchTree, action_value, visits_of


def exploration_rate(N_s: int, c_base: float, c_init: float) -> float:
    """C(s) = log((1 + N(s) + c_base) / c_base) + c_init."""
    return math.log((1 + N_s + c_base) / c_base) + c_init


def puct_action(tree: SearchTree, node: int, c_base: float, c_init: float) -> int:
    """The action of the largest Q(s, a) + U(s, a), of several the first; U = C(s) P(s, a) sqrt(N(s)) / (1 + N(s, a)).

    N(s) counts the evaluation of the position itself, too, so that the first choice follows the priors. Q is 0, that of
    a draw, for actions that were not visited (as in Silver et al. 2017).
    """
    N_s = 1 + visits_of(tree, node)
    scale = exploration_rate(N_s, c_base, c_init) * math.sqrt(N_s)
    best, largest = 0, -math.inf
    for action in range(tree.N.shape[1]):
        if tree.logits[node, action] == -math.inf:
            continue
        Q = action_value(tree, node, action) if tree.N[node, action] > 0 else 0.0
        bound = Q + scale * tree.P[node, action] / (1 + tree.N[node, action])
        if bound > largest:
            best, largest = action, bound
    return best


def mix_noise(tree: SearchTree, gamma: Any, epsilon: float) -> None:
    """Priors of the root with Dirichlet noise: P(s, a) = (1 - epsilon) p_a + epsilon eta_a, eta ~ Dir(alpha).

    Args:
        tree: The tree, which has a root.
        gamma: Draws from Gamma(alpha), float64[A]; those of the legal actions over their sum are eta.
        epsilon: Share of the noise.
    """
    total = 0.0
    for action in range(len(gamma)):
        if tree.logits[0, action] > -math.inf:
            total += gamma[action]
    if total <= 0.0:  # tiny alphas may round all draws to 0
        return
    for action in range(len(gamma)):
        if tree.logits[0, action] > -math.inf:
            tree.P[0, action] = (1.0 - epsilon) * tree.P[0, action] + epsilon * (gamma[action] / total)
