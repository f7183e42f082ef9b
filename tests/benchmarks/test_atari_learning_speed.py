"""Agent steps per second of DQN from pixels, learning included, beside its peers, each in a process of its own.

CleanRL's script needs Python < 3.11 and Gymnasium < 1, so that it cannot run beside the others; its settings are run
through stable-baselines3's DQN, whose replay it uses (it differs in a squared loss without clipped gradients).
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

ROUNDS = 3
OURS, PEERS = ("ours, four games at once", "ours"), ("stable-baselines3", "CleanRL settings")
CONTENDERS = (*OURS, *PEERS, "stable-baselines3, four games at once")
SCRIPT = Path(__file__).with_name("learn_atari.py")


def learn(contender: str) -> dict[str, float]:
    """One stretch of learning, on the cores this machine has."""
    environment = {**os.environ, "PYTHONPATH": str(SCRIPT.parents[2])}
    environment.pop("OMP_NUM_THREADS", None)
    command = [sys.executable, str(SCRIPT), contender]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    result: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return result


@pytest.mark.slow
def test_dqn_from_pixels_is_faster_than_its_peers(benchmark: Any) -> None:
    if find_spec("stable_baselines3") is None:
        pytest.skip('the peer is not installed; pip install "rlbench[peers]"')
    if find_spec("ale_py") is None:
        pytest.skip('no Atari games; pip install "rlbench[atari]"')

    def contest() -> dict[str, list[dict[str, float]]]:
        results: dict[str, list[dict[str, float]]] = {contender: [] for contender in CONTENDERS}
        for _ in range(ROUNDS):
            for contender in CONTENDERS:  # interleaved, so that a busy machine is busy for all
                results[contender].append(learn(contender))
        return results

    results = benchmark.pedantic(contest, rounds=1)
    for contender, runs in results.items():
        each = " ".join(f"{run['steps/s']:.0f}" for run in runs)
        print(f"\n{contender:37} {median(run['steps/s'] for run in runs):6.1f} steps/s  ({each})", end="")
        assert all(run["steps per update"] == pytest.approx(4, rel=0.01) for run in runs)
    steps = {contender: median(run["steps/s"] for run in runs) for contender, runs in results.items()}
    for name in OURS:
        for peer in CONTENDERS[len(OURS) :]:
            print(f"\n{name} against {peer}: {steps[name] / steps[peer]:.2f}x", end="")
    for peer in PEERS:  # which play one game, as their documentation has it
        assert steps[OURS[0]] >= 1.4 * steps[peer]
