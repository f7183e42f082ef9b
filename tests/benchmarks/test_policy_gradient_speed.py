"""Seconds until cart-pole is held, and steps per second, our actor-critic beside stable-baselines3's A2C."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from statistics import median
from typing import Any

import pytest

SEEDS = range(5)
CONTENDERS = ("ours", "stable-baselines3")
SCRIPT = Path(__file__).with_name("learn_on_policy.py")


def learn(contender: str, seed: int) -> dict[str, Any]:
    """One training on one thread: networks this small gain nothing from two, the peer's least of all."""
    environment = {**os.environ, "PYTHONPATH": str(SCRIPT.parents[2]), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, str(SCRIPT), contender, str(seed)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def table(results: dict[str, list[dict[str, Any]]]) -> str:
    """Medians, and the seconds of every seed, sustained or (in brackets) spent in vain."""
    lines = [f"{'':20} {'median s':>9} {'with evaluation':>16} {'median steps':>13} {'steps/s':>9}  seconds per seed"]
    for contender, runs in results.items():
        seconds, wall, steps, rate = (
            median(run[name] for run in runs) for name in ("seconds", "wall", "steps", "steps_per_second")
        )
        each = " ".join(f"{r['seconds']:.2f}" if r["sustained"] else f"({r['seconds']:.2f})" for r in runs)
        lines.append(f"{contender:20} {seconds:9.2f} {wall:16.2f} {steps:13,.0f} {rate:9,.0f}  {each}")
    return "\n".join(lines)


@pytest.mark.slow
def test_actor_critic_learns_cart_pole_no_slower_than_its_peer(benchmark: Any) -> None:
    pytest.importorskip("stable_baselines3")

    def contest() -> dict[str, list[dict[str, Any]]]:
        results: dict[str, list[dict[str, Any]]] = {contender: [] for contender in CONTENDERS}
        for seed in SEEDS:
            for contender in CONTENDERS:  # interleaved, so that a busy machine is busy for all
                results[contender].append(learn(contender, seed))
        return results

    results = benchmark.pedantic(contest, rounds=1)
    print(f"\n{table(results)}")
    ours, peer = (
        {name: median(run[name] for run in results[contender]) for name in ("seconds", "steps_per_second")}
        for contender in CONTENDERS
    )
    assert all(run["sustained"] for run in results["ours"])
    assert ours["seconds"] <= peer["seconds"]
    assert ours["steps_per_second"] >= 5 * peer["steps_per_second"]
