"""Seconds until cart-pole is held, and steps per second, our actor-critic beside stable-baselines3's A2C."""

from __future__ import annotations

from statistics import median
from typing import Any

import pytest

from tests.benchmarks.training.contest import run
from tests.benchmarks.training.learn_actor_critic import CONTENDERS

SEEDS = range(3)


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


@pytest.mark.benchmark(group="Training")
def test_actor_critic_learns_cart_pole_no_slower_than_its_peer(
    benchmark: Any, report: Any, measures: bool, size: Any
) -> None:
    """One thread: networks this small gain nothing from two, the peer's least of all."""
    pytest.importorskip("stable_baselines3", reason="pip install 'rlbench[peers]'")

    def contest() -> dict[str, list[dict[str, Any]]]:
        results: dict[str, list[dict[str, Any]]] = {contender: [] for contender in CONTENDERS}
        for seed in size(SEEDS, range(1)):
            for contender, learn in CONTENDERS.items():  # interleaved, so that a busy machine is busy for all
                full = measures and run("learn_actor_critic.py", contender, seed, threads=1)
                results[contender].append(full or learn(seed, 2))
        return results

    results = benchmark.pedantic(contest, rounds=1)
    print(f"\n{table(results)}")
    ours, peer = (
        {name: median(run[name] for run in results[contender]) for name in ("seconds", "steps_per_second")}
        for contender in CONTENDERS
    )
    assert not measures or all(run["sustained"] for run in results["ours"])
    against = "stable-baselines3's A2C, the zoo's settings"
    seeds = f"median of {len(SEEDS)} seeds"
    report(
        "actor-critic, until cart-pole is held", against, peer["seconds"] / ours["seconds"], least=1.0,
        limit=f"importing Numba; {seeds}",
    )  # fmt: skip
    report(
        "actor-critic, steps a second while it learns", against, ours["steps_per_second"] / peer["steps_per_second"],
        least=5.0, limit=seeds,
    )  # fmt: skip
