"""Planning against Sutton & Barto's published tables, on worlds drawn here."""

from __future__ import annotations

import csv
from pathlib import Path

import gymnasium
import numpy as np
import pytest

import rlbench  # noqa: F401  # registers the ids
from baselines.maths.dynamic_programming import as_model, greedy_policy, policy_evaluation, value_iteration
from rlbench.errors import UserError

RANDOM = np.full((16, 4), 0.25)
MOVES = ((-1, 0), (0, 1), (1, 0), (0, -1))

# Example 3.5: any action in A leads to a and pays 10, any in B leads to b and pays 5; into the wall pays -1.
FIELD = [".A.B.", ".....", "...b.", ".....", ".a..."]


def published(table: str) -> np.ndarray:
    """A table of gridworld.csv, flattened row by row."""
    with (Path(__file__).parents[1] / "data" / "gridworld.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["table"] == table]
    values = np.empty(len(rows))
    side = round(len(rows) ** 0.5)
    for row in rows:
        values[int(row["row"]) * side + int(row["col"])] = float(row["value"])
    return values


def field_model() -> list[list[list[tuple[float, int, float, bool]]]]:
    """The dynamics that FIELD draws; it never ends."""
    where = {mark: (i, line.index(mark)) for i, line in enumerate(FIELD) for mark in line if mark != "."}

    def outcome(row: int, col: int, move: tuple[int, int]) -> tuple[float, int, float, bool]:
        if (row, col) == where["A"]:
            return 1.0, where["a"][0] * 5 + where["a"][1], 10.0, False
        if (row, col) == where["B"]:
            return 1.0, where["b"][0] * 5 + where["b"][1], 5.0, False
        to = row + move[0], col + move[1]
        if not (0 <= to[0] < 5 and 0 <= to[1] < 5):
            return 1.0, row * 5 + col, -1.0, False
        return 1.0, to[0] * 5 + to[1], 0.0, False

    return [[[outcome(s // 5, s % 5, move)] for move in MOVES] for s in range(25)]


@pytest.fixture
def grid() -> object:
    """The exact model of the 4x4 grid world."""
    return gymnasium.make("rlbench/GridWorld-v0").unwrapped.P  # type: ignore[attr-defined]


@pytest.mark.parametrize("sweeps", [1, 2, 3])
def test_sweeps_of_policy_evaluation_exactly(grid: object, sweeps: int) -> None:
    v = policy_evaluation(grid, RANDOM, 1.0, sweeps=sweeps)  # type: ignore[arg-type]
    assert v.tolist() == published(f"4x4 v_pi random, k={sweeps}").tolist()


def test_ten_sweeps_of_policy_evaluation_to_the_four_published_places(grid: object) -> None:
    v = policy_evaluation(grid, RANDOM, 1.0, sweeps=10)  # type: ignore[arg-type]
    assert v.round(4).tolist() == published("4x4 v_pi random, k=10").tolist()


def test_converged_policy_evaluation(grid: object) -> None:
    v = policy_evaluation(grid, RANDOM, 1.0)  # type: ignore[arg-type]
    np.testing.assert_allclose(v, published("4x4 v_pi random, k=inf"), atol=1e-9)


def test_value_iteration_exactly_and_in_three_sweeps(grid: object) -> None:
    Q, sweeps = value_iteration(grid, 1.0)  # type: ignore[arg-type]
    assert Q.max(axis=1).tolist() == published("4x4 v_star").tolist()
    assert sweeps == 3 + 1  # Q lags v by one: the last sweep fixes actions that lead away


def test_greedy_policy_shares_ties(grid: object) -> None:
    """Figure 4.1's optimal policy: from row 1, column 1 both up and left are best; from row 0, column 1 left is."""
    pi = greedy_policy(value_iteration(grid, 1.0)[0])  # type: ignore[arg-type]
    assert pi[5].tolist() == [0.5, 0, 0, 0.5]
    assert pi[1].tolist() == [0, 0, 0, 1]


def test_example_3_5() -> None:
    v = policy_evaluation(field_model(), np.full((25, 4), 0.25), 0.9)
    assert v.round(6).tolist() == published("5x5 ex3.5 random gamma=.9").tolist()


def test_example_3_8() -> None:
    Q, _ = value_iteration(field_model(), 0.9)
    assert Q.max(axis=1).round(6).tolist() == published("5x5 ex3.8 optimal gamma=.9").tolist()


def test_model_whose_probabilities_do_not_add_up() -> None:
    with pytest.raises(UserError, match=r"from state 0, action 0 add up to 0\.5"):
        as_model([[[(0.5, 0, 0.0, False)]]])
