"""Where a training run computes: its device, whether the environments step there, and where its draws come from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
import torch

from baselines.data.draws import CounterGenerator
from baselines.data.rollout import make_envs
from baselines.data.simulators import make_halves
from baselines.data.tensor_rollout import ARGUMENTS, has_kernels
from baselines.nets import devices
from baselines.training.capture import Captured, Counter
from baselines.training.loop import Learner
from rlbench.errors import UserError


@dataclass(frozen=True)
class PlaceSettings:
    """Settings of algorithms that can keep all of a training run on a device."""

    draws: Literal["auto", "numpy", "counter"] = "auto"
    """Random draws: NumPy's, on the CPU, or those of a counter, which are the same numbers on every device and are
    drawn on that of the networks, where all data then is; auto: a counter on GPUs, NumPy's on CPUs."""


class TrainingPlace(NamedTuple):
    """Where a training run computes."""

    device: torch.device
    """Of the networks."""
    tensors: bool
    """Whether data and draws are there, too."""
    simulated: bool
    """Whether environments step on the CPU in any case."""

    @property
    def beside(self) -> bool:
        """Whether environments step on the CPU beside a device that has the data; else all is in one place."""
        return self.tensors and self.simulated

    def envs(self, settings: Any, num_envs: int, threads: int | None = None, **changes: Any) -> list[Any]:
        """The environments of the task, in a batch, or in two halves where they step beside a device."""
        if self.beside:
            return list(make_halves(settings.task, num_envs, threads, **changes))
        if not self.tensors:
            return [make_envs(settings.task, num_envs, threads, **changes)]
        return [make_envs(settings.task, num_envs, **changes, **self.env_arguments(settings))]

    def env_arguments(self, settings: Any) -> dict[str, Any]:
        """Keyword arguments of environments that step on the device; none where they do not."""
        if not self.tensors:
            return {}
        where = "cpu" if self.device.type == "cpu" else settings.device
        return {"device": "cuda" if where == "auto" else where, **ARGUMENTS}

    def generator(self, settings: Any) -> Any:
        """The random generator of a training run."""
        seed = int(settings.seed)
        return CounterGenerator(seed, self.device) if self.tensors else np.random.default_rng(seed)

    def captured(self, function: Callable[..., Any], counters: Sequence[Counter] = ()) -> Captured:
        """A function that works on tensors of the device, captured where that is a GPU and data is there."""
        return Captured(function, self.device if self.tensors else torch.device("cpu"), counters)


class PlacedLearner(Learner):
    """Base of the algorithms that can learn on a device."""

    place: TrainingPlace
    """Where this one does."""

    def wait(self) -> None:
        """Wait for the device."""
        devices.wait(self.place.device)


def place(settings: Any, why_not: str = "", *, simulated: bool = False) -> TrainingPlace:
    """Where these settings put a training run.

    Args:
        settings: PlaceSettings with a task and a device.
        why_not: What of the settings needs data on the CPU; empty for nothing.
        simulated: Whether environments step on the CPU even where there are kernels of them.

    Raises:
        UserError: There is no such device, or a counter's draws are asked for where they cannot be.
    """
    device = devices.chosen_device(settings)
    if settings.draws == "counter" and why_not:
        raise UserError(f"draws=counter is of data on the networks' device, and {why_not} needs a CPU; leave it out")
    wanted = settings.draws == "counter" or (settings.draws == "auto" and device.type != "cpu")
    return TrainingPlace(device, wanted and not why_not, simulated or not has_kernels(settings.task))
