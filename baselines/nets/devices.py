"""The device that a training run computes on: what its settings say, or what is likely faster."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import torch

from rlbench.errors import UserError

WORTH_PRODUCTS, WORTH_ENVS = 2**23, 1_024
"""Multiplications of a gradient step, and environments, from which a GPU is likely faster than a core; estimates: below
them a GPU mostly waits for its next kernel."""


def chosen_device(settings: Any) -> torch.device:
    """The torch device of `settings.device`: cpu, cuda, or auto for a GPU where there is one that is worth it.

    Raises:
        UserError: cuda, where there is none.
    """
    if settings.device == "cuda" and not torch.cuda.is_available():
        raise UserError("device=cuda, but PyTorch finds no CUDA device here; use device=cpu or device=auto")
    if settings.device not in ("auto", "cpu", "cuda"):
        raise UserError(f"device must be auto, cpu or cuda, not {settings.device!r}")
    cuda = settings.device == "cuda" or (
        settings.device == "auto" and torch.cuda.is_available() and is_worth_a_gpu(settings)
    )
    return torch.device("cuda" if cuda else "cpu")


def is_worth_a_gpu(settings: Any) -> bool:
    """Whether these networks or environments are large enough for a GPU to be likely faster."""
    if getattr(settings, "convolutions", ()) or hasattr(settings, "blocks"):
        return True
    rows = getattr(settings, "batch_size", 0) or (
        settings.num_envs * max(1, getattr(settings, "horizon", 0)) // getattr(settings, "minibatches", 1)
    )
    hidden = getattr(settings, "hidden", None) or (getattr(settings, "state", 1),)
    products = rows * sum(a * b for a, b in pairwise((hidden[0], *hidden)))
    return bool(products >= WORTH_PRODUCTS or getattr(settings, "num_envs", 0) >= WORTH_ENVS)


def why_cpu(settings: Any) -> str:
    """The line that says that auto chose the CPU though there is a GPU; empty where it did not."""
    if settings.device != "auto" or not torch.cuda.is_available() or is_worth_a_gpu(settings):
        return ""
    return "device=auto: the CPU, which is likely faster for networks and batches so small; device=cuda takes the GPU"


def device_name(settings: Any) -> str:
    """Model of the GPU that a training run computes on; empty where that is the CPU."""
    device = chosen_device(settings)
    return torch.cuda.get_device_name(device) if device.type == "cuda" else ""


def wait(device: torch.device) -> None:
    """Wait until a GPU has done what it was given, so that a clock tells the time of it."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def pinned(shape: Any, device: torch.device, dtype: torch.dtype = torch.uint8) -> torch.Tensor:
    """Memory of the CPU with which a device trades without a wait: pinned for a GPU."""
    return torch.empty(shape, dtype=dtype, pin_memory=device.type == "cuda")


class StreamMark:
    """A point in the work that a device was given, until which the CPU can wait."""

    def __init__(self, device: torch.device) -> None:
        self.event = torch.cuda.Event() if device.type == "cuda" else None

    def set(self) -> None:
        """Behind all that the device was given so far; an earlier mark is forgotten."""
        if self.event is not None:
            self.event.record()

    def wait(self) -> None:
        """Wait until the device is there; not at all where the mark was never set."""
        if self.event is not None:
            self.event.synchronize()
