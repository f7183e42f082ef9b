"""Go as a picture: the board, and below it a line that says whose turn it is, or who has won."""

from __future__ import annotations

import functools
from typing import Any

from rlbench.drawing.shapes import INK, Image
from rlbench.drawing.text import cut, line_height, text
from rlbench.envs.go import overlay, rules
from rlbench.envs.go.coordinates import Point, pass_of
from rlbench.envs.go.overlay import LOWEST_SHARE
from rlbench.envs.go.picture import BoardLayout, board_picture, draw_stone, last_mark, refusal, stone, wood
from rlbench.envs.go.view import GameView, last_turn, status

FRAMES_PER_SECOND = 2
STRIP = 0.065  # height of the line below the board, as a part of the board's width
GHOST = 0.45  # how opaque a stone is that could be put


def render(state: rules.State, params: rules.Params) -> Image:
    """The frame of one state, uint8[H, W, 3], of a size that depends on the board's alone."""
    return picture(GameView.of(state, params))


def ansi(state: rules.State, params: rules.Params) -> str:
    """The state as text: the board with its coordinates, the last move in parentheses, and a line about the game."""
    from rlbench.envs.go.text import draw_board

    view = GameView.of(state, params)
    return f"{draw_board(view.stones, view.last_point)}\n{words(view)}\n"


def picture(view: GameView, explanation: Any = None, cursor: Point | None = None, fits: bool = False) -> Image:
    """The frame of a game.

    Args:
        view: The game.
        explanation: What the agent says of its last turn: the fields that `overlay` draws.
        cursor: The point that the player to move has chosen, but not played.
        fits: Whether it can be played; then its stone is drawn faintly. Otherwise an empty point is crossed, and a
            stone gets a dot.

    Returns:
        uint8[H, W, 3].
    """
    layout = BoardLayout.of(view.shape)
    board = board_picture(view.stones)
    newest = (view.last, -view.to_move, True), (view.before_last, view.to_move, False)
    for action, colour, is_newest in newest:
        point = view.point(action)
        if point is not None and view.stones[point] == colour:  # neither passed nor captured
            layout.press(last_mark(colour, layout.cell, is_newest), board, *point)
    if cursor is not None:
        mark = refusal(bool(view.stones[cursor]), layout.cell)
        layout.press(stone(view.to_move, layout.cell, GHOST) if fits else mark, board, *cursor)
    if explanation is not None:
        overlay.draw_shares(board, layout, view, explanation)
        overlay.draw_variation(board, layout, view, explanation)
    height = max(26, round(STRIP * layout.width))
    image = below(layout.height, layout.width, height).copy()
    image[: layout.height] = board
    draw_strip(image, layout, height, view, explanation)
    return image


@functools.lru_cache(maxsize=8)
def below(top: int, width: int, height: int) -> Image:
    """The wood of a whole frame, whose lowest `height` rows are the strip."""
    image = wood(top + height, width)
    image[top:] = 255 - (255 - image[top:]) // 2  # lighter
    image.setflags(write=False)
    return image


def draw_strip(image: Image, layout: BoardLayout, height: int, view: GameView, explanation: Any) -> None:
    """The line below the board: a stone of who is to move or has won, words, and the agent's value."""
    middle, radius = layout.height + height / 2, 0.3 * height
    colour = view.winner if view.ending != rules.PLAYING else view.to_move
    left = height / 2.0
    if colour:
        draw_stone(image, left, middle, radius, colour)
        left += 1.6 * radius
    right = layout.width - height / 2.5
    if explanation is not None and explanation.value is not None:
        mover = view.agent or -view.to_move
        right = overlay.value_bar(image, right, middle, 0.44 * height, explanation.value, mover) - height / 2
    size = round(0.4 * height)
    string = words(view)
    if explanation is not None and (share := overlay.pass_share(explanation, pass_of(view.shape))) >= LOWEST_SHARE:
        string += f" · pass {100 * share:.0f} %"
    text(image, left, middle - line_height(size) / 2, cut(string, size, right - left), size, INK)


def words(view: GameView) -> str:
    """How the game stands, in one line."""
    turn = f"turn {view.turns}" if view.turns else ""
    return " · ".join(part for part in (status(view), turn, last_turn(view)) if part)
