"""The record of a game of Go: its moves, its setup and what is known of the players and the result."""

from __future__ import annotations

from dataclasses import dataclass

from rlbench.envs.go.coordinates import Shape


@dataclass(frozen=True)
class GameRecord:
    """The main line of a game. Actions are flat; colours are 1 for Black and -1 for White."""

    shape: Shape
    moves: tuple[tuple[int, int], ...] = ()
    """(action, colour) in their order."""
    setup: tuple[tuple[int, int], ...] = ()
    """(action, colour) of stones that stand before the first move, in the order of actions."""
    komi: float | None = None
    to_play: int | None = None
    """Whose turn the file says it is; None where it says nothing."""
    black: str = ""
    """Name of the player."""
    white: str = ""
    result: str = ""
    """As SGF has it: B+3.5, W+R for resignation, W+F for forfeit, 0 for a draw, ? for unknown."""
    rules: str = ""
