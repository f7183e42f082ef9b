"""Time limits of an agent: how long it may take to load, to act once, and to act in all."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Seconds of wall-clock time that an agent may take; time spent in the environment does not count."""

    load: float = 60.0
    """Starting Python and `load`, per block (importing torch costs about 5 s)."""

    act: float = 5.0
    """One call of `act`, however many environments it answers for."""

    run: float = 600.0
    """All calls of `act` in one block."""
