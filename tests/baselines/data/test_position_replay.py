"""Replay of positions: a ring, sampled uniformly with a symmetry each."""

from __future__ import annotations

import numpy as np
import pytest

from baselines.data.position_replay import PositionReplay, Positions


def numbered(first: int, count: int) -> Positions:
    """Positions on 2 x 2 that tell their number: in z, in the pass's probability, and as the four points' values."""
    number = np.arange(first, first + count)
    planes = np.tile(np.arange(4, dtype=np.uint8).reshape(1, 1, 2, 2), (count, 1, 1, 1))
    pi = np.concatenate([np.tile(np.arange(4), (count, 1)), number[:, None]], axis=1).astype(np.float32)
    return Positions(planes, pi, number.astype(np.float32))


@pytest.mark.parametrize("parts", [(3,), (10,), (4, 4, 4), (25,), (9, 1, 13), (0, 2)])
def test_the_last_positions_are_kept(parts: tuple[int, ...]) -> None:
    replay, first = PositionReplay(10, planes=1, size=2), 0
    for count in parts:
        replay.add(numbered(first, count))
        first += count
    kept = set(range(max(0, first - 10), first))
    assert len(replay) == len(kept)
    assert set(replay.sample(1000, np.random.default_rng(0)).z.astype(int)) == kept


def test_a_sample_is_whole_and_of_every_symmetry() -> None:
    replay = PositionReplay(10, planes=1, size=2)
    replay.add(numbered(0, 10))
    sample = replay.sample(2000, np.random.default_rng(0))
    np.testing.assert_array_equal(sample.pi[:, 4], sample.z)
    np.testing.assert_array_equal(sample.planes.reshape(-1, 4), sample.pi[:, :4])
    seen, counts = np.unique(sample.planes.reshape(-1, 4), axis=0, return_counts=True)
    assert len(seen) == 8
    assert counts.min() > 150  # of 250


def test_it_goes_on_from_its_state() -> None:
    one, other = (PositionReplay(10, planes=1, size=2) for _ in range(2))
    one.add(numbered(0, 17))
    other.restore(one.state())
    for replay in (one, other):
        replay.add(numbered(17, 6))
    first, second = (replay.sample(50, np.random.default_rng(1)) for replay in (one, other))
    for a, b in zip(first, second, strict=True):
        np.testing.assert_array_equal(a, b)


def test_bytes() -> None:
    replay = PositionReplay(7, planes=5, size=9)
    assert PositionReplay.bytes(7, 5, 9) == replay.planes.nbytes + replay.pi.nbytes + replay.z.nbytes
