"""Controls of glimpses: click where to look next; after the last glimpse a digit key says what the image shows.

The player sees what the retina has seen, as the agent does, and not the image.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from rlbench.controls.protocol import Help, PlayerInput
from rlbench.drawing.shapes import NIGHT, Image, canvas
from rlbench.envs.glimpse.render import PANEL, SCALE_COLOURS, outline, paste, placement, render, seen, square

REAL_TIME = False


def actions(env: Any) -> tuple[str, ...]:
    """The labels."""
    return tuple(str(label) for label in range(env.unwrapped.params.classes))


def help(env: Any) -> Help:
    """Keys and mouse."""
    last = min(env.unwrapped.params.classes, 10) - 1
    return (("click", "look there"), (f"0 – {last}", "answer, at the end"))


def action(player: PlayerInput, env: Any) -> Any:
    """Where to look while there are glimpses left; then the label."""
    base = env.unwrapped
    to_answer = base.state.step == base.params.glimpses - 1
    if player.clicked and player.pointer is not None and player.pointer[0] < PANEL and not to_answer:
        return {"location": location(*player.pointer, base.params), "label": 0}
    if player.pressed.isdecimal() and int(player.pressed) < base.params.classes and to_answer:
        return {"location": np.zeros(2, np.float32), "label": int(player.pressed)}
    return None


def location(x: float, y: float, params: Any) -> Any:
    """The location (x, y) in [-1, 1] of a pixel of the panel, float32[2]."""
    zoom, left, top = placement(params)
    place = 2 * (x - left) / (zoom * params.width) - 1, 2 * (y - top) / (zoom * params.height) - 1
    return np.clip(place, -1, 1).astype(np.float32)


def frame(env: Any) -> Image:
    """The frame with only what has been seen of the image, uint8[440, 720, 3]; all of it once the answer is given."""
    state, params = env.unwrapped.state, env.unwrapped.params
    image = render(state, params)
    if state.guess < 0:
        image[:, :PANEL] = remembered(state, params)
    return image


def remembered(state: Any, params: Any) -> Image:
    """The panel of the image as the glimpses so far have shown it, finer patches over coarser ones."""
    place = placement(params)
    wide = canvas(3 * PANEL, 3 * PANEL, NIGHT)  # squares may reach beyond the panel, and are cut off in the end
    glimpses = [(t, seen(state._replace(step=t), params)) for t in range(min(state.step, params.glimpses - 1) + 1)]
    for k in reversed(range(params.scales)):
        for t, patches in glimpses:
            at_x, at_y = state.path[t].tolist()
            x, y, _, _ = square(at_x, at_y, k, place, params)
            paste(wide, np.rint(255 * patches[k]).astype(np.uint8), PANEL + x, PANEL + y, place.zoom * 2**k)
    panel = wide[PANEL : 2 * PANEL, PANEL : 2 * PANEL].copy()
    at_x, at_y = state.path[glimpses[-1][0]].tolist()
    for k in reversed(range(params.scales)):
        outline(panel, *square(at_x, at_y, k, place, params), 2, SCALE_COLOURS[k % len(SCALE_COLOURS)])
    return panel
