"""What a controls module defines: how a person's keys and mouse become actions of one environment.

A controls module stands beside the rules and the render module of its environment, and defines

    REAL_TIME        whether the world moves on by itself; else it waits for the player
    actions(env)     the names of the actions in their order, for people; empty where they are not numbered
    help(env)        ((keys, what they do), ...), a line each
    action(hands, env) -> action
                     what the hands ask for; None where they ask for nothing and the world may wait

and may define

    frame(env) -> uint8[H, W, 3]
                     what a player sees, where the environment's own frames show more than an agent is told

`env` is the Gymnasium environment, `env.unwrapped` the environment itself, whose state may be read and must not be
changed. An environment without such a module is played by `rlbench.controls.fallback`, which knows only its spaces.

Keys have pygame's names: "left", "space", "a". These are the player's own and never reach an environment: escape, p, n,
"+", "-", enter, c, x, tab.
"""

from __future__ import annotations

import importlib
import importlib.util
from typing import Any, NamedTuple, Protocol, cast


class Hands(NamedTuple):
    """What the player does at one moment."""

    held: frozenset[str] = frozenset()  # keys that are down, or were for a moment since the last step
    pressed: str = ""  # the key that has just gone down
    pointer: tuple[float, float] | None = None  # the frame's pixel (x, y) under the mouse; None outside of the frame
    dragging: bool = False  # a button is held
    clicked: bool = False  # a button has just gone down
    step: int = 0  # steps taken in this episode

    def axis(self, minus: str, plus: str) -> int:
        """-1, 0 or 1 by which of two keys is held; 0 for both."""
        return (plus in self.held) - (minus in self.held)


Help = tuple[tuple[str, str], ...]


class Controls(Protocol):
    """The interface of a controls module; the docstring above says what each name means."""

    REAL_TIME: bool

    def actions(self, env: Any) -> tuple[str, ...]:
        """The names of the actions in their order."""

    def help(self, env: Any) -> Help:
        """Keys and what they do."""

    def action(self, hands: Hands, env: Any) -> Any:
        """What the hands ask for."""


def find(env: Any) -> Controls:
    """The controls of a Gymnasium environment: those beside its rules or its class, else the fallback's."""
    own = _beside(env)
    if own is not None and importlib.util.find_spec(own) is not None:
        module = importlib.import_module(own)
        if all(hasattr(module, name) for name in ("REAL_TIME", "actions", "help", "action")):
            return cast(Controls, module)
    from rlbench.controls.fallback import Fallback

    return Fallback(env)


def _beside(env: Any) -> str | None:
    """The dotted name of the module `controls` in the package of an environment's rules or class."""
    if env.spec is None:
        return None
    entry = env.spec.entry_point
    module = env.spec.kwargs.get("rules") or (entry.partition(":")[0] if isinstance(entry, str) else entry.__module__)
    package = str(module).rpartition(".")[0]
    return f"{package}.controls" if package else None
