"""Agent steps per second of DQN from pixels, learning included, beside its peers, each in a process of its own.

CleanRL's script needs Python < 3.11 and Gymnasium < 1, so that it cannot run beside the others; its settings are run
through stable-baselines3's DQN, whose replay it uses (it differs in a squared loss without clipped gradients).
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.benchmarks.training.contest import run
from tests.benchmarks.training.learn_atari import CONTENDERS, SHORT

OURS = {"ours": "one game", "ours, four games at once": "four games at once"}
PEERS = {
    "stable-baselines3": "stable-baselines3's DQN",
    "CleanRL settings": "CleanRL's settings",
    "stable-baselines3, four games at once": "stable-baselines3's DQN with four games",
}


@pytest.mark.benchmark(group="Games from pixels")
def test_dqn_from_pixels_is_faster_than_its_peers(benchmark: Any, report: Any, measures: bool) -> None:
    pytest.importorskip("stable_baselines3", reason="pip install 'rlbench[peers]'")
    pytest.importorskip("ale_py", reason="pip install 'rlbench[atari]'")

    def contest() -> dict[str, dict[str, float]]:
        return {name: run("learn_atari.py", name) if measures else learn(SHORT) for name, learn in CONTENDERS.items()}

    results = benchmark.pedantic(contest, rounds=1)
    for contender, result in results.items():
        print(f"\n{contender:37} {result['steps/s']:6.1f} steps/s", end="")
        assert not measures or result["steps per update"] == pytest.approx(4, rel=0.01)
    for ours, games in OURS.items():
        for peer, against in PEERS.items():
            ratio = results[ours]["steps/s"] / results[peer]["steps/s"]
            least = (
                1.4 if games.startswith("four") and "four" not in peer else None
            )  # peers' documentation has one game
            limit = "the arithmetic of the network"
            report(f"DQN from pixels, Nature network, {games}", against, ratio, least=least, limit=limit)
