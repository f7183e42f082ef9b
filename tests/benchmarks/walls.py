"""What the sandbox costs: seconds of calls and of starts, with it and without, in turn.

`OMP_NUM_THREADS=1 python walls.py ROUNDS CALLS` prints a JSON object of lists. A start is all that is done before an
agent's first action: the process, its walls, and `load`.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import get_args

import numpy as np

from rlbench import space_tree
from rlbench.harness import submission
from rlbench.harness.isolation import agent_process, tiers
from rlbench.harness.play import make_env
from rlbench.harness.tasks.suite import get_task
from tests.benchmarks.exchange import IDLE, MANIFEST, repeated, seconds

NUM_ENVS = 64


def measure(folder: Path, rounds: int, calls: int) -> dict[str, list[float]]:
    """Seconds per round by tier: `strict`, `landlock`, `process` of `calls` calls, `start strict` and so on of one."""
    (folder / "agent.py").write_text(IDLE, encoding="utf-8")
    (folder / "submission.toml").write_text(MANIFEST, encoding="utf-8")
    entrant, task = submission.read(folder), get_task("cart-pole")
    env = make_env(task, NUM_ENVS)
    observation, _ = env.reset(seed=0)
    first = np.zeros(NUM_ENVS, bool)
    spaces = [space_tree.describe(each) for each in (env.single_observation_space, env.single_action_space)]
    info = agent_process.task_info(task, NUM_ENVS)
    times: dict[str, list[float]] = {name: [] for tier in get_args(tiers.Tier) for name in (tier, f"start {tier}")}

    def agent(tier: tiers.Tier) -> agent_process.AgentProcess:
        return agent_process.AgentProcess(entrant, info, *spaces, 0, task.limits, isolation=tier)

    def start(tier: tiers.Tier) -> None:
        with agent(tier) as process:
            process.load()

    measured = [tier for tier in get_args(tiers.Tier) if tier != "strict" or tiers.what_is_lacking(tier) is None]
    for tier in measured:
        tiers.obtain(tier)
        start(tier)
    for _ in range(rounds):
        for tier in measured:
            times[f"start {tier}"].append(seconds(lambda tier=tier: start(tier)))
            with agent(tier) as process:
                act = process.load()
                call = repeated(lambda act=act: act(observation, first), calls)
                call()
                times[tier].append(seconds(call))
    return times


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        print(json.dumps(measure(Path(name), int(sys.argv[1]), int(sys.argv[2]))))
