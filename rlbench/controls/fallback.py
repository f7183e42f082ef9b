"""Controls for an environment of which only the spaces are known.

* Discrete: the digit keys. Also the arrow keys and space, where the environment names its actions
  (`get_action_meanings`, as Atari games do), and left and right where it has two or three.
* Box: for each number a key that raises it and one that lowers it. Two bounded numbers are a place, set by the mouse.
* MultiDiscrete: the same keys; of a number with two values the upper one is 1.
* MultiBinary: the upper keys of these, each 1 while it is held.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from rlbench.controls.protocol import Help, PlayerInput
from rlbench.errors import UserError
from rlbench.space_tree import unflatten, walk

PAIRS = ("qa", "ws", "ed", "rf", "tg", "yh", "uj", "ik", "ol")  # up and down, for the numbers of a Box in turn
ARROWS = {"UP": "up", "RIGHT": "right", "DOWN": "down", "LEFT": "left", "FIRE": "space"}
REAL_TIME_ABOVE = 10  # frames per second; an environment that is drawn more often does not wait for the player


class Fallback:
    """Controls for one environment, by its spaces."""

    def __init__(self, env: Any) -> None:
        self.REAL_TIME = env.metadata.get("render_fps", 30) > REAL_TIME_ABOVE
        self.names = tuple(getattr(env.unwrapped, "get_action_meanings", tuple)())

    def actions(self, env: Any) -> tuple[str, ...]:
        """The names of the actions, their numbers where the environment gives none."""
        space = env.action_space
        if not isinstance(space, spaces.Discrete):
            return ()
        return tuple(self.names) or tuple(str(space.start + i) for i in range(int(space.n)))

    def help(self, env: Any) -> Help:
        """Keys of every part of the action."""
        lines: list[tuple[str, str]] = []
        for space in _leaves(env.action_space):
            if isinstance(space, spaces.Discrete):
                lines += [("arrows", "act")] if self._keys(space).keys() & set(ARROWS.values()) else []
                lines += [(f"0 – {min(int(space.n), 10) - 1}", "act by number")]
            elif isinstance(space, spaces.Box):
                n = min(int(np.prod(space.shape)), len(PAIRS))
                lines += [(" ".join("/".join(pair) for pair in PAIRS[:n]), "more, less")]
                lines += [("mouse", "point")] if _is_place(space) else []
            else:
                pairs = PAIRS[: min(int(np.prod(space.shape or ())), len(PAIRS))]
                is_on = isinstance(space, spaces.MultiBinary)
                words = " ".join(pair[0] if is_on else "/".join(pair) for pair in pairs)
                lines += [(words, "on while held" if is_on else "most, least")]
        return tuple(lines)

    def action(self, player: PlayerInput, env: Any) -> Any:
        """The action that the player asks for.

        In real time each part that no key asks for is in the middle of its range; else no key means no action (None).
        """
        if not self.REAL_TIME and not self._touched(player, env.action_space):
            return None
        return self._read(player, env)

    def _read(self, player: PlayerInput, env: Any) -> Any:
        leaves, frame_size = _leaves(env.action_space), (1.0, 1.0)
        if player.pointer is not None and any(_is_place(leaf) for leaf in leaves):
            height, width, _ = env.render().shape
            frame_size = (width, height)
        actions = (_leaf_action(leaf, player, self._keys, frame_size) for leaf in leaves)
        return unflatten(env.action_space, actions)

    def _touched(self, player: PlayerInput, space: spaces.Space[Any]) -> bool:
        """Whether a key or a click means anything."""
        leaves = _leaves(space)
        if player.clicked:
            return player.pointer is not None and any(_is_place(leaf) for leaf in leaves)
        known = {key for leaf in leaves if isinstance(leaf, spaces.Discrete) for key in self._keys(leaf)}
        known |= {key for leaf in leaves if not isinstance(leaf, spaces.Discrete) for pair in PAIRS for key in pair}
        return player.pressed in known

    def _keys(self, space: spaces.Discrete[Any]) -> dict[str, int]:
        """Keys of numbered actions."""
        n, start = int(space.n), int(space.start)
        keys = {str(i): start + i for i in range(min(n, 10))}
        if n in (2, 3) and not self.names:
            keys |= {"left": start, "right": start + n - 1}
        return keys | {ARROWS[name]: start + i for i, name in enumerate(self.names) if name in ARROWS}


def _leaves(space: spaces.Space[Any]) -> list[spaces.Space[Any]]:
    """The parts of a nested space; UserError for one that keys cannot set."""
    leaves = [leaf for _, leaf in walk(space)]
    for leaf in leaves:
        if not isinstance(leaf, spaces.Discrete | spaces.Box | spaces.MultiDiscrete | spaces.MultiBinary):
            raise UserError(f"no keys give actions of a {type(leaf).__name__} space; write controls for it")
    return leaves


def _leaf_action(space: spaces.Space[Any], player: PlayerInput, keys: Any, frame_size: tuple[float, float]) -> Any:
    """One part of an action, as the player asks for it."""
    if isinstance(space, spaces.Discrete):
        asked = [keys(space)[key] for key in sorted(player.held | {player.pressed}) if key in keys(space)]
        return asked[-1] if asked else int(space.start) + int(space.n == 3)  # the middle one of three is rest
    if isinstance(space, spaces.Box):
        return _box(space, player, frame_size)
    if isinstance(space, spaces.MultiBinary):
        return _pressed(player, 0, space.shape).reshape(space.shape).astype(space.dtype)
    return _numbers(space, player)


def _pressed(player: PlayerInput, which: int, shape: Any) -> NDArray[np.bool_]:
    """Whether the upper (0) or the lower (1) key of each number is down; there are keys for the first nine."""
    down, pressed = player.held | {player.pressed}, np.zeros(int(np.prod(shape)), np.bool_)
    for i, pair in enumerate(PAIRS[: len(pressed)]):
        pressed[i] = pair[which] in down
    return pressed


def _numbers(space: Any, player: PlayerInput) -> Any:
    """Integers at their ends where a key asks for it, else in the middle, and 0 where there are only 0 and 1."""
    counts = np.asarray(space.nvec).ravel()
    rest = np.where(counts == 2, 0, counts // 2)
    values = np.where(_pressed(player, 0, space.shape), counts - 1, rest)
    values = np.where(_pressed(player, 1, space.shape), 0, values)
    return (values.reshape(space.shape) + space.start).astype(space.dtype)


def _box(space: spaces.Box[Any], player: PlayerInput, frame_size: tuple[float, float]) -> Any:
    """Numbers at their ends where a key asks for it, else in the middle; a place under the pointer."""
    low, high = (np.clip(side, -1e3, 1e3).astype(np.float64).ravel() for side in (space.low, space.high))
    values = (low + high) / 2
    for i, (more, less) in enumerate(map(tuple, PAIRS[: len(values)])):
        held = player.held | {player.pressed}
        values[i] = values[i] + ((more in held) - (less in held)) * (high[i] - low[i]) / 2
    if _is_place(space) and player.pointer is not None:
        values = low + (high - low) * np.clip(np.divide(player.pointer, frame_size), 0, 1)
    return np.clip(values, low, high).reshape(space.shape).astype(space.dtype)


def _is_place(space: spaces.Space[Any]) -> bool:
    return isinstance(space, spaces.Box) and space.shape == (2,) and bool(np.isfinite([space.low, space.high]).all())
