"""How late a call ends that never answers: seconds after its deadline until it is given up, and all is cleared away.

`python deadlines.py ROUNDS HANGS` prints a JSON object of lists, by what the agent does (the first HANGS of: hang in
Python and swallow every exception, hang in Python, hang in C, sleep) and by tier, where the machine has it.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path
from typing import get_args

import numpy as np
import pytest

from rlbench import space_tree
from rlbench.harness import submission
from rlbench.harness.isolation import agent_process, tiers
from rlbench.harness.isolation.agent import AgentFault
from rlbench.harness.play import make_env
from rlbench.harness.tasks.limits import Limits
from rlbench.harness.tasks.suite import get_task

LIMITS = Limits(load=60.0, act=0.25, run=60.0)
MANIFEST = 'name = "hung"\nversion = "1"\nauthors = ["a test"]\ntasks = ["*"]\nentry = "agent:load"\n'
AGENT = """
import time

class Agent:
    def act(self, observation, first):
{}

def load(task, spaces, seed):
    return Agent()
"""
HANGS = {
    "past exceptions": ["while True:", "    try:", "        while True: pass", "    except BaseException: pass"],
    "in Python": ["while True: pass"],
    "in C": ["sum(range(1 << 62))"],
    "asleep": ["time.sleep(3600)"],
}


def late(folder: Path, tier: tiers.Tier) -> tuple[float, float]:
    """Seconds from the deadline of a call until it is given up, and until the process is dead and cleared away."""
    task = get_task("cart-pole")
    env = make_env(task, 1)
    observation, _ = env.reset(seed=0)
    spaces = [space_tree.describe(each) for each in (env.single_observation_space, env.single_action_space)]
    entrant, info = submission.read(folder), agent_process.task_info(task, 1)
    with agent_process.AgentProcess(entrant, info, *spaces, 0, LIMITS, isolation=tier) as process:
        act = process.load()
        began = time.monotonic()
        with pytest.raises(AgentFault, match="timeout_act"):
            act(observation, np.ones(1, bool))
        given_up = time.monotonic()
    return given_up - began - LIMITS.act, time.monotonic() - began - LIMITS.act


def measure(rounds: int, hangs: int) -> dict[str, list[float]]:
    """Seconds by kind of hang and tier, and those until all is cleared away."""
    available = [each for each in get_args(tiers.Tier) if each == "process" or tiers.what_is_lacking(each) is None]
    times: dict[str, list[float]] = {}
    for _ in range(rounds):
        for name, lines in list(HANGS.items())[:hangs]:
            for tier in available:
                with tempfile.TemporaryDirectory() as folder:
                    body = "\n".join(" " * 8 + line for line in lines)
                    Path(folder, "agent.py").write_text(AGENT.format(body), encoding="utf-8")
                    Path(folder, "submission.toml").write_text(MANIFEST, encoding="utf-8")
                    given_up, cleared = late(Path(folder), tier)
                times.setdefault(f"{name}, {tier}", []).append(given_up)
                times.setdefault(f"{name}, {tier}, cleared", []).append(cleared)
    return times


if __name__ == "__main__":
    print(json.dumps(measure(*map(int, sys.argv[1:]))))
