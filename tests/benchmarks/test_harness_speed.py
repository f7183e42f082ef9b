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


@pytest.mark.benchmark(group="harness")
def test_isolation_costs_little(benchmark):
    environment = {**os.environ, "PYTHONPATH": str(SCRIPT.parents[2]), "OMP_NUM_THREADS": "1"}

    def measure():
        command = [sys.executable, str(SCRIPT)]
        done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
        return json.loads(done.stdout)

    times = benchmark.pedantic(measure, rounds=1)
    round_trip, speed = ratio(times["call"], times["ping"]), ratio(times["inside"], times["isolated"])
    benchmark.extra_info |= {**times, "round trip": round_trip, "speed": speed}
    print(f"\na call of act: {round_trip:.2f} of a pipe ping-pong of one byte")
    print(f"the committed DQN agent behind the wall: {speed:.2f} of its speed in one process")
    assert round_trip <= 1.6
    assert speed >= 0.85
