"""Go boards as the tests draw and read them."""

import numpy as np

from rlbench.envs.go.picture import BoardLayout

FIVE = """\
  A B C D E
5 X . . . . 5
4 . X O . . 4
3 . .(O). . 3
2 . . . . . 2
1 . . . . O 1
  A B C D E"""


def board_read_from(frame, shape):
    """The stones of a picture, int8[m, n], by a pixel on each point that no line, ring or number crosses."""
    layout = BoardLayout.of(shape)
    board = np.zeros(shape, np.int8)
    for row in range(shape[0]):
        for column in range(shape[1]):
            x, y = (int(at + 0.3 * layout.cell) for at in layout.place(row, column))
            red, _, blue = frame[y, x].astype(int)
            board[row, column] = 0 if red - blue > 30 else -1 if blue > 128 else 1  # wood is yellow
    return board
