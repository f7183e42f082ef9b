"""Uniform experience replay: the last transitions, as tensors on the device that learns from them."""

from __future__ import annotations

from collections import deque
from typing import Any, NamedTuple

import numpy as np
import torch

from baselines import checks
from baselines.data.rollout import Transition
from baselines.maths.estimators import n_step_return
from baselines.nets.networks import to_numpy
from baselines.stateful import Stateful
from baselines.types import Array


class ReplayBatch(NamedTuple):
    """Transitions s_tm1[B, D], a_tm1[B] int64 or [B, A], r_t[B], discount_t[B], s_t[B, D], as tensors."""

    s_tm1: torch.Tensor
    a_tm1: torch.Tensor
    r_t: torch.Tensor
    discount_t: torch.Tensor
    s_t: torch.Tensor


class NStepWindow:
    """Window of the last n steps of every environment, which turns them into n-step transitions.

    Args:
        n: rewards summed before the bootstrap.
        gamma: discount.
        reward_scale: factor for rewards.
        reward_clip: bound of every single reward, before the factor; 0 for none.
    """

    def __init__(self, n: int, gamma: float, reward_scale: float = 1.0, reward_clip: float = 0.0) -> None:
        self.n, self.gamma, self.reward_scale, self.reward_clip = n, gamma, reward_scale, reward_clip or np.inf
        self.steps: deque[Transition] = deque(maxlen=n)

    def clear(self) -> None:
        """Drop the steps, as environments have begun new episodes."""
        self.steps.clear()

    def push(self, step: Transition) -> tuple[Array, ...]:
        """The transitions completed by this step, arrays [M, ...] in the order of ReplayBatch, or nothing yet."""
        self.steps.append(step)
        if len(self.steps) < self.n:
            return ()
        begun, envs = self.steps[0], np.arange(len(step.r_t))
        window = (np.stack(c) for c in zip(*((s.r_t, s.terminated, s.last_t, s.s_t) for s in self.steps), strict=True))
        rows = (begun.s_tm1, begun.a_tm1, *self.outcome(*window, envs))
        return rows if begun.valid.all() else tuple(column[begun.valid] for column in rows)

    def outcome(
        self, r_t: Array, terminated: Array, last_t: Array, s_t: Array, envs: Array
    ) -> tuple[Array, Array, Array]:
        """Return, discount and last observation, each [N, ...], of n steps [n, N, ...]; `envs` is 0 to N - 1."""
        r_t = r_t.clip(-self.reward_clip, self.reward_clip) * np.float32(self.reward_scale)
        R, discount, k = n_step_return(r_t, ~terminated * np.float32(self.gamma), last_t)
        return R, discount, s_t[k, envs]


class TensorWindow(NStepWindow):
    """The same of tensors, which stay where they are, so that `push` can be captured once `is_full` says so.

    Arguments: as of NStepWindow.
    """

    def __init__(self, n: int, gamma: float, reward_scale: float = 1.0, reward_clip: float = 0.0) -> None:
        super().__init__(n, gamma, reward_scale, reward_clip)
        self.pushed = 0
        self.window: list[torch.Tensor] = []  # the columns of Transition, [n, N, ...], the newest step last

    def clear(self) -> None:
        """Drop the steps, as environments have begun new episodes."""
        self.pushed = 0

    @property
    def fills(self) -> bool:
        """Whether the next step completes transitions."""
        return self.pushed + 1 >= self.n

    def push(self, step: Transition) -> tuple[Any, ...]:
        """The transitions completed by this step, tensors [N, ...] in the order of ReplayBatch, or nothing yet."""
        completes, columns = self.fills, step[:-1]
        if not self.window:
            self.window = [torch.zeros((self.n, *c.shape), dtype=c.dtype, device=c.device) for c in columns]
            self.envs = torch.arange(len(step.r_t), device=step.r_t.device)
        for column, newest in zip(self.window, columns, strict=True):
            column.copy_(torch.cat((column[1:], newest.unsqueeze(0))))
        self.pushed += 1
        s_tm1, a_tm1, *window = self.window
        return (s_tm1[0], a_tm1[0], *self.outcome(*window, self.envs)) if completes else ()


class Replay(Stateful):
    """A ring of `capacity` transitions, new ones in place of the oldest. Mnih et al. (2013), section 4.

    Args:
        capacity: transitions held.
        features: D.
        device: where they are held.
        actions: how many components an action has, 0 for one that is a number from 0.
    """

    def __init__(self, capacity: int, features: int, device: torch.device, actions: int = 0) -> None:
        self.capacity, self.added = capacity, 0
        bytes_each = 4 * (2 * features + (actions or 2) + 2)
        checks.memory(f"a replay of {capacity:,} transitions", capacity * bytes_each, device)
        shapes: tuple[tuple[int, ...], ...] = ((features,), (actions,) if actions else (), (), (), (features,))
        self.ring = ReplayBatch(*(torch.zeros((capacity, *shape), device=device) for shape in shapes))
        if not actions:
            self.ring = self.ring._replace(a_tm1=self.ring.a_tm1.long())

    def __len__(self) -> int:
        return min(self.added, self.capacity)

    def clear(self) -> None:
        """Nothing to do: every transition holds both its observations."""

    def network_input(self, s: Any) -> torch.Tensor:
        """Features s[N, D] as a network takes them."""
        return s if isinstance(s, torch.Tensor) else torch.from_numpy(s).to(self.ring.r_t.device)

    def add(self, rows: tuple[Array, ...]) -> None:
        """Append M <= capacity transitions, arrays [M, ...] in the order of ReplayBatch."""
        start, rows_added = self.added % self.capacity, len(rows[0])
        before_end = min(rows_added, self.capacity - start)
        for column, values in zip(self.ring, rows, strict=True):
            fresh = torch.from_numpy(np.ascontiguousarray(values)).to(column.device)
            column[start : start + before_end] = fresh[:before_end]
            column[: rows_added - before_end] = fresh[before_end:]
        self.added += rows_added

    def sample(self, size: int, rng: np.random.Generator) -> ReplayBatch:
        """`size` transitions drawn independently, each with the same chance."""
        index = torch.from_numpy(rng.integers(len(self), size=size)).to(self.ring.r_t.device)
        return ReplayBatch(*(column.index_select(0, index) for column in self.ring))

    def state(self) -> dict[str, Any]:
        """The filled part of the ring, for a checkpoint."""
        columns = zip(ReplayBatch._fields, self.ring, strict=True)
        return {"added": self.added, **{name: to_numpy(column[: len(self)]) for name, column in columns}}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from `state()`."""
        self.added = state["added"]
        for name, column in zip(ReplayBatch._fields, self.ring, strict=True):
            column[: len(self)] = torch.from_numpy(state[name]).to(column.device)


class TensorReplay(Replay):
    """The same ring, filled and sampled by tensors alone: how many were added stands on its device, too.

    Arguments: as of Replay.
    """

    def __init__(self, capacity: int, features: int, device: torch.device, actions: int = 0) -> None:
        super().__init__(capacity, features, device, actions)
        self.cursor = torch.zeros((), dtype=torch.int64, device=device)

    def add(self, rows: tuple[Any, ...]) -> None:
        """Append M <= capacity transitions, tensors [M, ...] in the order of ReplayBatch."""
        fresh = len(rows[0])
        places = (self.cursor + torch.arange(fresh, device=self.cursor.device)) % self.capacity
        for column, values in zip(self.ring, rows, strict=True):
            column.index_copy_(0, places, values)
        self.cursor += fresh
        self.added += fresh

    def sample(self, size: int, rng: Any) -> ReplayBatch:
        """`size` transitions drawn independently, each with the same chance."""
        index = rng.integers(self.cursor.clamp(max=self.capacity), size=size)
        return ReplayBatch(*(column.index_select(0, index) for column in self.ring))

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from `state()`."""
        super().restore(state)
        self.cursor.fill_(self.added)
