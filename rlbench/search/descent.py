"""One descent through the tree, the setting up of its root, and what a search comes to: for both algorithms."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from rlbench.search.gumbel import considered_visits, improve_policy, interior_action, root_action
from rlbench.search.puct import mix_noise, puct_action
from rlbench.search.tree import ABSENT, SearchTree, action_value, most_visited, visits_of


class Constants(NamedTuple):
    """The settings of a search as numbers."""

    is_gumbel: bool
    considered: int
    c_visit: float
    c_scale: float
    c_base: float
    c_init: float
    noise: float


class Root(NamedTuple):
    """What a search knows of its root besides the tree."""

    noise: Any  # float64[A]: Gumbel draws, or draws from a gamma distribution
    schedule: Any  # int32[K]: see `considered_visits`
    pi: Any  # float64[A] to work in


def begin_root(tree: SearchTree, root: Root, budget: int, explores: bool, constants: Constants) -> None:
    """Noise for the root's priors, or the plan of sequential halving over no more actions than there are visits."""
    if not constants.is_gumbel:
        if explores:
            mix_noise(tree, root.noise, constants.noise)
        return
    legal = 0
    for action in range(len(root.noise)):
        legal += tree.logits[0, action] > -math.inf
        if not explores:
            root.noise[action] = 0.0
    considered_visits(min(constants.considered, legal, budget), budget, root.schedule)


def descend(tree: SearchTree, root: Root, spent: int, constants: Constants) -> int:
    """Write the path to a position that is not in the tree, or where the game has ended; returns its node, or ABSENT.

    Args:
        tree: The tree, which has a root.
        root: Noise and schedule.
        spent: Simulations so far.
        constants: Of the search.
    """
    node, depth = 0, 0
    while True:
        if not constants.is_gumbel:
            action = puct_action(tree, node, constants.c_base, constants.c_init)
        elif node == 0:
            action = root_action(tree, root.noise, root.schedule[spent], constants.c_visit, constants.c_scale)
        else:
            action = interior_action(tree, node, constants.c_visit, constants.c_scale, root.pi)
        tree.path[0, depth] = node
        tree.path[1, depth] = action
        depth += 1
        node = int(tree.child[node, action])
        if node == ABSENT or tree.ended[node]:
            tree.sizes[1] = depth
            return node


def chosen_action(tree: SearchTree, root: Root, constants: Constants) -> int:
    """The action that the search recommends: the winner of sequential halving, or the most visited."""
    best = most_visited(tree, 0)
    if best == ABSENT or not constants.is_gumbel:
        return best
    return root_action(tree, root.noise, int(tree.N[0, best]), constants.c_visit, constants.c_scale)


def target_policy(tree: SearchTree, constants: Constants, pi: Any) -> None:
    """Write the policy that a network should learn, float64[A]: pi', or the shares of the visits."""
    if constants.is_gumbel:
        improve_policy(tree, 0, constants.c_visit, constants.c_scale, pi)
        return
    visits = visits_of(tree, 0)
    for action in range(len(pi)):
        pi[action] = tree.N[0, action] / visits


def write_values(tree: SearchTree, visits: Any, q: Any) -> None:
    """Write the root's visits, int32[A], and Q(s, a), float32[A]; NaN where there was no visit."""
    for action in range(len(visits)):
        visits[action] = tree.N[0, action]
        q[action] = action_value(tree, 0, action) if tree.N[0, action] > 0 else math.nan


def write_variation(tree: SearchTree, action: int, out: Any) -> None:
    """Write the principal variation, int32[D]: an action and then the most visited ones; padded with ABSENT."""
    node = 0
    for k in range(len(out)):
        out[k] = action
        if action != ABSENT:
            node = int(tree.child[node, action])
            action = most_visited(tree, node) if node != ABSENT else ABSENT
