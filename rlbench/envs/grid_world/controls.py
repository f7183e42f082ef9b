"""Controls of grid world: the arrow keys, or a click on a neighbouring cell."""

from __future__ import annotations

from typing import Any

from rlbench.controls.protocol import Help, PlayerInput
from rlbench.envs.grid_world.render import cell_size
from rlbench.envs.grid_world.rules import DOWN, LEFT, RIGHT, UP

REAL_TIME = False
KEYS = {"up": UP, "right": RIGHT, "down": DOWN, "left": LEFT}
WAYS = {(-1, 0): UP, (0, 1): RIGHT, (1, 0): DOWN, (0, -1): LEFT}  # by (rows, columns)


def actions(env: Any) -> tuple[str, ...]:
    """The four moves."""
    return tuple(sorted(KEYS, key=KEYS.__getitem__))


def help(env: Any) -> Help:
    """Keys and mouse."""
    return (("arrows", "move"), ("click", "move to a neighbouring cell"))


def action(player: PlayerInput, env: Any) -> int | None:
    """The move that a key or a click asks for."""
    if player.clicked and player.pointer is not None:
        base = env.unwrapped
        x, y = player.pointer
        size = cell_size(base.params.walls.shape)
        return WAYS.get((int(y // size) - base.state.row, int(x // size) - base.state.col))
    return KEYS.get(player.pressed)
