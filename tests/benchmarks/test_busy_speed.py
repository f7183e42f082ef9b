"""Batches of cart-poles beside processes that want the cores, too: the default against one core, and against all."""

import contextlib
import statistics
import subprocess
import sys
import time

import gymnasium
import numpy as np
import pytest

import rlbench  # noqa: F401  # registers the ids

CHOICES = {"default": None, "one core": False, "all cores": True}
"""What a user may give as `parallel`."""

BUSY = "while True: pass"


@contextlib.contextmanager
def busy(processes):
    """So many processes that compute without end."""
    running = [subprocess.Popen([sys.executable, "-c", BUSY]) for _ in range(processes)]
    try:
        yield
    finally:
        for each in running:
            each.kill()
            each.wait()


def rates(num_envs, duration):
    """By choice, a function that steps a batch of its own for so many seconds and returns steps per second."""
    actions = np.random.default_rng(0).integers(2, size=(16, num_envs))
    batches = {}
    for choice, parallel in CHOICES.items():
        batches[choice] = gymnasium.make_vec("rlbench/CartPole-v0", num_envs=num_envs, parallel=parallel)
        batches[choice].reset(seed=0)
        batches[choice].step(actions[0])

    def rate(envs):
        began, calls = time.perf_counter(), 0
        while (now := time.perf_counter()) < began + duration:
            envs.step(actions[calls % 16])
            calls += 1
        return calls * num_envs / (now - began)

    return {choice: lambda envs=envs: rate(envs) for choice, envs in batches.items()}


@pytest.mark.benchmark(group="Beside busy processes")
@pytest.mark.parametrize("processes", [0, 1, 2])
@pytest.mark.parametrize("num_envs", [256, 1_024, 16_384, 131_072])
def test_the_default_is_as_good_as_the_better_choice(num_envs, processes, benchmark, report, size):
    functions = rates(num_envs, size(0.04, 0.001))

    def contest():
        return [{choice: rate() for choice, rate in functions.items()} for _ in range(size(40, 1))]

    with busy(size(processes, 0)):
        time.sleep(size(0.3, 0))
        rows = benchmark.pedantic(contest, rounds=1)
    medians = {choice: statistics.median(row[choice] for row in rows) for choice in CHOICES}
    print("", *(f"{choice}: {median / 1e6:.1f} million steps/s" for choice, median in medians.items()), sep="\n")
    beside = f", beside {processes} busy process{'es' * (processes > 1)}" if processes else ""
    report(
        f"cart-pole, {num_envs:,} environments{beside}",
        "the better of one core and all",
        medians["default"] / max(medians["one core"], medians["all cores"]),
        least=0.9,
    )
