"""How strong a player that searches is while it learns: games against a fixed opponent, and against its own past."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from gymnasium.vector import VectorEnv
from numpy.typing import NDArray

from baselines.data.self_play import advance, among, begin, match
from baselines.nets.residual import PolicyValueNetwork
from baselines.stateful import Stateful
from baselines.training.validation import FIRST_SEED, Validation
from baselines.types import Floats
from rlbench.harness.ranking.elo import rating_for
from rlbench.search.batch import Evaluate, Search

REMEMBERED = 2
"""Earlier networks that the present one plays against."""


class GameValidation(Validation):
    """Plays whole games against the environment's opponent, in both colours and from every opening in turn.

    The network plays as it is at the moment, by the search of the submission and without noise.

    Args:
        env: as many environments as an evaluation has games, with an opponent.
        search: of as many games.
        evaluate: the network.
    """

    def __init__(self, env: VectorEnv[Any, Any, Any], search: Search, evaluate: Evaluate) -> None:
        super().__init__(env, env.num_envs)
        self.search, self.network = search, evaluate

    def returns(self, candidate: Any) -> Floats:
        """1.0 for every game won, [games]; every evaluation has seeds of its own."""
        openings, colours = schedule(self.env)
        _, active, winner = begin(self.env, openings, FIRST_SEED + self.number * self.episodes, colour=colours)
        while active.any():
            action = self.search.run(among(self.env, active), self.network).action
            _, active = advance(self.env, action, active, winner)
        return (np.where(colours == 0, winner, -winner) > 0).astype(np.float64)


def schedule(env: VectorEnv[Any, Any, Any]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Opening and colour of N games, [N] each: every opening in turn with both colours, 0 for Black."""
    games = np.arange(env.num_envs)
    return games // 2 % num_openings(env), games % 2


def num_openings(env: VectorEnv[Any, Any, Any]) -> int:
    """How many openings the environment has; number 0 is the empty board."""
    return len(env.unwrapped.params.openings)  # type: ignore[attr-defined]  # RulesVectorEnv


class PastSelves(Stateful):
    """The last few networks of a training run and their Elo ratings, in which the first one has 0.

    Args:
        env: environments of self-play, N; the present network plays N games against each of its past.
        search: of as many games.
        network: the present one.
        earlier: one of the same graph, which takes the weights of the past.
    """

    CHECKPOINTED: ClassVar[tuple[str, ...]] = ("theta", "ratings")

    def __init__(
        self, env: VectorEnv[Any, Any, Any], search: Search, network: PolicyValueNetwork, earlier: PolicyValueNetwork
    ) -> None:
        self.env, self.search, self.network, self.earlier = env, search, network, earlier
        self.theta = [network.weights()]
        self.ratings = [0.0]

    def rate(self) -> float:
        """The rating of the present network, which from now on is one of the past.

        The most likely one, had one more game against its past been drawn: whoever wins all has no finite rating.
        """
        openings, colours = schedule(self.env)
        points, opponents = 0.5, [float(np.mean(self.ratings))]
        for theta, rating in zip(self.theta, self.ratings, strict=True):
            self.earlier.take(theta)
            points += match(self.env, self.search, (self.network.evaluate, self.earlier.evaluate), openings, colours)
            opponents += [rating] * self.env.num_envs
        rating = rating_for(points, opponents)
        self.theta = [*self.theta, self.network.weights()][-REMEMBERED:]
        self.ratings = [*self.ratings, rating][-REMEMBERED:]
        return rating
