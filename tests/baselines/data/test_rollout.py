"""Transitions at an automatic reset, in both modes, against the single environment played by hand."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode

import rlbench  # noqa: F401  # registers the ids
from baselines.data.replay import NStepWindow, Replay
from baselines.data.rollout import Rollout, env_id, epsilon_greedy, evaluate, make_envs, play_episodes, task_keys
from rlbench.errors import UserError
from tests.baselines import films

CART_POLE = "rlbench/CartPole-v0"


def by_hand(seed: int, actions: list[int], limit: int) -> list[tuple[Any, ...]]:
    """(s_tm1, a_tm1, r_t, terminated, last, s_t) of the single environment."""
    env = gymnasium.make(CART_POLE, max_episode_steps=limit)
    s_tm1, _ = env.reset(seed=seed)
    transitions = []
    for a_tm1 in actions:
        s_t, r_t, terminated, truncated, _ = env.step(a_tm1)
        transitions.append((s_tm1.tolist(), a_tm1, r_t, terminated, terminated or truncated, s_t.tolist()))
        s_tm1 = env.reset()[0] if terminated or truncated else s_t
    return transitions


@pytest.mark.parametrize("mode", [AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP])
def test_transitions_of_environments_stepped_together(mode: AutoresetMode) -> None:
    """Always to the right falls after about ten steps; the limit of nine cuts some episodes short."""
    env = gymnasium.make_vec(CART_POLE, num_envs=3, max_episode_steps=9, autoreset_mode=mode)
    rollout = Rollout(env, lambda observation: observation)
    rollout.reset(seed=5)
    collected: list[list[tuple[Any, ...]]] = [[], [], []]
    for _ in range(60):
        step = rollout.step(np.ones(3, np.int64))
        for i in np.flatnonzero(step.valid):
            ends = bool(step.terminated[i]), bool(step.last_t[i])
            collected[i].append((step.s_tm1[i].tolist(), 1, step.r_t[i], *ends, step.s_t[i].tolist()))
    for i, transitions in enumerate(collected):
        assert transitions == by_hand(5 + i, [1] * len(transitions), 9)
        assert {t[3:5] for t in transitions} == {(False, False), (False, True), (True, True)}
    assert len(rollout.finished) == sum(t[4] for transitions in collected for t in transitions)


def test_environments_refused_that_do_not_reset_themselves() -> None:
    env = gymnasium.make_vec(CART_POLE, num_envs=2, autoreset_mode=AutoresetMode.DISABLED)
    with pytest.raises(UserError, match="resets itself"):
        Rollout(env, lambda observation: observation)


@pytest.mark.parametrize("mode", [AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP])
def test_n_step_transitions(mode: AutoresetMode) -> None:
    """Each is the sum of single steps: three of them, or fewer where the episode ends."""
    env = gymnasium.make_vec(CART_POLE, num_envs=2, max_episode_steps=9, autoreset_mode=mode)
    rollout, window = Rollout(env, lambda observation: observation), NStepWindow(3, 0.5)
    rollout.reset(seed=5)
    collected: list[tuple[Any, ...]] = []
    for _ in range(40):
        if rows := window.push(rollout.step(np.ones(2, np.int64))):
            collected += [tuple(column[i].tolist() for column in rows) for i in range(len(rows[0]))]
    expected = {}
    for index in range(2):
        single = by_hand(5 + index, [1] * 40, 9)
        for i, (s_tm1, *_) in enumerate(single):
            k = next((j for j in range(3) if i + j < 40 and single[i + j][4]), 2)
            if i + k < 40:
                G, discount = sum(0.5**j for j in range(k + 1)), 0.5 ** (k + 1) * (not single[i + k][3])
                expected[tuple(s_tm1)] = (s_tm1, 1, G, discount, single[i + k][5])
    assert len(collected) > 50
    for row in collected:
        assert row == expected[tuple(row[0])]


def to_the_right(s: np.ndarray) -> np.ndarray:
    """The action 1 in every environment."""
    return np.ones(len(s), np.int64)


def test_the_training_return_counts_first_episodes_alone() -> None:
    """Of environments that play one episode each, those that end early go on, and what they do then does not count."""

    def choose(s: np.ndarray) -> np.ndarray:
        """To the right in the first environment, which falls soon; to where the pole leans in the others."""
        return np.where(np.arange(len(s)) == 0, 1, s[:, 2] + s[:, 3] > 0).astype(np.int64)

    rollout, returns = Rollout(make_envs("cart-pole@1", 5), lambda observation: observation), []
    for seed in (0, 50):
        played = play_episodes(rollout, choose, seed)
        single = [by_hand(seed + i, played.a_tm1[:, i].tolist(), 500) for i in range(5)]
        lengths = [next(t for t, row in enumerate(rows) if row[4]) + 1 for rows in single]
        assert 3 * min(lengths) < max(lengths), "the first environment ends several times"
        assert played.valid.sum(axis=0).tolist() == lengths
        returns += sorted(map(float, lengths))
    assert rollout.finished == returns, "those of an earlier seed are not forgotten"
    assert rollout.env_steps == rollout.rows == sum(returns)
    assert rollout.training_return() == {"training return": pytest.approx(np.mean(returns))}
    assert rollout.training_return() == {}


def test_a_new_beginning_forgets_no_episode_that_ended() -> None:
    rollout = Rollout(make_envs("cart-pole@1", 3), lambda observation: observation)
    counts = []
    for seed in (0, 7):
        rollout.reset(seed)
        played = rollout.play(lambda s, u: to_the_right(s), np.zeros(25))
        counts.append(int(played.last_t.sum()))
    assert min(counts) > 0
    assert len(rollout.finished) == sum(counts)
    assert sum(rollout.finished) <= rollout.env_steps < rollout.rows == 2 * 25 * 3


def test_replay_keeps_the_last_transitions() -> None:
    import torch

    replay = Replay(5, 2, torch.device("cpu"))
    for first in (0, 3, 6):  # three rows each; row i is all i
        i = np.arange(first, first + 3, dtype=np.float32)
        replay.add((np.stack([i, i], axis=1), i.astype(int), i, i, np.stack([i, i], axis=1)))
    assert len(replay) == 5
    assert sorted(replay.ring.r_t.tolist()) == [4, 5, 6, 7, 8]
    batch = replay.sample(1000, np.random.default_rng(0))
    for column in (batch.a_tm1, batch.discount_t, batch.s_tm1[:, 1], batch.s_t[:, 0]):
        assert column.tolist() == batch.r_t.tolist()
    shares = np.bincount(batch.a_tm1.numpy(), minlength=9)[4:] / 1000
    np.testing.assert_allclose(shares, 0.2, atol=0.05)


def test_evaluation_is_the_harness_seeds_one_by_one() -> None:
    env = make_envs("cart-pole@1", 3)
    returns = evaluate(env, lambda observation, first: np.ones(len(observation), np.int64), 100, 5)
    alone = [sum(t[2] for t in by_hand(100 + i, [1] * 30, 500)[: int(returns[i])]) for i in range(5)]
    assert returns.tolist() == alone
    assert all(by_hand(100 + i, [1] * int(returns[i]), 500)[-1][3] for i in range(5))


def test_exploration() -> None:
    best = np.zeros(20_000, int)
    rng = np.random.default_rng(0)
    assert not epsilon_greedy(best, 0.0, 4, rng).any()
    counts = np.bincount(epsilon_greedy(best, 0.4, 4, rng)) / len(best)
    np.testing.assert_allclose(counts, [0.7, 0.1, 0.1, 0.1], atol=0.01)


def test_names_of_tasks_and_environments() -> None:
    assert env_id("cart-pole") == env_id("cart-pole@1") == (CART_POLE, {})
    assert task_keys("cart-pole") == task_keys(CART_POLE) == ("cart-pole@1",)
    assert task_keys("rlbench/Hopper-v0") == ("hopper@1",)  # hopper-gymnasium@1 has another reward
    assert task_keys("rlbench/GridWorld8x8-v0") == task_keys("CartPole-v1") == ()
    assert env_id("CartPole-v1") == ("CartPole-v1", {})
    with pytest.raises(UserError, match=r"unknown task or environment 'cart-pool'.*cart-pole"):
        env_id("cart-pool")


def test_a_lost_life_ends_what_is_to_come_but_not_the_episode() -> None:
    """The discount is 0 there, and the reward that follows belongs to the same episode."""
    env = make_envs(films.task("noise"), 8)
    rollout, window, steps = Rollout(env, lambda observation: observation), NStepWindow(3, 0.5), []
    step = env.step

    def record(actions: np.ndarray) -> tuple[Any, ...]:
        steps.append(step(actions))
        return steps[-1]

    env.step = record  # type: ignore[method-assign]
    rollout.reset(seed=3)
    marks = 0
    for _ in range(60):
        one = rollout.step(np.zeros(8, int))
        *_, end, cut, info = steps[-1]
        lost = info["life_lost"]
        marks += lost.sum()
        assert (one.terminated == end | lost).all()
        assert (one.last_t == end | cut).all()
        rows = window.push(one)
    assert marks > 10
    assert len(rollout.finished) == sum(int((end | cut).sum()) for *_, end, cut, _ in steps)
    assert rows


def test_rewards_are_clipped_for_the_learner_alone() -> None:
    rollout = Rollout(make_envs(films.task("noise"), 4), lambda observation: observation)
    window = NStepWindow(1, 0.5, 2.0, 0.7)
    rollout.reset(seed=3)
    raw, learned = [], []
    for _ in range(50):
        step = rollout.step(np.zeros(4, int))
        raw.append(step.r_t[step.valid])
        learned.append(window.push(step)[2])
    np.testing.assert_allclose(np.concatenate(learned), 2 * np.clip(np.concatenate(raw), -0.7, 0.7), rtol=1e-6)
    assert sum(rollout.finished) < np.concatenate(raw).sum() + 1e-3 or max(map(np.max, raw)) > 0.7


def test_evaluation_that_is_cut() -> None:
    returns = evaluate(
        make_envs("cart-pole@1", 3), lambda observation, first: np.ones(len(observation), int), 0, 3, max_steps=5
    )
    assert returns.tolist() == [5.0] * 3


class ForeignArrays(gymnasium.vector.VectorWrapper):
    """Cart-poles whose arrays are another library's: they cannot be written."""

    def reset(self, **kwargs: Any) -> Any:
        observation, info = self.env.reset(**kwargs)
        return Foreign(observation), info

    def step(self, actions: Any) -> Any:
        *arrays, info = self.env.step(actions)
        return *map(Foreign, arrays), info


class Foreign:
    """An array that is not NumPy's."""

    def __init__(self, array: np.ndarray) -> None:
        self.array = array.copy()
        self.array.flags.writeable = False

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
        return self.array


def test_arrays_of_other_libraries_are_taken() -> None:
    """As of Gymnasium's environments in JAX."""

    def played(env: gymnasium.vector.VectorEnv[Any, Any, Any]) -> tuple[Any, Any]:
        rollout = Rollout(env, encode=lambda observation: observation)
        episodes = play_episodes(rollout, lambda s: (s[:, 2] > 0).astype(np.int64), seed=3)
        return episodes, evaluate(env, lambda o, first: (o[:, 2] > 0).astype(np.int64), 5, 4)

    ours, theirs = (
        played(wrap(gymnasium.make_vec(CART_POLE, num_envs=2))) for wrap in (lambda env: env, ForeignArrays)
    )
    for mine, foreign in zip((*ours[0], ours[1]), (*theirs[0], theirs[1]), strict=True):
        assert type(foreign) is np.ndarray
        np.testing.assert_array_equal(mine, foreign)
