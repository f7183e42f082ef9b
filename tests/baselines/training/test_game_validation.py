"""Games against a fixed opponent, and the Elo rating against a network's own past."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from gymnasium.vector import VectorEnv

from baselines.data.rollout import make_envs
from baselines.nets.residual import PolicyValueNetwork, residual_graph, residual_network
from baselines.training.game_validation import REMEMBERED, GameValidation, PastSelves, num_openings, schedule
from baselines.training.loop import computing
from rlbench.harness.ranking.elo import win_probability
from rlbench.search.batch import Search
from rlbench.search.settings import SearchSettings
from tests.baselines.go_boards import task

Env = VectorEnv[Any, Any, Any]
GAMES = 8


def model(seed: int) -> PolicyValueNetwork:
    """A network on 3 x 3, all of whose weights are random."""
    generator = torch.Generator().manual_seed(seed)
    network = residual_network(residual_graph(5, 3, 1, 4, 4), generator)
    made = PolicyValueNetwork(network, torch.device("cpu"))
    made.theta.copy_(0.3 * torch.randn(made.theta.shape, generator=generator))
    return made


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """As in a training run."""
    with computing():
        yield


@pytest.fixture
def env() -> Iterator[Env]:
    made = make_envs(task(3), GAMES, opponent=None)
    yield made
    made.close()


def search(env: Env, simulations: int = 4) -> Search:
    return Search(env.unwrapped.params, GAMES, SearchSettings(simulations=simulations))  # type: ignore[attr-defined]


def test_the_schedule_balances_colours_in_every_opening() -> None:
    made = make_envs(task(3), 2 * 32 + 6, opponent=None)
    openings, colours = schedule(made)
    assert num_openings(made) == 32
    pairs = list(zip(openings.tolist(), colours.tolist(), strict=True))
    assert len(set(pairs)) == 64
    assert pairs[:4] == pairs[64:68] == [(0, 0), (0, 1), (1, 0), (1, 1)]
    made.close()


def test_a_network_that_equals_its_past_keeps_its_rating(env: Env) -> None:
    """Searches have no noise here: in each opening the same game twice, with colours exchanged."""
    past = PastSelves(env, search(env), model(0), model(1))
    assert past.rate() == pytest.approx(0, abs=1e-6)
    assert past.rate() == pytest.approx(0, abs=1e-6)
    assert len(past.theta) == len(past.ratings) == REMEMBERED


def test_the_rating_explains_the_points(env: Env, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three quarters of the points are 191 Elo points more than the past has, less what the drawn game takes."""
    monkeypatch.setattr("baselines.training.game_validation.match", lambda *_: 0.75 * GAMES)
    past = PastSelves(env, search(env), model(0), model(1))
    rating = past.rate()
    assert win_probability(rating) == pytest.approx((0.75 * GAMES + 0.5) / (GAMES + 1))
    higher = past.rate()
    expected = GAMES * (win_probability(higher) + win_probability(higher - rating))
    assert expected + win_probability(higher - rating / 2) == pytest.approx(1.5 * GAMES + 0.5)


def test_who_wins_every_game_has_a_finite_rating(env: Env, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("baselines.training.game_validation.match", lambda *_: float(GAMES))
    assert 300 < PastSelves(env, search(env), model(0), model(1)).rate() < 1000


def test_the_past_plays_with_its_own_weights(env: Env, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each earlier network is what it was, whatever the present one has learned."""
    network, played = model(0), []
    first = network.weights()

    def seen(env: Any, search: Any, players: Any, *rest: Any) -> float:
        played.append([player.__self__.weights() for player in players])
        return GAMES / 2

    monkeypatch.setattr("baselines.training.game_validation.match", seen)
    past = PastSelves(env, search(env), network, model(1))
    network.theta.add_(1)
    past.rate()
    other = PastSelves(env, search(env), model(5), model(6))
    other.restore(past.state())
    np.testing.assert_array_equal(played[0][0], first + 1)
    np.testing.assert_array_equal(played[0][1], first)
    for a, b in zip(other.theta, past.theta, strict=True):
        np.testing.assert_array_equal(a, b)
    assert other.ratings == past.ratings


@pytest.mark.parametrize("opponent", ["random", "mcts:30"])
def test_validation_games_are_won_or_lost_and_new_every_time(opponent: str) -> None:
    env = make_envs(task(3), 32, opponents=(opponent,))
    settings = SearchSettings(simulations=32)
    validation = GameValidation(env, Search(env.unwrapped.params, 32, settings), model(0).evaluate)  # type: ignore[attr-defined]
    first, again = validation.returns(None), validation.returns(None)
    assert set(first) <= {0.0, 1.0}
    np.testing.assert_array_equal(first, again)
    validation.number += 1
    assert (validation.returns(None) != first).any() or opponent == "mcts:30"
    validation.close()


def test_a_search_beats_random_moves() -> None:
    """Even without a network: on 3 x 3 it sees the ends of games."""
    env = make_envs(task(3), 64, opponents=("random",))
    search = Search(env.unwrapped.params, 64, SearchSettings(simulations=64))  # type: ignore[attr-defined]

    def no_network(planes: np.ndarray, action_mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return np.zeros(action_mask.shape, np.float32), np.zeros(len(planes), np.float32)

    validation = GameValidation(env, search, no_network)
    assert validation.returns(None).mean() > 0.75
    validation.close()
