"""Environments on a GPU: are the kernels exact, and how far are they from the memory's limit?

`python -m tests.benchmarks.gpu` takes at most four minutes on a machine with a GPU and writes the table in docs/gpu.md.
`python -m tests.benchmarks.gpu lengths` needs no GPU: it prints how many episodes of cart-pole are as long with the
kernels' sine and cosine as with the C library's.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import torch

import rlbench  # noqa: F401  # registers the ids
from rlbench.core.cuda import open_gpu
from rlbench.errors import UserError
from tests.core.fake_cuda import FakeLibrary, gpu_on_the_cpu

PAGE = Path(__file__).parents[2] / "docs" / "gpu.md"
BEGIN, END = "<!-- written by tests/benchmarks/gpu.py -->\n", "<!-- end -->\n"
IDS = ("rlbench/CartPole-v0", "rlbench/GridWorldFourRooms-v0", "rlbench/GlimpseMNIST-v0", "rlbench/Go9x9-v0")
WIDTHS = {
    "rlbench/CartPole-v0": (10**3, 10**4, 10**5, 10**6, 4 * 10**6),
    "rlbench/GridWorldFourRooms-v0": (10**3, 10**4, 10**5, 10**6, 4 * 10**6),
    "rlbench/GlimpseMNIST-v0": (10**3, 10**4, 10**5, 10**6),
    "rlbench/Go9x9-v0": (10**3, 10**4, 10**5),
}
SECONDS = 0.5  # of one measurement
DEVICE: Any = "cuda"  # of the tensors that are copied
COPIED = 1 << 30  # bytes


def main(arguments: list[str]) -> int:
    """Measure; 1 where a kernel is not exact, 2 without a GPU."""
    if arguments == ["lengths"]:
        sys.stdout.write(f"{equal_lengths():.4%} of the episodes are as long\n")
        return 0
    try:
        gpu = open_gpu("cuda")
    except UserError as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    different = [each for each in IDS if not is_exact(each, 1_000, 1_000 if "Go" not in each else 100)]
    if different:
        sys.stderr.write(f"error: kernels differ from their text on the CPU: {', '.join(different)}\n")
        return 1
    rows = table(bandwidth())
    head = f"Measured on one {gpu.name} ({gpu.architecture}), driver for CUDA {gpu.driver.cuda}; kernels are exact.\n"
    write("\n".join([head, *rows]) + "\n")
    sys.stdout.write("\n".join(rows) + "\n")
    return 0


def random_actions(env: Any, device: Any) -> Any:
    """Valid actions of all environments, on a device."""
    given = env.action_space.sample()
    if isinstance(given, dict):
        return {name: torch.from_numpy(np.asarray(value)).to(device) for name, value in given.items()}
    return torch.from_numpy(given).to(device)


def is_exact(env_id: str, num_envs: int, steps: int, device: str = "cuda") -> bool:
    """Whether the kernels of a device give, bit for bit, what their text gives on the CPU."""
    env = gymnasium.make_vec(env_id, num_envs=num_envs, device=device, autoreset_mode="SameStep")
    here = env.reset(seed=1)[0]  # which loads the kernels of the GPU
    with gpu_on_the_cpu(FakeLibrary(libm=False)):
        host = gymnasium.make_vec(env_id, num_envs=num_envs, device="cuda", autoreset_mode="SameStep")
        there = host.reset(seed=1)[0]
        host.action_space.seed(1)
        equal = same(here, there)
        for _ in range(steps):
            actions = random_actions(host, "cpu")
            is_dict = isinstance(actions, dict)
            moved = {k: v.to(env.device) for k, v in actions.items()} if is_dict else actions.to(env.device)
            here = env.step(moved)
            there = host.step(actions)
            equal = equal and same(here, there)
        return equal and same(env.state, host.state)  # float64, where observations are rounded


def same(here: Any, there: Any) -> bool:
    """Whether nested tensors of a device equal those of the CPU."""
    return all(torch.equal(a.cpu(), b) for a, b in zip(leaves(here), leaves(there), strict=True))


def leaves(values: Any) -> list[torch.Tensor]:
    """The tensors of nested dicts and tuples."""
    if isinstance(values, torch.Tensor):
        return [values]
    return [leaf for each in (values.values() if isinstance(values, dict) else values) for leaf in leaves(each)]


def seconds(function: Any, least: float = SECONDS) -> float:
    """How long a call keeps the GPU busy: the mean over as many as fill the time."""
    for _ in range(3):
        function()
    calls, took = 8, 0.0
    while took < least:
        begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        begin.record()
        for _ in range(calls):
            function()
        end.record()
        end.synchronize()
        took = begin.elapsed_time(end) / 1e3
        calls *= 2
    return took / (calls // 2)


def bandwidth() -> float:
    """Bytes per second, read and written, of a copy of 1 GiB."""
    source, target = (torch.zeros(COPIED, dtype=torch.uint8, device=DEVICE) for _ in range(2))
    return 2 * COPIED / seconds(lambda: target.copy_(source))


def bytes_moved(env: Any) -> int:
    """Bytes that a step of an environment must read and write, where it touches all of its state; SAME_STEP."""
    state = sum(np.asarray(each).nbytes for each in env.world.example_state())
    seen = sum(each.nbytes for each in env.world.observations.empty_batch(1))
    acted = 8 * len(env.world.actions.leaves)
    return 2 * state + 2 * 8 + acted + 3 * seen + 8 + 2  # counts; final observations are read from the others; flags


def table(bytes_per_second: float) -> list[str]:
    """The rows of the page, as Markdown."""
    rows = [
        f"A copy moves {bytes_per_second / 1e12:.2f} TB/s; at that rate the floor moves what a step must move.\n",
        "| environment | environments | steps/s | of the floor's |",
        "| --- | ---: | ---: | ---: |",
    ]
    for env_id, widths in WIDTHS.items():
        for num_envs in widths:
            steps, share = rate(env_id, num_envs, bytes_per_second)
            rows.append(f"| `{env_id}` | {num_envs:,} | {steps:.3g} | {share} |")
    return rows


def rate(env_id: str, num_envs: int, bytes_per_second: float) -> tuple[float, str]:
    """Steps per second, and their share of the floor's, where a step touches all of the state."""
    env = gymnasium.make_vec(env_id, num_envs=num_envs, device="cuda", autoreset_mode="SameStep", copy=False)
    env.reset(seed=0)
    actions = random_actions(env, env.device)
    steps = num_envs / seconds(lambda: env.step(actions))
    whole = "CartPole" in env_id or "GridWorld" in env_id
    share = f"{steps * bytes_moved(env) / bytes_per_second:.0%}" if whole else ""
    env.close()
    return steps, share


def write(text: str, begin: str = BEGIN) -> None:
    """Put a table into the page, after the line that says who writes it."""
    page = PAGE.read_text(encoding="utf-8")
    inside = re.compile(f"{re.escape(begin)}.*?{re.escape(END)}", re.DOTALL)
    PAGE.write_text(inside.sub(lambda _: f"{begin}\n{text}\n{END}", page), encoding="utf-8", newline="\n")


def equal_lengths(num_envs: int = 1_000, steps: int = 5_000) -> float:
    """The share of first episodes, of a policy that balances for long, whose length is the production loops'."""
    lengths = []
    for libm in (True, False):
        with gpu_on_the_cpu(FakeLibrary(libm=libm)):
            env = gymnasium.make_vec(
                "rlbench/CartPole-v0", num_envs=num_envs, device="cuda", max_episode_steps=steps, copy=False
            )
            seen, _ = env.reset(seed=0)
            length = torch.full((num_envs,), steps)
            for step in range(steps):
                seen, _, terminated, *_ = env.step((seen[:, 2] + 0.2 * seen[:, 3] > 0).long())
                length[terminated & (length == steps)] = step + 1
            lengths.append(length)
    return float((lengths[0] == lengths[1]).double().mean())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
