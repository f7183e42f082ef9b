"""Games of self-play: whole, with the right outcomes, and of turns that are searched as they should be."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from gymnasium.vector import VectorEnv

from baselines.data.rollout import make_envs
from baselines.data.self_play import Turns, begin, match, outcomes, play_games, sampled
from rlbench.search.batch import Search, SearchResult
from rlbench.search.settings import SearchSettings
from tests.baselines.go_boards import task

Env = VectorEnv[Any, Any, Any]
FULL = Turns(simulations=8, fast_simulations=0, full_share=0.25, sampled_moves=0)


def no_network(planes: np.ndarray, action_mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Every move equally good, every position even."""
    return np.zeros(action_mask.shape, np.float32), np.zeros(len(planes), np.float32)


@pytest.fixture
def env() -> Iterator[Env]:
    made = make_envs(task(3), 6, opponent=None)
    yield made
    made.close()


class Scripted:
    """A search that plays the first legal point, Black with preference, and counts what it is asked for."""

    def __init__(self) -> None:
        self.asked: list[tuple[np.ndarray, np.ndarray]] = []

    def run(self, states: Any, evaluate: Any, random: Any = None, simulations: Any = None, explore: Any = None) -> Any:
        N, A = states.legal.shape
        over = states.ending != 0
        self.asked.append((simulations, explore))
        black = states.to_move == 1
        action = np.where(black & ~over, states.legal.argmax(axis=1), A - 1)
        pi = np.eye(A, dtype=np.float32)[action]
        nothing = np.zeros((N, A), np.float32)
        return SearchResult(action, pi, nothing.astype(np.int32), nothing, np.zeros(N, np.float32), np.zeros((N, 1)))


def test_where_only_black_plays_black_wins_and_every_position_says_so(env: Env) -> None:
    openings = np.zeros(6, np.int64)
    games = play_games(env, Scripted(), no_network, FULL, openings, np.random.default_rng(0))  # type: ignore[arg-type]
    assert games.winner.tolist() == [1] * 6
    black_moves = games.positions.planes[:, 4, 0, 0] == 1
    np.testing.assert_array_equal(games.positions.z, np.where(black_moves, 1, -1))
    assert len(games.positions.z) == games.moves == 6 * 17  # 8 stones and passes; the ninth would be suicide


def test_outcomes_are_those_of_the_player_to_move() -> None:
    planes = np.zeros((2, 3, 5, 2, 2), np.uint8)
    planes[0, :, 4] = 1  # Black moves first, then White
    np.testing.assert_array_equal(outcomes(planes, np.array([1, -1, 0])), [[1, -1, 0], [-1, 1, 0]])


def test_a_real_search_plays_legal_games_to_their_ends(env: Env) -> None:
    search = Search(env.unwrapped.params, 6, SearchSettings(simulations=8))  # type: ignore[attr-defined]
    openings = np.array([0, 1, 2, 3, 4, 5])
    games = play_games(env, search, no_network, FULL, openings, np.random.default_rng(0))
    assert set(games.winner) <= {1, -1}
    np.testing.assert_allclose(games.positions.pi.sum(axis=1), 1, rtol=1e-5)
    assert len(games.positions.z) == games.moves
    again = play_games(env, search, no_network, FULL, openings, np.random.default_rng(0))
    for a, b in zip(games.positions, again.positions, strict=True):
        np.testing.assert_array_equal(a, b)
    first = games.positions.planes[:6]
    stones = first[:, :2].sum(axis=(1, 2, 3))
    assert stones.tolist() == [0, 2, 2, 2, 2, 2]  # an opening is a stone of each colour


def test_fast_turns_are_played_and_not_learned_from(env: Env) -> None:
    """Playout cap randomization: about a quarter is searched in full, with noise, and learned from."""
    turns = Turns(simulations=32, fast_simulations=4, full_share=0.25, sampled_moves=0)
    scripted, openings = Scripted(), np.zeros(6, np.int64)
    games = play_games(env, scripted, no_network, turns, openings, np.random.default_rng(0))  # type: ignore[arg-type]
    simulations, explore = (np.concatenate(column) for column in zip(*scripted.asked, strict=True))
    np.testing.assert_array_equal(simulations, np.where(explore, 32, 4))
    assert len(games.positions.z) == explore.sum()
    assert 0.1 < explore.mean() < 0.4
    assert games.moves == len(explore)


def test_sampled_turns_are_drawn_from_pi() -> None:
    rng = np.random.default_rng(0)
    pi = np.tile(np.array([0.5, 0.0, 0.2, 0.3], np.float32), (20_000, 1))
    shares = np.bincount(sampled(pi, rng), minlength=4) / len(pi)
    np.testing.assert_allclose(shares, pi[0], atol=0.02)
    assert shares[1] == 0


def test_a_match_counts_the_points_of_the_first(env: Env) -> None:
    """Who thinks that Black wins everywhere plays on as White as it may; a network against itself has half of all."""
    search = Search(env.unwrapped.params, 6, SearchSettings(simulations=4))  # type: ignore[attr-defined]
    openings, colours = np.array([0, 0, 1, 1, 2, 2]), np.array([0, 1, 0, 1, 0, 1])
    assert match(env, search, (no_network, no_network), openings, colours) == 3.0

    def passing(planes: np.ndarray, action_mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        logits = np.zeros(action_mask.shape, np.float32)
        logits[:, -1] = 20
        return logits, np.zeros(len(planes), np.float32)

    strong = Search(env.unwrapped.params, 6, SearchSettings(simulations=64))  # type: ignore[attr-defined]
    one = match(env, strong, (no_network, passing), openings, colours)
    assert one + match(env, strong, (passing, no_network), openings, 1 - colours) > 0
    assert match(env, strong, (passing, no_network), openings, 1 - colours) == 6 - one


def test_games_begin_from_the_openings_given(env: Env) -> None:
    observation, active, winner = begin(env, np.array([0, 1, 1, 2, 3, 31]))
    assert active.all()
    assert not winner.any()
    stones = observation["planes"][:, :2].reshape(6, 2, 9).sum(axis=2)
    assert stones.tolist() == [[0, 0], *[[1, 1]] * 5]
    np.testing.assert_array_equal(observation["planes"][1], observation["planes"][2])
