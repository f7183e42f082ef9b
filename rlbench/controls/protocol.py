"""The interface of a controls module: how a person's keys and mouse become actions of one environment.

A controls module stands beside the rules and the render module of its environment. It defines

    REAL_TIME        whether the environment moves on by itself; else it waits for the player
    actions(env)     names of the actions in their order, for people; empty where they are not numbered
    help(env)        ((keys, what they do), ...), one pair per line
    action(player, env) -> action
                     the action that the player asks for; None for none, where the environment may wait. Raises
                     gymnasium.error.InvalidAction for one that cannot be taken; the player is told its message

and may define

    frame(env) -> uint8[H, W, 3]
                     what a player sees, where `env.render()` shows more than an agent observes
    moved(player, env) -> (x, y)
                     where a key moves the pointer, for who has no mouse; None for a key that does not
    pointed(env, pointer) -> uint8[H, W, 3]
                     the frame with what a click at the pointer would do
    players(env, player) -> str
                     who plays, for people, in one line or two, where that is more than the player
    GameLog(env)     an object that follows an episode, made after its reset: `follow(env, explanation)` is called after
                     each step, and `text(env, player) -> str` gives the game so far as a file of its kind, such as SGF
    explained(env, explanation) -> uint8[H, W, 3]
                     the frame with what an agent says of its last action

`env` is the Gymnasium environment. `env.unwrapped` is the environment itself; its state may be read, not changed.
An environment without such a module is played with `rlbench.controls.fallback`, which knows only its spaces.

Keys have pygame's names: "left", "space", "a". The program keeps these for itself; no environment gets them: escape,
n, "+", "-", enter, c, x, tab, and p in real time.
"""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

Help = tuple[tuple[str, str], ...]
"""Keys and what they do, one pair per line."""


class PlayerInput(NamedTuple):
    """Keys and mouse at one moment."""

    held: frozenset[str] = frozenset()  # keys that are down, or were for a moment since the last step
    pressed: str = ""  # the key that has just gone down
    pointer: tuple[float, float] | None = None  # the frame's pixel (x, y) under the mouse; None outside of the frame
    dragging: bool = False  # a button is held
    clicked: bool = False  # a button has just gone down
    step: int = 0  # steps taken in this episode

    def axis(self, minus: str, plus: str) -> int:
        """-1, 0 or 1 by which of two keys is held; 0 for both."""
        return (plus in self.held) - (minus in self.held)


class Controls(Protocol):
    """A controls module; the docstring of this file says what each name means."""

    REAL_TIME: bool

    def actions(self, env: Any) -> tuple[str, ...]:
        """Names of the actions in their order."""

    def help(self, env: Any) -> Help:
        """Keys and what they do."""

    def action(self, player: PlayerInput, env: Any) -> Any:
        """The action that the player asks for."""
