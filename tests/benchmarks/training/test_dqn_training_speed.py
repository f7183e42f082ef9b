"""Seconds of training until cart-pole is held, our DQN beside its peers, each training run in a process of its own.

CleanRL's script needs Python < 3.11 and Gymnasium < 1, so that it cannot run beside the others; its hyperparameters
are run through stable-baselines3's DQN, the same algorithm (it differs in a Huber loss and gradient clipping at 10).
"""

from __future__ import annotations

from statistics import median
from typing import Any

import pytest

from tests.benchmarks.training.contest import run
from tests.benchmarks.training.learn_dqn import CONTENDERS, MAX_SECONDS

SEEDS = range(3)


def table(results: dict[str, list[dict[str, Any]]]) -> str:
    """The seconds of every seed, sustained or (in brackets) spent in vain."""
    lines = [f"{'':20} {'median s':>9} {'median steps':>13} {'median updates':>15}  seconds per seed"]
    for contender, runs in results.items():
        figures = [median(run[name] for run in runs) for name in ("seconds", "steps", "updates")]
        each = " ".join(f"{r['seconds']:.1f}" if r["sustained"] else f"({r['seconds']:.1f})" for r in runs)
        lines.append(f"{contender:20} {figures[0]:9.2f} {figures[1]:13,.0f} {figures[2]:15,.0f}  {each}")
    return "\n".join(lines)


@pytest.mark.benchmark(group="Training")
def test_dqn_learns_cart_pole_in_a_fifth_of_its_peers_time(
    benchmark: Any, report: Any, measures: bool, size: Any
) -> None:
    pytest.importorskip("stable_baselines3", reason="pip install 'rlbench[peers]'")

    def contest() -> dict[str, list[dict[str, Any]]]:
        results: dict[str, list[dict[str, Any]]] = {contender: [] for contender in CONTENDERS}
        for seed in size(SEEDS, range(1)):
            for contender, learn in CONTENDERS.items():  # interleaved, so that a busy machine is busy for all
                results[contender].append(run("learn_dqn.py", contender, seed) if measures else learn(seed, 2))
        return results

    results = benchmark.pedantic(contest, rounds=1)
    print(f"\n{table(results)}")
    seconds = {contender: median(run["seconds"] for run in runs) for contender, runs in results.items()}
    assert not measures or all(run["sustained"] for run in results["ours"])
    against = {
        "stable-baselines3": "stable-baselines3's DQN, the zoo's settings",
        "CleanRL settings": "CleanRL's settings",
    }
    for peer, name in against.items():
        held = sum(run["sustained"] for run in results[peer])
        limit = (
            f"the peer held it in {held} of {len(SEEDS)} runs; after {MAX_SECONDS:g} s it is stopped, and they count"
        )
        report("DQN, until cart-pole is held", name, seconds[peer] / seconds["ours"], least=5.0, limit=limit)
