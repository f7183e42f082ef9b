"""What it costs that an agent never shares a process with the environment."""

import json
import os
import subprocess
import sys
from pathlib import Path
from statistics import median

import pytest

SCRIPT = Path(__file__).with_name("exchange.py")


def ratio(one, other):
    """Median of the ratios of rounds that followed each other, which a machine slow for a while cannot part."""
    return median(a / b for a, b in zip(one, other, strict=True))


@pytest.mark.benchmark(group="Harness")
def test_isolation_costs_little(benchmark, report, size):
    environment = {**os.environ, "PYTHONPATH": str(SCRIPT.parents[2]), "OMP_NUM_THREADS": "1"}

    def measure():
        command = [sys.executable, str(SCRIPT), str(size(60, 1)), str(size(300, 3))]
        done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment, encoding="utf-8")
        return json.loads(done.stdout)

    times = benchmark.pedantic(measure, rounds=1)
    report(
        "a call of `act` in the agent's process",
        "one byte there and back through two pipes",
        ratio(times["ping"], times["call"]),
        least=1 / 1.6,
        limit="waking a process",
    )
    report(
        "evaluation of the committed DQN agent, in its own process",
        "the same loop in one process",
        ratio(times["inside"], times["isolated"]),
        least=0.85,
        limit="the agent and the environment",
    )
