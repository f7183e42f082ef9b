"""Random draws of learners: NumPy's generator, or a counter-based one that gives the same numbers on any device.

A counter-based generator is a function of a key and a number, so that a GPU computes any of its draws at any time, and
all that changes is one number. This one is Philox-4x32-10: Salmon, Moraes, Dror & Shaw (2011), "Parallel random
numbers: as easy as 1, 2, 3", section 3.3; the generator of cuRAND, and of torch on GPUs.
"""

from __future__ import annotations

import math
from typing import Any, ClassVar, Protocol

import torch

from baselines.stateful import Stateful

MULTIPLIERS = 0xD2511F53, 0xCD9E8D57
WEYL = 0x9E3779B9, 0xBB67AE85
"""What the two halves of the key grow by from round to round."""
ROUNDS = 10
WORD = 0xFFFFFFFF


class Draws(Protocol):
    """Where a learner's random numbers come from: a generator of NumPy, or `CounterGenerator`."""

    def random(self, size: Any) -> Any:
        """Numbers in [0, 1) of a shape."""

    def integers(self, high: Any, *, size: Any) -> Any:
        """So many integers in [0, high), int64."""

    def permutation(self, n: int) -> Any:
        """0 to n - 1 in random order."""


class CounterGenerator(Stateful):
    """Philox's draws as tensors, in integer operations of torch alone: the same bits on every device.

    Args:
        seed: The key, below 2^64.
        device: Where they are drawn.
    """

    CHECKPOINTED: ClassVar[tuple[str, ...]] = ("position",)

    def __init__(self, seed: int, device: torch.device) -> None:
        self.device = device
        self.keys = round_keys(seed & WORD, seed >> 32).to(device)
        self.multipliers = torch.tensor(MULTIPLIERS, device=device).view(2, 1)
        self.position = torch.zeros((), dtype=torch.int64, device=device)  # the counter of the next draw

    def words(self, n: int) -> torch.Tensor:
        """The next n words of 32 bits, int64[n]."""
        blocks = -(-n // 4)
        number = self.position + torch.arange(blocks, device=self.device)
        low, high, zero = number & WORD, number >> 32, torch.zeros_like(number)
        self.position += blocks
        return philox(torch.stack((low, high, zero, zero)), self.keys, self.multipliers).t().reshape(-1)[:n]

    def random(self, size: int | tuple[int, ...]) -> torch.Tensor:
        """Numbers in [0, 1), float32: a word's upper 24 bits, all of which float32 holds."""
        shape = size if isinstance(size, tuple) else (size,)
        return ((self.words(math.prod(shape)) >> 8).float() * 2.0**-24).view(shape)

    def integers(self, high: int | torch.Tensor, *, size: int | None = None) -> torch.Tensor:
        """Integers in [0, high), int64[size], or one; some are likelier by high / 2^32 at most, which is let be."""
        drawn = (self.words(size or 1) * high) >> 32
        return drawn if size else drawn[0]

    def permutation(self, n: int) -> torch.Tensor:
        """0 to n - 1 in random order: of two equal words the first stays first, with a chance of n / 2^33 each."""
        return self.words(n).argsort(stable=True)


def round_keys(low: int, high: int) -> torch.Tensor:
    """The keys of all rounds, int64[ROUNDS, 2, 1]."""
    keys = [[(low + r * WEYL[0]) & WORD, (high + r * WEYL[1]) & WORD] for r in range(ROUNDS)]
    return torch.tensor(keys).unsqueeze(-1)


def philox(counter: torch.Tensor, keys: torch.Tensor, multipliers: torch.Tensor) -> torch.Tensor:
    """Philox-4x32-10 of counters [4, n], with keys [ROUNDS, 2, 1] and multipliers [2, 1] -> words [4, n], all int64.

    A round: x_0, x_1, x_2, x_3 <- hi(M_1 x_2) ^ x_1 ^ k_0, lo(M_1 x_2), hi(M_0 x_0) ^ x_3 ^ k_1, lo(M_0 x_0).
    Products take up to 64 bits and so wrap into negative numbers, whose bits are the same.
    """
    even, odd = counter[0::2], counter[1::2]
    for key in keys:
        product = (even * multipliers).flip(0)
        even, odd = ((product >> 32) & WORD) ^ odd ^ key, product & WORD
    return torch.stack((even, odd), dim=1).view(4, -1)
