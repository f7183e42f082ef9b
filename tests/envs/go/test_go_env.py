"""Go as environments: the conformance kit, legal actions and the winner in `info`, and what an illegal move does."""

import gymnasium
import numpy as np
import pytest
from gymnasium.error import InvalidAction

import rlbench  # noqa: F401  # registers the ids
from rlbench.core.env import RulesEnv
from rlbench.envs.go.env import GoEnv
from rlbench.testing import check_env, check_vector_env, same

GO = "rlbench.envs.go.rules"


@pytest.mark.parametrize("opponent", [None, "mcts:2"])  # tests/core has the random one
def test_conformance(opponent):
    check_env("rlbench/Go5x5-v0", opponent=opponent)
    check_vector_env("rlbench/Go5x5-v0", opponent=opponent)


def test_an_illegal_move_loses():
    env = gymnasium.make("rlbench/Go5x5-v0", opponent=None)
    env.reset(seed=1)
    env.step(12)
    _, reward, terminated, _, info = env.step(12)
    assert (reward, terminated, info["winner"]) == (0.0, True, 1)


def test_an_illegal_move_raises_and_changes_nothing():
    env = gymnasium.make("rlbench/Go5x5-v0", opponent=None, illegal="raise")
    envs = gymnasium.make_vec("rlbench/Go5x5-v0", 2, opponent=None, illegal="raise")
    env.reset(seed=1), envs.reset(seed=1)
    env.step(12), envs.step(np.array([12, 3]))
    before = env.unwrapped.state
    with pytest.raises(InvalidAction, match="action 12 is not legal"):
        env.step(12)
    with pytest.raises(InvalidAction, match="action 3 of environment 1 is not legal"):
        envs.step(np.array([13, 3]))
    assert all(np.array_equal(a, b) for a, b in zip(env.unwrapped.state, before, strict=True))
    assert envs.state.turns.tolist() == [1, 1]


def test_two_passes_end_the_game():
    env = gymnasium.make("rlbench/Go7x7-v0", opponent=None)
    _, info = env.reset(seed=1)
    assert info["winner"] == 0
    assert info["action_mask"].all()
    env.step(0)
    assert not env.step(49)[2]
    observation, reward, terminated, truncated, info = env.step(49)
    assert (reward, terminated, truncated) == (1.0, True, False)  # Black moved last, and owns the board
    assert info["score"] == 49 - 8.5
    assert observation["action_mask"].tolist() == [0] * 49 + [1]


@pytest.mark.parametrize(
    "kwargs", [{"size": 7}, {"size": 4, "suicide": True}, {"size": 5, "opponents": ("mcts:9", "random")}]
)
def test_plain_python_plays_the_same_games(kwargs):
    plain, compiled = RulesEnv(GO, **kwargs), GoEnv(GO, **kwargs)
    for seed in range(3):
        observation, _ = plain.reset(seed=seed, options={"opening": seed})
        assert same(observation, compiled.reset(seed=seed, options={"opening": seed})[0])
        ended = False
        plain.action_space.seed(seed)
        while not ended:
            action = plain.action_space.sample(observation["action_mask"])
            observation, reward, ended, _, _ = plain.step(action)
            assert same((observation, reward, ended), compiled.step(action)[:3])
            assert same(tuple(plain.state), tuple(compiled.state))


def masked(rng, mask):
    """A legal action of each game, the pass rarely."""
    weights = rng.random(mask.shape) * mask
    weights[:, -1] *= 0.1
    return weights.argmax(1)


def test_a_search_beats_the_random_player():
    envs = gymnasium.make_vec("rlbench/Go5x5-v0", 20, opponent="mcts:50", komi=0.5, parallel=False)
    _, info = envs.reset(seed=1, options={"colour": np.arange(20) % 2})
    rng, ended, won = np.random.default_rng(1), np.zeros(20, bool), 0
    for _ in range(60):
        _, rewards, terminations, _, info = envs.step(masked(rng, info["action_mask"]))
        won += rewards[~ended].sum()
        ended |= terminations
    assert ended.all()
    assert won <= 2
