"""A task: an environment, the episodes that count and an agent's limits, as frozen data."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rlbench.errors import UserError
from rlbench.harness.tasks.limits import Limits
from rlbench.harness.tasks.secret import secret_hash, seeds

FIRST_SEED = 2**30
"""Seed of the first scored episode; the others count up, below 2**31 (ale-py takes 31 bits). Training seeds are
smaller."""

NOT_HASHED = (
    *("failure_return", "random", "random_source", "reference", "reference_source", "reference_version"),
    *("min_return", "max_return", "episode_range", "solved_at", "classification"),
    *("simulator", "dynamics"),
    *("random_agent", "ratings", "ratings_version", "outcomes"),
    *("limits", "total_seconds", "secret"),
)
"""Fields that say how a return is scored and shown, how long an agent may take, and which episodes a grader has drawn.
They do not change the task that is played, so the hash leaves them out."""

COMMANDS = ("gtp:", "submission:")
"""Beginnings of opponents that are commands and folders of one machine."""


@dataclass(frozen=True)
class EachOnce:
    """Reset options that choose each of `count` items once, in a fixed pseudo-random order.

    A sequence of `{option: number}`, as `Task.options` takes. The numbers are sorted by their sha256 under `key`, so
    the order is the same on every machine and does not reveal what an item is.
    """

    option: str
    count: int
    key: str

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> Mapping[str, int]:
        return {self.option: _permutation(self.count, self.key)[index]}


@dataclass(frozen=True)
class GameSchedule:
    """Reset options of games: every opponent in both colours from every opening, once.

    The opponents that are always there come first, from every opening, then those that a machine may lack. Within each
    block the order is pseudo-random and the same on every machine, so that it does not reveal who the opponent is.
    """

    built_in: int
    """Number of opponents that are always there, the first in the order of the environment."""

    others: int
    """Number of those that a machine may lack."""

    openings: int
    num_envs: int
    key: str

    def __len__(self) -> int:
        return 2 * (self.built_in + self.others) * self.openings

    @property
    def first_other(self) -> int:
        """Index of the first game against an opponent that a machine may lack."""
        return 2 * self.built_in * self.openings

    def __getitem__(self, index: int) -> Mapping[str, int]:
        block, i = divmod(range(len(self))[index], self.num_envs)
        number = block * self.num_envs + _permutation(self.num_envs, f"{self.key} {block}")[i]
        first, opponents = (0, self.built_in) if number < self.first_other else (self.built_in, self.others)
        turn, opponent = divmod(number - (self.first_other if first else 0), opponents)
        opening, colour = divmod(turn, 2)
        return {"opponent": first + opponent, "colour": colour, "opening": opening}


@functools.lru_cache(maxsize=64)
def _permutation(count: int, key: str) -> tuple[int, ...]:
    return tuple(sorted(range(count), key=lambda number: hashlib.sha256(f"{key} {number}".encode()).digest()))


@dataclass(frozen=True)
class Supplement:
    """The last episodes of a task, for which its environment needs a program that a machine may lack."""

    first: int
    """Index of the first of them, which begins a block."""

    env_kwargs: Mapping[str, Any]
    """Keyword arguments of the environment that replace those of the task."""


@dataclass(frozen=True)
class Task:
    """A versioned problem. Any change of what is played needs a new version, and changes `hash`."""

    name: str
    """Lower-case words joined by hyphens."""

    version: int
    """Counts from 1; 0 for a task that a command makes up for an environment."""

    env_id: str
    """Given to `gymnasium.make_vec`."""

    env_kwargs: Mapping[str, Any] = field(default_factory=dict)
    """Keyword arguments of the environment, JSON-able."""

    episodes: int = 100
    """Number of episodes of a complete run."""

    num_envs: int = 50
    """Episodes per block: one environment each, stepped together. The batch size changes the last bits of a torch
    network's outputs, so the task sets it, not whoever evaluates."""

    options: tuple[Mapping[str, Any], ...] | EachOnce | GameSchedule = ()
    """Reset options; episode i takes the one at index i modulo their number. Empty for none."""

    limits: Limits = field(default_factory=Limits)
    """Time limits of the agent."""

    total_seconds: float = 7_200.0
    """What the agent may take for `load` and all calls of `act` in a whole run; blocks that are left then are lost."""

    discount: float = 1.0
    """Discount factor of the recorded discounted return."""

    simulator: str | None = None
    """Package that simulates the environment; None where the dynamics are rlbench's own. Records of a simulated task
    carry a fingerprint of its dynamics (`fingerprint.py`), since the simulator's version may change them."""

    dynamics: str = ""
    """The fingerprint under which a simulated task is ranked. Records of others are kept and listed, without a rank."""

    failure_return: float = 0.0
    """Return recorded for a failed episode: the worst of 1,000 random episodes (`random_play.measure_random_agent`)."""

    random: float = 0.0
    """Return at the normalised score 0: the mean of those 1,000 episodes, or a published mean."""

    random_source: str = "1,000 episodes of a random agent"
    """Where `random` comes from."""

    reference: float = 1.0
    """Return at the normalised score 1: the optimum, a published score, or a frozen score of an agent of ours."""

    reference_source: str = ""
    """Where `reference` comes from; it says so where that is an agent of ours."""

    reference_version: int = 1
    """Counts the changes of `random` and `reference`, under which scores do not compare."""

    min_return: float | None = None
    """The lowest mean return that is possible; None where it is not known."""

    max_return: float | None = None
    """The highest mean return that is possible; None where it is not known."""

    episode_range: tuple[float, float] | None = None
    """The lowest and highest return of one episode, where that differs from the mean's or the mean's is not known."""

    solved_at: float | None = None
    """Mean return from which a training seed counts as having solved the task; None for `reference`."""

    classification: bool = False
    """Whether the return is 1 for the right answer and 0 for a wrong one; then test errors in per cent are shown."""

    supplement: Supplement | None = None
    """The last episodes, where they need a program that may not be installed. A run on such a machine lacks them and
    is not complete."""

    outcomes: tuple[str, ...] = ()
    """Entries of the environment's `info` at the end of an episode that its record holds, where they are there."""

    random_agent: str = "random"
    """The built-in submission that plays at random here."""

    ratings: tuple[float, ...] = ()
    """Elo ratings of the opponents, in the order of the reset option `opponent`; none where the task is no game.
    Frozen: they do not change when the opponents play again, or more of them."""

    secret: bytes = field(default=b"", repr=False)
    """A grader's secret that the episodes' seeds are drawn from; empty where they count up from FIRST_SEED."""

    ratings_version: int = 1
    """Counts the changes of `ratings`, under which Elo ratings of agents do not compare."""

    def __post_init__(self) -> None:
        if not self.version:  # made up on the command line, which may name a command
            return
        for kwargs in (self.env_kwargs, self.supplement.env_kwargs if self.supplement else {}):
            refuse_commands(self.key, list(kwargs.values()))

    @property
    def key(self) -> str:
        """Name and version, as in `cart-pole@1`."""
        return f"{self.name}@{self.version}"

    @property
    def is_game(self) -> bool:
        """Whether its episodes are games against opponents, in the order of a `GameSchedule`."""
        return isinstance(self.options, GameSchedule)

    @property
    def threshold(self) -> float:
        """Mean return from which a training seed counts as having solved the task."""
        return self.reference if self.solved_at is None else self.solved_at

    @property
    def episode_bounds(self) -> tuple[float, float]:
        """The lowest and highest return that an episode can have; infinite where none is known."""
        return self.episode_range or (self.within(-math.inf), self.within(math.inf))

    def within(self, value: float) -> float:
        """A mean return, moved to the nearest end of what is possible where it lies outside."""
        low = -math.inf if self.min_return is None else self.min_return
        high = math.inf if self.max_return is None else self.max_return
        return min(max(value, low), high)

    def score(self, mean_return: float) -> float:
        """Normalised score of a mean return: 0 for `random` and 1 for `reference`."""
        return (mean_return - self.random) / (self.reference - self.random)

    @property
    def hash(self) -> str:
        """Sha256 of what is played: of the JSON, keys sorted, of the first seed and every field except NOT_HASHED."""
        fields = {k: v for k, v in dataclasses.asdict(self).items() if k not in NOT_HASHED}
        text = json.dumps({**fields, "first_seed": FIRST_SEED}, sort_keys=True, separators=(",", ":"), allow_nan=False)
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def secret_hash(self) -> str | None:
        """The hash of the secret, which records hold; None where there is none."""
        return secret_hash(self.secret) if self.secret else None

    @property
    def limits_in_total(self) -> Limits:
        """The limits of a block, none longer than what is left for the whole run."""
        left = self.total_seconds
        return dataclasses.replace(self.limits, load=min(self.limits.load, left), run=min(self.limits.run, left))

    @property
    def blocks(self) -> int:
        """Number of blocks in a complete run; the last may hold fewer than `num_envs` episodes."""
        return -(-self.episodes // self.num_envs)

    def block(self, number: int) -> range:
        """Indices of the episodes of block `number`."""
        return range(number * self.num_envs, min((number + 1) * self.num_envs, self.episodes))

    def is_supplement(self, block: int) -> bool:
        """Whether a block is of episodes that need a program which a machine may lack."""
        return self.supplement is not None and self.block(block)[0] >= self.supplement.first

    def kwargs(self, indices: Sequence[int]) -> Mapping[str, Any]:
        """Keyword arguments of the environment in which these episodes are played."""
        added = self.supplement is not None and max(indices, default=0) >= self.supplement.first
        return self.supplement.env_kwargs if added and self.supplement else self.env_kwargs

    def episode(self, index: int) -> tuple[int, Mapping[str, Any] | None]:
        """Seed and reset options of episode `index`."""
        seed = seeds(self.secret, self.key, self.episodes)[index] if self.secret else FIRST_SEED + index
        return seed, self.options[index % len(self.options)] if self.options else None


def refuse_commands(where: str, values: Sequence[Any]) -> None:
    """Raise UserError where an argument names an opponent that is a command or a folder of one machine.

    Args:
        where: What gives the arguments, for the message: a task, or a file.
        values: Values of the arguments; sequences are searched.
    """
    for value in values:
        if isinstance(value, (list, tuple)):
            refuse_commands(where, value)
        elif isinstance(value, str) and value.startswith(COMMANDS):
            raise UserError(f"{where}: this runs no command of one machine, got {value!r}; give random, mcts or gnugo")
