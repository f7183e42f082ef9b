"""Controls of robots: two keys for the torque of every joint, one each way; dragging moves the first two joints."""

from __future__ import annotations

from typing import Any

import numpy as np

from rlbench.controls.protocol import Help, PlayerInput

REAL_TIME = True
PAIRS = (  # the keys of each joint in turn, the second one for the negative torque
    *("qa", "ws", "ed", "rf", "tg", "yh", "uj", "ik", "ol"),
    *("12", "34", "56", "78", "90", "zv", "bm", ",."),
)
MAX_LINES = 6  # joints that have a line of help each; beyond, several share one


def actions(env: Any) -> tuple[str, ...]:
    """None: actions are torques."""
    return ()


def help(env: Any) -> Help:
    """Keys and mouse; few joints by name."""
    n = env.action_space.shape[0]
    pairs = ["/".join(pair) for pair in PAIRS[:n]]
    drag = (("drag", "the first two"),) if n > 1 else ()
    if n <= MAX_LINES:
        return tuple(zip(pairs, joints(env), strict=True)) + drag
    rows = [" ".join(pairs[i : i + 4]) for i in range(0, n, 4)]
    return tuple((row, "joints" if i == 0 else "") for i, row in enumerate(rows)) + drag


def joints(env: Any) -> list[str]:
    """The names of the joints that the torques act on, in their order."""
    model = env.unwrapped.model
    return [model.joint(int(model.actuator_trnid[i, 0])).name.replace("_", " ") for i in range(model.nu)]


def action(player: PlayerInput, env: Any) -> Any:
    """The torques, float32[n]: full where a key is held, 0 where none is."""
    space = env.action_space
    unit = np.zeros(space.shape[0], np.float32)
    for i, (plus, minus) in enumerate(map(tuple, PAIRS[: len(unit)])):
        unit[i] = player.axis(minus, plus)
    if player.dragging and player.pointer is not None and len(unit) > 1:
        height, width, _ = env.render().shape
        unit[:2] = np.clip((player.pointer[0] / width - 0.5, 0.5 - player.pointer[1] / height), -0.5, 0.5) * 2
    return (unit * space.high).astype(np.float32)
