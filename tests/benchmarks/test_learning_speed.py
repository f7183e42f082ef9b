"""Seconds of training until cart-pole is held, our DQN beside its peers, each training in a process of its own.

CleanRL's script needs Python < 3.11 and Gymnasium < 1, so that it cannot run beside the others; its hyperparameters
are run through stable-baselines3's DQN, the same algorithm (it differs in a Huber loss and gradient clipping at 10).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Any

import pytest

SEEDS = range(5)
CONTENDERS = ("ours", "stable-baselines3", "CleanRL settings")
SCRIPT = Path(__file__).with_name("learn.py")


def learn(contender: str, seed: int) -> dict[str, Any]:
    """One training, on the cores this machine has."""
    environment = {**os.environ, "PYTHONPATH": str(SCRIPT.parents[2])}
    environment.pop("OMP_NUM_THREADS", None)
    command = [sys.executable, str(SCRIPT), contender, str(seed)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def table(results: dict[str, list[dict[str, Any]]]) -> str:
    """The seconds of every seed, sustained or (in brackets) spent in vain."""
    lines = [f"{'':20} {'median s':>9} {'median steps':>13} {'median updates':>15}  seconds per seed"]
    for contender, runs in results.items():
        figures = [median(run[name] for run in runs) for name in ("seconds", "steps", "updates")]
        each = " ".join(f"{r['seconds']:.1f}" if r["sustained"] else f"({r['seconds']:.1f})" for r in runs)
        lines.append(f"{contender:20} {figures[0]:9.2f} {figures[1]:13,.0f} {figures[2]:15,.0f}  {each}")
    return "\n".join(lines)


@pytest.mark.slow
def test_dqn_learns_cart_pole_in_a_fifth_of_its_peers_time(benchmark: Any) -> None:
    if find_spec("stable_baselines3") is None:
        pytest.skip('the peer is not installed; pip install "rlbench[peers]"')

    def contest() -> dict[str, list[dict[str, Any]]]:
        results: dict[str, list[dict[str, Any]]] = {contender: [] for contender in CONTENDERS}
        for seed in SEEDS:
            for contender in CONTENDERS:  # interleaved, so that a busy machine is busy for all
                results[contender].append(learn(contender, seed))
        return results

    results = benchmark.pedantic(contest, rounds=1)
    print(f"\n{table(results)}")
    seconds = {contender: median(run["seconds"] for run in runs) for contender, runs in results.items()}
    assert all(run["sustained"] for run in results["ours"])
    assert seconds["ours"] <= seconds["stable-baselines3"] / 5
    assert seconds["ours"] <= seconds["CleanRL settings"] / 5
