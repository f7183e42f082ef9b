"""All that is to be measured on a GPU, in one command, for a machine that is lent for minutes.

`python -m tests.benchmarks.gpu_session FOLDER` runs each part in a process of its own, with a limit of time, and writes
each figure into FOLDER/figures.jsonl as soon as it is known. A part that fails, hangs or is cut off takes no other with
it; what it printed is in FOLDER/PART.log.

    --minutes N    stop after so many, 9 by default
    --parts A B    these alone
    --pretend      try it all on the pretended device, in small: its figures mean nothing
    --page         measure nothing: put the figures of FOLDER into docs/gpu.md
"""

from __future__ import annotations

import argparse
import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

import numpy as np
import torch

from baselines.algorithms import actor_critic, soft_actor_critic, xqc
from baselines.training import capture
from rlbench.core.cuda import open_gpu
from rlbench.errors import UserError
from tests.baselines.devices import learn, on_cpu, on_gpu, pretended_gpu, same
from tests.baselines.small_learners import BESIDE, LEARNERS
from tests.benchmarks import gpu, gpu_training

FIGURES = "figures.jsonl"


class Figure(NamedTuple):
    """A line of the tables."""

    what: str
    value: str
    good: bool = True
    """False where it is a check that failed."""


Figures = Iterator[Figure]


def exact(small: bool) -> Figures:
    """Kernels give what their text gives on the CPU."""
    for env_id in gpu.IDS:
        num_envs, steps = (8, 4) if small else (1_000, 100 if "Go" in env_id else 1_000)
        found = gpu.is_exact(env_id, num_envs, steps)
        yield Figure(f"`{env_id}`: kernels exact over {num_envs * steps:,} steps", "yes" if found else "no", found)


def replays(small: bool) -> Figures:
    """Graphs compute what single calls do, and weights are near those of a CPU."""
    names = ["PPO", "SAC in halves"] if small else [*LEARNERS, *BESIDE]
    for name in names:
        make, settings = {**LEARNERS, **BESIDE}[name]
        if "tests/" in settings.task:  # registered by the tests alone
            continue
        by_graph, state, _ = learn(make, on_gpu(settings), 12)
        cpu = by_graph if small else learn(make, on_cpu(settings), 12)[0]  # the pretended device is a CPU already
        with mock.patch.object(capture, "WARM_UP", 10**9):
            _, eager, _ = learn(make, on_gpu(settings), 12)
        equal, off = same(state, eager), max(float(np.abs(cpu[each] - by_graph[each]).max()) for each in cpu)
        yield Figure(
            f"{name}: graphs equal calls; greatest distance of a weight from the CPU's", f"{equal}; {off:.1g}", equal
        )


def waits(small: bool) -> Figures:
    """No loop waits between evaluations, by torch's own watch."""
    half_cheetah = {"num_envs": 16, "warmup": 2_000, "total_env_steps": 10**6}
    cases = {name: case for name, case in gpu_training.CART_POLE.items() if name != "REINFORCE"}
    cases |= {"RAM": gpu_training.RAM, "PPO on robots": (actor_critic.ActorCritic, actor_critic.PRESETS["locomotion"])}
    cases["SAC on robots"] = soft_actor_critic.SAC, replace(soft_actor_critic.PRESETS["fast"], **half_cheetah)
    if small:
        cases = {name: {**LEARNERS, **BESIDE}[name] for name in ("PPO", "SAC in halves")}
    for name, case in cases.items():
        waiting = gpu_training.waits(*case, "cuda")
        yield Figure(f"{name}: waits for the GPU between evaluations", "yes" if waiting else "no", not waiting)


def held(small: bool) -> Figures:
    """How soon agents hold 475 on cart-pole."""
    for name in ["actor-critic"] if small else gpu_training.CART_POLE:
        seeds = 1 if small else gpu_training.SEEDS
        number, median = gpu_training.seconds_to_475(name, "cuda", seeds)
        yield Figure(
            f"{name}: seconds until 475 is held, median; seeds that hold it", f"{median:.2f}; {number} of {seeds}"
        )


def throughput(small: bool) -> Figures:
    """Environment steps per second of whole updates."""
    for num_envs in (64,) if small else (1_024, 4_096, 16_384):
        rate = gpu_training.throughput(replace(gpu_training.WIDE, num_envs=num_envs), "cuda", 3 if small else 50)
        yield Figure(f"actor-critic: env steps/s of training, {num_envs:,} environments", f"{rate:.3g}")


def ram(small: bool) -> Figures:
    """Seconds of an epoch of recurrent attention."""
    _, settings = gpu_training.RAM
    if small:
        return
    seconds, error = gpu_training.epochs(replace(settings, device="cuda"), 4)
    yield Figure("RAM: seconds per epoch; error after 4", f"{seconds:.2f}; {error:.1%}")


def kernels(small: bool) -> Figures:
    """Steps of environments per second, beside what the memory allows."""
    bytes_per_second = gpu.bandwidth()
    yield Figure("a copy moves, TB/s", f"{bytes_per_second / 1e12:.2f}")
    for env_id, widths in gpu.WIDTHS.items():
        for num_envs in widths[:1] if small else widths:
            rate, share = gpu.rate(env_id, num_envs, bytes_per_second)
            yield Figure(
                f"`{env_id}`, {num_envs:,} environments: steps/s; share of the floor's", f"{rate:.3g}; {share}"
            )


def pixels(small: bool) -> Figures:
    """Training on Breakout."""
    less = {"total_env_steps": 1_024, "evaluation_steps": 5, "num_envs": 4} if small else {}
    for name, settings in {"PQN": gpu_training.BREAKOUT, "DQN": gpu_training.BREAKOUT_DQN}.items():
        frames, cores, share = gpu_training.breakout("cuda", replace(settings, **less))
        yield Figure(f"{name} on Breakout: frames/s; cores busy; GPU busy", f"{frames:,.0f}; {cores:.1f}; {share}")


def robots(small: bool) -> Figures:
    """Training on half-cheetah, on the GPU and on the CPU."""
    less = {"total_env_steps": 400, "num_envs": 2, "evaluation_episodes": 1} if small else {}
    fast = {"num_envs": 16, "total_env_steps": 40_000, "evaluation_episodes": 1, "eval_every_env_steps": 40_000}
    settings = {
        "SAC": (soft_actor_critic, replace(soft_actor_critic.PRESETS["fast"], **fast)),
        "XQC": (xqc, replace(xqc.PRESETS["fast"], **fast)),
        "PPO": (
            actor_critic,
            replace(actor_critic.PRESETS["locomotion"], total_env_steps=200_000, eval_every_updates=98),
        ),
    }
    for name, (module, each) in settings.items():
        for device in ("cuda", "cpu"):
            end = [*module.train(replace(each, device=device, **less))][-1]
            yield Figure(
                f"{name} on half-cheetah, {device}: env steps/s of training", f"{end.steps / end.seconds:,.0f}"
            )


PARTS: dict[str, tuple[Any, int]] = {
    "exact": (exact, 90),
    "waits": (waits, 90),
    "held": (held, 120),
    "throughput": (throughput, 45),
    "replays": (replays, 90),
    "ram": (ram, 75),
    "kernels": (kernels, 100),
    "pixels": (pixels, 90),
    "robots": (robots, 120),
}
"""Each part with its limit in seconds, what matters most first."""

OF_ENVIRONMENTS = ("exact", "kernels")
"""Parts of the first table of the page."""


def main(arguments: list[str]) -> int:
    """Measure; 1 where a check or a part failed, 2 without a GPU."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--minutes", type=float, default=9.0)
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=[*PARTS])
    parser.add_argument("--pretend", action="store_true")
    parser.add_argument("--page", action="store_true")
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)  # one part, in this process
    options = parser.parse_args(arguments)
    if options.page:
        write_page(options.folder)
        return 0
    if options.here:
        options.folder.mkdir(parents=True, exist_ok=True)
        return measure(options.folder, options.parts[0], options.pretend)
    if not options.pretend:
        try:
            open_gpu("cuda")
        except UserError as error:
            sys.stderr.write(f"error: {error}\n")
            return 2
    options.folder.mkdir(parents=True, exist_ok=True)
    until = time.monotonic() + 60 * options.minutes
    failed = [name for name in options.parts if not in_time(options, name, until)]
    sys.stdout.write("\n".join([*table(options.folder, PARTS), *(f"failed or cut off: {name}" for name in failed), ""]))
    return 1 if failed or not all(each["good"] for each in read(options.folder)) else 0


def in_time(options: argparse.Namespace, name: str, until: float) -> bool:
    """Run a part in a process of its own; whether it ended well in its time."""
    limit = min(PARTS[name][1], until - time.monotonic())
    if limit < 5:
        return False
    command = [sys.executable, "-m", "tests.benchmarks.gpu_session", str(options.folder), "--parts", name, "--here"]
    command += ["--pretend"] * options.pretend
    with (options.folder / f"{name}.log").open("w", encoding="utf-8") as log:
        try:
            return subprocess.run(command, stdout=log, stderr=log, timeout=limit, check=False).returncode == 0
        except subprocess.TimeoutExpired:
            return False


def measure(folder: Path, name: str, pretend: bool) -> int:
    """Write the figures of a part, each as soon as it is known."""
    began = time.monotonic()
    with pretended() if pretend else contextlib.nullcontext(), (folder / FIGURES).open("a", encoding="utf-8") as file:
        device = f"{open_gpu('cuda').name}" if not pretend else "pretended"
        for figure in PARTS[name][0](pretend):
            line = {"part": name, **figure._asdict(), "after": round(time.monotonic() - began, 1), "device": device}
            file.write(json.dumps(line) + "\n")
            file.flush()
    return 0


@contextlib.contextmanager
def pretended() -> Iterator[None]:
    """Inside, all of it runs on the pretended device, where a clock of the CPU tells the time."""

    def seconds(function: Any, least: float = 0.0) -> float:
        began = time.perf_counter()
        function()
        return time.perf_counter() - began

    with contextlib.ExitStack() as stack:
        device = stack.enter_context(pretended_gpu())
        stack.enter_context(mock.patch.object(gpu, "seconds", seconds))
        stack.enter_context(mock.patch.object(gpu, "DEVICE", device))
        stack.enter_context(mock.patch.object(gpu, "COPIED", 1 << 10))
        stack.enter_context(mock.patch.object(torch.cuda, "set_sync_debug_mode"))
        yield


def read(folder: Path) -> list[dict[str, Any]]:
    """The figures so far."""
    path = folder / FIGURES
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []


def table(folder: Path, parts: Any) -> list[str]:
    """The figures of some parts, as Markdown."""
    rows = [f"| {each['what']} | {each['value']} |" for each in read(folder) if each["part"] in parts]
    return ["| measured | value |", "| --- | ---: |", *rows] if rows else []


def write_page(folder: Path) -> None:
    """Put the figures into both tables of the page."""
    device = ", ".join(dict.fromkeys(each["device"] for each in read(folder)))
    for parts, begin in ((OF_ENVIRONMENTS, gpu.BEGIN), (set(PARTS) - {*OF_ENVIRONMENTS}, gpu_training.BEGIN)):
        if rows := table(folder, parts):
            gpu.write("\n".join([f"Measured on one {device}.\n", *rows]) + "\n", begin)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
