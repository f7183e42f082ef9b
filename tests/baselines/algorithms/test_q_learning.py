"""Q-learning against value iteration on the same world, whose model only the latter sees."""

from __future__ import annotations

from dataclasses import replace

import gymnasium
import numpy as np
import pytest

from baselines.algorithms import q_learning
from baselines.maths.dynamic_programming import value_iteration
from baselines.templates.agent_template import Table
from baselines.training.events import Finished

LECTURE = q_learning.PRESETS["lecture"]


def learned(settings: q_learning.QLearningSettings) -> np.ndarray:
    """The table Q[S, A] in which a training run ends."""
    *_, last = q_learning.train(settings)
    assert isinstance(last, Finished)
    assert isinstance(last.policy, Table)
    return last.policy.Q


@pytest.fixture(scope="module")
def optimum() -> np.ndarray:
    """Q*[16, 4] of the 4x4 grid world."""
    return value_iteration(gymnasium.make("rlbench/GridWorld-v0").unwrapped.P, 1.0)[0]  # type: ignore[attr-defined]


@pytest.mark.parametrize("seed", range(10))
def test_every_seed_learns_the_optimum(seed: int, optimum: np.ndarray) -> None:
    Q = learned(replace(LECTURE, seed=seed))
    np.testing.assert_allclose(Q.max(axis=1), optimum.max(axis=1), atol=1e-6)
    chosen = optimum[np.arange(16), Q.argmax(axis=1)]
    assert chosen.tolist() == optimum.max(axis=1).tolist()


def test_one_environment_learns_it_too(optimum: np.ndarray) -> None:
    Q = learned(replace(LECTURE, num_envs=1, total_env_steps=20_000, eval_every_env_steps=20_000))
    np.testing.assert_allclose(Q.max(axis=1), optimum.max(axis=1), atol=1e-6)


def test_one_update_by_hand() -> None:
    """From the cell right of the corner, left: the episode ends, Q moves half way to the reward -1."""
    settings = replace(LECTURE, num_envs=1, total_env_steps=1, epsilon=1.0, learning_rate=0.5)
    settings = replace(settings, checkpoint_every_env_steps=1)
    for seed in range(20):
        Q = learned(replace(settings, seed=seed))
        ((s, a),) = np.argwhere(Q)
        assert Q[s, a] == -0.5
        assert 0 < s < 15
