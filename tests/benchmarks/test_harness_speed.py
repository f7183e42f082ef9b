"""What it costs that an agent never shares a process with the environment."""

import json
import os
import subprocess
import sys
from pathlib import Path
from statistics import median

import pytest

SCRIPT = Path(__file__).with_name("exchange.py")
WALLS = Path(__file__).with_name("walls.py")
DEADLINES = Path(__file__).with_name("deadlines.py")
EVALUATION = Path(__file__).with_name("evaluation.py")


def ratio(one, other):
    """Median of the ratios of rounds that followed each other, which a machine slow for a while cannot part."""
    return median(a / b for a, b in zip(one, other, strict=True))


def measured(script, *arguments):
    """What a script measures, in a process of its own with one thread."""
    environment = {**os.environ, "PYTHONPATH": str(script.parents[2]), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, str(script), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment, encoding="utf-8")
    return json.loads(done.stdout)


@pytest.mark.benchmark(group="Harness")
def test_isolation_costs_little(benchmark, report, size):
    times = benchmark.pedantic(lambda: measured(SCRIPT, size(60, 1), size(300, 3)), rounds=1)
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


@pytest.mark.benchmark(group="Harness")
def test_the_sandbox_costs_little(benchmark, report, size):
    times = benchmark.pedantic(lambda: measured(WALLS, size(9, 1), size(3000, 3)), rounds=1)
    report(
        "a call of `act` for 64 environments, walled in",
        "the same without walls",
        ratio(times["process"], times["landlock"]),
        least=1 / 1.05,
        limit="the process boundary",
    )
    report(
        "start of an agent's process, walled in",
        "the same without walls",
        ratio(times["start process"], times["start landlock"]),
        least=0.85,
        limit="starting Python and NumPy",
    )


@pytest.mark.benchmark(group="Harness")
def test_a_call_that_never_answers_is_given_up_in_time(benchmark, report, size):
    times = benchmark.pedantic(lambda: measured(DEADLINES, size(9, 1), size(4, 1)), rounds=1)
    for ends, words in (("", "is given up"), (", cleared", "is given up, and its process dead and cleared away")):
        late = {name: median(each) for name, each in times.items() if name.endswith(", cleared") == bool(ends)}
        report(
            f"a call that never answers {words}",
            "its deadline, in whichever tier and loop",
            1000 * max(late.values()),
            unit="ms late",
            most=None if ends else 50,
            limit="waking up" if not ends else "ending processes and namespaces",
        )


WHO = {
    "cart-pole": ("every committed agent on cart-pole", "what is done once: imports, and loading compiled loops"),
    "glimpse": ("every committed agent of the glimpse tasks", "what is done once, and memory"),
    "half-cheetah": ("PPO agents on half-cheetah", "both cores, which a run of one block at a time uses, too"),
}
SB3 = {
    "adapter": ("PPO of stable-baselines3 on cart-pole, by `rlbench:sb3`", 2.0),
    "own code": ("the same by code that loads it with stable-baselines3", None),
}


@pytest.mark.benchmark(group="Harness")
def test_evaluations_are_fast(benchmark, report, measures):
    times = benchmark.pedantic(lambda: measured(EVALUATION, *([3] if measures else [1, "short"])), rounds=1)
    for name, (who, limit) in WHO.items():
        if f"{name}, 1" in times:
            value = ratio(times[f"{name}, 1"], times[f"{name}, 2"])
            report(f"evaluation of {who}, --jobs 2", "--jobs 1", value, least=1.6, limit=limit)
        if f"{name}, one core" in times:
            value = ratio(times[f"{name}, one core"], times[f"{name}, 2"])
            report(f"evaluation of {who}, --jobs 2", "the same on one core", value, limit="two cores")
    for played, (who, least) in SB3.items():
        if played in times:
            value = ratio(times["fresh"], times[played])
            report(
                f"evaluation of {who}",
                "such code in a fresh Python for each of the two blocks",
                value,
                least=least,
                limit="importing torch and stable-baselines3 once",
            )
