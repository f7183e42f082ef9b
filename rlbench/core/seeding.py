"""Seeding of many streams at once: NumPy's SeedSequence and PCG64, computed for arrays of seeds.

`np.random.PCG64(seed)` takes 8 microseconds, so that a million environments would wait 8 seconds for their streams. The
same arithmetic on arrays takes about a hundredth of that, and needs no compiler.

Sources: O'Neill, "Developing a seed_seq alternative" (2015), and NumPy's `SeedSequence` for the hash; O'Neill (2014),
PCG, for the generator.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from rlbench.core.rng import MULTIPLIER, Streams, new_stream

SEED_BYTES = 16  # of SeedSequence's pool; larger seeds, which nobody draws, are left to NumPy
BLOCK = 4_096  # seeds whose words stay in the cache of a core
FEW = 16  # seeds for which a call of NumPy each is as fast

Words = NDArray[np.uint32]
Longs = NDArray[np.uint64]

_MASK_32, _MASK_64 = (1 << 32) - 1, (1 << 64) - 1


def new_streams(seeds: Sequence[int | None]) -> Streams:
    """Fresh streams, uint64[n, 4], each the one of `np.random.PCG64(seed)`.

    Args:
        seeds: Non-negative integers of any size; for None the operating system gives the seed.
    """
    if len(seeds) < FEW or _largest(seeds) >= 1 << 8 * SEED_BYTES:
        return np.array([new_stream(seed) for seed in seeds], np.uint64).reshape(-1, 4)
    streams = np.empty((len(seeds), 4), np.uint64)
    for start in range(0, len(seeds), BLOCK):
        block = seeds[start : start + BLOCK]
        streams[start : start + BLOCK] = _pcg64_streams(_generated(_pool(_words(block)))).T
    return streams


def _largest(seeds: Sequence[int | None]) -> int:
    if isinstance(seeds, range):
        return seeds[-1]
    return max((seed for seed in seeds if seed is not None), default=0)


def _words(seeds: Sequence[int | None]) -> Words:
    """The seeds as words, uint32[4, n], lowest first."""
    if isinstance(seeds, range) and seeds[-1] <= _MASK_64:
        values = np.uint64(seeds.start) + np.arange(len(seeds), dtype=np.uint64)
        none = np.zeros(len(seeds), np.uint32)
        return np.array(
            [(values & np.uint64(_MASK_32)).astype(np.uint32), (values >> np.uint64(32)), none, none], np.uint32
        )
    random = struct.iter_unpack(f"{SEED_BYTES}s", os.urandom(SEED_BYTES * seeds.count(None)))
    joined = b"".join(next(random)[0] if seed is None else seed.to_bytes(SEED_BYTES, "little") for seed in seeds)
    return np.frombuffer(joined, "<u4").astype(np.uint32).reshape(len(seeds), -1).T


def _constants(first: int, multiplier: int) -> Iterator[tuple[np.uint32, np.uint32]]:
    """The pairs of constants of the successive hashes: what a word is combined with by xor, then by product."""
    while True:
        following = first * multiplier & _MASK_32
        yield np.uint32(first), np.uint32(following)
        first = following


def _hashed(words: Words, constants: tuple[np.uint32, np.uint32]) -> Words:
    """SeedSequence's `hashmix`."""
    value: Words = (words ^ constants[0]) * constants[1]
    value ^= value >> np.uint32(16)
    return value


def _mixed(x: Words, y: Words) -> Words:
    """SeedSequence's `mix`."""
    value: Words = np.uint32(0xCA01F9DD) * x - np.uint32(0x4973F715) * y
    value ^= value >> np.uint32(16)
    return value


def _pool(entropy: Words) -> list[Words]:
    """SeedSequence's pool: four words in which every bit of the entropy, uint32[4, n], has affected every other."""
    constants = _constants(0x43B0D7E5, 0x931E8875)
    pool = [_hashed(word, next(constants)) for word in entropy]
    for source in range(4):
        for target in range(4):
            if source != target:
                pool[target] = _mixed(pool[target], _hashed(pool[source], next(constants)))
    return pool


def _generated(pool: list[Words]) -> list[Longs]:
    """SeedSequence's `generate_state(4, np.uint64)`."""
    constants = _constants(0x8B51F9DD, 0x58F38DED)
    halves = [_hashed(word, next(constants)).astype(np.uint64) for word in (*pool, *pool)]
    return [low | high << np.uint64(32) for low, high in zip(halves[::2], halves[1::2], strict=True)]


def _pcg64_streams(words: list[Longs]) -> Longs:
    """PCG64's `srandom`, uint64[4, n]: the state after one step, and the increment, the lower half of each first."""
    high, low, sequence_high, sequence_low = words
    one = np.uint64(1)
    increment_low, increment_high = sequence_low << one | one, sequence_high << one | sequence_low >> np.uint64(63)
    low, high = _sum(low, high, increment_low, increment_high)
    low, high = _sum(*_product(low, high), increment_low, increment_high)
    return np.array([low, high, increment_low, increment_high])


def _sum(low: Longs, high: Longs, other_low: Longs, other_high: Longs) -> tuple[Longs, Longs]:
    """The sum of two numbers of 128 bits, modulo 2^128."""
    total = low + other_low
    return total, high + other_high + (total < low)


def _product(low: Longs, high: Longs) -> tuple[Longs, Longs]:
    """The product with PCG64's multiplier, modulo 2^128."""
    factor_low, factor_high = np.uint64(MULTIPLIER & _MASK_64), np.uint64(MULTIPLIER >> 64)
    return low * factor_low, _upper_half(low, MULTIPLIER & _MASK_64) + low * factor_high + high * factor_low


def _upper_half(values: Longs, factor: int) -> Longs:
    """The upper 64 bits of the product of 64 bits with 64, by the halves of each."""
    half, mask = np.uint64(32), np.uint64(_MASK_32)
    a, b = values & mask, values >> half
    c, d = np.uint64(factor & _MASK_32), np.uint64(factor >> 32)
    middle = b * c + (a * c >> half)
    lower = a * d + (middle & mask)
    upper: Longs = b * d + (middle >> half) + (lower >> half)
    return upper
