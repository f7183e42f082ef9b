"""Elo ratings that were computed before, kept in a cache: SciPy's optimizers take longer to import than all else here.

A rating is found by the digest of all that it follows from, games, code and libraries, so it cannot be one of others.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np

from rlbench.harness.ranking import elo, games, intervals
from rlbench.harness.ranking.agent_results import AgentResult
from rlbench.process.imports import import_library

CACHE_NAME = "rlbench_elo_ratings"
"""Name of the file in the cache."""

MAX_RATINGS = 1_000
"""Ratings that are kept, the newest ones."""


class KeptRatings:
    """Gives the Elo rating of an agent by its games, as `games.elo_rating` does; keeps what it had to compute.

    Args:
        cached: Gives what a cache holds under a name.
        store: Puts something into the cache.
    """

    def __init__(self, cached: Callable[[str], bytes | None], store: Callable[[str, bytes], object]) -> None:
        self._store = store
        self._known: dict[str, list[float]] = json.loads(cached(CACHE_NAME) or b"{}")

    def __call__(self, result: AgentResult) -> elo.Rating | None:
        """The rating of an agent; None on a task that is no game, or whose opponents have no ratings."""
        if not result.task.ratings:
            return None
        digest = digest_of(result)
        if digest not in self._known:
            rating = games.elo_rating(result)
            if rating is None:
                return None
            self._known[digest] = list(rating)
            newest = dict(list(self._known.items())[-MAX_RATINGS:])
            self._store(CACHE_NAME, json.dumps(newest).encode())  # an infinity is written as Infinity, and read again
        return elo.Rating(*self._known[digest])


def digest_of(result: AgentResult) -> str:
    """The sha256 of what a rating follows from: games, opponents, code, versions of the libraries."""
    parts = [
        np.array(result.task.ratings, np.float64).tobytes(),
        games.opponent_of_each(result.task).tobytes(),
        games.points_of(result).tobytes(),
        bytes([result.trained]),
        *(Path(str(module.__file__)).read_bytes() for module in (elo, games, intervals)),
        *(import_library(name).__version__.encode() for name in ("numpy", "scipy")),
    ]
    return hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in parts)).hexdigest()
