"""The board of Go, m x n points: stones, chains, captures, legality and score, as functions that know no API.

The rules are those of Tromp & Taylor (https://tromp.github.io/go.html), which in other words say:

1. Black and White play on a grid of points, which begins empty. Black plays first, then they take turns.
2. A point is empty, black or white. It reaches a colour if a path of neighbours of its own colour leads from it to a
   point of that colour; diagonals are no neighbours.
3. A turn is a pass, or a move: put a stone of one's own colour on an empty point; then empty all points of the
   opponent's colour that do not reach empty; then those of one's own colour that do not (*suicide*, which most other
   rules forbid, and so do these unless `suicide` is true).
4. A move may not repeat any earlier position of the board, whoever was to play (*positional superko*).
5. Two passes in a row end the game. Whoever has the larger area wins: the own stones, and the empty points that reach
   only the own colour.

Points lie in flat arrays, row by row with a border: point p has the neighbours p - 1, p + 1, p - w and p + w with
w = n + 1, and the border column stands both right of one row and left of the next. Stones that are connected are a
*chain*; its points form a circle, and one of them, its *head*, holds what is known of it:

* Its *pseudo-liberties*: an empty point counts once for every stone of the chain beside it. A chain has none exactly if
  it has no liberties. Their number k, sum s and sum of squares t of the points tell whether all are the same point
  (*atari*): by the inequality of Cauchy and Schwarz, s^2 <= k t, with equality only then.
* Its key: the exclusive or of its stones' random keys (Zobrist 1970, A new hashing method with application for game
  playing), from which follows the key of the position after a capture without making the move.

Two different positions have the same key of 64 bits with probability 2^-64.
"""

from __future__ import annotations

from typing import Any, NamedTuple

EMPTY, BLACK, WHITE, EDGE = 0, 1, 2, 3  # the opponent of colour c is 3 - c


class Board(NamedTuple):
    """A board and all positions since it was empty. Its arrays, or lists, are written in place; P = (m + 2)(n + 1)."""

    rows: int  # m
    columns: int  # n
    keys: Any  # int64[3, P], keys[colour, p] of a stone on a point; keys[0, 0] of the empty board
    stones: Any  # int8[P], the colour of every point
    stood: Any  # int8[P], the colours (bits 1 and 2) that have ever stood on a point
    head: Any  # int32[P], of the stone's chain
    following: Any  # int32[P], the next point of the chain
    liberties: Any  # int32[P], of a head: the number of pseudo-liberties
    liberty_sum: Any  # int32[P], of a head: their sum
    liberty_squares: Any  # int32[P], of a head: their sum of squares
    chain_key: Any  # int64[P], of a head
    key: Any  # int64[1], of the position
    positions: Any  # int64[2^k], a hash table of the keys of all positions so far; 0 where it is free


def board_of(record: Any, params: Any) -> Board:
    """The board whose arrays a record of the rules holds, of the size that their Params say.

    The record has `stones` and `stood`; `chains`, int32[5, P], the rows from `head` to `liberty_squares`; and `hashes`,
    int64[1 + P + 2^k]: `key`, `chain_key` and `positions` one after the other. Fewer arrays compile faster.
    """
    points = len(record.stones)
    return Board(
        params.rows,
        params.columns,
        params.keys,
        record.stones,
        record.stood,
        record.chains[0],
        record.chains[1],
        record.chains[2],
        record.chains[3],
        record.chains[4],
        record.hashes[1 : 1 + points],
        record.hashes[:1],
        record.hashes[1 + points :],
    )


def copy_board(record: Any, source: Any) -> None:
    """Make the board that a record of the rules holds the one of another."""
    for p in range(len(source.stones)):
        record.stones[p] = source.stones[p]
        record.stood[p] = source.stood[p]
        for row in range(5):
            record.chains[row, p] = source.chains[row, p]
    for slot in range(len(source.hashes)):
        record.hashes[slot] = source.hashes[slot]


def clear(board: Board) -> None:
    """Empty the board, and forget all positions but the empty one."""
    width = board.columns + 1
    for p in range(len(board.stones)):
        board.stones[p] = EDGE
        board.stood[p] = board.head[p] = board.following[p] = 0
        board.liberties[p] = board.liberty_sum[p] = board.liberty_squares[p] = board.chain_key[p] = 0
    for row in range(1, board.rows + 1):
        for p in range(row * width + 1, row * width + width):
            board.stones[p] = EMPTY
    for slot in range(len(board.positions)):
        board.positions[slot] = 0
    board.key[0] = board.keys[EMPTY][0]
    remember(board.positions, board.key[0])


def point_of(board: Board, action: int) -> int:
    """The point of an action, which counts points row by row from the top left, without a border."""
    return (action // board.columns + 1) * (board.columns + 1) + action % board.columns + 1


def remember(positions: Any, key: int) -> None:
    """Put a key into the hash table, which has a free slot (linear probing)."""
    mask = len(positions) - 1
    slot = key & mask
    while positions[slot] != 0 and positions[slot] != key:
        slot = (slot + 1) & mask
    positions[slot] = key


def is_known(positions: Any, key: int) -> bool:
    """Whether a key is in the hash table."""
    mask = len(positions) - 1
    slot = key & mask
    while positions[slot] != 0:
        if positions[slot] == key:
            return True
        slot = (slot + 1) & mask
    return False


def play(board: Board, p: int, colour: int) -> None:
    """Make a legal move: put the stone, remove the opponent's chains without liberties, then the own one."""
    width = board.columns + 1
    put(board, p, colour)
    for q in (p - width, p - 1, p + 1, p + width):
        if board.stones[q] == 3 - colour and board.liberties[board.head[q]] == 0:
            remove(board, board.head[q])
    if board.liberties[board.head[p]] == 0:
        remove(board, board.head[p])
    remember(board.positions, board.key[0])


def put(board: Board, p: int, colour: int) -> None:
    """Put a stone on an empty point, and join it with its neighbours of the same colour."""
    width = board.columns + 1
    key = board.keys[colour][p]
    board.stones[p] = colour
    board.stood[p] |= colour
    board.key[0] ^= key
    board.head[p] = board.following[p] = p
    board.liberties[p] = board.liberty_sum[p] = board.liberty_squares[p] = 0
    board.chain_key[p] = key
    for q in (p - width, p - 1, p + 1, p + width):
        if board.stones[q] == EMPTY:
            count_liberty(board, p, q, 1)
        elif board.stones[q] != EDGE:
            count_liberty(board, board.head[q], p, -1)
    for q in (p - width, p - 1, p + 1, p + width):
        if board.stones[q] == colour and board.head[q] != board.head[p]:
            join(board, board.head[q], board.head[p])


def count_liberty(board: Board, head: int, p: int, times: int) -> None:
    """Count an empty point as a pseudo-liberty of a chain once more, or once less."""
    board.liberties[head] += times
    board.liberty_sum[head] += times * p
    board.liberty_squares[head] += times * p * p


def join(board: Board, head: int, other: int) -> None:
    """Make two chains one, whose head is the first one's."""
    p = other
    while True:
        board.head[p] = head
        p = board.following[p]
        if p == other:
            break
    after = board.following[head]
    board.following[head] = board.following[other]
    board.following[other] = after
    board.liberties[head] += board.liberties[other]
    board.liberty_sum[head] += board.liberty_sum[other]
    board.liberty_squares[head] += board.liberty_squares[other]
    board.chain_key[head] ^= board.chain_key[other]


def remove(board: Board, head: int) -> None:
    """Take a chain from the board; its points become liberties of the chains around it."""
    width = board.columns + 1
    board.key[0] ^= board.chain_key[head]
    p = head
    while True:
        board.stones[p] = EMPTY
        for q in (p - width, p - 1, p + 1, p + width):
            if board.stones[q] != EMPTY and board.stones[q] != EDGE:
                count_liberty(board, board.head[q], p, 1)
        p = board.following[p]
        if p == head:
            break


def in_atari(board: Board, head: int) -> bool:
    """Whether a chain has one liberty."""
    total = int(board.liberty_sum[head])
    return int(board.liberties[head]) * int(board.liberty_squares[head]) == total * total


def is_legal(board: Board, p: int, colour: int, suicide: bool) -> bool:
    """Whether a stone of that colour may be put on a point; the board does not change.

    A position with the stone on p is new, whatever else happens, if no stone of that colour has ever stood there.
    """
    if board.stones[p] != EMPTY:
        return False
    width = board.columns + 1
    lives = captures = False
    for q in (p - width, p - 1, p + 1, p + width):
        lives |= board.stones[q] == EMPTY
    is_new = board.stood[p] & colour == 0
    if lives and is_new:
        return True  # as most moves are
    for q in (p - width, p - 1, p + 1, p + width):
        stone = board.stones[q]
        if stone != EMPTY and stone != EDGE:
            if not in_atari(board, board.head[q]):
                lives |= stone == colour
            elif stone != colour:
                captures = True
    if not (lives or captures):
        return suicide and not is_known(board.positions, board.key[0] ^ last_liberty_keys(board, p, colour))
    if is_new:
        return True
    key = board.key[0] ^ board.keys[colour][p]
    if captures:
        key ^= last_liberty_keys(board, p, 3 - colour)
    return not is_known(board.positions, key)


def last_liberty_keys(board: Board, p: int, colour: int) -> int:
    """The exclusive or of the keys of the chains of a colour of which p is the last liberty."""
    width = board.columns + 1
    above, left = chain_in_atari(board, p - width, colour), chain_in_atari(board, p - 1, colour)
    right, below = chain_in_atari(board, p + 1, colour), chain_in_atari(board, p + width, colour)
    key = board.chain_key[above]
    if left != above:
        key ^= board.chain_key[left]
    if right != above and right != left:
        key ^= board.chain_key[right]
    if below != above and below != left and below != right:
        key ^= board.chain_key[below]
    return key  # type: ignore[no-any-return]  # of an array


def chain_in_atari(board: Board, q: int, colour: int) -> int:
    """The head of the chain at q if it is of that colour and in atari; else 0, on the border, whose key is 0."""
    if board.stones[q] == colour and in_atari(board, board.head[q]):
        return board.head[q]  # type: ignore[no-any-return]  # of an array
    return 0


def legal_moves(board: Board, colour: int, suicide: bool, out: Any) -> int:
    """Write which actions are legal, int8[m n + 1] of 0 and 1, the last one the pass; returns how many."""
    width = board.columns + 1
    action, count = 0, 1
    for row in range(1, board.rows + 1):
        for p in range(row * width + 1, row * width + width):
            legal = is_legal(board, p, colour, suicide)
            out[action] = legal
            count += legal
            action += 1
    out[action] = 1
    return count


def is_eye(board: Board, p: int, colour: int) -> bool:
    """Whether an empty point is a single-point eye of a colour, not false.

    All neighbours are of that colour; of the points diagonally beside it at most one is the opponent's, at the edge
    none.
    """
    width = board.columns + 1
    for q in (p - width, p - 1, p + 1, p + width):
        if board.stones[q] != colour and board.stones[q] != EDGE:
            return False
    hostile = edge = 0
    last = min(p + width + 1, len(board.stones) - 1)  # both lie on the border, where the first would be outside
    for q in (p - width - 1, p - width + 1, p + width - 1, last):
        hostile += board.stones[q] == 3 - colour
        edge |= board.stones[q] == EDGE
    return hostile + edge < 2


def area_score(board: Board, marks: Any, queue: Any) -> int:
    """Black's area minus White's. `marks`, int8[P], and `queue`, int32[P], are memory to work in."""
    width = board.columns + 1
    for p in range(len(board.stones)):
        marks[p] = 0
    score = 0
    for row in range(1, board.rows + 1):
        for p in range(row * width + 1, row * width + width):
            if board.stones[p] == BLACK:
                score += 1
            elif board.stones[p] == WHITE:
                score -= 1
            elif marks[p] == 0:
                score += region_score(board, p, marks, queue)
    return score


def region_score(board: Board, start: int, marks: Any, queue: Any) -> int:
    """The size of the empty region around a point, negative if it is White's; 0 if it reaches both colours or none."""
    width = board.columns + 1
    queue[0], marks[start] = start, 1
    size, done, reached = 1, 0, 0
    while done < size:
        p = queue[done]
        done += 1
        for q in (p - width, p - 1, p + 1, p + width):
            stone = board.stones[q]
            if stone != EMPTY:
                if stone != EDGE:
                    reached |= stone
            elif marks[q] == 0:
                queue[size], marks[q] = q, 1
                size += 1
    if reached == BLACK:
        return size
    return -size if reached == WHITE else 0
