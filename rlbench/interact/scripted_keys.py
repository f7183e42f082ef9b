"""Scripted keys: a window without a display, in which a given list of keys is pressed, one per step."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rlbench.drawing.shapes import Image
from rlbench.drawing.window import Event, Key
from rlbench.errors import UserError

NOTHING = "-"  # no key for one step
NAMED = frozenset(("up", "down", "left", "right", "space", "enter", "return", "escape", "tab", "backspace"))
"""Keys whose names are longer than a character, as far as anything here uses them."""


class ScriptedKeys:
    """A window whose user presses these keys, and closes it after the last one.

    Keys have pygame's names. `right*20` presses one for twenty steps, `-` presses none for a step.
    """

    def __init__(self, keys: Sequence[str]) -> None:
        self.fps = 0.0
        self.room = (1 << 16, 1 << 16)
        self.closed = False
        self._keys = [key for word in keys for key in expanded(word)]
        self._at = 0
        self.shown: Image | None = None

    def show(self, frame: Image) -> None:
        """Take a frame; nothing is waited for."""
        self.shown = frame

    def events(self) -> list[Event]:
        """The next key goes down, and up again."""
        if self._at >= len(self._keys):
            self.closed = True
            return []
        key = self._keys[self._at]
        self._at += 1
        return [] if key == NOTHING else [Key(key, True), Key(key, False)]

    def close(self) -> None:
        """Press no more keys."""
        self.closed = True


def expanded(word: str) -> list[str]:
    """`right*3` as three keys.

    Raises:
        UserError: this is no key, or no number of times.
    """
    found = re.fullmatch(r"([^*]+|\*)(?:\*(\d{1,6}))?", word)
    if found is None or not found[1].strip() or not (len(found[1]) == 1 or found[1] in NAMED):
        raise UserError(f"--keys {word!r} is no key; write names such as left, or right*20, or - for none")
    return [found[1]] * int(found[2] or 1)
