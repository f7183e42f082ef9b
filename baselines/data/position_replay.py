"""Replay of positions: the window of most recent positions of self-play, each with its search policy and outcome."""

from __future__ import annotations

from typing import ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from baselines.data.symmetries import SYMMETRIES, transformed
from baselines.stateful import Stateful


class Positions(NamedTuple):
    """B positions to learn from."""

    planes: NDArray[np.uint8]  # [B, C, n, n]
    pi: NDArray[np.float32]  # [B, A], the policy of the search
    z: NDArray[np.float32]  # [B], the outcome for the player to move: 1 won, -1 lost, 0 drawn


class PositionReplay(Stateful):
    """A ring of positions: the oldest make room for the newest.

    Args:
        window: how many positions it holds.
        planes: of a position.
        size: n, the side of the board.
    """

    CHECKPOINTED: ClassVar[tuple[str, ...]] = ("planes", "pi", "z", "added")

    def __init__(self, window: int, planes: int, size: int) -> None:
        self.planes = np.zeros((window, planes, size, size), np.uint8)
        self.pi = np.zeros((window, size * size + 1), np.float32)
        self.z = np.zeros(window, np.float32)
        self.added = 0  # positions ever

    @staticmethod
    def bytes(window: int, planes: int, size: int) -> int:
        """Memory that it takes."""
        return window * (planes * size**2 + 4 * (size**2 + 2))

    def __len__(self) -> int:
        return min(self.added, len(self.z))

    def add(self, positions: Positions) -> None:
        """Take positions in; of more than the window holds, the last ones."""
        window = len(self.z)
        kept = Positions(*(array[-window:] for array in positions))
        self.added += len(positions.z)
        rows = np.arange(self.added - len(kept.z), self.added) % window
        self.planes[rows], self.pi[rows], self.z[rows] = kept

    def sample(self, batch_size: int, rng: np.random.Generator) -> Positions:
        """Positions drawn uniformly, with replacement, each after a symmetry drawn uniformly."""
        rows = rng.integers(len(self), size=batch_size)
        symmetry = rng.integers(SYMMETRIES, size=batch_size)
        return Positions(*transformed(self.planes[rows], self.pi[rows], symmetry), self.z[rows])
