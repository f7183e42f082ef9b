"""The Go tasks: games against a fixed pool of opponents, in both colours and from several openings.

The ratings of the pool were measured by `rlbench match`, see `results/go_pool.csv`, and are frozen under a version.
"""

from __future__ import annotations

from rlbench.harness.tasks.limits import Limits
from rlbench.harness.tasks.task import GameSchedule, Supplement, Task

BUILT_IN = ("random", "mcts:100", "mcts:1000", "mcts:10000")
"""Opponents that are part of the environment: random legal moves, and tree searches by their playouts."""

PROGRAMS = ("gnugo:1", "gnugo:10")
"""GNU Go at two levels, which Debian's package `gnugo` installs."""


def go_task(size: int, openings: int, num_envs: int, limits: Limits, random: float, ratings: tuple[float, ...]) -> Task:
    """Every opponent in both colours from every opening, once; those that need GNU Go come last.

    Args:
        size: Of the board.
        openings: Number of openings, the empty board among them.
        num_envs: Games at once.
        limits: Time limits of the agent.
        random: Share of games that random legal moves win.
        ratings: Elo ratings of the pool.
    """
    games = GameSchedule(len(BUILT_IN), len(PROGRAMS), openings, num_envs, f"go{size}@1")
    return Task(
        name=f"go{size}",
        version=1,
        env_id=f"rlbench/Go{size}x{size}-v0",
        env_kwargs={"opponents": BUILT_IN},
        episodes=len(games),
        num_envs=num_envs,
        options=games,
        limits=limits,
        total_seconds=14_400.0,
        failure_return=0.0,
        random=random,
        random_source="a player of random legal moves, in these games",
        reference=1.0,
        reference_source="every game won",
        min_return=0.0,
        max_return=1.0,
        supplement=Supplement(games.first_other, {"opponents": (*BUILT_IN, *PROGRAMS)}),
        outcomes=("winner", "score", "ending", "engine", "forfeit"),
        random_agent="random-legal",
        ratings=ratings,
    )


RATINGS: dict[int, tuple[float, ...]] = {
    5: (0, 679, 1020, 1246, 1020, 1154),
    9: (0, 858, 2132, 3153, 3324, 3479),
}
"""Elo ratings of the pool by size, in whole points, random at 0, from games of other searches, too, without which the
ladder from random to the others has no rungs. On 5x5 40 games of every pair of ten players; on 9x9 1,546 games of 18
players, most between neighbours: where one wins every game, more games tell nothing."""

LIMITS = Limits(act=20.0, run=3_600.0)

GO5 = go_task(5, openings=20, num_envs=16, limits=LIMITS, random=22 / 240, ratings=RATINGS[5])
GO9 = go_task(9, openings=10, num_envs=8, limits=LIMITS, random=8 / 120, ratings=RATINGS[9])
