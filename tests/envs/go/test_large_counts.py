"""The largest counts that can be repeated within minutes, by the functions of the board, compiled."""

import importlib.util
import inspect

import numpy as np
import pytest

from rlbench.envs.go import board as rules
from rlbench.envs.go.keys import zobrist_keys
from tests.envs.go.counting import legal_positions, position, series


def compiled(numba):
    """A copy of the board's module whose functions are compiled."""
    spec = importlib.util.find_spec(rules.__name__)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    for name, function in inspect.getmembers(module, inspect.isfunction):
        setattr(module, name, numba.njit(function))
    return module


@pytest.mark.slow
@pytest.mark.parametrize(("rows", "columns"), [(3, 3), (3, 4), (4, 4)])
def test_legal_positions_of_larger_boards(rows, columns):
    numba = pytest.importorskip("numba")
    board = compiled(numba)
    clear, put, point_of = board.clear, board.put, board.point_of

    @numba.njit
    def count(made, number_of_points):
        total = 0
        for number in range(3**number_of_points):
            clear(made)
            rest = number
            for action in range(number_of_points):
                if rest % 3:
                    put(made, point_of(made, action), rest % 3)
                rest //= 3
            legal = True
            for p in range(len(made.stones)):
                if made.stones[p] == 1 or made.stones[p] == 2:
                    legal &= made.liberties[made.head[p]] > 0
            total += legal
        return total

    wanted = {(m, n): counts[0] for m, n, _, counts in series("legal_positions")}
    keys = zobrist_keys(rows, columns)
    points = keys.shape[1]
    bytes_, words = [np.zeros(points, np.int8) for _ in range(2)], [np.zeros(points, np.int32) for _ in range(5)]
    made = board.Board(rows, columns, keys, *bytes_, *words, *(np.zeros(size, np.int64) for size in (points, 1, 2)))
    assert count(made, rows * columns) == wanted[rows, columns]


@pytest.mark.slow
@pytest.mark.parametrize("suicide", [False, True])
def test_all_games_on_1_x_4(suicide):
    """Games are paths in the graph of positions that visit none twice."""
    numba = pytest.importorskip("numba")
    positions = [tuple(stones) for stones in legal_positions(1, 4)]
    following = np.full((len(positions), 9), -1)
    for i, stones in enumerate(positions):
        moves = [(action, colour) for action in range(4) for colour in (1, 2) if stones[action] == 0]
        for k, (action, colour) in enumerate(moves):
            made = position(1, 4, stones)
            p = rules.point_of(made, action)
            if rules.is_legal(made, p, colour, suicide):
                rules.play(made, p, colour)
                following[i, k] = positions.index(tuple(made.stones[rules.point_of(made, a)] for a in range(4)))

    @numba.njit
    def paths(i, visited):
        total = 1
        for j in following[i]:
            if j >= 0 and not visited >> j & 1:
                total += paths(j, visited | 1 << j)
        return total

    wanted = {s: counts[0] for m, n, s, counts in series("total_games") if (m, n) == (1, 4)}
    empty = positions.index((0, 0, 0, 0))
    assert paths(empty, 1 << empty) == wanted[suicide]
