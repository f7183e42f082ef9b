"""The replay that stores each frame once, against transitions with whole observations."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch

from baselines import checks
from baselines.data.frame_replay import FrameReplay
from baselines.data.replay import Batch, Window
from baselines.data.rollout import Lanes, make_lanes
from rlbench.errors import UserError
from tests.baselines import films

SHAPE = (films.STACK, films.SIDE, films.SIDE)
BLOCK = 4


def replay(capacity: int) -> FrameReplay:
    return FrameReplay(capacity, SHAPE, BLOCK, torch.device("cpu"))


def steps(encode: Any, lanes: int, n: int, count: int) -> Iterator[tuple[np.ndarray, ...]]:
    """Rows of n-step transitions of the noise, observations as `encode` has them."""
    player, window = Lanes(make_lanes(films.task("noise"), lanes), encode), Window(n, 0.5)
    player.reset(seed=7)
    for t in range(count):
        if rows := window.push(player.step(np.arange(lanes) * t % 3)):
            yield rows


def unblocked(blocks: torch.Tensor) -> np.ndarray:
    """Stacks uint8 [B, K, h, w, b^2] as the frames [B, K, H, W] that they were."""
    B, K, h, w, _ = blocks.shape
    return blocks.numpy().reshape(B, K, h, w, BLOCK, BLOCK).swapaxes(3, 4).reshape(B, K, h * BLOCK, w * BLOCK)


def rows_of(batch: Batch) -> Iterator[tuple[bytes, tuple[Any, ...]]]:
    """Each transition: its first observation, and the rest of it."""
    s_tm1, s_t = unblocked(batch.s_tm1), unblocked(batch.s_t)
    for i in range(len(s_tm1)):
        rest = (batch.a_tm1[i].item(), batch.r_t[i].item(), batch.discount_t[i].item(), s_t[i].tobytes())
        yield s_tm1[i].tobytes(), rest


@pytest.mark.parametrize(("lanes", "n"), [(1, 1), (3, 1), (3, 4)])
@pytest.mark.parametrize("capacity", [220, 10_000])
def test_transitions_are_those_of_whole_observations(lanes: int, n: int, capacity: int) -> None:
    expected: dict[bytes, tuple[Any, ...]] = {}
    for s_tm1, a_tm1, r_t, discount_t, s_t in steps(lambda observation: observation.copy(), lanes, n, 300):
        for i in range(len(a_tm1)):
            rest = (a_tm1[i].item(), r_t[i].item(), discount_t[i].item(), s_t[i].tobytes())
            expected[s_tm1[i].tobytes()] = rest
    ours = replay(capacity)
    for rows in steps(ours.encode, lanes, n, 300):
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
    else:  # a stack outlives its oldest frame by at most three steps of all lanes, and a start's black frames
        assert kept <= set(newest)
        assert len(kept) >= len(newest) - 30 * lanes
    assert {rest[2] for rest in expected.values()} >= {0.0, 0.5**n}


def test_every_transition_with_the_same_chance() -> None:
    ours = replay(400)
    for rows in steps(ours.encode, 2, 1, 250):
        ours.add(rows)
    rng = np.random.default_rng(0)
    drawn = [s_tm1 for _ in range(200) for s_tm1, _ in rows_of(ours.sample(100, rng))]
    _, counts = np.unique(np.array(drawn, dtype=object).astype(bytes), return_counts=True)
    share = 20_000 / len(counts)
    assert ((counts - share) ** 2 / share).sum() < len(counts) + 6 * np.sqrt(2 * len(counts))  # chi-squared


def test_each_frame_is_stored_once() -> None:
    ours, episodes = replay(10_000), 0
    player = Lanes(make_lanes(films.task("noise"), 3), ours.encode)
    player.reset(seed=7)
    for _ in range(200):
        episodes += int((~player.fresh).sum())  # begins in this step
        player.step(np.zeros(3, int))
    assert ours.added == 3 * (200 + 1) + (films.STACK - 1) * (episodes + 3)


def test_goes_on_from_a_checkpoint() -> None:
    ours, resumed = replay(220), replay(220)
    for rows in steps(ours.encode, 3, 2, 150):
        ours.add(rows)
    resumed.restore(ours.state())
    ours.clear()
    for one in (ours, resumed):
        for rows in steps(one.encode, 3, 2, 20):
            one.add(rows)
    assert len(resumed) == len(ours)
    for mine, theirs in zip(*(one.sample(300, np.random.default_rng(1)) for one in (resumed, ours)), strict=True):
        assert torch.equal(mine, theirs)


def test_a_checkpoint_is_a_copy() -> None:
    ours = replay(220)
    for rows in steps(ours.encode, 1, 1, 50):
        ours.add(rows)
    before, copies = ours.state(), {name: np.copy(value) for name, value in ours.state().items()}
    for rows in steps(ours.encode, 1, 1, 200):
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
