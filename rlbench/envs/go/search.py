"""Opponents that come with the rules: uniformly random, and Monte Carlo tree search.

The search is UCT: Kocsis & Szepesvari (2006), Bandit based Monte-Carlo planning. A playout follows the tree while all
actions of a node have been tried, always to the child of the largest upper confidence bound; tries an action for the
first time, which makes a node; and goes on at random to the end of the game, which is scored exactly. The action
played is the one tried most often.

Nobody fills a single-point eye of their own, in the tree or after it; in the tree passes are tried like any action,
after it players pass only when nothing else is left. Every move respects superko. The random numbers follow from one
uniform, so the search is deterministic.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from rlbench.envs.go.board import (
    BLACK,
    EMPTY,
    Board,
    area_score,
    board_of,
    copy_board,
    is_eye,
    is_legal,
    play,
    point_of,
)

EXTERNAL = -1  # the opponent's moves come from outside
RANDOM = 0  # it draws one of the legal actions; larger numbers are the playouts of a search

EXPLORATION = 0.5  # 2 C_p; with sqrt(2), which their bound needs, it won 15.5 of 60 games (9 x 9, 400 playouts)
NOWHERE = -1  # no node
UNFINISHED = -1  # no action


class Tree(NamedTuple):
    """The nodes of a search, by number; the root is 0. Every field is int32[N]."""

    parent: Any
    child: Any  # one of the children
    sibling: Any  # the next child of the parent
    action: Any  # that led to the node
    visits: Any  # playouts through it
    half_wins: Any  # two for each of them that the player of the action has won, one for a draw
    is_full: Any  # whether all its actions have been tried


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


def searched_action(state: Any, playouts: int, u: float, params: Any, scratch: Any) -> int:
    """The action that a search of so many playouts chooses for the player to move.

    It returns UNFINISHED after every `params.playouts_at_once` of them, and the next call goes on where it stopped.

    Args:
        state: State of the rules.
        playouts: At least 1.
        u: A uniform in [0, 1), from which all random numbers follow.
        params: Params of the rules.
        scratch: Scratch of the rules: a board to play on, the tree, and `progress`, whose first entry is 0 where a
            search begins.
    """
    rows = scratch.tree
    tree = Tree(rows[0], rows[1], rows[2], rows[3], rows[4], rows[5], rows[6])
    done, nodes = int(scratch.progress[0]), int(scratch.progress[1])
    if done == 0:
        scratch.random[0] = int(u * 281474976710656.0)  # 2^48
        add_node(tree, 0, NOWHERE, NOWHERE)
        nodes = 1
    stop = min(done + params.playouts_at_once, playouts)
    for _ in range(done, stop):
        copy_board(scratch, state)
        nodes = playout(tree, nodes, state.to_move, state.passes, params.max_moves - state.turns, params, scratch)
    if stop < playouts:
        scratch.progress[0], scratch.progress[1] = stop, nodes
        return UNFINISHED
    scratch.progress[0] = 0
    return most_visited_action(tree)


def most_visited_action(tree: Tree) -> int:
    """The action of the root that was tried most often."""
    best = node = int(tree.child[0])
    while node != NOWHERE:
        if tree.visits[node] > tree.visits[best]:
            best = node
        node = int(tree.sibling[node])
    return int(tree.action[best])


def add_node(tree: Tree, node: int, parent: int, action: int) -> None:
    """Make a node, a child of another or the root."""
    tree.parent[node] = parent
    tree.action[node] = action
    tree.child[node] = tree.sibling[node] = NOWHERE
    tree.visits[node] = tree.half_wins[node] = tree.is_full[node] = 0
    if parent != NOWHERE:
        tree.sibling[node] = tree.child[parent]
        tree.child[parent] = node


def playout(tree: Tree, nodes: int, colour: int, passes: int, turns_left: int, params: Any, scratch: Any) -> int:
    """One game from the root to its end; returns the number of nodes.

    Args:
        tree: The tree.
        nodes: How many nodes it has.
        colour: Of the player to move at the root.
        passes: In a row, up to the root.
        turns_left: Before the game is scored as it stands.
        params: Params of the rules.
        scratch: Scratch of the rules, with the board of the root, played on.
    """
    board, random, candidates = board_of(scratch, params), scratch.random, scratch.lists[0]
    last, in_tree, to_move = 0, True, colour
    while passes < 2 and turns_left > 0:
        if not in_tree:
            action = playout_action(board, to_move, params.suicide, candidates, random)
        elif tree.is_full[last]:
            last = best_child(tree, last)
            action = int(tree.action[last])
        else:
            action = untried_action(board, to_move, params.suicide, tree, last, candidates, random)
            add_node(tree, nodes, last, action)
            last, in_tree = nodes, False
            nodes += 1
        if action == board.rows * board.columns:
            passes += 1
        else:
            passes = 0
            play(board, point_of(board, action), to_move)
        to_move = 3 - to_move
        turns_left -= 1
    score = area_score(board, scratch.lists[0], scratch.lists[1]) - params.komi
    back_up(tree, last, score if colour == BLACK else -score)
    return nodes


def best_child(tree: Tree, node: int) -> int:
    """The child of the largest upper confidence bound (UCB1): wins / visits + c sqrt(log(parent's visits) / visits)."""
    log_visits = math.log(tree.visits[node])
    best, largest = NOWHERE, -1.0
    child = int(tree.child[node])
    while child != NOWHERE:
        visits = tree.visits[child]
        bound = 0.5 * tree.half_wins[child] / visits + EXPLORATION * math.sqrt(log_visits / visits)
        if bound > largest:
            best, largest = child, bound
        child = int(tree.sibling[child])
    return best


def untried_action(
    board: Board, colour: int, suicide: bool, tree: Tree, node: int, candidates: Any, random: Any
) -> int:
    """One of a node's actions that were not tried, uniformly; notes when it is the last one."""
    points = board.rows * board.columns
    count = 1 + list_candidates(board, colour, suicide, candidates)
    candidates[points] = 1
    child = int(tree.child[node])
    while child != NOWHERE:
        candidates[tree.action[child]] = 0
        count -= 1
        child = int(tree.sibling[child])
    tree.is_full[node] = count == 1
    return nth_candidate(candidates, draw(random, count))


def list_candidates(board: Board, colour: int, suicide: bool, candidates: Any) -> int:
    """Write which points are candidates, 0 or 1 each; returns how many."""
    count = 0
    for action in range(board.rows * board.columns):
        wanted = is_candidate(board, point_of(board, action), colour, suicide)
        candidates[action] = wanted
        count += wanted
    return count


def nth_candidate(candidates: Any, n: int) -> int:
    """The action of the n-th 1, from 0."""
    action = 0
    while n > 0 or candidates[action] == 0:
        n -= int(candidates[action])
        action += 1
    return action


def is_candidate(board: Board, p: int, colour: int, suicide: bool) -> bool:
    """Whether a move is legal and fills no eye of its player."""
    return board.stones[p] == EMPTY and not is_eye(board, p, colour) and is_legal(board, p, colour, suicide)


def playout_action(board: Board, colour: int, suicide: bool, candidates: Any, random: Any) -> int:
    """A move to one of the candidates, uniformly; the pass where there is none.

    Points are drawn until one is a candidate; after as many draws as there are points, the candidates are listed.
    """
    points = board.rows * board.columns
    for _ in range(points):
        action = draw(random, points)
        if is_candidate(board, point_of(board, action), colour, suicide):
            return action
    count = list_candidates(board, colour, suicide, candidates)
    return nth_candidate(candidates, draw(random, count)) if count > 0 else points


def back_up(tree: Tree, leaf: int, score: float) -> None:
    """Count the result in all nodes from a leaf up to the root.

    Args:
        tree: The tree.
        leaf: The last node of the playout.
        score: Of the player to move at the root; a draw counts as half a win.
    """
    depth, node = 0, leaf
    while tree.parent[node] != NOWHERE:
        depth += 1
        node = int(tree.parent[node])
    node = leaf
    while node != NOWHERE:
        own = score if depth % 2 == 1 else -score  # at odd depths the player of the root has moved
        tree.visits[node] += 1
        tree.half_wins[node] += 2 if own > 0.0 else 1 if own == 0.0 else 0
        node = int(tree.parent[node])
        depth -= 1


def draw(random: Any, n: int) -> int:
    """A random integer 0 to n - 1 from the 48-bit linear congruential generator of POSIX, drand48, int64[1]."""
    value = (int(random[0]) * 25214903917 + 11) & 281474976710655
    random[0] = value
    return ((value >> 16) * n) >> 32
