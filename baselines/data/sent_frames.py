"""Replay of stacked frames on a device beside which simulators step: all that a step stores crosses in one transfer.

The CPU keeps account of frames and stacks and draws samples, by NumPy's generator; the device has the frames.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from baselines.data.frame_replay import FrameReplay, StackEncoder
from baselines.data.replay import ReplayBatch
from baselines.data.rollout import Rollout, Transition
from baselines.data.simulators import Upload
from baselines.types import Array


class SentFrameReplay(FrameReplay):
    """The replay; what is stored waits until `send`.

    Args:
        capacity, shape, block, device: as of FrameReplay.
        batch_size: transitions of a sample.
    """

    def __init__(
        self, capacity: int, shape: tuple[int, int, int], block: int, device: torch.device, batch_size: int
    ) -> None:
        super().__init__(capacity, shape, block, device)
        self.places = torch.zeros(batch_size, dtype=torch.int64, device=device)  # of the next sample
        self.upload = Upload(device)
        self.waiting: list[tuple[str, Array, Array]] = []  # column, slots, values

    def _write(self, name: str, slots: NDArray[np.int64], values: NDArray[Any]) -> None:
        """Keep values [M, ...] for a column, in its type, until they are sent."""
        self.waiting.append((name, slots, torch.from_numpy(values).to(getattr(self, name).dtype).numpy()))

    def send(self, arrays: Sequence[Array]) -> list[torch.Tensor]:
        """Send what waits, and some arrays, which are returned as tensors of the device."""
        stored = [array for _, slots, values in self.waiting for array in (slots, values)]
        sent = self.upload([*stored, *arrays])
        for (name, _, _), slots, values in zip(self.waiting, sent[: len(stored) : 2], sent[1::2], strict=False):
            getattr(self, name).index_copy_(0, slots, values)
        self.waiting.clear()
        return sent[len(stored) :]

    def draw_next(self, rng: np.random.Generator) -> None:
        """Draw the next sample, which is sent with what else waits."""
        size = len(self.places)
        self._write("places", np.arange(size), self.draw(size, rng))

    def sample(self, size: int, rng: Any) -> ReplayBatch:
        """The transitions that were drawn."""
        return self.gathered(self.places)


class StoringRollout(Rollout):
    """N environments of stacked frames, whose steps are stored before they are sent.

    Args:
        env: the environments.
        encoder: stores their frames.
        explore: makes of the best actions those that are taken.
        store: stores a step.
    """

    def __init__(
        self, env: Any, encoder: StackEncoder, explore: Callable[[Array], Array], store: Callable[[Transition], None]
    ) -> None:
        super().__init__(env, encoder, encode_first=encoder.first)
        self.explore, self.store = explore, store

    def step(self, a_tm1: Array) -> Transition:
        """Act by the best actions a_tm1[N], or at random -> Transition [N, ...], observations by their numbers."""
        done = super().step(self.explore(a_tm1))
        self.store(done)
        return done
