"""Random number streams: one PCG64 stream per environment, the same one that NumPy's Generator draws from.

Environment i of a batch seeded with `seed` holds the stream of `gymnasium.utils.seeding.np_random(seed + i)`, so the
single environment and a batch of any size see the same draws. The batch keeps each stream's 128-bit state and increment
as four uint64 and advances them in compiled code: `uniform` below is compiled by `core.compiler`, not called here.
"""

from __future__ import annotations

import numbers
from collections.abc import Sequence
from typing import Any

import numpy as np
from gymnasium.error import Error
from numpy.typing import NDArray

from rlbench.errors import ArgumentError, shortened

LOW, HIGH, INCREMENT_LOW, INCREMENT_HIGH = range(4)  # columns of the batch's streams
MULTIPLIER = 0x2360ED051FC65DA44385DF649FCCF645  # of PCG64's step
_MASK = (1 << 64) - 1

Streams = NDArray[np.uint64]  # uint64[N, 4]


class SeedError(Error, ArgumentError):
    """A seed that no environment takes."""


def check_seed(seed: Any) -> int:
    """The seed as a Python int. NumPy integers are taken; bools, floats and negative numbers raise SeedError."""
    if isinstance(seed, bool | np.bool_) or not isinstance(seed, numbers.Integral):
        raise SeedError(f"a seed is a non-negative integer, got {shortened(seed)} ({type(seed).__name__})")
    if seed < 0:
        raise SeedError(f"a seed is a non-negative integer, got {shortened(seed)}")
    return int(seed)


def env_seeds(seed: Any, num_envs: int) -> Sequence[int | None]:
    """One seed per environment: None for all, a range from an int on, the list itself for a list of that length.

    Raises SeedError for anything else.
    """
    if seed is None:
        return [None] * num_envs
    if isinstance(seed, numbers.Integral | float) or (isinstance(seed, np.ndarray) and seed.ndim == 0):
        first = check_seed(seed)
        return range(first, first + num_envs)
    if not isinstance(seed, Sequence | np.ndarray) or len(seed) != num_envs:
        raise SeedError(f"seeds are one integer or a list of {num_envs}, one per environment, got {shortened(seed)}")
    return [None if one is None else check_seed(one) for one in seed]


def new_stream(seed: int | None) -> tuple[int, int, int, int]:
    """The four words of a fresh stream; None draws the seed from the operating system."""
    return words(np.random.PCG64(np.random.SeedSequence(seed)))


def words(generator: np.random.PCG64) -> tuple[int, int, int, int]:
    """The four words of NumPy's bit generator as it stands."""
    state = generator.state["state"]
    value, increment = state["state"], state["inc"]
    return value & _MASK, value >> 64, increment & _MASK, increment >> 64


def generator(stream: NDArray[np.uint64]) -> np.random.Generator:
    """NumPy's Generator at the point where a stream, uint64[4], stands; tests compare the two."""
    low, high, increment_low, increment_high = (int(word) for word in stream)
    bits = np.random.PCG64()
    bits.state = {
        "bit_generator": "PCG64",
        "state": {"state": high << 64 | low, "inc": increment_high << 64 | increment_low},
        "has_uint32": 0,
        "uinteger": 0,
    }
    return np.random.Generator(bits)


# O'Neill (2014), PCG: a family of simple fast space-efficient statistically good algorithms; variant XSL-RR 128/64.
# Compiled text: `np` and `multiply_add_128` are in scope where `rlbench.core.compiler.compile` compiles it.
UNIFORM = '''
def uniform(streams, i):
    """The next uniform in [0, 1) of environment i, 53 bits, as Generator.random draws it."""
    low, high = multiply_add_128(streams[i, 0], streams[i, 1], streams[i, 2], streams[i, 3])
    streams[i, 0] = low
    streams[i, 1] = high
    folded = low ^ high
    turn = high >> np.uint64(58)
    word = (folded >> turn) | (folded << ((np.uint64(64) - turn) & np.uint64(63)))
    return (word >> np.uint64(11)) * (1.0 / 9007199254740992.0)
'''
