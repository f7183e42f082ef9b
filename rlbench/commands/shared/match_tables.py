"""What the games of a match come to, as rows of a table: Elo differences, or ratings."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import gymnasium
import numpy as np

from rlbench.commands.shared.output import remark
from rlbench.envs.go.config import checked_komi
from rlbench.errors import UserError
from rlbench.gtp.players import size_of
from rlbench.gtp.tournament import GameRow, points_table
from rlbench.harness.ranking import elo
from rlbench.harness.ranking.games import opponents_of
from rlbench.harness.tasks.suite import catalogue

ALL = "all rated"
"""In the place of an opponent: the games against all whose ratings are known."""

UNKNOWN = elo.Rating(math.nan, math.nan, math.nan)


def result_rows(players: Sequence[str], rows: Sequence[GameRow], options: Any) -> list[dict[str, Any]]:
    """The row of a pair, or one per player."""
    points = points_table(rows, players)
    if len(players) == 2:
        first, second = players
        rating = elo.rate(float(points[0, 1]), np.zeros(len(rows)))
        return [{"player": first, "other": second, **counts(first, rows), **elo_cells(rating)}]
    try:
        ratings = elo.rate_pool(points, players)
    except UserError as error:
        remark(str(error), options)
        ratings = [UNKNOWN] * len(players)
    rated = sorted(zip(players, ratings, points.sum(axis=1), strict=True), key=lambda each: -each[2])
    return [{"player": name, **counts(name, rows), **elo_cells(rating)} for name, rating, _ in rated]


def gauntlet_rows(players: Sequence[str], rows: Sequence[GameRow], pool: Mapping[str, int]) -> list[dict[str, Any]]:
    """A row per opponent of the first player, and one of all games where several of them have ratings.

    Args:
        players: The first one and its opponents.
        rows: Games between it and them.
        pool: Elo ratings by name. The first player has that rating which its games against them make most likely.
    """
    first = players[0]
    groups = {other: [row for row in rows if other in (row.black, row.white)] for other in players[1:]}
    known = [other for other in groups if other in pool]
    if len(known) > 1:
        groups[ALL] = [row for other in known for row in groups[other]]
    return [
        {
            **{"player": first, "other": other, "other_elo": pool.get(other)},
            **counts(first, games),
            **elo_cells(rated(first, games, pool)),
        }
        for other, games in groups.items()
        if games
    ]


def rated(player: str, rows: Sequence[GameRow], pool: Mapping[str, int]) -> elo.Rating:
    """The rating of a player by games against opponents of known ratings; UNKNOWN where one has none."""
    others = [row.white if row.black == player else row.black for row in rows]
    if any(other not in pool for other in others):
        return UNKNOWN
    points = points_table(rows, list(dict.fromkeys([player, *others])))[0].sum()
    return elo.rate(float(points), [pool[other] for other in others])


def pool_elo(size: int, komi: float) -> dict[str, int]:
    """Elo ratings by name of the opponents of a task of Go on such a board with that komi; empty without a task."""
    for task in catalogue().tasks.values():
        if task.ratings and size_of(task) == size:
            usual = {**gymnasium.spec(task.env_id).kwargs, **task.env_kwargs}.get("komi")
            if checked_komi(usual, size) == komi:
                return dict(zip(opponents_of(task), map(round, task.ratings), strict=True))
    return {}


def counts(player: str, rows: Sequence[GameRow]) -> dict[str, int]:
    """Games of a player, and how they ended."""
    mine = [row for row in rows if player in (row.black, row.white)]
    black = [row for row in mine if row.black == player]
    won_black = sum(row.winner == "black" for row in black)
    won_white = sum(row.winner == "white" for row in mine if row.white == player)
    drawn = sum(row.winner == "nobody" for row in mine)
    return {
        "games": len(mine),
        "won": won_black + won_white,
        "drawn": drawn,
        "lost": len(mine) - won_black - won_white - drawn,
        "won_as_black": won_black,
        "won_as_white": won_white,
    }


def elo_cells(rating: elo.Rating) -> dict[str, int | None]:
    """A rating for a table: whole Elo points, none where it is not finite."""
    named = zip(("elo", "low", "high"), rating, strict=True)
    return {name: round(value) if np.isfinite(value) else None for name, value in named}
