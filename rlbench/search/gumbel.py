"""Gumbel root selection with sequential halving, improved policies, and the choice of actions below the root.

Danihelka, Guez, Schrittwieser & Silver (2022), Policy improvement by planning with Gumbel. Karnin, Koren & Somekh
(2013), Almost optimal exploration in multi-armed bandits, for sequential halving. Action values here are in [0, 1],
(1 + Q) / 2, as c_scale of the paper expects.
"""

from __future__ import annotations

import math
from typing import Any

from rlbench.search.tree import SearchTree, action_value

SMALLEST_PRIOR = 1e-30  # where a softmax has rounded to 0


def mixed_value(tree: SearchTree, node: int) -> float:
    """v_mix, an estimate of the position's value for actions that were not visited (Appendix D).

    (v + sum_b N(b) / sum_{b visited} P(b) * sum_{a visited} P(a) Q(a)) / (1 + sum_b N(b))
    """
    visits, prior, weighted = 0, 0.0, 0.0
    for action in range(tree.N.shape[1]):
        if tree.N[node, action] > 0:
            P = max(float(tree.P[node, action]), SMALLEST_PRIOR)
            visits += tree.N[node, action]
            prior += P
            weighted += P * action_value(tree, node, action)
    return float((tree.v[node] + visits * weighted / prior) / (1 + visits)) if visits > 0 else float(tree.v[node])


def sigma_scale(tree: SearchTree, node: int, c_visit: float, c_scale: float) -> float:
    """The factor of sigma(q) = (c_visit + max_b N(b)) c_scale q (Section 3.4)."""
    most = 0
    for action in range(tree.N.shape[1]):
        most = max(most, int(tree.N[node, action]))
    return (c_visit + most) * c_scale


def completed_value(tree: SearchTree, node: int, action: int, v_mix: float) -> float:
    """completedQ(a) in [0, 1]: that of the visits, or of v_mix for an action without any (Section 4)."""
    Q = action_value(tree, node, action) if tree.N[node, action] > 0 else v_mix
    return 0.5 + 0.5 * Q


def improve_policy(tree: SearchTree, node: int, c_visit: float, c_scale: float, pi: Any) -> None:
    """Write pi' = softmax(logits + sigma(completedQ)) over the legal actions (Section 4), float64[A]."""
    v_mix, scale = mixed_value(tree, node), sigma_scale(tree, node, c_visit, c_scale)
    largest, total = -math.inf, 0.0
    for action in range(len(pi)):
        pi[action] = tree.logits[node, action] + scale * completed_value(tree, node, action, v_mix)
        largest = max(largest, float(pi[action]))
    for action in range(len(pi)):
        pi[action] = math.exp(pi[action] - largest)
        total += pi[action]
    for action in range(len(pi)):
        pi[action] /= total


def interior_action(tree: SearchTree, node: int, c_visit: float, c_scale: float, pi: Any) -> int:
    """The action below the root: the largest pi'(a) - N(a) / (1 + sum_b N(b)), so that visits follow pi' (Section 5).

    Args:
        tree: The tree.
        node: Where the choice is made.
        c_visit: Constant of sigma.
        c_scale: Constant of sigma.
        pi: float64[A] to work in.
    """
    improve_policy(tree, node, c_visit, c_scale, pi)
    visits = 0
    for action in range(len(pi)):
        visits += tree.N[node, action]
    best, largest = 0, -math.inf
    for action in range(len(pi)):
        if tree.logits[node, action] == -math.inf:
            continue
        lag = pi[action] - tree.N[node, action] / (1 + visits)
        if lag > largest:
            best, largest = action, lag
    return best


def root_action(tree: SearchTree, gumbel: Any, visits: int, c_visit: float, c_scale: float) -> int:
    """The root's action with that many visits of the largest g(a) + logits(a) + sigma(q(a)) (Section 3).

    With g from a Gumbel distribution, the first m actions that it gives at no visits are a sample without replacement
    from the policy (the Gumbel-top-k trick).

    Args:
        tree: The tree.
        gumbel: g, float64[A].
        visits: What `considered_visits` says; or the most of all actions, for the move to be played.
        c_visit: Constant of sigma.
        c_scale: Constant of sigma.
    """
    v_mix, scale = mixed_value(tree, 0), sigma_scale(tree, 0, c_visit, c_scale)
    best, largest = 0, -math.inf
    for action in range(len(gumbel)):
        if tree.N[0, action] != visits or tree.logits[0, action] == -math.inf:
            continue
        score = gumbel[action] + tree.logits[0, action] + scale * completed_value(tree, 0, action, v_mix)
        if score > largest:
            best, largest = action, score
    return best


def considered_visits(considered: int, simulations: int, out: Any) -> None:
    """Sequential halving as a list: how often the action must have been visited that simulation k visits next.

    The budget is shared among ceil(log2 m) phases of equal length; after each, the better half of the actions goes on.
    What the division leaves over is spent on the last two.

    Args:
        considered: m, actions to begin with.
        simulations: The budget; as many entries are written.
        out: int32[simulations] or longer.
    """
    phases = 0
    while 1 << phases < considered:
        phases += 1
    left, level, k = considered, 0, 0
    while k < simulations:
        for _ in range(max(1, simulations // (max(1, phases) * left))):
            for _ in range(left):
                if k < simulations:
                    out[k] = level
                    k += 1
            level += 1
        left = max(min(2, considered), left // 2)
