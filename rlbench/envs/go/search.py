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
from typing import Any

from rlbench.envs.go.board import (
    BLACK,
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

EXPLORATION = 0.5  # 2 C_p; Kocsis & Szepesvari's bound needs sqrt(2), which plays worse here (measured)
NOWHERE = -1  # no node


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

    Args:
        state: State of the rules.
        playouts: At least 1.
        u: A uniform in [0, 1), from which all random numbers follow.
        params: Params of the rules.
        scratch: Scratch of the rules: a board to play on, and the tree.
    """
    root, board = board_of(state, params), board_of(scratch, params)
    scratch.random[0] = int(u * 281474976710656.0)  # 2^48
    nodes = new_node(scratch, 0, NOWHERE, NOWHERE)
    for _ in range(playouts):
        copy_board(board, root)
        nodes = playout(board, nodes, state.to_move, state.passes, params.max_moves - state.turns, params, scratch)
    best = scratch.child[0]
    node = scratch.sibling[best]
    while node != NOWHERE:
        if scratch.visits[node] > scratch.visits[best]:
            best = node
        node = scratch.sibling[node]
    return int(scratch.action[best])


def new_node(scratch: Any, node: int, parent: int, action: int) -> int:
    """Make a node, the child of another; returns the number of nodes."""
    scratch.parent[node], scratch.action[node] = parent, action
    scratch.child[node] = NOWHERE
    scratch.visits[node] = scratch.wins[node] = scratch.is_full[node] = 0
    if parent == NOWHERE:
        scratch.sibling[node] = NOWHERE
    else:
        scratch.sibling[node] = scratch.child[parent]
        scratch.child[parent] = node
    return node + 1


def playout(board: Board, nodes: int, colour: int, passes: int, turns_left: int, params: Any, scratch: Any) -> int:
    """One game from the root to its end; returns the number of nodes.

    Args:
        board: That of the root, played on.
        nodes: How many the tree has.
        colour: Of the player to move at the root.
        passes: In a row, up to the root.
        turns_left: Before the game is scored as it stands.
        params: Params of the rules.
        scratch: The tree.
    """
    pass_action = board.rows * board.columns
    last, in_tree = 0, True
    to_move = colour
    while passes < 2 and turns_left > 0:
        if not in_tree:
            action = playout_action(board, to_move, params.suicide, scratch)
        elif scratch.is_full[last]:
            last = best_child(scratch, last)
            action = int(scratch.action[last])
        else:
            action = untried_action(board, to_move, last, params.suicide, scratch)
            new_node(scratch, nodes, last, action)
            last, in_tree = nodes, False
            nodes += 1
        if action == pass_action:
            passes += 1
        else:
            passes = 0
            play(board, point_of(board, action), to_move)
        to_move = 3 - to_move
        turns_left -= 1
    score = area_score(board, scratch.marks, scratch.queue) - params.komi
    back_up(scratch, last, score if colour == BLACK else -score)
    return nodes


def best_child(scratch: Any, node: int) -> int:
    """The child of the largest upper confidence bound (UCB1): wins / visits + c sqrt(log(parent's visits) / visits)."""
    log_visits = math.log(scratch.visits[node])
    best, largest = NOWHERE, -1.0
    child = int(scratch.child[node])
    while child != NOWHERE:
        visits = scratch.visits[child]
        bound = scratch.wins[child] / visits + EXPLORATION * math.sqrt(log_visits / visits)
        if bound > largest:
            best, largest = child, bound
        child = int(scratch.sibling[child])
    return best


def untried_action(board: Board, colour: int, node: int, suicide: bool, scratch: Any) -> int:
    """One of a node's actions that were not tried, uniformly; notes when it is the last one."""
    width, points, count = board.columns + 1, board.rows * board.columns, 1
    for action in range(points):
        p = (action // board.columns + 1) * width + action % board.columns + 1
        wanted = is_candidate(board, p, colour, suicide)
        scratch.candidates[action] = wanted
        count += wanted
    scratch.candidates[points] = 1
    child = scratch.child[node]
    while child != NOWHERE:
        scratch.candidates[scratch.action[child]] = 0
        count -= 1
        child = scratch.sibling[child]
    scratch.is_full[node] = count == 1
    return nth_candidate(scratch.candidates, draw(scratch.random, count))


def nth_candidate(candidates: Any, n: int) -> int:
    """The action of the n-th 1, from 0."""
    action = 0
    while n > 0 or candidates[action] == 0:
        n -= candidates[action] != 0
        action += 1
    return action


def is_candidate(board: Board, p: int, colour: int, suicide: bool) -> bool:
    """Whether a move is legal and fills no eye of its player."""
    return board.stones[p] == 0 and not is_eye(board, p, colour) and is_legal(board, p, colour, suicide)


def playout_action(board: Board, colour: int, suicide: bool, scratch: Any) -> int:
    """A move to one of the candidates, uniformly; the pass where there is none.

    Points are drawn until one is a candidate; after as many draws as there are points, the candidates are listed.
    """
    points = board.rows * board.columns
    for _ in range(points):
        action = draw(scratch.random, points)
        if is_candidate(board, point_of(board, action), colour, suicide):
            return action
    count = 0
    for action in range(points):
        wanted = is_candidate(board, point_of(board, action), colour, suicide)
        scratch.candidates[action] = wanted
        count += wanted
    return nth_candidate(scratch.candidates, draw(scratch.random, count)) if count > 0 else points


def back_up(scratch: Any, leaf: int, score: float) -> None:
    """Count the result in all nodes from a leaf up to the root.

    Args:
        scratch: The tree.
        leaf: The last node of the playout.
        score: Of the player to move at the root; a draw counts as half a win.
    """
    depth, node = 0, leaf
    while scratch.parent[node] != NOWHERE:
        depth += 1
        node = int(scratch.parent[node])
    node = leaf
    while node != NOWHERE:
        # At odd depths the player of the root has moved, whose wins count there.
        own = score if depth % 2 == 1 else -score
        scratch.visits[node] += 1
        scratch.wins[node] += 1.0 if own > 0.0 else 0.5 if own == 0.0 else 0.0
        node = int(scratch.parent[node])
        depth -= 1


def draw(random: Any, n: int) -> int:
    """A random integer 0 to n - 1 from the 48-bit linear congruential generator of POSIX, drand48, int64[1]."""
    value = (int(random[0]) * 25214903917 + 11) & 281474976710655
    random[0] = value
    return ((value >> 16) * n) >> 32
