"""Events of a training run: frozen records that `train` yields and checkpoints, curves and progress bars consume.

`update` counts learning steps (sweeps, for planning) and `steps` environment steps over all environments, rows that
only reset left out. `seconds` is time spent training: neither evaluation nor the consumer's own work is in it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from baselines.templates.policies import Policy
from baselines.types import Clock, Tree


@dataclass(frozen=True)
class Progress:
    """How far a training run has come, with metrics for the learning curve (loss, epsilon, recent returns)."""

    update: int
    steps: int
    seconds: float
    done: float  # the share of the budget that is spent, in [0, 1]
    metrics: Mapping[str, float]


@dataclass(frozen=True)
class Evaluated:
    """Greedy episodes on validation seeds: their returns, and whether these weights are the best so far."""

    update: int
    steps: int
    seconds: float
    returns: tuple[float, ...]
    best: bool

    @property
    def mean(self) -> float:
        """Mean return."""
        return sum(self.returns) / len(self.returns)


@dataclass(frozen=True)
class Snapshot:
    """A moment from which training can be resumed bit for bit; `state()` copies everything that this takes."""

    update: int
    steps: int
    seconds: float
    state: Callable[[], Tree]


@dataclass(frozen=True)
class Finished:
    """The end of training: the policy to submit, and why it ended: "sustained", "converged" or "budget spent"."""

    update: int
    steps: int
    seconds: float
    policy: Policy
    reason: str
    state: Callable[[], Tree]


Event = Progress | Evaluated | Snapshot | Finished


class Stopwatch:
    """Seconds spent training: it stands still inside `with stopwatch.paused():`."""

    def __init__(self, clock: Clock, before: float = 0.0) -> None:
        self.clock, self.before = clock, before
        self.since: float | None = clock()

    @property
    def seconds(self) -> float:
        """Seconds so far."""
        return self.before + (0.0 if self.since is None else self.clock() - self.since)

    @contextmanager
    def paused(self) -> Iterator[None]:
        """A context whose time does not count."""
        self.before, self.since = self.seconds, None
        try:
            yield
        finally:
            self.since = self.clock()
