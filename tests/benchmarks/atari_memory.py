"""Resident memory of DQN from pixels while it trains: `python atari_memory.py STEPS CAPACITY GAME` prints JSON.

A million steps with a replay of as many frames: `python tests/benchmarks/atari_memory.py 1000000 1000000`, which needs
7 GiB; it updates once in 64 steps, so that it ends within the hour.
"""

from __future__ import annotations

import json
import re
import sys
from dataclasses import replace
from pathlib import Path

from baselines.algorithms import dqn
from baselines.training.events import Progress, Snapshot

TENTHS = 10


def resident() -> int:
    """Bytes of this process that are in memory."""
    found = re.search(r"VmRSS:\s+(\d+) kB", Path("/proc/self/status").read_text(encoding="utf-8"))
    assert found
    return 1024 * int(found[1])


def measure(steps: int, capacity: int, task: str, evaluation_steps: int = 100) -> list[int]:
    """Resident bytes after each tenth of a training run of `steps`, checkpoints included."""
    num_envs = 8
    settings = replace(
        dqn.PRESETS["atari-cpu"],
        **{"task": task, "num_envs": num_envs, "total_env_steps": steps, "capacity": capacity},
        **{"update_every_env_steps": 8 * num_envs},
        **{"warmup": min(4_000, steps // 20), "eval_every_env_steps": steps // TENTHS, "evaluation_episodes": 1},
        **{"evaluation_steps": evaluation_steps, "checkpoint_every_env_steps": steps // 4},
    )
    sizes = []
    for event in dqn.train(settings):
        if isinstance(event, Snapshot):
            event.state()
        elif isinstance(event, Progress):
            sizes.append(resident())
    return sizes


if __name__ == "__main__":
    arguments = sys.argv[1:]
    task = arguments[2] if len(arguments) > 2 else "rlbench/AtariPong-v0"
    sizes = measure(int(arguments[0]), int(arguments[1]), task)
    print(json.dumps({"bytes": sizes, "growth": sizes[-1] / sizes[0] - 1}))
