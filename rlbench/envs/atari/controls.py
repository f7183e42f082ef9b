"""Controls of Atari games: the arrow keys are the joystick, space its button; or drag from the middle."""

from __future__ import annotations

from typing import Any

from rlbench.controls.protocol import Help, PlayerInput

REAL_TIME = True
DEAD_ZONE = 0.12  # of the frame, around its middle, within which dragging leaves the joystick alone


def actions(env: Any) -> tuple[str, ...]:
    """The joystick's positions that this game knows, as in UPRIGHTFIRE."""
    return tuple(name.lower() for name in env.unwrapped.get_action_meanings())


def help(env: Any) -> Help:
    """Keys and mouse."""
    return (("arrows", "joystick"), ("space", "button"), ("drag", "joystick, from the middle"))


def action(player: PlayerInput, env: Any) -> int:
    """The position that the player asks for, or the nearest one that this game knows.

    Nearest is first without the button, then along one axis only.
    """
    meanings = env.unwrapped.get_action_meanings()
    across, down = joystick(player, env)
    vertical, horizontal = ("", "DOWN", "UP")[down], ("", "RIGHT", "LEFT")[across]
    fire = "FIRE" if "space" in player.held else ""
    wanted = (vertical + horizontal + fire, vertical + horizontal, horizontal + fire, vertical + fire)
    for name in (*wanted, horizontal, vertical, fire):
        if name in meanings:
            return int(meanings.index(name))
    return int(meanings.index("NOOP"))


def joystick(player: PlayerInput, env: Any) -> tuple[int, int]:
    """-1, 0 or 1 to the right, and downwards."""
    if not player.dragging or player.pointer is None:
        return player.axis("left", "right"), player.axis("up", "down")
    height, width, _ = env.render().shape
    x, y = player.pointer[0] / width - 0.5, player.pointer[1] / height - 0.5
    return (x > DEAD_ZONE) - (x < -DEAD_ZONE), (y > DEAD_ZONE) - (y < -DEAD_ZONE)
