"""Evaluation protocols of Atari games: frame skip, sticky actions, length of an episode and so on, by paper.

Scores of different protocols are different quantities: sticky actions alone change a score by a large factor. So a
protocol has a name, a source and no hidden part; `make(id, preset=name, field=value)` changes single fields.
"""

from __future__ import annotations

import dataclasses
import numbers
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rlbench.errors import ArgumentError, shortened, unknown


@dataclass(frozen=True)
class Protocol:
    """The settings of a game. Frames are the console's, 60 a second; steps are the agent's."""

    source: str
    """The publication that sets it so, and where it leaves something open."""

    frame_skip: int = 4
    """Frames for which one action is held."""

    max_pool: bool = True
    """Whether a pixel is the larger of those of the last two frames: many games draw sprites on every other one."""

    sticky: float = 0.0
    """Probability, in each frame, that the console sees the previous action again."""

    noop_max: int = 0
    """An episode begins with 0 to so many frames without action, uniformly."""

    fire_reset: bool = False
    """Whether FIRE is pressed in an episode's first frame, which starts the games that wait for it."""

    life_loss: bool = False
    """Whether `info["life_lost"]` marks the steps that cost a life, so that a learner may put the discount to 0 there.
    The game goes on, and is the episode."""

    clip_rewards: bool = False
    """Whether the reward is the sign of the score, -1, 0 or 1. `info["score"]` is the score all the same."""

    full_actions: bool = False
    """Whether all 18 positions of the joystick are actions, or the minimal set with which the game can be played."""

    max_frames: int = 108_000
    """Frames after which an episode is truncated; those without action at its start do not count."""

    def __post_init__(self) -> None:
        for name, minimum in (("frame_skip", 1), ("noop_max", 0), ("max_frames", 1)):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, numbers.Integral) or value < minimum:
                raise ArgumentError(f"{name} is an integer of at least {minimum}, got {shortened(value)}")
            if name != "max_frames" and int(value) >= 2**31:  # the emulator's integers; more frames are no limit
                raise ArgumentError(f"{name} is below 2**31, got {shortened(value)}")
        for name in ("max_pool", "fire_reset", "life_loss", "clip_rewards", "full_actions"):
            if not isinstance(getattr(self, name), bool):
                raise ArgumentError(f"{name} is True or False, got {shortened(getattr(self, name))}")
        if isinstance(self.sticky, bool) or not isinstance(self.sticky, numbers.Real) or not 0 <= self.sticky < 1:
            raise ArgumentError(f"sticky is a probability below 1, got {shortened(self.sticky)}")


PRESETS: Mapping[str, Protocol] = {
    "dqn2013": Protocol(
        "Mnih et al. (2013), arXiv 1312.5602, and the lecture. Departures: the paper crops a square out of a frame of "
        "110x84, takes no maximum and holds an action for 3 frames in Space Invaders. It names no limit of an episode",
        clip_rewards=True,
    ),
    "nature2015": Protocol(
        "Mnih et al. (2015), Nature 518: methods, and extended data table 1 with the authors' code. Departure: the "
        "maximum is taken over the screen's grey levels, not its colours",
        noop_max=30,
        life_loss=True,
        clip_rewards=True,
        max_frames=18_000,
    ),
    "machado2018": Protocol(
        "Machado et al. (2018), JAIR 61: sticky actions, no sign of lost lives. What it leaves open is as in Castro et "
        "al. (2018), Dopamine: 4 frames, the least set of actions, 30 minutes. The paper's own scores are for 5 "
        "frames, 18 actions and 5 minutes",
        sticky=0.25,
    ),
}
"""Every preset by its name."""

DEFAULT = "machado2018"
FIELDS = tuple(field.name for field in dataclasses.fields(Protocol) if field.name != "source")


def protocol(preset: str, changes: Mapping[str, Any]) -> Protocol:
    """The preset of that name with some fields of FIELDS changed; an ArgumentError says what is wrong."""
    if not isinstance(preset, str) or preset not in PRESETS:
        raise unknown("preset", str(preset), PRESETS, ArgumentError)
    return dataclasses.replace(PRESETS[preset], **changes)
