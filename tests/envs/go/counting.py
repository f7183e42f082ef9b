"""The published counts of `counts.csv`, and positions of small boards.

The rules of all counts are positional superko and no limit of moves. `suicide` is yes, no, or either where the count is
the same. A *turn* is a pass or a move, and two passes end a game; games by *board moves* know no passes, and either
colour may move.
"""

import csv
from pathlib import Path

from rlbench.envs.go import board as rules
from rlbench.envs.go.keys import zobrist_keys

with (Path(__file__).parent / "counts.csv").open(encoding="utf-8") as file:
    ROWS = list(csv.DictReader(file))
SUICIDE = {"yes": [True], "no": [False], "either": [False, True]}


def series(kind):
    """(rows, columns, suicide, {depth: value}) of every series of counts of a kind, one of each rule."""
    found = {}
    for row in ROWS:
        if row["kind"] == kind:
            for suicide in SUICIDE[row["suicide"]]:
                key = int(row["rows"]), int(row["columns"]), suicide
                found.setdefault(key, {})[int(row["depth"] or 0)] = int(row["value"])
    return [(*key, counts) for key, counts in found.items()]


def legal_positions(rows, columns):
    """The positions in which every chain has a liberty, as boards of stones, row by row."""
    for number in range(3 ** (rows * columns)):
        stones = [number // 3**k % 3 for k in range(rows * columns)]
        made = position(rows, columns, stones)
        if all(made.liberties[made.head[p]] > 0 for p in range(len(made.stones)) if made.stones[p] in (1, 2)):
            yield stones


def position(rows, columns, stones):
    """A board with these stones, made without captures."""
    keys = zobrist_keys(rows, columns).tolist()
    lists = [[0] * len(keys[0]) for _ in range(8)]
    made = rules.Board(rows, columns, keys, *lists, [0], [0] * 8)
    rules.clear(made)
    for action, colour in enumerate(stones):
        if colour:
            rules.put(made, rules.point_of(made, action), colour)
    return made
