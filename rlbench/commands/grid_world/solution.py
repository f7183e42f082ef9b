"""A policy of a grid world and its exact values, as arrays over the cells."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from rlbench.commands.shared.agents import dynamic_programming, equations
from rlbench.errors import UserError, counted

ARROWS = "↑→↓←"  # of actions 0 to 3


@dataclass(frozen=True)
class Solution:
    """A policy and its values, arrays [H, W] over cells and [H, W, 4] over actions up, right, down, left."""

    walls: NDArray[np.bool_]
    terminal: NDArray[np.bool_]
    pi: NDArray[np.float64]  # probability of each action
    V: NDArray[np.float64]
    Q: NDArray[np.float64]

    def cells(self) -> Iterator[tuple[int, int]]:
        """Every (row, col) that is no wall, row by row."""
        return ((int(row), int(col)) for row, col in np.argwhere(~self.walls))

    def decisions(self) -> Iterator[tuple[int, int]]:
        """Every (row, col) that is neither wall nor terminal, row by row."""
        return (cell for cell in self.cells() if not self.terminal[cell])

    def is_decision(self, row: int, col: int) -> bool:
        """Whether an action is chosen in a cell: it is neither wall nor terminal."""
        return not (self.walls[row, col] or self.terminal[row, col])

    def arrows(self, row: int, col: int) -> str:
        """The actions that the policy takes in a cell, as arrows; none in walls and terminals."""
        if not self.is_decision(row, col):
            return ""
        return "".join(arrow for arrow, p in zip(ARROWS, self.pi[row, col], strict=True) if p > 0)

    def rows(self) -> list[dict[str, Any]]:
        """The values as one row per cell that is no wall: row, col, terminal, policy, V, and Q of each action."""
        rows = []
        for row, col in self.cells():
            q = dict(zip(("Q_up", "Q_right", "Q_down", "Q_left"), self.Q[row, col].tolist(), strict=True))
            cell = {"row": row, "col": col, "terminal": bool(self.terminal[row, col])}
            rows.append(cell | {"policy": self.arrows(row, col), "V": self.V[row, col]} | q)
        return rows

    @cached_property
    def decimals(self) -> int:
        """Digits after the point of all numbers: none for integers, else three significant ones."""
        values = np.concatenate([self.V[~self.walls], self.Q[~self.walls].ravel()])
        largest = float(np.abs(values).max())
        if np.abs(values - values.round()).max() < 1e-6 or largest == 0:
            return 0
        return int(np.clip(2 - np.floor(np.log10(largest)), 0, 3))


def solve(
    P: Any,
    walls: NDArray[np.bool_],
    terminal: NDArray[np.bool_],
    policy: Literal["random", "optimal"],
    gamma: float,
) -> Solution:
    """The exact solution of a grid world.

    Args:
        P: the model, P[s][a] -> [(probability, next state, reward, terminated), ...]; states are cells, row by row.
        walls: bool[H, W].
        terminal: bool[H, W].
        policy: which policy to evaluate.
        gamma: discount in [0, 1].

    Raises:
        UserError: gamma is outside of [0, 1], or it is 1 and a cell has no way to a terminal one.
    """
    if not 0 <= gamma <= 1:
        raise UserError(f"--gamma is a discount in [0, 1], got {gamma:g}")
    if gamma == 1:
        check_all_terminate(P, walls, terminal)
    planning = dynamic_programming()
    if policy == "random":
        pi = np.full((len(P), 4), 0.25)
        V = planning.policy_evaluation(P, pi, gamma)
        Q = equations().action_values(V, planning.as_model(P), gamma)
    else:
        Q, _ = planning.value_iteration(P, gamma)
        pi, V = planning.greedy_policy(Q), Q.max(axis=1)
    shape = walls.shape
    return Solution(walls, terminal, pi.reshape(*shape, 4), V.reshape(shape), Q.reshape(*shape, 4))


def check_all_terminate(
    P: Sequence[Sequence[Sequence[tuple[float, int, float, bool]]]],
    walls: NDArray[np.bool_],
    terminal: NDArray[np.bool_],
) -> None:
    """Raise UserError where a cell cannot reach a terminal one: its value at gamma 1 is infinite."""
    free = set(np.flatnonzero(~walls).tolist())
    reached = set(np.flatnonzero(terminal).tolist())
    while True:
        onward = reached | {s for s in free if any(p > 0 and n in reached for a in P[s] for p, n, *_ in a)}
        if onward == reached:
            break
        reached = onward
    if lost := sorted(free - reached):
        row, col = divmod(lost[0], walls.shape[1])
        have = "has" if len(lost) == 1 else "have"
        raise UserError(
            f"{counted(len(lost), 'cell')} {have} no way to a terminal one, the first in row {row}, column {col}; "
            "their values are infinite unless --gamma is below 1"
        )
