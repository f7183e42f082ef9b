"""Controls of Go: click a point, or choose one with the arrow keys; the stone that a click would put is shown faintly.

A click where no move is legal changes nothing, and the player is told why.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium.error import InvalidAction

from rlbench.controls.protocol import Help, PlayerInput
from rlbench.drawing.shapes import Image
from rlbench.envs.go import rules
from rlbench.envs.go.board import BLACK, board_of, is_legal, point_of
from rlbench.envs.go.coordinates import Point, Shape, from_point, pass_of, to_gtp
from rlbench.envs.go.game_log import GameLog as GameLog  # one of a controls module's names
from rlbench.envs.go.game_log import opponent_of
from rlbench.envs.go.picture import BoardLayout
from rlbench.envs.go.render import picture
from rlbench.envs.go.view import GameView

REAL_TIME = False
PUT, PASS = "space", "p"
WAYS = {"up": (-1, 0), "right": (0, 1), "down": (1, 0), "left": (0, -1)}  # by (rows, columns)


def actions(env: Any) -> tuple[str, ...]:
    """The points as GTP names them, and the pass."""
    shape = _shape(env)
    return tuple(to_gtp(action, shape) for action in range(pass_of(shape) + 1))


def help(env: Any) -> Help:
    """Keys and mouse."""
    return (("click", "put a stone"), ("arrows", "choose a point"), ("space", "put a stone there"), ("p", "pass"))


def players(env: Any, player: str) -> str:
    """The player and the opponent, a line each, with their colours; the player alone where it plays both."""
    opponent = opponent_of(env)
    if opponent is None:
        return player
    own, other = ("Black", "White") if env.unwrapped.state.agent == BLACK else ("White", "Black")
    return f"{player}, {own}\nagainst {opponent}, {other}"


def action(player: PlayerInput, env: Any) -> int | None:
    """The pass, or the point at the pointer where a stone is put; InvalidAction says why there can be none."""
    shape = _shape(env)
    if player.pressed == PASS:
        return pass_of(shape)
    if not (player.clicked or player.pressed == PUT):
        return None
    point = _point_at(player.pointer, shape)
    if point is None:
        return None
    chosen, state = from_point(point, shape), env.unwrapped.state
    if not state.legal[chosen]:
        raise InvalidAction(f"{to_gtp(chosen, shape)} is illegal: {why_not(state, env.unwrapped.params, chosen)}")
    return chosen


def why_not(state: rules.State, params: rules.Params, action: int) -> str:
    """Why a point cannot be played, in a word or two.

    Args:
        state: In which the point is not legal.
        params: Of the environment.
        action: The point.
    """
    board = board_of(state, params)
    p = point_of(board, action)
    if state.ending != rules.PLAYING:
        return "the game is over"
    if board.stones[p]:
        return "there is a stone"
    forgetful = board._replace(positions=np.zeros_like(board.positions))
    repeats = params.suicide or is_legal(forgetful, p, state.to_move, False)
    return "it repeats an earlier position" if repeats else "suicide"


def moved(player: PlayerInput, env: Any) -> tuple[float, float] | None:
    """The next point in the way of an arrow key; the middle of the board where the pointer is on none."""
    if player.pressed not in WAYS:
        return None
    shape = _shape(env)
    point = _point_at(player.pointer, shape)
    if point is None:
        point = (shape[0] // 2, shape[1] // 2)
    else:
        steps = zip(point, WAYS[player.pressed], shape, strict=True)
        row, column = (min(max(at + step, 0), side - 1) for at, step, side in steps)
        point = row, column
    return BoardLayout.of(shape).place(*point)


def pointed(env: Any, pointer: tuple[float, float]) -> Image:
    """The frame with the stone that a click at the pointer would put, or with a mark where there can be none."""
    state, shape = env.unwrapped.state, _shape(env)
    point = _point_at(pointer, shape)
    fits = point is not None and bool(state.legal[from_point(point, shape)])
    return picture(GameView.of(state, env.unwrapped.params), cursor=point, fits=fits)


def explained(env: Any, explanation: Any) -> Image:
    """The frame with the agent's policy, or its search, and its values on the points."""
    return picture(GameView.of(env.unwrapped.state, env.unwrapped.params), explanation)


def _shape(env: Any) -> Shape:
    return env.unwrapped.params.rows, env.unwrapped.params.columns


def _point_at(pointer: tuple[float, float] | None, shape: Shape) -> Point | None:
    return None if pointer is None else BoardLayout.of(shape).nearest(*pointer)
