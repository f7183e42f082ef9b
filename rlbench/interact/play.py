"""Playing by hand: a person plays an environment with keys and mouse, one episode after another.

An environment in real time starts to move with the first key or click. Any other takes one step per key or click.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import gymnasium
import numpy as np

from rlbench.controls.find import find_controls
from rlbench.controls.protocol import Help, PlayerInput
from rlbench.drawing.window import Event, Key, Mouse
from rlbench.errors import UserError
from rlbench.interact.episode import ShownEpisode
from rlbench.interact.layout import EpisodeView
from rlbench.interact.screen import KEYS, KEYS_OF_A_GAME_THAT_WAITS, STEP, Screen

PLAYER = "you"
AGAIN = ("return", "enter")
SAVE_TRACE = "x"
OWN_KEYS: Help = (("enter", "begin again"), ("x", "save a trace"))
MODIFIERS = ("shift", "ctrl", "alt", "meta", "lock", "super", "gui", "mode", "unknown")


@dataclass
class InputTracker:
    """Keys and mouse of the player, followed from event to event."""

    held: set[str] = field(default_factory=set)
    tapped: set[str] = field(default_factory=set)
    pointer: tuple[float, float] | None = None
    buttons: set[int] = field(default_factory=set)
    clicked: bool = False
    pressed: str = ""

    def take(self, event: Event, place: Callable[[float, float], tuple[float, float] | None]) -> None:
        """Follow one event; `place` says where in the frame a pixel of the window lies.

        Args:
            event: a key or the mouse.
            place: the frame's pixel at a pixel of the window; None outside of the frame.
        """
        if isinstance(event, Key):
            self.pressed = event.name if event.pressed else ""
            (self.held.add if event.pressed else self.held.discard)(event.name)
            if event.pressed:
                self.tapped.add(event.name)
        elif isinstance(event, Mouse):
            self.pointer = place(event.x, event.y)
            self.clicked = event.kind == "down"
            if event.kind == "down":
                self.buttons.add(event.button)
            elif event.kind == "up":
                self.buttons.discard(event.button)

    def current(self, step: int) -> PlayerInput:
        """Keys and mouse now, after so many steps of the episode."""
        keys = frozenset(self.held | self.tapped)
        return PlayerInput(keys, self.pressed, self.pointer, bool(self.buttons), self.clicked, step)

    def forget_taps(self) -> None:
        """A step was taken: forget keys and clicks that were only for a moment."""
        self.tapped, self.clicked, self.pressed = set(), False, ""


class HumanPlay:
    """Episodes of an environment, played by hand in the window of a screen.

    Args:
        env: the environment, with rgb_array frames.
        screen: its window gives keys and mouse.
        record_panel: whether films show the panel.
        save_trace: saves the trace of an episode and returns the name of the file.
        options: of every reset.
    """

    def __init__(
        self,
        env: gymnasium.Env[Any, Any],
        screen: Screen,
        record_panel: bool = True,
        save_trace: Callable[[ShownEpisode], str] | None = None,
        options: dict[str, Any] | None = None,
    ) -> None:
        self.env, self.screen = env, screen
        self.controls = find_controls(env)
        own = KEYS if self.controls.REAL_TIME else KEYS_OF_A_GAME_THAT_WAITS
        if not self.controls.REAL_TIME:
            screen.free_keys = frozenset({"p"})  # it waits anyway
        self.view = EpisodeView(screen, (*self.controls.help(env), *OWN_KEYS, *own), record_panel)
        self.input = InputTracker()
        self.save_trace, self.options = save_trace, options

    def play(self, seed: int, episodes: int | None = None) -> Iterator[ShownEpisode]:
        """Play episodes with the seeds `seed`, `seed + 1` ...; each is yielded when it is over or the player leaves.

        Args:
            seed: of the first episode.
            episodes: how many at most; None for no limit.
        """
        number = 0
        while not self.screen.closed and number != episodes:
            episode = ShownEpisode(self.env, seed + number, self.options, player=PLAYER, by_hand=True)
            number += 1
            self.view.record(episode)
            (self._real_time if self.controls.REAL_TIME else self._turns)(episode, last=number == episodes)
            yield episode
            self.screen.end_episode()

    def _real_time(self, episode: ShownEpisode, last: bool) -> None:
        """Play an episode in real time, from the first key or click on."""
        screen, begun = self.screen, False
        while not screen.closed:
            self.view.show(episode, moving=begun and not episode.over and not screen.paused)
            for event in screen.events():
                if self._again(event):
                    return
                if is_step_key(event):
                    if screen.is_step(event) and not episode.over:
                        self._move_on(episode)
                    continue
                self._follow(event, episode)
                begun = begun or self._goes_down(event)
            if episode.over and last:
                return
            if begun and not (episode.over or screen.paused or screen.closed):
                self._move_on(episode)

    def _move_on(self, episode: ShownEpisode) -> None:
        """Take a step in real time."""
        self._step(episode, self.controls.action(self.input.current(len(episode.rewards)), self.env))

    def _turns(self, episode: ShownEpisode, last: bool) -> None:
        """Play an episode whose steps wait for the player."""
        while not self.screen.closed and not (episode.over and last):
            self.screen.paused = False  # it waits anyway
            self.view.show(episode, moving=False)
            for event in self.screen.events():
                if self._again(event):
                    return
                if is_step_key(event):
                    continue
                self._follow(event, episode)
                if not episode.over and self._goes_down(event):
                    action = self._asked(episode)
                    if action is not None:
                        self._step(episode, action)

    def _asked(self, episode: ShownEpisode) -> Any:
        """The action that the player asks for; None for none, and for one that cannot be, which is said."""
        player = self.input.current(len(episode.rewards))
        moved = getattr(self.controls, "moved", None)
        if moved is not None and (pointer := moved(player, self.env)) is not None:
            self.input.pointer = self.view.pointer = pointer
            return None
        try:
            return self.controls.action(player, self.env)
        except gymnasium.error.InvalidAction as error:
            self.screen.notify(str(error))
            self.input.forget_taps()
            return None

    def _step(self, episode: ShownEpisode, action: Any) -> None:
        try:
            episode.step(action)
        except gymnasium.error.InvalidAction as error:  # such as a point that is taken
            self.screen.notify(str(error).partition(";")[0])
        else:
            self.view.record(episode)
        self.input.forget_taps()
        if episode.over:
            self.screen.notify("enter: begin again")

    def _again(self, event: Event) -> bool:
        return isinstance(event, Key) and event.pressed and event.name in AGAIN

    def _goes_down(self, event: Event) -> bool:
        """Whether this is a key or a button going down."""
        return (isinstance(event, Key) and event.pressed) or (isinstance(event, Mouse) and event.kind == "down")

    def _follow(self, event: Event, episode: ShownEpisode) -> None:
        """Take one event: save a trace for its key, and say so where a key does nothing."""
        if isinstance(event, Key) and event.name == SAVE_TRACE:
            if event.pressed and self.save_trace is not None:
                try:
                    self.screen.notify(f"saved {self.save_trace(episode)}")
                except UserError as error:
                    self.screen.notify(str(error))
            return
        self.input.take(event, lambda x, y: self.view.to_frame(episode, x, y))
        self.view.pointer = self.input.pointer
        if isinstance(event, Key) and event.pressed and not episode.over and not self._has_effect(event.name, episode):
            self.screen.notify(f"{event.name!r} does nothing here")

    def _has_effect(self, key: str, episode: ShownEpisode) -> bool:
        """Whether a key changes the action, at an even or an odd step, or moves the pointer."""
        if any(word in key for word in MODIFIERS):
            return True
        moved = getattr(self.controls, "moved", None)
        for step, pointer in itertools.product((0, 1), (None, self.input.pointer)):
            with_key = PlayerInput(frozenset({key}), key, pointer, step=step)
            if moved is not None and moved(with_key, self.env) is not None:
                return True
            try:
                asked = self.controls.action(with_key, self.env)
            except gymnasium.error.InvalidAction:
                return True
            if not same(asked, self.controls.action(PlayerInput(pointer=pointer, step=step), self.env)):
                return True
        return False


def is_step_key(event: Event) -> bool:
    """Whether this is the key for a single step, going down or up."""
    return isinstance(event, Key) and event.name == STEP


def same(a: Any, b: Any) -> bool:
    """Whether two actions are the same."""
    if isinstance(a, dict):
        return isinstance(b, dict) and a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    if isinstance(a, tuple):
        return isinstance(b, tuple) and len(a) == len(b) and all(same(x, y) for x, y in zip(a, b, strict=True))
    return (a is None) == (b is None) and bool(np.array_equal(a, b))
