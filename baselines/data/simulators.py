"""Simulators on the CPU, learned from on a device: what `tensor_rollout` is to environments that step there.

They step in two halves. While one half steps on the CPU, the device computes what the other does next, so that neither
waits for the other; what a step of a half takes and gives crosses in one transfer each, through pinned memory.
(Rejected: Python's threads for the halves. The simulators have threads of their own, and the learner needs none.)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from gymnasium.vector import AutoresetMode, VectorEnv

from baselines.data.rollout import Choose, ChooseBy, Rollout, Transition, batch_takes, env_id, stacked
from baselines.nets import devices
from baselines.stateful import Stateful
from baselines.types import Array

ALIGNED = 8
"""Bytes: arrays begin at multiples of it in a transfer, so that any type can be read there."""

Send = Callable[[Sequence[Array]], list[torch.Tensor]]
"""Arrays -> tensors of a device, in one transfer."""


class Upload:
    """Sends arrays to a device in one transfer, from memory that a GPU reads while the CPU goes on."""

    def __init__(self, device: torch.device) -> None:
        self.device, self.memory, self.sent = device, devices.pinned(0, device), devices.StreamMark(device)

    def __call__(self, arrays: Sequence[Array]) -> list[torch.Tensor]:
        """Copies of arrays as tensors of the same shapes and types."""
        arrays = [np.asarray(array, order="C") for array in arrays]
        sizes = [-(-array.nbytes // ALIGNED) * ALIGNED for array in arrays]
        self.sent.wait()  # else the memory would change under a transfer
        if sum(sizes) > len(self.memory):
            self.memory = devices.pinned(sum(sizes), self.device)
        packed = self.memory[: sum(sizes)]
        for part, array in zip(np.split(packed.numpy(), np.cumsum(sizes)), arrays, strict=False):
            part[: array.nbytes] = array.reshape(-1).view(np.uint8)
        moved = packed.to(self.device, non_blocking=True, copy=True)
        self.sent.set()
        return [_as(part, array) for part, array in zip(moved.split(sizes), arrays, strict=True)]


def _as(part: torch.Tensor, array: Array) -> torch.Tensor:
    """The bytes of an array, in its type and shape."""
    return part[: array.nbytes].view(torch.from_numpy(array.reshape(-1)[:0]).dtype).view(array.shape)


class Download:
    """Copies a tensor to the CPU, which goes on meanwhile."""

    def __init__(self, device: torch.device) -> None:
        self.device, self.there = device, devices.StreamMark(device)
        self.memory = torch.empty(0)

    def begin(self, tensor: torch.Tensor) -> None:
        """Begin to copy."""
        if self.memory.shape != tensor.shape or self.memory.dtype != tensor.dtype:
            self.memory = devices.pinned(tensor.shape, self.device, tensor.dtype)
        self.memory.copy_(tensor, non_blocking=True)
        self.there.set()

    def end(self) -> Array:
        """The copy, once it is there."""
        self.there.wait()
        return self.memory.numpy().copy()


class Half:
    """A batch of simulators, and what it trades with the device.

    Args:
        rollout: Steps them.
        rows: Which of all environments they are.
        device: Where their steps are learned from.
        check: Called where actions are no finite numbers, which simulators do not take: raises what is wrong.
        upload: Sends arrays there.
    """

    def __init__(
        self, rollout: Rollout, rows: slice, device: torch.device, check: Callable[[], None], upload: Send
    ) -> None:
        self.rollout, self.rows, self.check, self.upload = rollout, rows, check, upload
        self.download = Download(device)
        self.s_tm1, self.a_tm1 = torch.empty(0), torch.empty(0)
        self.last_t = np.zeros(0, dtype=bool)  # of the last step, on the CPU

    def reset(self, seed: int | None) -> None:
        """Begin an episode in every environment; environment i of all is seeded `seed + i`, or its stream goes on."""
        self.rollout.reset(None if seed is None else seed + self.rows.start)
        (self.s_tm1,) = self.upload([self.rollout.s_tm1])

    def ask(self, a_tm1: torch.Tensor) -> None:
        """Begin to copy the next actions a[M, ...] to the CPU."""
        self.a_tm1 = a_tm1
        self.download.begin(a_tm1)

    def step(self) -> Transition:
        """Take the actions that were asked for -> Transition [M, ...] of tensors, all of whose rows are valid."""
        a = self.download.end()
        if a.dtype.kind == "f" and not np.isfinite(a).all():
            self.check()
        done = self.rollout.step(a)
        self.last_t = done.last_t
        given = self.upload([done.s_t, self.rollout.s_tm1, done.r_t, done.terminated, done.last_t])
        s_t, s, r_t, terminated, last_t = given
        transition = Transition(self.s_tm1, self.a_tm1, r_t, terminated, last_t, s_t, None)
        self.s_tm1 = s
        return transition


class SimulatorRollout(Stateful):
    """N simulators in one or two halves, each step of which is a transition.

    Args:
        rollouts: Of each half, in autoreset mode SAME_STEP.
        device: Where their steps are learned from.
        check: As of Half.
        upload: Likewise; None for an `Upload` of each half.
    """

    def __init__(
        self, rollouts: Sequence[Rollout], device: torch.device, check: Callable[[], None], upload: Send | None = None
    ) -> None:
        ends = np.cumsum([0, *(each.env.num_envs for each in rollouts)]).tolist()
        rows = [slice(*pair) for pair in pairwise(ends)]
        each = zip(rollouts, rows, strict=True)
        self.halves = [Half(*pair, device, check, upload or Upload(device)) for pair in each]
        self.elapsed = torch.zeros((), dtype=torch.float64, device=device)  # rows, for schedules
        self.played: Any = None

    @property
    def env_steps(self) -> int:
        """Transitions so far, of all simulators."""
        return sum(half.rollout.env_steps for half in self.halves)

    @property
    def rows(self) -> int:
        """The same: every row is one."""
        return sum(half.rollout.rows for half in self.halves)

    def reset(self, seed: int) -> None:
        """Begin an episode in every environment, the i-th seeded `seed + i`."""
        for half in self.halves:
            half.reset(seed)

    def step(self, half: Half) -> Transition:
        """A step of one half, by the actions that were asked for."""
        transition = half.step()
        self.elapsed += len(transition.r_t)
        return transition

    def play(self, choose: ChooseBy, u: torch.Tensor) -> Transition:
        """The next steps of every environment, [T, N, ...], by draws u[T, N, ...]; the next call overwrites them."""
        steps = len(u)
        for half in self.halves:
            half.ask(choose(half.s_tm1, u[0, half.rows]))
        for t in range(steps):
            for half in self.halves:
                self._keep(t, half.rows, self.step(half), steps)
                if t + 1 < steps:
                    half.ask(choose(half.s_tm1, u[t + 1, half.rows]))
        return self.played

    def play_episodes(self, choose: Choose) -> Transition:
        """One new episode of every environment, [T, N, ...], as of `rollout.play_episodes`; random streams go on."""
        before, steps = self.rows, []
        for half in self.halves:
            half.reset(None)
            half.ask(choose(half.s_tm1))
        while any(half.rollout.active.any() for half in self.halves):
            parts = zip(*(self._step_once(half, choose)[:-1] for half in self.halves), strict=True)
            steps.append(Transition(*map(torch.cat, parts), None))
        self.elapsed.fill_(self.rows)
        played = stacked(steps)
        return played._replace(valid=valid_places(played.last_t, self.rows - before))

    def _step_once(self, half: Half, choose: Choose) -> Transition:
        """A step of one half, after which environments whose episode ended no longer count; asks for the next."""
        transition = half.step()
        half.rollout.active = half.rollout.active & ~half.last_t
        half.ask(choose(half.s_tm1))
        return transition

    def _keep(self, t: int, rows: slice, transition: Transition, steps: int) -> None:
        """Store a step of some environments; in the same memory as long as `steps` does not change."""
        columns: Any = transition[:-1]
        if self.played is None or len(self.played.r_t) != steps:
            ends = self.halves[-1].rows.stop
            shapes = [(steps, ends, *column.shape[1:]) for column in columns]
            empty = [c.new_empty(shape) for c, shape in zip(columns, shapes, strict=True)]
            self.played = Transition(*empty, None)
        for kept, column in zip(self.played[:-1], columns, strict=True):
            kept[t, rows].copy_(column)

    def training_return(self) -> dict[str, float]:
        """Mean return of the training episodes that ended since the last call, where some did."""
        finished = [each for half in self.halves for each in half.rollout.finished]
        for half in self.halves:
            half.rollout.finished = []
        return {"training return": float(np.mean(finished))} if finished else {}

    def check(self) -> None:
        """Nothing: simulators refuse invalid actions themselves."""

    def close(self) -> None:
        """Close the simulators."""
        for half in self.halves:
            half.rollout.close()

    def state(self) -> dict[str, Any]:
        """What the halves counted."""
        return {"halves": {str(i): half.rollout.state() for i, half in enumerate(self.halves)}}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from `state()`."""
        for i, half in enumerate(self.halves):
            half.rollout.restore(state["halves"][str(i)])
        self.elapsed.fill_(self.rows)


def valid_places(last_t: torch.Tensor, count: int) -> torch.Tensor:
    """The places [count] among T N of the steps up to the end of each environment's first episode, in their order.

    Args:
        last_t: bool[T, N], where episodes end.
        count: How many such steps there are; the CPU knows, so that it need not wait.
    """
    over = (last_t.cumsum(0) - last_t.long()).flatten() > 0
    return over.to(torch.uint8).argsort(stable=True)[:count]


def make_halves(task: str, num_envs: int, threads: int | None = None, **changes: Any) -> list[VectorEnv[Any, Any, Any]]:
    """The environment of a task, stepped on the CPU in two batches of equal size; in one where `num_envs` is odd.

    Arguments: as of `rollout.make_envs`.
    """
    from rlbench import environments

    name, kwargs = env_id(task)
    changes |= {"threads": threads} if threads is not None and batch_takes(name, "threads") else {}
    sizes = [num_envs] if num_envs % 2 else [num_envs // 2] * 2
    return [environments.make_vec(name, size, AutoresetMode.SAME_STEP, **kwargs | changes) for size in sizes]
