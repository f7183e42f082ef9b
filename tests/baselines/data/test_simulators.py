"""Simulators in two halves against the same environments in one batch, and what carries their steps to a device."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
import pytest
import torch
from gymnasium.vector import AutoresetMode

from baselines.data.rollout import Rollout, Transition, play_episodes
from baselines.data.simulators import Download, SimulatorRollout, Upload, make_halves
from rlbench import environments
from tests.pretend_device import LOG, pretend_device

CPU, N = torch.device("cpu"), 6


def as_features(observation: Any) -> Any:
    return observation.astype(np.float32)


def never() -> None:
    raise AssertionError("all actions are finite")


def in_halves(num_envs: int = N) -> SimulatorRollout:
    return SimulatorRollout([Rollout(env, as_features) for env in make_halves("CartPole-v1", num_envs)], CPU, never)


def in_one_batch() -> Rollout:
    return Rollout(environments.make_vec("CartPole-v1", N, AutoresetMode.SAME_STEP), as_features)


def columns(transition: Transition) -> list[np.ndarray]:
    return [np.asarray(each) for each in transition[:-1]]


def test_halves_play_what_one_batch_plays() -> None:
    """The same seeds, and actions of the same draws, in as many steps that episodes end."""
    ours, theirs = in_halves(), in_one_batch()
    u = np.random.default_rng(0).random((2, 60, N))
    for rollout in (ours, theirs):
        rollout.reset(seed=7)
    for each in u:
        played = ours.play(lambda s, u_t: (u_t > 0.5).long(), torch.from_numpy(each))
        expected = theirs.play(lambda s, u_t: (u_t > 0.5).astype(np.int64), each)
        for mine, other in zip(columns(played), columns(expected), strict=True):
            np.testing.assert_array_equal(mine, other)
    assert expected.last_t.any()
    assert (ours.rows, ours.env_steps, float(ours.elapsed)) == (theirs.rows, theirs.env_steps, 120 * N)
    assert ours.training_return()["training return"] == pytest.approx(theirs.training_return()["training return"])
    assert ours.training_return() == {}


def test_whole_episodes_are_those_of_one_batch() -> None:
    ours, theirs = in_halves(), in_one_batch()
    for rollout in (ours, theirs):
        rollout.reset(seed=3)
    for _ in range(2):
        played = ours.play_episodes(lambda s: torch.ones(len(s), dtype=torch.int64))
        other = play_episodes(theirs, lambda s: np.ones(len(s), np.int64), None)
    for mine, its in zip(played[:-1], other[:-1], strict=True):
        np.testing.assert_array_equal(played.of_valid(mine), other.of_valid(its))
    assert ours.rows == theirs.rows


def test_an_odd_number_is_one_batch() -> None:
    assert [half.rows for half in in_halves(3).halves] == [slice(0, 3)]
    assert [half.rows for half in in_halves(4).halves] == [slice(0, 2), slice(2, 4)]


def test_arrays_of_all_types_cross_at_once() -> None:
    arrays = [
        np.arange(5, dtype=np.uint8),
        np.array([True, False, True]),
        np.arange(6, dtype=np.float64).reshape(2, 3),
        np.arange(4, dtype=np.int32)[::2],
        np.float32(0.5).reshape(()),
        np.zeros((0, 3), np.int64),
    ]
    with pretend_device() as device:
        upload, download = Upload(device), Download(device)
        for _ in range(2):
            sent = upload(arrays)
        assert [each.kind for each in LOG.crossings] == ["upload", "upload"]
        for mine, array in zip(sent, arrays, strict=True):
            assert mine.device == device
            np.testing.assert_array_equal(mine.cpu().numpy(), array, strict=True)
        LOG.__init__()
        download.begin(sent[2])
        np.testing.assert_array_equal(download.end(), arrays[2])
        assert [each.kind for each in LOG.crossings] == ["download"]


class Masked(gymnasium.Env[Any, Any]):
    """An environment of Dict observations, the time and its parity, whose episodes take two steps."""

    observation_space = gymnasium.spaces.Dict(
        time=gymnasium.spaces.Box(0, 9, (1,)), odd=gymnasium.spaces.MultiBinary(1)
    )
    action_space = gymnasium.spaces.Discrete(2)

    def reset(self, **kwargs: Any) -> tuple[Any, dict[str, Any]]:
        super().reset(**kwargs)
        self.time = 0
        return self._seen(), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        self.time += 1
        return self._seen(), 1.0, self.time == 2, False, {}

    def _seen(self) -> dict[str, Any]:
        return {"time": np.array([self.time], np.float32), "odd": np.array([self.time % 2], np.int8)}


def test_dicts_pass_a_reset_in_the_same_step() -> None:
    env = gymnasium.vector.SyncVectorEnv([Masked, Masked], autoreset_mode=AutoresetMode.SAME_STEP)
    rollout = Rollout(env, lambda seen: np.concatenate([seen["time"], seen["odd"]], axis=1, dtype=np.float32))
    rollout.reset(seed=0)
    played = rollout.play(lambda s, u: np.zeros(2, np.int64), np.zeros(4))
    assert played.s_tm1[:, 0].tolist() == [[0, 0], [1, 1], [0, 0], [1, 1]]
    assert played.s_t[:, 0].tolist() == [[1, 1], [2, 0], [1, 1], [2, 0]]
