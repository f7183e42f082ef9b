"""Where a training run computes: its device, whether the environments step there, and where its draws come from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
import torch

from baselines.data.draws import CounterGenerator
from baselines.data.rollout import make_envs
from baselines.data.tensor_rollout import ARGUMENTS, has_kernels
from baselines.nets import devices
from rlbench.errors import UserError


@dataclass(frozen=True)
class PlaceSettings:
    """Settings of algorithms that can keep all of a training run on a device."""

    draws: Literal["auto", "numpy", "counter"] = "auto"
    """Random draws: NumPy's, of environments that step on the CPU, or those of a counter, which are the same numbers on
    every device, of environments that step on the networks' device; auto: a counter on GPUs where there are kernels."""


class TrainingPlace(NamedTuple):
    """Where a training run computes."""

    device: torch.device
    """Of the networks."""
    tensors: bool
    """Whether environments, data and draws are there, too: nothing then crosses between evaluations."""

    def envs(self, settings: Any, num_envs: int, threads: int | None = None, **changes: Any) -> Any:
        """The environments of the task."""
        if not self.tensors:
            return make_envs(settings.task, num_envs, threads, **changes)
        return make_envs(settings.task, num_envs, **changes, **self.env_arguments(settings))

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


def place(settings: Any, why_not: str = "") -> TrainingPlace:
    """Where these settings put a training run.

    Args:
        settings: PlaceSettings with a task and a device.
        why_not: What of the settings needs environments on the CPU; empty for nothing.

    Raises:
        UserError: There is no such device, or a counter's draws are asked for where they cannot be.
    """
    device = devices.chosen_device(settings)
    why_not = why_not or ("" if has_kernels(settings.task) else f"the simulator of {settings.task}")
    if settings.draws == "counter" and why_not:
        raise UserError(f"draws=counter is for environments that step on a device, and {why_not} needs a CPU")
    wanted = settings.draws == "counter" or (settings.draws == "auto" and device.type != "cpu")
    return TrainingPlace(device, wanted and not why_not)
