"""The replay that stores each frame once, against transitions with whole observations."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import gymnasium
import numpy as np
import pytest
import torch
from gymnasium.vector import AutoresetMode

from baselines import checks
from baselines.data.frame_replay import FrameReplay
from baselines.data.replay import NStepWindow, ReplayBatch
from baselines.data.rollout import Rollout, make_envs
from rlbench.errors import UserError
from tests.baselines import films

SHAPE = (films.STACK, films.SIDE, films.SIDE)
BLOCK = 4


def replay(capacity: int) -> FrameReplay:
    return FrameReplay(capacity, SHAPE, BLOCK, torch.device("cpu"))


MODES = (AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP)


def steps(
    encode: Any, num_envs: int, n: int, count: int, mode: AutoresetMode = MODES[0], encode_first: Any = None
) -> Iterator[tuple[np.ndarray, ...]]:
    """Rows of n-step transitions of the noise, observations as `encode` has them."""
    env = gymnasium.make_vec(films.task("noise"), num_envs=num_envs, autoreset_mode=mode)
    rollout, window = Rollout(env, encode, encode_first=encode_first), NStepWindow(n, 0.5)
    rollout.reset(seed=7)
    for t in range(count):
        if rows := window.push(rollout.step(np.arange(num_envs) * t % 3)):
            yield rows


def unblocked(blocks: torch.Tensor) -> np.ndarray:
    """Stacks uint8 [B, K, h, w, b^2] as the frames [B, K, H, W] that they were."""
    B, K, h, w, _ = blocks.shape
    return blocks.numpy().reshape(B, K, h, w, BLOCK, BLOCK).swapaxes(3, 4).reshape(B, K, h * BLOCK, w * BLOCK)


def rows_of(batch: ReplayBatch) -> Iterator[tuple[bytes, tuple[Any, ...]]]:
    """Each transition: its first observation, and the rest of it."""
    s_tm1, s_t = unblocked(batch.s_tm1), unblocked(batch.s_t)
    for i in range(len(s_tm1)):
        rest = (batch.a_tm1[i].item(), batch.r_t[i].item(), batch.discount_t[i].item(), s_t[i].tobytes())
        yield s_tm1[i].tobytes(), rest


@pytest.mark.parametrize(("num_envs", "n"), [(1, 1), (3, 1), (3, 4)])
@pytest.mark.parametrize("capacity", [220, 10_000])
@pytest.mark.parametrize("mode", MODES)
def test_transitions_are_those_of_whole_observations(num_envs: int, n: int, capacity: int, mode: AutoresetMode) -> None:
    """In SAME_STEP, too, where some environments show a last and a first observation in one step, and others do not."""
    expected: dict[bytes, tuple[Any, ...]] = {}
    for s_tm1, a_tm1, r_t, discount_t, s_t in steps(lambda observation: observation.copy(), num_envs, n, 300, mode):
        for i in range(len(a_tm1)):
            rest = (a_tm1[i].item(), r_t[i].item(), discount_t[i].item(), s_t[i].tobytes())
            expected[s_tm1[i].tobytes()] = rest
    ours = replay(capacity)
    for rows in steps(encode := ours.encoder(), num_envs, n, 300, mode, encode.first):
        ours.add(rows)
    assert ours.added > 220
    rng = np.random.default_rng(0)
    drawn = [row for _ in range(40) for row in rows_of(ours.sample(100, rng))]
    assert all(expected[s_tm1] == rest for s_tm1, rest in drawn)
    newest = [*expected][-len(ours) :]
    kept = {s_tm1 for s_tm1, _ in drawn}
    if capacity > ours.added:
        assert len(ours) == len(expected)
        assert len(kept) >= 0.9 * len(expected)
    else:  # a stack outlives its oldest frame by at most three steps of all environments, and a start's black frames
        assert kept <= set(newest)
        assert len(kept) >= len(newest) - 30 * num_envs
    assert {rest[2] for rest in expected.values()} >= {0.0, 0.5**n}


def test_every_transition_with_the_same_chance() -> None:
    ours = replay(400)
    for rows in steps(ours.encoder(), 2, 1, 250):
        ours.add(rows)
    rng = np.random.default_rng(0)
    drawn = [s_tm1 for _ in range(200) for s_tm1, _ in rows_of(ours.sample(100, rng))]
    _, counts = np.unique(np.array(drawn, dtype=object).astype(bytes), return_counts=True)
    share = 20_000 / len(counts)
    assert ((counts - share) ** 2 / share).sum() < len(counts) + 6 * np.sqrt(2 * len(counts))  # chi-squared


def test_each_frame_is_stored_once() -> None:
    ours, episodes = replay(10_000), 0
    rollout = Rollout(make_envs(films.task("noise"), 3), ours.encoder())
    rollout.reset(seed=7)
    for _ in range(200):
        episodes += int((~rollout.fresh).sum())  # begins in this step
        rollout.step(np.zeros(3, int))
    assert ours.added == 3 * (200 + 1) + (films.STACK - 1) * (episodes + 3)


def test_goes_on_from_a_checkpoint() -> None:
    ours, resumed = replay(220), replay(220)
    for rows in steps(ours.encoder(), 3, 2, 150):
        ours.add(rows)
    resumed.restore(ours.state())
    ours.clear()
    for one in (ours, resumed):
        for rows in steps(one.encoder(), 3, 2, 20):
            one.add(rows)
    assert len(resumed) == len(ours)
    for mine, theirs in zip(*(one.sample(300, np.random.default_rng(1)) for one in (resumed, ours)), strict=True):
        assert torch.equal(mine, theirs)


def test_a_checkpoint_is_a_copy() -> None:
    ours = replay(220)
    for rows in steps(ours.encoder(), 1, 1, 50):
        ours.add(rows)
    before, copies = ours.state(), {name: np.copy(value) for name, value in ours.state().items()}
    for rows in steps(ours.encoder(), 1, 1, 200):
        ours.add(rows)
    for name, value in copies.items():
        np.testing.assert_array_equal(before[name], value)


def test_memory_of_a_million_transitions() -> None:
    """6.6 GiB of frames, and what is counted is what is allocated."""
    million = FrameReplay.bytes(1_000_000, (4, 84, 84))
    assert 6.5 < million / 2**30 < 6.7
    ours = replay(1000)
    tensors = (ours.frames, ours.stack, ours.a_tm1, ours.s_t, ours.r_t, ours.discount_t)
    held = sum(tensor.nbytes for tensor in tensors) + ours.oldest.nbytes + ours.begun.nbytes
    assert held == FrameReplay.bytes(1000, SHAPE)


def test_a_replay_larger_than_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "memory_left", lambda: 3 * 2**30)
    with pytest.raises(UserError, match=r"a replay of 1,000,000 frames takes 6\.6 GiB, and cpu has 3\.0 GiB left"):
        FrameReplay(1_000_000, (4, 84, 84), 4, torch.device("cpu"))


def test_memory_left_is_less_than_the_machine_has() -> None:
    import os

    assert 0 < checks.memory_left() < os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
