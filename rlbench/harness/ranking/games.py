"""Results of games against opponents of known strength: Elo ratings, and games won by opponent."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rlbench.harness.ranking import elo
from rlbench.harness.ranking.agent_results import AgentResult
from rlbench.harness.ranking.intervals import Interval, mean_interval, moments
from rlbench.harness.tasks.task import Task


@dataclass(frozen=True)
class GamesWon:
    """Games of one agent against one opponent, over all training seeds."""

    task: str
    agent: str
    version: str
    opponent: str
    opponent_elo: float
    won: int
    games: int


def opponents_of(task: Task) -> tuple[str, ...]:
    """Names of the opponents, in the order of the task's ratings."""
    return tuple(task.kwargs(range(task.episodes))["opponents"])


def opponent_of_each(task: Task) -> NDArray[np.int64]:
    """Number of the opponent in each episode, [E]."""
    return np.array([(task.episode(i)[1] or {})["opponent"] for i in range(task.episodes)])


def elo_rating(result: AgentResult) -> elo.Rating | None:
    """Elo rating of an agent by its games; None for tasks that are no games.

    The rating is that of the games of all training seeds together. Its interval is that of these games, as of one
    player; from three training seeds on it is at least as wide as that of the mean points per seed, as ratings.
    """
    task = result.task
    if not task.ratings:
        return None
    strengths = np.array(task.ratings)[opponent_of_each(task)]
    points = points_of(result)
    of_games = elo.rate(float(points.sum()), np.tile(strengths, len(points)))
    ends = over_seeds(points / task.episodes, result)
    if ends is None:
        return of_games
    low, high = elo.between(ends, task.episodes, strengths)
    return elo.Rating(of_games.value, min(low, of_games.low), max(high, of_games.high))


def points_of(result: AgentResult) -> NDArray[np.float64]:
    """Games that each training run of an agent won, a draw counting half, [n]."""
    points = np.array([run.returns.sum() + run.drawn / 2 for run in result.runs])
    return points.clip(0, result.task.episodes)


def finite(rating: elo.Rating | None) -> tuple[float | None, float | None, float | None]:
    """A rating and the ends of its interval, None for what is infinite or not there."""
    value, low, high = (each if math.isfinite(each) else None for each in rating or elo.Rating(*(math.nan,) * 3))
    return value, low, high


def over_seeds(shares: NDArray[np.float64], result: AgentResult) -> Interval | None:
    """Interval of the mean share of points over training seeds, within 0 and 1; None where seeds are missing."""
    of = moments(shares) if result.trained else None
    if of is None:
        return None
    low, high = mean_interval(of)
    return Interval(max(low, 0.0), min(high, 1.0))


def games_won(results: Sequence[AgentResult]) -> tuple[GamesWon, ...]:
    """Games of every agent against every opponent."""
    rows = []
    for result in results:
        task, opponent = result.task, opponent_of_each(result.task)
        returns = np.stack([run.returns for run in result.runs])
        for i, name in enumerate(opponents_of(task)):
            mine = returns[:, opponent == i]
            won, rating = int((mine == 1).sum()), task.ratings[i]
            rows.append(GamesWon(task.key, *result.agent, name, rating, won, mine.size))
    return tuple(rows)
