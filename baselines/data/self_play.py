"""Games of self-play: a search plays both sides of N games at once, from their beginnings to their ends.

Games are played whole, so nothing of them goes from one call to the next: a checkpoint needs no games in progress, and
every position knows its outcome z. A game that has ended waits for the others; it costs the search no evaluation.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from gymnasium.vector import VectorEnv
from numpy.typing import NDArray

from baselines.data.position_replay import Positions
from baselines.types import Array, Bools
from rlbench.search.batch import Evaluate, Search

BLACK_TO_MOVE = 4
"""The plane that is 1 everywhere where Black is to move."""
OVER = 1
"""A value of a state's `ending` that is not PLAYING."""


class SelfPlay(NamedTuple):
    """N games of self-play that are over."""

    positions: Positions
    """Those that were searched in full, of all games."""
    winner: NDArray[np.int64]
    """1 Black, -1 White, 0 nobody, [N]."""
    moves: int
    """Moves and passes of all games."""


@dataclass(frozen=True)
class Turns:
    """How turns of self-play are searched and chosen.

    Playout cap randomization (Wu 2019, "Accelerating self-play learning in Go", section 3.1): a turn is searched in
    full with probability `full_share`, and learned from; else it has `fast_simulations` and no noise, and is only
    played. So there are more games per position, and outcomes z, which are few, limit learning less.
    """

    simulations: int
    fast_simulations: int
    """0 for turns that are all searched in full."""
    full_share: float
    sampled_moves: int
    """Turns of a game whose action is drawn from pi; in later ones, and with Gumbel always, the search chooses."""

    def draw(self, N: int, rng: np.random.Generator) -> Bools:
        """Which of N games' turns are searched in full."""
        return rng.random(N) < (self.full_share if self.fast_simulations else 1.0)

    def simulations_of(self, full: Bools) -> NDArray[np.int64]:
        """Simulations of each game's turn, [N]."""
        return np.where(full, self.simulations, self.fast_simulations).astype(np.int64)


def play_games(
    env: VectorEnv[Any, Any, Any],
    search: Search,
    evaluate: Evaluate,
    turns: Turns,
    openings: NDArray[np.int64],
    rng: np.random.Generator,
) -> SelfPlay:
    """A game of every environment, [N].

    Args:
        env: environments of self-play, whose actions both players take in turn.
        search: of as many games.
        evaluate: the network.
        turns: how they are searched.
        openings: the opening that each game begins with, [N].
        rng: of the search's noise and of what is drawn.
    """
    observation, active, winner = begin(env, openings)
    steps: list[tuple[Array, Array, Array]] = []  # planes, pi and which to learn from, of each turn
    moves = 0
    while active.any():
        full = turns.draw(env.num_envs, rng)
        states = among(env, active)
        result = search.run(states, evaluate, rng, simulations=turns.simulations_of(full), explore=full)
        drawn = sampled(result.pi, rng) if len(steps) < turns.sampled_moves else result.action
        steps.append((observation["planes"], result.pi, active & full))
        moves += int(active.sum())
        observation, active = advance(env, np.where(active, drawn, result.action), active, winner)
    planes, pi, learned = (np.stack(column) for column in zip(*steps, strict=True))
    z = outcomes(planes, winner)
    return SelfPlay(Positions(planes[learned], pi[learned], z[learned]), winner, moves)


def begin(
    env: VectorEnv[Any, Any, Any], openings: NDArray[np.int64], seed: int = 0, **options: Any
) -> tuple[Any, Bools, Array]:
    """The first observations, that all games are active [N], and an array for their winners [N]."""
    observation, _ = env.reset(seed=seed, options={"opening": openings, **options})
    return observation, np.ones(env.num_envs, np.bool_), np.zeros(env.num_envs, np.int64)


def among(env: VectorEnv[Any, Any, Any], active: Bools) -> Any:
    """The states of all games, those that are not active as games that are over."""
    states = env.unwrapped.state  # type: ignore[attr-defined]  # RulesVectorEnv
    return states._replace(ending=np.where(active, states.ending, OVER).astype(states.ending.dtype))


def advance(env: VectorEnv[Any, Any, Any], action: Array, active: Bools, winner: Array) -> tuple[Any, Bools]:
    """Take a turn in every game: the next observations, and which games go on; writes winners of those that ended."""
    observation, _, terminated, truncated, info = env.step(action)
    ended = active & (terminated | truncated)
    winner[ended] = info["winner"][ended]
    return observation, active & ~ended


def outcomes(planes: Array, winner: Array) -> NDArray[np.float32]:
    """z[T, N] of the player to move at planes[T, N, C, n, n]: 1 if it wins in the end, -1 if it loses, 0 for a draw."""
    black_moves = planes[:, :, BLACK_TO_MOVE, 0, 0] == 1
    return np.where(black_moves, winner, -winner).astype(np.float32)


def sampled(pi: Array, rng: np.random.Generator) -> NDArray[np.int64]:
    """An action of every game, drawn from pi[N, A]."""
    cumulative = pi.astype(np.float64).cumsum(axis=1)
    u = rng.random(len(pi)) * cumulative[:, -1]
    return (cumulative > u[:, None]).argmax(axis=1)


def match(
    env: VectorEnv[Any, Any, Any],
    search: Search,
    players: tuple[Evaluate, Evaluate],
    openings: NDArray[np.int64],
    colours: NDArray[np.int64],
) -> float:
    """Points of the first of two networks in N games, both with the same search and without noise; 1/2 for a draw.

    Args:
        env: environments of self-play, N.
        search: of as many games.
        players: the networks.
        openings: of each game, [N].
        colours: the first network's, [N], 0 for Black.
    """
    observation, active, winner = begin(env, openings)
    while active.any():
        colour = 1 - observation["planes"][:, BLACK_TO_MOVE, 0, 0].astype(np.int64)
        own = colour == colours
        first = search.run(among(env, active & own), players[0]).action
        second = search.run(among(env, active & ~own), players[1]).action
        observation, active = advance(env, np.where(own, first, second), active, winner)
    points = np.where(colours == 0, winner, -winner)
    return float((points + 1).sum() / 2)
