"""History of N games: the seeds and actions since all of them were last seeded, of which their state is a function.

ale-py's loop cannot save or load its games. What it plays is determined by what it is told, sticky actions included, so
that a history, played again, leads to the same state bit for bit. An action is one byte.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rlbench.core.arguments import array
from rlbench.errors import ArgumentError, shortened

STREAM_GOES_ON, NOT_RESET = -1, -2  # in place of a seed


class State(NamedTuple):
    """The state of N games, as the t steps and k resets that led to it; the random streams are part of it."""

    actions: NDArray[np.uint8]  # [t, N]
    seeds: NDArray[np.int64]  # [k, N]; -1 where a reset went on with the game's stream, -2 where it left the game alone
    steps: NDArray[np.int64]  # [k], how many steps came before each reset; the first reset seeds all games


class History:
    """The calls since all of N games were last seeded."""

    def __init__(self, num_envs: int, state: State | None = None) -> None:
        """Of N games, which were never reset, or have come to a state."""
        self._num_envs = num_envs
        self._actions = bytearray(b"" if state is None else state.actions.tobytes())
        self._seeds: list[NDArray[np.int64]] = [] if state is None else [*state.seeds]
        self._steps: list[int] = [] if state is None else state.steps.tolist()

    def forget(self) -> None:
        """Begin anew."""
        self._actions.clear()
        self._seeds.clear()
        self._steps.clear()

    @property
    def has_begun(self) -> bool:
        """Whether there was a reset."""
        return bool(self._steps)

    def add_reset(self, which: NDArray[np.int64], seeds: NDArray[np.int64]) -> None:
        """A reset of the games of these numbers, int64[n], with these seeds, int64[n]."""
        row = np.full(self._num_envs, NOT_RESET, np.int64)
        row[which] = seeds
        if (row >= 0).all():
            self.forget()
        self._seeds.append(row)
        self._steps.append(len(self._actions) // self._num_envs)

    def add_step(self, actions: NDArray[np.int64]) -> None:
        """A step with these actions, int64[N]."""
        self._actions += actions.astype(np.uint8).tobytes()

    @property
    def state(self) -> State:
        """The state that the calls have led to."""
        actions = np.frombuffer(bytes(self._actions), np.uint8).reshape(-1, self._num_envs).copy()
        return State(actions, np.array(self._seeds, np.int64).reshape(-1, self._num_envs), np.array(self._steps, int))


def check_state(values: Any, num_envs: int, num_actions: int) -> State:
    """A state from the values of its fields.

    Args:
        values: A State, or a mapping or sequence of its fields.
        num_envs: N.
        num_actions: How many actions the game has.

    Raises:
        ArgumentError: No history of N games with so many actions; the message names the field.
    """
    names = State._fields
    if isinstance(values, Sequence) and len(values) == len(names):
        values = dict(zip(names, values, strict=True))
    if not isinstance(values, Mapping) or {*values} != {*names}:
        raise ArgumentError(f"a state of Atari games has the fields {', '.join(names)}, got {shortened(values)}")
    shapes = {"actions": (-1, num_envs), "seeds": (-1, num_envs), "steps": (-1,)}
    fields = {name: _field(name, array(f"field {name!r} of the state", values[name]), shapes[name]) for name in names}
    actions, seeds, steps = fields["actions"], fields["seeds"], fields["steps"]
    if len(seeds) != len(steps) or not len(steps):
        raise ArgumentError(f"a state of Atari games has a row of seeds for each of its resets, got {len(seeds)}")
    if steps[0] or (np.diff(steps) < 0).any() or steps[-1] > len(actions):
        raise ArgumentError(f"steps of the state count from 0 to {len(actions)}, got {steps.tolist()}")
    if (seeds[0] < 0).any() or (seeds < NOT_RESET).any() or (seeds >= 2**31).any():
        raise ArgumentError("seeds of the state are below 2**31, those of the first reset at least 0")
    if actions.size and not 0 <= actions.min() <= actions.max() < num_actions:
        raise ArgumentError(f"actions of the state are 0 to {num_actions - 1}, got {actions.max()}")
    return State(actions.astype(np.uint8), seeds.astype(np.int64), steps.astype(np.int64))


def _field(name: str, array: NDArray[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    fits = array.ndim == len(shape) and all(b in (-1, a) for a, b in zip(array.shape, shape, strict=True))
    if array.dtype.kind not in "iu" or not fits:
        wanted = ", ".join("any" if length < 0 else str(length) for length in shape)
        raise ArgumentError(f"field {name!r} of the state is integers [{wanted}], got {array.dtype} of {array.shape}")
    return array
