"""Checks of the arguments of `make`, and the parameters made of them."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rlbench.core import arguments
from rlbench.envs.go.keys import zobrist_keys
from rlbench.envs.go.search import EXTERNAL, RANDOM
from rlbench.errors import ArgumentError, shortened

SMALLEST, LARGEST = 2, 19
KOMI = {2: 0.5, 3: 8.5, 4: 1.5, 5: 24.5, 6: 3.5, 7: 8.5}
"""The komi of small boards, half a point less than what Black wins by with best play.

van der Werf & Winands (2009), Solving Go for rectangular boards.
"""
DEFAULT_KOMI = 7.0
SEARCH = "mcts:"
ENGINES = ("gnugo:", "gtp:", "submission:")
MAX_PLAYOUTS = 1_000_000
OPENINGS = 32


def fields(
    size: Any, komi: Any, suicide: Any, opponent: Any, opponents: Any, illegal: Any, max_moves: Any
) -> dict[str, Any]:
    """The fields of Params for the arguments of `rules.configure`; ArgumentError for what cannot be."""
    size = arguments.integer("size", size, SMALLEST, LARGEST)
    names, points = opponent_names(opponent, opponents), size * size
    limit = 2 * points if max_moves is None else arguments.integer("max_moves", max_moves, 1, 100 * points)
    return {
        "komi": checked_komi(komi, size),
        "suicide": arguments.flag("suicide", suicide),
        "loses": arguments.either("illegal", illegal, "lose", "raise") == "lose",
        "opponents": np.array([playouts_of(name) for name in names], np.int64),
        "playouts_at_once": MAX_PLAYOUTS,
        **board_fields(size, size, limit),
    }


def board_fields(rows: int, columns: int, max_moves: int) -> dict[str, Any]:
    """The fields of Params that follow from the size of a board, which may be any."""
    return {
        "rows": rows,
        "columns": columns,
        "max_moves": max_moves,
        "capacity": 1 << (2 * max_moves + 4).bit_length(),  # less than half full, so that searches in it are short
        "keys": zobrist_keys(rows, columns),
        "openings": opening_table(rows, columns),
    }


def checked_komi(komi: Any, size: int) -> float:
    """The komi, or that of the size where it is None."""
    if komi is None:
        return KOMI.get(size, DEFAULT_KOMI)
    value = arguments.number("komi", komi, -size * size, size * size)
    if 2 * value != int(2 * value):
        raise ArgumentError(f"komi is a multiple of 0.5, got {shortened(komi)}")
    return value


def opponent_names(opponent: Any, opponents: Any) -> tuple[str, ...]:
    """The opponents by name; none for self-play."""
    if opponents is None:
        return () if opponent is None else (opponent,)
    if not isinstance(opponent, str) or opponent != "random":
        raise ArgumentError(f"opponent={shortened(opponent)} beside opponents=; give one of them")
    if isinstance(opponents, str) or not isinstance(opponents, list | tuple) or not opponents:
        raise ArgumentError(f"opponents is a tuple of names, at least one, got {shortened(opponents)}")
    return tuple(opponents)


def playouts_of(name: Any) -> int:
    """The playouts of an opponent's search; RANDOM, or EXTERNAL for an engine. ArgumentError for what is none."""
    if isinstance(name, str) and name == "random":
        return RANDOM
    if isinstance(name, str) and name.startswith(SEARCH):
        count = name.removeprefix(SEARCH)
        if not re.fullmatch("[1-9][0-9]{0,6}", count) or int(count) > MAX_PLAYOUTS:
            raise ArgumentError(f"{SEARCH}PLAYOUTS takes an integer 1 to {MAX_PLAYOUTS}, got {shortened(name)}")
        return int(count)
    if isinstance(name, str) and name.startswith(ENGINES):
        return EXTERNAL
    kinds = 'None, "random", "mcts:PLAYOUTS", "gnugo:LEVEL", "gtp:COMMAND", "submission:FOLDER"'
    raise ArgumentError(f"opponent is one of {kinds}, got {shortened(name)}")


def opening_table(rows: int, columns: int) -> NDArray[np.int64]:
    """The openings, int64[k, 2]: a stone of Black and one of White, or -1 and -1 in the first row.

    They stand on two points that are no nearer to the edge than a fifth of the board; of all such pairs these are the
    first in an order drawn once.
    """
    top, left = rows // 5, columns // 5
    inner = [r * columns + c for r in range(top, rows - top) for c in range(left, columns - left)]
    pairs = [(black, white) for black in inner for white in inner if black != white]
    order = np.argsort(np.random.PCG64(2006).random_raw(max(len(pairs), 1)), kind="stable")[: OPENINGS - 1]
    return np.array([(-1, -1), *(pairs[k] for k in order if pairs)], np.int64)
