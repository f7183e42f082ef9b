"""Grid world: drawn mazes, and the exact model against the moves that it describes."""

import gymnasium
import numpy as np
import pytest

from rlbench.envs.grid_world import rules
from rlbench.envs.grid_world.rules import DOWN, LEFT, RIGHT, UP

MAZE = """
S.#T
...#
#..T
"""


def walk(env, start, moves):
    env.reset(options={"state": start})
    return [tuple(env.step(move)[0:3]) for move in moves]


def test_moves_walls_and_edges():
    env = gymnasium.make("rlbench/GridWorld-v0", maze=MAZE)
    assert walk(env, (0, 0), [UP, LEFT, RIGHT, RIGHT, DOWN, LEFT, LEFT]) == [
        (0, -1.0, False),
        (0, -1.0, False),
        (1, -1.0, False),
        (1, -1.0, False),  # the wall
        (5, -1.0, False),
        (4, -1.0, False),
        (4, -1.0, False),
    ]
    assert walk(env, (2, 2), [DOWN, RIGHT]) == [(10, -1.0, False), (11, -1.0, True)]


def test_a_marked_start_is_the_only_one():
    env = gymnasium.make("rlbench/GridWorld-v0", maze=MAZE)
    assert {env.reset(seed=seed)[0] for seed in range(50)} == {0}


def test_unmarked_starts_are_uniform_among_the_free_cells():
    env = gymnasium.make("rlbench/GridWorld-v0")
    env.reset(seed=0)
    counts = np.bincount([env.reset()[0] for _ in range(14_000)], minlength=16)
    assert counts[[0, 15]].tolist() == [0, 0]
    assert abs(counts[1:15] - 1_000).max() < 5 * np.sqrt(1_000)


@pytest.mark.parametrize("slip", [0.0, 0.3, 1.0])
def test_the_model_is_what_the_moves_do(slip):
    """Feed a fine grid of random draws to the transition: its outcomes' frequencies are the model's probabilities."""
    params = rules.configure(MAZE, slip)
    model = rules.model(params)
    grid = (np.arange(3_000) + 0.5) / 3_000
    height, width = params.walls.shape
    for row, col in zip(*np.nonzero(~params.walls & ~params.terminal), strict=True):
        for action in range(4):
            expected = np.zeros(height * width)
            for probability, after, reward, terminated in model[row * width + col][action]:
                expected[after] += probability
                assert reward == -1.0
                assert terminated == params.terminal.flat[after]
            seen = np.zeros(height * width)
            for u in grid:
                after = rules.transition(rules.State(row, col), action, (u,), params)
                seen[after.row * width + after.col] += 1 / len(grid)
            np.testing.assert_allclose(seen, expected, atol=2e-3)


def test_the_model_is_complete():
    env = gymnasium.make("rlbench/GridWorldFourRooms-v0", slip=1 / 3).unwrapped
    assert len(env.P) == env.observation_space.n
    for row in env.P:
        for outcomes in row:
            assert sum(outcome[0] for outcome in outcomes) == pytest.approx(1.0)
    corner = 11 * 13 + 11
    assert env.P[corner][UP] == [(1.0, corner, 0.0, True)]


def test_four_rooms_are_joined_by_four_doors():
    walls = rules.configure("four-rooms").walls
    assert walls.shape == (13, 13)
    assert (~walls).sum() == 5 * 5 + 6 * 5 + 5 * 5 + 4 * 5 + 4
    doors = [(3, 6), (6, 2), (7, 9), (10, 6)]
    assert not any(walls[door] for door in doors)


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"maze": "T..\n.."}, "equally long rows, got lengths"),
        ({"maze": "T.x"}, r"unknown letters \['x'\]"),
        ({"maze": "..."}, "at least one terminal"),
        ({"maze": "TTT"}, "one free cell"),
        ({"maze": ""}, "equally long rows, got lengths"),
        ({"slip": 1.5}, r"slip is a probability in \[0, 1\], got 1.5"),
        ({"slip": float("nan")}, "slip is a probability"),
    ],
)
def test_a_bad_maze_is_named(kwargs, message):
    with pytest.raises(ValueError, match=message):
        gymnasium.make("rlbench/GridWorld-v0", **kwargs)
