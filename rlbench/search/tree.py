"""The tree of one search, in flat arrays: what is known of each node and of its actions, and how it grows.

A node is a position; its actions are its edges, for which the tree keeps the visit count N(s, a), the total action
value W(s, a), so that Q = W / N, and the prior P(s, a) (Silver et al. 2017, Mastering the game of Go without human
knowledge, Methods: Search algorithm). The players alternate, and values are those of the player to move: from 1, a win,
to -1, a loss.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

ABSENT = -1  # no node
LARGEST_LOGIT = 1e9  # of a network; infinities and what is no number would spread through the tree


class SearchTree(NamedTuple):
    """The nodes by number, of which the root is 0; K nodes at most, A actions. Its arrays are written in place."""

    N: Any  # int32[K, A], visits of each action
    W: Any  # float64[K, A], sum of the values that they led to, of the player to move at the node
    P: Any  # float32[K, A], prior probabilities; 0 for illegal actions
    logits: Any  # float32[K, A], of the policy, as the network gives them; -inf for illegal actions
    child: Any  # int32[K, A], the node that each action leads to, or ABSENT
    v: Any  # float64[K], value of the position by the network, or exact where the game has ended
    ended: Any  # int8[K], whether the game has ended there
    path: Any  # int64[2, K], the nodes of the last descent and the action taken at each
    sizes: Any  # int32[2], number of nodes; length of the path


def new_node(tree: SearchTree, v: float, ended: bool) -> int:
    """Make a node at the end of the path, or the root where the path is empty; returns its number."""
    node = int(tree.sizes[0])
    tree.sizes[0] = node + 1
    tree.v[node] = v
    tree.ended[node] = ended
    for action in range(tree.N.shape[1]):
        tree.N[node, action] = 0
        tree.W[node, action] = 0.0
        tree.P[node, action] = 0.0
        tree.logits[node, action] = -math.inf
        tree.child[node, action] = ABSENT
    if node > 0:
        last = tree.sizes[1] - 1
        tree.child[tree.path[0, last], tree.path[1, last]] = node
    return node


def set_priors(tree: SearchTree, node: int, logits: Any, mask: Any) -> None:
    """P(s, .) of a new node: the softmax of the logits of its legal actions, float32[A] and int8[A]."""
    largest, total = -math.inf, 0.0
    for action in range(len(mask)):
        if mask[action]:
            tree.logits[node, action] = finite(logits[action], LARGEST_LOGIT)
            largest = max(largest, float(tree.logits[node, action]))
    for action in range(len(mask)):
        if mask[action]:
            total += math.exp(tree.logits[node, action] - largest)
    for action in range(len(mask)):
        if mask[action]:
            tree.P[node, action] = math.exp(tree.logits[node, action] - largest) / total


def finite(x: float, bound: float) -> float:
    """A number cut to [-bound, bound]; what is no number becomes -bound."""
    return min(float(x), bound) if x > -bound else -bound


def backup(tree: SearchTree, v: float) -> None:
    """Count a value in all actions of the path, from the last to the first.

    Args:
        tree: The tree.
        v: Value of the position that the path leads to, of the player to move there.
    """
    for k in range(tree.sizes[1] - 1, -1, -1):
        v = -v  # of the other player
        node, action = tree.path[0, k], tree.path[1, k]
        tree.N[node, action] += 1
        tree.W[node, action] += v


def action_value(tree: SearchTree, node: int, action: int) -> float:
    """Q(s, a) = W(s, a) / N(s, a) of an action that was visited."""
    return float(tree.W[node, action] / tree.N[node, action])


def visits_of(tree: SearchTree, node: int) -> int:
    """The sum of N(s, b) over the actions b of a node."""
    total = 0
    for action in range(tree.N.shape[1]):
        total += tree.N[node, action]
    return total


def most_visited(tree: SearchTree, node: int) -> int:
    """The action with the largest N(s, a), of several the first; ABSENT where none was visited."""
    best, most = ABSENT, 0
    for action in range(tree.N.shape[1]):
        if tree.N[node, action] > most:
            best, most = action, int(tree.N[node, action])
    return best


def mean_value(tree: SearchTree, node: int) -> float:
    """The mean of a position's own value and of all values that its actions led to."""
    total, visits = float(tree.v[node]), 1
    for action in range(tree.N.shape[1]):
        total += tree.W[node, action]
        visits += tree.N[node, action]
    return total / visits
