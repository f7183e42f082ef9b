"""Whether arrays that somebody sets describe a board; never compiled."""

from __future__ import annotations

from rlbench.envs.go.board import BLACK, EDGE, EMPTY, WHITE, Board, clear, is_known, put


def is_consistent(board: Board, fresh: Board) -> bool:
    """Whether arrays describe a board: stones inside, chains that have liberties, and all known of them is right.

    Args:
        board: Any values.
        fresh: Another board of that size, which is cleared and gets the same stones.
    """
    clear(fresh)
    points = range(len(board.stones))
    if any((fresh.stones[p] == EDGE) != (board.stones[p] == EDGE) for p in points):
        return False
    stones = [p for p in points if board.stones[p] in (BLACK, WHITE)]
    if any(board.stones[p] not in (EMPTY, BLACK, WHITE, EDGE) or not 0 <= board.stood[p] <= 3 for p in points):
        return False
    for p in stones:
        put(fresh, p, board.stones[p])
    return (
        fresh.key[0] == board.key[0]
        and board.chain_key[0] == 0
        and any(key == 0 for key in board.positions)
        and is_known(board.positions, board.key[0])
        and all(0 <= board.head[p] < len(points) and 0 <= board.following[p] < len(points) for p in stones)
        and all(board.stood[p] & board.stones[p] and fresh.liberties[fresh.head[p]] > 0 for p in stones)
        and all(same_chain(board, fresh, p) for p in stones)
    )


def same_chain(board: Board, fresh: Board, p: int) -> bool:
    """Whether two boards of the same stones say the same of the chain of a stone."""
    head, other = board.head[p], fresh.head[p]
    chain = {q for q in range(len(board.head)) if fresh.stones[q] == fresh.stones[p] and fresh.head[q] == other}
    circle, q = set(), p
    while q not in circle:
        circle.add(int(q))
        q = board.following[q]
    return (
        circle == chain
        and q == p
        and head in chain
        and all(board.head[each] == head for each in chain)
        and board.liberties[head] == fresh.liberties[other]
        and board.liberty_sum[head] == fresh.liberty_sum[other]
        and board.liberty_squares[head] == fresh.liberty_squares[other]
        and board.chain_key[head] == fresh.chain_key[other]
    )
