"""Seconds of training until cart-pole is held, beside peers, each training run in a process of its own.

CleanRL's script needs Python < 3.11 and Gymnasium < 1, so that it cannot run beside the others; its hyperparameters
are run through stable-baselines3's DQN, the same algorithm (it differs in a Huber loss and gradient clipping at 10).
"""

from __future__ import annotations

from math import inf, isfinite
from statistics import median
from typing import Any

import pytest

from tests.benchmarks.training import hold_cart_pole
from tests.benchmarks.training.contest import run
from tests.benchmarks.training.learn_cart_pole import CONTENDERS, MAX_SECONDS

SEEDS = range(3)
Runs = dict[str, list[dict[str, Any]]]

AGENTS = {
    **{name: (name.replace("-", "_"), "fast", 10) for name in ("actor-critic", "pqn", "reinforce", "dqn")},
    **{f"{name}-lecture": (name.replace("-", "_"), "lecture", 5) for name in ("actor-critic", "reinforce", "dqn")},
}
"""Every agent that learns cart-pole: algorithm, preset, and how many training seeds are measured."""


@pytest.fixture
def contest(benchmark: Any, measures: bool, size: Any) -> Any:
    """A function that trains some contenders in turn, and returns the runs of each, a seed each."""
    pytest.importorskip("stable_baselines3", reason="pip install 'rlbench[peers]'")

    def train(names: tuple[str, ...], threads: int | None) -> Runs:
        runs: Runs = {name: [] for name in names}
        for seed in size(SEEDS, range(1)):
            for name in names:  # interleaved, so that a busy machine is busy for all
                full = measures and run("learn_cart_pole.py", name, seed, threads=threads)
                runs[name].append(full or CONTENDERS[name](seed, 2))
        print(f"\n{table(runs)}")
        assert not measures or all(each["sustained"] for each in runs[names[0]])
        return runs

    return lambda *names, threads=None: benchmark.pedantic(train, (names, threads))


def table(runs: Runs) -> str:
    """Medians, and the seconds of every seed, sustained or (in brackets) spent in vain."""
    lines = [f"{'':24} {'median s':>9} {'with evaluation':>16} {'steps':>9} {'steps/s':>9}  seconds per seed"]
    for name, each in runs.items():
        seconds, wall, steps, rate = (middle(each, key) for key in ("seconds", "wall", "steps", "steps_per_second"))
        seeds = " ".join(f"{r['seconds']:.2f}" if r["sustained"] else f"({r['seconds']:.2f})" for r in each)
        lines.append(f"{name:24} {seconds:9.2f} {wall:16.2f} {steps:9,.0f} {rate:9,.0f}  {seeds}")
    return "\n".join(lines)


def middle(runs: list[dict[str, Any]], key: str) -> float:
    """The median over the seeds."""
    return median(each[key] for each in runs)


@pytest.mark.benchmark(group="Cart-pole")
def test_dqn_learns_in_a_fifth_of_its_peers_time(contest: Any, report: Any) -> None:
    runs = contest("DQN", "stable-baselines3's DQN", "CleanRL's DQN settings")
    ours, *peers = runs
    for peer in peers:
        held = sum(each["sustained"] for each in runs[peer])
        limit = (
            f"the peer held it in {held} of {len(SEEDS)} runs; after {MAX_SECONDS:g} s it is stopped, and they count"
        )
        ratio = middle(runs[peer], "seconds") / middle(runs[ours], "seconds")
        report("DQN, until cart-pole is held", peer, ratio, least=5.0, limit=limit)


@pytest.mark.benchmark(group="Cart-pole")
def test_actor_critic_learns_no_slower_than_its_peer(contest: Any, report: Any) -> None:
    """One thread: networks this small gain nothing from two, the peer's least of all."""
    runs = contest("actor-critic", "stable-baselines3's A2C", threads=1)
    ours, peer = runs
    seconds = middle(runs[peer], "seconds") / middle(runs[ours], "seconds")
    rate = middle(runs[ours], "steps_per_second") / middle(runs[peer], "steps_per_second")
    report("actor-critic, until cart-pole is held", peer, seconds, least=1.0, limit="importing Numba")
    report("actor-critic, steps a second while it learns", peer, rate, least=5.0)


@pytest.mark.benchmark(group="Cart-pole")
def test_seconds_until_every_agent_holds_cart_pole(benchmark: Any, measures: bool, size: Any, report: Any) -> None:
    """Everything but imports; the fastest agent takes half a second at most. A seed that fails counts as never."""

    def contest() -> Runs:
        runs: Runs = {name: [] for name in size(tuple(AGENTS), ("pqn",))}
        for name, found in runs.items():
            algorithm, preset, seeds = AGENTS[name]
            found += [hold_cart_pole.run(algorithm, preset, seed) for seed in size(range(seeds), range(1))]
            held = [each["held"] for each in found]
            assert all(held) or preset == "lecture", f"{name} held 475 in {sum(held)} of {len(held)} seeds"
        return runs

    runs = benchmark.pedantic(contest)
    seconds = {name: [each["seconds"] if each["held"] else inf for each in found] for name, found in runs.items()}
    fastest = min(seconds, key=lambda name: median(seconds[name]))
    for name, each in seconds.items():
        held = f"held in {sum(map(isfinite, each))} of {len(each)} seeds"
        print(f"\n{name:20} median {median(each):.2f} s, {held}: {' '.join(f'{one:.2f}' for one in each)}")
        most = 0.5 if name == fastest else None
        what = f"{name}, until cart-pole is held, without imports"
        if isfinite(median(each)):
            report(what, "the clock", median(each), unit="seconds", most=most, limit=f"evaluation; {held}")
