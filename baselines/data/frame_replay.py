"""Experience replay for stacked frames that stores each frame once: 7 GB for a million of 84x84, where stacks take 28.

Two consecutive stacks share all frames but one. So the ring holds frames, and an observation is stored as *the number
of its newest frame*, counted from the first one ever stored; beside each frame stand the places of the frames of its
stack. An episode begins with a whole stack and ends with a frame from which no transition begins, so that it takes as
many frames as it has steps, and a stack more.
"""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from baselines import checks
from baselines.data.replay import ReplayBatch
from baselines.nets.networks import to_numpy
from baselines.stateful import Stateful

CHUNK = 256  # frames that a checkpoint compresses at a time, 2 MB: larger buffers would stay with the allocator
FAST = 1  # zlib's fastest level: the others take three times as long for a tenth less


class FrameReplay(Stateful):
    """Replay of stacked frames: a ring of frames and the transitions between the stacks that they form.

    Frames are stored in blocks of pixels, uint8 [capacity, H / block, W / block, block^2], so that a first convolution
    of that stride reads them in rows; see `networks.PixelConvolution`.

    Args:
        capacity: frames held.
        shape: (K, H, W) of an observation, K frames with the newest last.
        block: side of a block in pixels.
        device: where they are held.
    """

    def __init__(self, capacity: int, shape: tuple[int, int, int], block: int, device: torch.device) -> None:
        self.stacked, height, width = shape
        self.capacity, self.block, self.device = capacity, block, device
        ring = (capacity, height // block, width // block, block * block)
        checks.memory(f"a replay of {capacity:,} frames", self.bytes(capacity, shape), device)
        self.frames = torch.empty(ring, dtype=torch.uint8, device=device).fill_(0)  # so that every page is there
        self.stack = torch.zeros((capacity, self.stacked), dtype=torch.int32, device=device)
        integers, floats = (torch.zeros(capacity, dtype=dtype, device=device) for dtype in (torch.int64, torch.float32))
        self.a_tm1, self.s_t, self.r_t, self.discount_t = integers, integers.clone(), floats, floats.clone()
        self.oldest = np.zeros(capacity, np.int64)  # number of the oldest frame of the stack
        self.begun = np.zeros(capacity, bool)  # whether a transition begins here
        self.added = self.transitions = 0
        self.encoders: list[StackEncoder] = []

    @staticmethod
    def bytes(capacity: int, shape: tuple[int, int, int]) -> int:
        """Memory that a replay takes: frames, places of the stacks, and 33 bytes for a transition."""
        stacked, height, width = shape
        return capacity * (height * width + 4 * stacked + 33)

    def __len__(self) -> int:
        return self.transitions

    def encoder(self) -> StackEncoder:
        """What stores the observations of a batch of environments here."""
        self.encoders.append(StackEncoder(self))
        return self.encoders[-1]

    def clear(self) -> None:
        """Drop the last observations, as environments begin new episodes: these begin with whole stacks."""
        for encoder in self.encoders:
            encoder.clear()

    def store(
        self, observation: NDArray[np.uint8], goes_on: NDArray[np.bool_], numbers: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        """Store the newest frames of observations [M, K, H, W], and whole stacks where an episode does not go on.

        The numbers [M, K] of the frames of the observations before -> of these.
        """
        numbers[:, :-1] = numbers[:, 1:]
        for i in np.flatnonzero(~goes_on):
            numbers[i, :-1] = self._put(observation[i, :-1])
        numbers[:, -1] = self._put(observation[:, -1])
        slots = numbers % self.capacity
        self._write("stack", slots[:, -1], slots)
        self.oldest[slots[:, -1]] = numbers[:, 0]
        return numbers

    def _write(self, name: str, slots: NDArray[np.int64], values: NDArray[Any]) -> None:
        """Store values [M, ...] of a column on the device at slots[M]."""
        column: torch.Tensor = getattr(self, name)
        fresh = torch.from_numpy(np.ascontiguousarray(values))
        column[torch.from_numpy(slots).to(self.device)] = fresh.to(self.device, column.dtype)

    def _put(self, frames: NDArray[np.uint8]) -> NDArray[np.int64]:
        """Store frames [M, H, W] in place of the oldest; their numbers [M]."""
        M, height, width = frames.shape
        b = self.block
        blocks = frames.reshape(M, height // b, b, width // b, b).swapaxes(2, 3).reshape(M, *self.frames.shape[1:])
        numbers = self.added + np.arange(M)
        slots = numbers % self.capacity
        self._write("frames", slots, blocks)
        self.transitions -= int(self.begun[slots].sum())
        self.begun[slots] = False
        self.added += M
        return numbers

    def add(self, rows: tuple[NDArray[Any], ...]) -> None:
        """Append M transitions, arrays [M] in the order of ReplayBatch, observations by their numbers."""
        s_tm1, a_tm1, r_t, discount_t, s_t = rows
        slots = s_tm1 % self.capacity
        columns = {"a_tm1": a_tm1, "r_t": r_t, "discount_t": discount_t, "s_t": s_t % self.capacity}
        for name, values in columns.items():
            self._write(name, slots, values)
        self.begun[slots] = True
        self.transitions += len(slots)

    def whole(self, slots: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Whether a transition begins at each of slots[M], and none of its frames has been replaced."""
        return self.begun[slots] & (self.oldest[slots] >= self.added - self.capacity)

    def sample(self, size: int, rng: np.random.Generator) -> ReplayBatch:
        """`size` transitions drawn independently, each with the same chance."""
        return self.gathered(torch.from_numpy(self.draw(size, rng)).to(self.device))

    def draw(self, size: int, rng: np.random.Generator) -> NDArray[np.int64]:
        """The slots of `size` transitions: drawn again where none is there."""
        filled = min(self.added, self.capacity)
        slots = rng.integers(filled, size=size)
        while (missed := ~self.whole(slots)).any():
            slots[missed] = rng.integers(filled, size=int(missed.sum()))
        return slots

    def gathered(self, index: torch.Tensor) -> ReplayBatch:
        """The transitions at slots index[B]."""
        a_tm1, r_t, discount_t, s_t = (
            column.index_select(0, index) for column in (self.a_tm1, self.r_t, self.discount_t, self.s_t)
        )
        return ReplayBatch(self._stacks(index), a_tm1, r_t, discount_t, self._stacks(s_t))

    def network_input(self, numbers: Any) -> torch.Tensor:
        """The observations of these numbers [N] as a network takes them, uint8 [N, K, h, w, block^2]."""
        if not isinstance(numbers, torch.Tensor):
            numbers = torch.from_numpy(numbers).to(self.device)
        return self._stacks(numbers % self.capacity)

    def _stacks(self, index: torch.Tensor) -> torch.Tensor:
        """The stacks at places index[B]."""
        places = self.stack.index_select(0, index).view(-1)
        return self.frames.index_select(0, places).view(len(index), self.stacked, *self.frames.shape[1:])

    def _chunks(self) -> list[torch.Tensor]:
        """The filled part of the frames, in pieces."""
        filled = self.frames[: min(self.added, self.capacity)]
        return [filled[i : i + CHUNK] for i in range(0, len(filled), CHUNK)]

    def state(self) -> dict[str, Any]:
        """The filled part of the ring, its frames compressed, for a checkpoint."""
        filled = min(self.added, self.capacity)
        packed = [zlib.compress(chunk.cpu().numpy(), FAST) for chunk in self._chunks()]
        columns = {
            name: to_numpy(getattr(self, name)[:filled]) for name in ("stack", "a_tm1", "s_t", "r_t", "discount_t")
        }
        return {
            "added": self.added,
            "transitions": self.transitions,
            "chunks": [len(chunk) for chunk in packed],
            "frames": np.frombuffer(b"".join(packed), np.uint8),
            "oldest": self.oldest[:filled].copy(),
            "begun": self.begun[:filled].copy(),
            **columns,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from `state()`."""
        self.added, self.transitions = state["added"], state["transitions"]
        filled = min(self.added, self.capacity)
        self.oldest[:filled], self.begun[:filled] = state["oldest"], state["begun"]
        for name in ("stack", "a_tm1", "s_t", "r_t", "discount_t"):
            getattr(self, name)[:filled] = torch.from_numpy(state[name]).to(self.device)
        packed = np.split(state["frames"], np.cumsum(state["chunks"], dtype=int))
        for chunk, data in zip(self._chunks(), packed, strict=False):  # after the last chunk nothing is left
            unpacked = bytearray(zlib.decompress(data))
            chunk.copy_(torch.frombuffer(unpacked, dtype=torch.uint8).view_as(chunk))
        self.clear()


class StackEncoder:
    """Stores what a batch of environments shows in a replay, each frame once; its features are the frames' numbers."""

    def __init__(self, replay: FrameReplay) -> None:
        self.replay = replay
        self.clear()

    def clear(self) -> None:
        """Forget the last observations."""
        self.last: NDArray[np.uint8] | None = None  # last observation of every environment
        self.numbers = np.zeros((0, self.replay.stacked), np.int64)  # of its frames

    def __call__(self, observation: NDArray[np.uint8]) -> NDArray[np.int64]:
        """Store observations [N, K, H, W] of all environments; the numbers [N] of their newest frames."""
        if self.last is None:
            goes_on = np.zeros(len(observation), bool)
            self.numbers = np.zeros((len(observation), self.replay.stacked), np.int64)
        else:
            goes_on = (observation[:, :-1] == self.last[:, 1:]).all(axis=(1, 2, 3))
        self.last = observation
        return self._store(observation, goes_on, np.arange(len(observation)))

    def first(self, observation: NDArray[np.uint8], envs: NDArray[np.bool_]) -> NDArray[np.int64]:
        """Store the first observations [M, K, H, W] of new episodes in the M environments of the mask [N]; [M]."""
        if self.last is None:
            raise RuntimeError("`first` comes after a call, which stores the first observations of all")
        self.last = self.last.copy()
        self.last[envs] = observation
        return self._store(observation, np.zeros(len(observation), bool), np.flatnonzero(envs))

    def _store(
        self, observation: NDArray[np.uint8], goes_on: NDArray[np.bool_], envs: NDArray[np.intp]
    ) -> NDArray[np.int64]:
        """Store observations [M, K, H, W] of envs[M]; the numbers [M] of their newest frames."""
        self.numbers[envs] = self.replay.store(observation, goes_on, self.numbers[envs])
        return self.numbers[envs, -1]
