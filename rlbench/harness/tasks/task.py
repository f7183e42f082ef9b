"""A task: an environment, the episodes that count and an agent's limits, as frozen data."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

FIRST_SEED = 2**30
"""Scored episodes are seeded from here up to 2**31 (ale-py takes 31 bits); training seeds lie below."""

UNPLAYED = ("floor", "random", "reference", "published", "classification", "simulator")
"""What a score is measured against and how it is shown: not part of what is played, hence not part of the hash."""


@dataclass(frozen=True)
class Limits:
    """The seconds of wall-clock time that an agent may take; the environment's do not count."""

    load: float = 60.0
    """Starting Python and `load`, per block (importing torch costs about 5 s)."""

    act: float = 5.0
    """One call of `act`, whatever the number of lanes."""

    run: float = 600.0
    """All calls of `act` in one block."""


@dataclass(frozen=True)
class EachOnce:
    """Reset options that choose each of `count` things once, in an order that tells nothing: a keyed permutation.

    A sequence of `{option: number}`, as `Task.options` takes; the numbers are sorted by their sha256 under the key, so
    the order is the same wherever and whenever it is made.
    """

    option: str
    count: int
    key: str

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> Mapping[str, int]:
        return {self.option: _permutation(self.count, self.key)[index]}


@functools.lru_cache(maxsize=16)
def _permutation(count: int, key: str) -> tuple[int, ...]:
    return tuple(sorted(range(count), key=lambda number: hashlib.sha256(f"{key} {number}".encode()).digest()))


@dataclass(frozen=True)
class Task:
    """A versioned problem: any change of what is played needs a new version, and shows in `hash`."""

    name: str
    """Lower-case words joined by hyphens."""

    version: int
    """Counts from 1."""

    env_id: str
    """Given to `gymnasium.make_vec`."""

    env_kwargs: Mapping[str, Any] = field(default_factory=dict)
    """Keyword arguments of the environment, JSON-able."""

    episodes: int = 100
    """How many episodes make a complete run."""

    lanes: int = 50
    """Episodes per block, played in lockstep. The batch width changes the last bits of a torch network, so it
    belongs to the task and not to whoever evaluates."""

    options: tuple[Mapping[str, Any], ...] | EachOnce = ()
    """Reset options that the episodes take in turn; empty for none."""

    limits: Limits = Limits()
    """How long the agent may take."""

    discount: float = 1.0
    """Of the recorded discounted return."""

    simulator: str | None = None
    """Whose simulator plays it, if not our own rules: then a record carries a fingerprint of the dynamics
    (`dynamics.fingerprint`), which may change with the simulator's version, hence is not part of the hash."""

    floor: float = 0.0
    """The return of a failed episode: the worst of 1,000 random ones (`evaluate.measure_anchors`)."""

    random: float = 0.0
    """Mean return of those 1,000 episodes, or a published one: a normalised score of 0."""

    reference: float = 1.0
    """The optimum, or a published score where no optimum is known: a normalised score of 1."""

    published: str = ""
    """What `random` and `reference` are where both are published, and the publication; empty where measured."""
    classification: bool = False
    """Whether a return is 1 for the right answer and 0 for a wrong one: shown as an error in per cent."""

    @property
    def key(self) -> str:
        """Name and version, as in `cart-pole@1`."""
        return f"{self.name}@{self.version}"

    @property
    def hash(self) -> str:
        """The sha256 of what is played: the sorted-key JSON of every field but UNPLAYED."""
        fields = {k: v for k, v in dataclasses.asdict(self).items() if k not in UNPLAYED}
        text = json.dumps(fields, sort_keys=True, separators=(",", ":"), allow_nan=False)
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def blocks(self) -> int:
        """The number of blocks in a complete run; the last may be narrower than `lanes`."""
        return -(-self.episodes // self.lanes)

    def block(self, number: int) -> range:
        """The indices of the episodes in one block."""
        return range(number * self.lanes, min((number + 1) * self.lanes, self.episodes))

    def episode(self, index: int) -> tuple[int, Mapping[str, Any] | None]:
        """The seed and the reset options of one episode."""
        return FIRST_SEED + index, self.options[index % len(self.options)] if self.options else None
