"""Grid world: walk to a terminal cell in as few moves as possible.

Sutton & Barto (2018), Reinforcement Learning: An Introduction, example 4.1, and any maze drawn as text:
`#` wall, `T` terminal, `S` start, `.` or space free. Without an `S` every free cell is a start, drawn uniformly.
"""

from typing import Any, NamedTuple

import numpy as np

DRAWS = (1, 1)

UP, RIGHT, DOWN, LEFT = 0, 1, 2, 3

Outcome = tuple[float, int, float, bool]  # (probability, next state, reward, terminated)

MAZES = {
    "4x4": "T...|....|....|...T",  # example 4.1
    "8x8": "T.......|........|........|........|........|........|........|.......T",
    "four-rooms": (  # the rooms of Sutton, Precup & Singh (1999), the terminal cell in the far corner
        "#############|#.....#.....#|#.....#.....#|#...........#|#.....#.....#|#.....#.....#|##.####.....#|"
        "#.....###.###|#.....#.....#|#.....#.....#|#...........#|#.....#....T#|#############"
    ),
}


class State(NamedTuple):
    """The cell that the walker stands on."""

    row: int  # 0 at the top
    col: int  # 0 at the left


class Params(NamedTuple):
    """A maze, and how slippery it is."""

    walls: Any  # bool[H, W]
    terminal: Any  # bool[H, W]
    starts: Any  # int64[n, 2], (row, col) of every start
    slip: float  # probability that a move goes another way, each of the other three equally likely


def configure(maze: str = "4x4", slip: float = 0.0) -> Params:
    """The parameters of a maze: one of MAZES by name, or drawn as text, its rows separated by newlines or `|`.

    ValueError for a ragged maze, an unknown letter, no terminal cell, no start, or a slip outside [0, 1].
    """
    from rlbench.core import arguments
    from rlbench.envs.grid_world.maze import cells_of

    slip = arguments.number("slip", slip, 0.0, 1.0, "a probability in [0, 1]")
    cells = cells_of(maze, MAZES)
    marked = cells == ord("S")
    if not marked.any():
        marked = (cells == ord(".")) | (cells == ord(" "))
    starts = np.argwhere(marked).astype(np.int64)
    return Params(cells == ord("#"), cells == ord("T"), starts, slip)


def observation_bounds(params: Params) -> int:
    """The cell's number, row by row from the top left."""
    return int(params.walls.size)


def action_bounds(params: Params) -> int:
    """Four moves: up, right, down, left."""
    return 4


def valid(state: State, params: Params) -> bool:
    """A cell of the maze that is no wall."""
    height, width = params.walls.shape
    return 0 <= state.row < height and 0 <= state.col < width and not params.walls[state.row, state.col]


def initial(random_draws: tuple[float, ...], params: Params) -> State:
    """One of the starts, uniformly."""
    k = int(random_draws[0] * len(params.starts))
    return State(int(params.starts[k, 0]), int(params.starts[k, 1]))


def heading(action: int, u: float, slip: float) -> int:
    """The way that the move really goes: the action's, or with probability slip one of the other three."""
    if u < slip:
        return (action + 1 + int(u / slip * 3)) % 4
    return action


def move(state: State, direction: int, params: Params) -> State:
    """The neighbouring cell, or the same one where a wall or the edge is in the way."""
    height, width = params.walls.shape
    row = min(max(state.row + (direction == DOWN) - (direction == UP), 0), height - 1)
    col = min(max(state.col + (direction == RIGHT) - (direction == LEFT), 0), width - 1)
    return state if params.walls[row, col] else State(row, col)


def transition(state: State, action: int, random_draws: tuple[float, ...], params: Params) -> State:
    """One move, slippery or not."""
    return move(state, heading(action, random_draws[0], params.slip), params)


def reward(state: State, action: int, next_state: State, params: Params) -> float:
    """-1 for every move."""
    return -1.0


def terminated(state: State, params: Params) -> bool:
    """The walker has reached a terminal cell."""
    return bool(params.terminal[state.row, state.col])


def observe(state: State, params: Params, out: Any) -> None:
    """The cell's number, int64[1]."""
    out[0] = state.row * params.walls.shape[1] + state.col


def model(params: Params) -> list[list[list[Outcome]]]:
    """The exact dynamics P[s][a] -> [(probability, next state, reward, terminated)], summing to 1.

    States are numbered as `observe` numbers them. Terminal cells and walls lead to themselves for nothing.
    """
    height, width = params.walls.shape
    cells = [State(row, col) for row in range(height) for col in range(width)]
    return [[outcomes(cell, action, params) for action in range(4)] for cell in cells]


def outcomes(state: State, action: int, params: Params) -> list[Outcome]:
    """Every (probability, next state's number, reward, terminated) of one action in one cell."""
    width = params.walls.shape[1]
    if params.terminal[state] or params.walls[state]:
        return [(1.0, state.row * width + state.col, 0.0, bool(params.terminal[state]))]
    chances = [1.0 - params.slip] + [params.slip / 3] * 3
    result = []
    for turn, chance in enumerate(chances):
        if chance > 0.0:
            after = move(state, (action + turn) % 4, params)
            gain = reward(state, action, after, params)
            result.append((chance, after.row * width + after.col, gain, bool(params.terminal[after])))
    return result
