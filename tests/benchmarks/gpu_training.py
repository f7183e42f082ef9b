"""Training that stays on a GPU: does any loop wait, and how fast do the agents learn?

`python -m tests.benchmarks.gpu_training` takes at most five minutes on a machine with a GPU and writes the second table
in docs/gpu.md.
"""

from __future__ import annotations

import contextlib
import statistics
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import torch

from baselines.algorithms import actor_critic, dqn, pqn, recurrent_attention, reinforce
from baselines.nets import devices
from baselines.training.capture import WARM_UP
from baselines.training.events import Evaluated, Finished
from baselines.training.loop import computing
from rlbench.core.cuda import open_gpu
from rlbench.errors import UserError
from tests.benchmarks import gpu

BEGIN = "<!-- written by tests/benchmarks/gpu_training.py -->\n"
CART_POLE: dict[str, tuple[Any, Any]] = {
    "DQN": (dqn.DQN, dqn.PRESETS["fast"]),
    "PQN": (pqn.PQN, pqn.PRESETS["fast"]),
    "REINFORCE": (reinforce.Reinforce, reinforce.PRESETS["fast"]),
    "actor-critic": (actor_critic.ActorCritic, actor_critic.PRESETS["fast"]),
}
RAM = (recurrent_attention.RecurrentAttentionLearner, recurrent_attention.PRESETS["mnist"])
MODULES = {"DQN": dqn, "PQN": pqn, "REINFORCE": reinforce, "actor-critic": actor_critic}
SEEDS = 10
WIDE = replace(actor_critic.PRESETS["fast"], num_envs=4_096, horizon=32, minibatches=4, total_env_steps=10**9)
BREAKOUT = replace(pqn.PRESETS["atari-cpu"], total_env_steps=40_000, evaluation_episodes=1)
BREAKOUT_DQN = replace(dqn.PRESETS["atari-cpu"], task="breakout@1", total_env_steps=40_000, evaluation_episodes=1)


def main(device: str = "cuda") -> int:
    """Measure; 1 where a loop waits, 2 without a GPU."""
    try:
        name = open_gpu(device).name
    except UserError as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    waiting = [each for each, case in {**CART_POLE, "RAM": RAM}.items() if each != "REINFORCE" and waits(*case, device)]
    if waiting:
        sys.stderr.write(f"error: these wait for the GPU between evaluations: {', '.join(waiting)}\n")
        return 1
    lines = [f"Measured on one {name}; no loop waits between evaluations.\n", *table(device)]
    gpu.write("\n".join(lines) + "\n", BEGIN)
    sys.stdout.write("\n".join(lines) + "\n")
    return 0


def table(device: str) -> list[str]:
    """The rows of the page, as Markdown."""
    rows = ["| agent | measured | value |", "| --- | --- | ---: |"]
    for name in CART_POLE:
        held, median = seconds_to_475(name, device)
        rows.append(
            f"| {name} | seconds until 475 is held, median; seeds that hold it | {median:.2f}; {held} of {SEEDS} |"
        )
    seconds, error = epochs(replace(RAM[1], device=device), 4)
    rows.append(f"| RAM | seconds per epoch; error after 4 | {seconds:.2f}; {error:.1%} |")
    rows.append(f"| actor-critic | env steps/s, {WIDE.num_envs:,} environments | {throughput(WIDE, device):.3g} |")
    frames, cores, share = breakout(device)
    rows.append(f"| PQN on Breakout | frames/s; cores busy; GPU busy | {frames:,.0f}; {cores:.1f}; {share} |")
    return rows


@contextlib.contextmanager
def begun(make: Any, settings: Any) -> Iterator[Any]:
    """A learner whose functions have all been captured."""
    with computing(1, settings.precision), contextlib.closing(make(settings)) as learner:
        learner.begin_episodes()
        for _ in range(1 if make is RAM[0] else 10 * (WARM_UP + 1)):
            learner.iterate()
        yield learner


def waits(make: Any, settings: Any, device: str) -> bool:
    """Whether an iteration waits for the device, by torch's own watch."""
    with begun(make, replace(settings, device=device, draws="counter")) as learner:
        torch.cuda.set_sync_debug_mode("error")
        try:
            learner.iterate()
        except RuntimeError as error:
            sys.stderr.write(f"{type(learner).__name__}: {error}\n")
            return True
        finally:
            torch.cuda.set_sync_debug_mode("default")
    return False


def seconds_to_475(name: str, device: str, seeds: int = SEEDS) -> tuple[int, float]:
    """How many seeds hold 475, and the median of their seconds of training; a first run, not counted, warms up."""
    _, settings = CART_POLE[name]
    ends = []
    for seed in range(-1, seeds):
        changed = replace(settings, seed=max(seed, 0), device=device, draws="counter")
        end = [each for each in MODULES[name].train(changed) if isinstance(each, Finished)][-1]
        ends += [end] if seed >= 0 else []
    return sum(end.reason == "sustained" for end in ends), statistics.median(end.seconds for end in ends)


def epochs(settings: Any, number: int) -> tuple[float, float]:
    """Seconds of the last of so many epochs of RAM, and the share of validation images that are then wrong."""
    changed = replace(settings, epochs=number, eval_every_epochs=1, draws="counter")
    found = [each for each in recurrent_attention.train(changed) if isinstance(each, Evaluated)]
    return found[-1].seconds - found[-2].seconds, 1 - found[-1].mean


def throughput(settings: Any, device: str, iterations: int = 50) -> float:
    """Environment steps per second of whole updates."""
    changed = replace(settings, device=device, draws="counter")
    where = devices.chosen_device(changed)
    with begun(actor_critic.ActorCritic, changed) as learner:
        devices.wait(where)
        began, steps = time.perf_counter(), learner.env_steps
        for _ in range(iterations):
            learner.iterate()
        devices.wait(where)
        return float((learner.env_steps - steps) / (time.perf_counter() - began))


def breakout(device: str, settings: Any = BREAKOUT) -> tuple[float, float, str]:
    """Frames per second of PQN or DQN on Breakout, cores kept busy, and the share of time that the GPU is."""
    module = pqn if isinstance(settings, pqn.PQNSettings) else dqn
    began, used = time.perf_counter(), time.process_time()
    with utilization() as shares:
        end = [*module.train(replace(settings, device=device))][-1]
    cores = (time.process_time() - used) / (time.perf_counter() - began)
    share = f"{statistics.mean(shares):.0f} %" if shares else "unknown"
    return 4 * end.steps / end.seconds, cores, share


@contextlib.contextmanager
def utilization() -> Iterator[list[int]]:
    """The percentages of time that the GPU was busy, asked for twice a second; none where NVML is not installed."""
    shares: list[int] = []
    over = threading.Event()

    def ask() -> None:
        with contextlib.suppress(Exception):  # of pynvml, which may be missing, or of its driver
            while not over.wait(0.5):
                shares.append(torch.cuda.utilization())

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield shares
    finally:
        over.set()
        thread.join()


if __name__ == "__main__":
    sys.exit(main())
