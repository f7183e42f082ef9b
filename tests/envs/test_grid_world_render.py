"""Grid world's frames, pixel by pixel: read back as text they are the maze that was drawn as text."""

import gymnasium
import numpy as np
import pytest

from rlbench.drawing.shapes import BLUE, GREEN, INK, MIST
from rlbench.envs.grid_world.render import render
from rlbench.envs.grid_world.rules import State, configure

LETTERS = {"#": INK, "T": GREEN, ".": MIST, "@": BLUE}

MAZES = {
    "4x4": "T...\n....\n....\n...T",
    "wide": "#########\n#..T.#..#\n#.#....T#\n#########",
    "corridor": "T.#..........T",
    "tall": "T\n.\n#\n.\nT",
    "large": "\n".join(["T" + "." * 99] + [("." * 49 + "##" + "." * 49)] * 59),
}


def maze_read_from(frame, height, width):
    """The frame as text, a letter per cell: `@` where its middle is the agent's, else what its corner shows."""
    size = frame.shape[0] // height
    assert frame.shape == (height * size, width * size, 3)
    rows = []
    for row in range(height):
        cells = [frame[row * size : (row + 1) * size, col * size : (col + 1) * size] for col in range(width)]
        rows.append("".join(letter_of(cell) for cell in cells))
    return "\n".join(rows)


def letter_of(cell):
    size = len(cell)
    if np.abs(cell[size // 2, size // 2].astype(int) - BLUE).max() <= 2:
        return "@"
    off_centre = cell[size // 2, max(1, size // 16)].astype(int)  # inside the tile, outside ring and disc
    return min(".#T", key=lambda letter: np.abs(off_centre - LETTERS[letter]).sum())


@pytest.mark.parametrize("name", MAZES)
def test_the_frame_reads_as_the_maze_with_the_agent_in_its_cell(name):
    maze = MAZES[name]
    rows = maze.split("\n")
    free = [(row, col) for row, line in enumerate(rows) for col, letter in enumerate(line) if letter != "#"]
    for row, col in free[:: max(1, len(free) // 5)]:
        frame = render(State(row, col), configure(maze))
        expected = [list(line) for line in rows]
        expected[row][col] = "@"
        assert maze_read_from(frame, len(rows), len(rows[0])) == "\n".join(map("".join, expected))


def test_the_agents_disc_is_round_and_in_the_middle_of_its_cell():
    frame = render(State(1, 2), configure())
    y, x = np.nonzero(np.abs(frame.astype(int) - BLUE).max(axis=2) <= 8)
    assert (x.mean() + 0.5, y.mean() + 0.5) == pytest.approx((2.5 * 64, 1.5 * 64), abs=0.01)
    assert np.hypot(x + 0.5 - 160, y + 0.5 - 96).max() == pytest.approx(np.sqrt(len(x) / np.pi), abs=0.75)


def test_a_terminal_cell_still_shows_under_the_agent():
    frame = render(State(0, 0), configure())
    cell = frame[:64, :64]
    assert letter_of(cell) == "@"
    assert tuple(cell[32, 5]) == GREEN


def test_walls_join_and_floors_are_ruled():
    frame = render(State(1, 1), configure("####\n#.T#\n####"))
    assert (frame[:64] == INK).all()
    row = frame[96, 64:192].astype(int)
    assert (np.abs(np.diff(row, axis=0)).max(axis=1) > 0).any()


def test_frames_are_independent_and_repeatable():
    params = configure()
    first = render(State(2, 2), params)
    kept = first.copy()
    render(State(1, 1), params)[:] = 0
    np.testing.assert_array_equal(first, kept)
    np.testing.assert_array_equal(render(State(2, 2), configure()), kept)
    assert first.dtype == np.uint8
    assert first.flags.writeable
    assert first.flags.c_contiguous


def test_a_maze_changed_in_place_is_drawn_anew():
    params = configure()
    render(State(1, 1), params)
    params.walls[2, 2] = True
    assert letter_of(render(State(1, 1), params)[128:192, 128:192]) == "#"


@pytest.mark.parametrize(("maze", "cell"), [("T.", 64), ("T" * 9 + ".", 64), ("T" * 12 + ".", 59), ("T" * 99 + ".", 7)])
def test_large_mazes_have_smaller_cells(maze, cell):
    assert render(State(0, 0), configure(maze)).shape == (cell, cell * len(maze), 3)


def test_the_environment_delivers_the_frame():
    env = gymnasium.make("rlbench/GridWorldFourRooms-v0", render_mode="rgb_array")
    env.reset(seed=3)
    np.testing.assert_array_equal(env.render(), render(env.unwrapped.state, env.unwrapped.params))
