"""Learners on the pretended device: their graphs, their weights, and what crossed to the CPU."""

import contextlib
from dataclasses import replace
from unittest import mock

import numpy as np

from baselines.nets import devices
from baselines.training import capture
from baselines.training.loop import computing
from tests.core.fake_cuda import FakeLibrary, gpu_on_the_cpu
from tests.pretend_device import LOG, PretendGraph, pretend_device


@contextlib.contextmanager
def pretended_gpu(graphs=True):
    """Inside, `device="cuda"` of a training run is the pretended device, whose kernels and graphs run on the CPU."""
    with contextlib.ExitStack() as stack:
        device = stack.enter_context(pretend_device())
        stack.enter_context(gpu_on_the_cpu(FakeLibrary(), device))
        stack.enter_context(mock.patch.object(devices, "chosen_device", return_value=device))
        stack.enter_context(mock.patch.object(capture, "new_graph", PretendGraph))
        if not graphs:
            stack.enter_context(mock.patch.object(capture, "WARM_UP", 10**9))
        yield device


def learn(make, settings, iterations, prepare=lambda learner: None):
    """A learner after so many iterations, and the crossings of the last of them, by line.

    Args:
        make: The class.
        settings: Its settings, but where it learns.
        iterations: How many; those in which functions are still called rather than replayed are among them.
        prepare: Changes the learner before it begins.
    """
    with computing(), contextlib.closing(make(settings)) as learner:
        prepare(learner)
        learner.begin_episodes()
        LOG.__init__()
        for _ in range(iterations):
            learner.iterate()
        crossed = LOG.by_line()
        return learner.policy().tensors(), learner.state(), crossed


def on_cpu(settings):
    return replace(settings, device="cpu", draws="counter")


def on_gpu(settings):
    return replace(settings, device="cuda", draws="auto")


def same(here, there):
    """Whether nested dicts hold equal numbers."""
    if isinstance(here, dict):
        return here.keys() == there.keys() and all(same(here[name], there[name]) for name in here)
    if isinstance(here, list):
        return len(here) == len(there) and all(map(same, here, there))
    return np.array_equal(here, there) if hasattr(here, "dtype") else here == there
