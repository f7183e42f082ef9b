"""The nodes of a search's tree as records, for those who want to look at it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from rlbench.search.tree import ABSENT, SearchTree, action_value, mean_value, visits_of


class SearchNode(NamedTuple):
    """A position of a tree, for those who want to look at it."""

    parent: int  # number of the node; -1 for the root
    action: int  # that led here from the parent; -1 for the root
    N: int  # visits of that action, N(s, a) of the parent; of the root, of all its actions
    Q: float  # mean of the values that it led to, in [-1, 1], of the player of the action; of the root, of who moves
    P: float  # prior of that action; 1 for the root
    v: float  # value of the position by the network, of the player to move; exact where the game has ended
    ended: bool


def list_nodes(tree: SearchTree) -> list[SearchNode]:
    """The nodes by number: parents stand before their children."""
    value = mean_value(tree, 0)
    nodes = [SearchNode(ABSENT, ABSENT, visits_of(tree, 0), value, 1.0, float(tree.v[0]), bool(tree.ended[0]))]
    edges = {int(tree.child[tuple(edge)]): edge for edge in np.argwhere(tree.child[: tree.sizes[0]] != ABSENT)}
    for number in range(1, int(tree.sizes[0])):
        parent, action = (int(each) for each in edges[number])
        P, v, ended = float(tree.P[parent, action]), float(tree.v[number]), bool(tree.ended[number])
        N, Q = int(tree.N[parent, action]), action_value(tree, parent, action)
        nodes.append(SearchNode(parent, action, N, Q, P, v, ended))
    return nodes
