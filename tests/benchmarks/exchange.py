"""What isolation costs: seconds of calls and of whole blocks, in the agent's own process and in this one, in turn.

`OMP_NUM_THREADS=1 python exchange.py ROUNDS CALLS` prints a JSON object of lists. One thread, as agents have, so that
both sides multiply matrices alike.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from rlbench import space_tree
from rlbench.harness import submission
from rlbench.harness.isolation import agent_process
from rlbench.harness.isolation.agent import TaskInfo
from rlbench.harness.isolation.worker import zeros
from rlbench.harness.layers import player as layers
from rlbench.harness.play import in_process, make_env, play
from rlbench.harness.tasks.suite import get_task

DQN = Path(__file__).parents[2] / "baselines" / "pretrained" / "cart-pole@1" / "dqn-s0"
PONG = """
import os, sys
calls, replies, *cores = map(int, sys.argv[1:])
os.sched_setaffinity(0, cores)
while byte := os.read(calls, 1):
    os.write(replies, byte)
"""
IDLE = """
import numpy as np
class Idle:
    def __init__(self, num_envs):
        self.actions = np.zeros(num_envs, np.int64)
    def act(self, observation, first):
        return self.actions
def load(task, spaces, seed):
    return Idle(task.num_envs)
"""
MANIFEST = 'name = "idle"\nversion = "1"\nauthors = ["a test"]\ntasks = ["*"]\nentry = "agent:load"\n'


def trained(folder: Path) -> layers.Player:
    """The committed DQN agent in this process."""
    space = make_env(get_task("cart-pole"), 1).single_observation_space
    return layers.load(folder, zeros(space_tree.describe(space)), 0)


def child(folder: Path) -> agent_process.AgentProcess:
    """An agent in a process of its own, 50 episodes of cart-pole at once."""
    task, env = get_task("cart-pole"), make_env(get_task("cart-pole"), 1)
    info = TaskInfo(task.name, task.version, task.num_envs, task.discount)
    spaces = space_tree.describe(env.single_observation_space), space_tree.describe(env.single_action_space)
    return agent_process.AgentProcess(submission.read(folder), info, *spaces, 0, task.limits)


def seconds(function: Callable[[], Any]) -> float:
    """How long it takes."""
    began = time.perf_counter()
    function()
    return time.perf_counter() - began


def repeated(function: Callable[[], Any], calls: int) -> Callable[[], None]:
    """The function called so often that a clock can resolve it."""

    def run() -> None:
        for _ in range(calls):
            function()

    return run


def ping_pong(cores: set[int]) -> Callable[[], None]:
    """One byte there and back through two pipes between two Pythons, at its fastest: on the same cores."""
    calls, replies = os.pipe(), os.pipe()
    command = [sys.executable, "-c", PONG, str(calls[0]), str(replies[1]), *map(str, cores)]
    subprocess.Popen(command, pass_fds=(calls[0], replies[1]))
    os.close(calls[0])

    def ping() -> None:
        os.write(calls[1], b"x")
        os.read(replies[0], 1)

    ping()
    return ping


def measure(folder: Path, rounds: int, calls: int) -> dict[str, list[float]]:
    """Seconds per round: `ping` and `call` of `calls` each, `inside` and `isolated` of one block of cart-pole each."""
    (folder / "idle").mkdir()
    (folder / "idle" / "agent.py").write_text(IDLE, encoding="utf-8")
    (folder / "idle" / "submission.toml").write_text(MANIFEST, encoding="utf-8")
    task = get_task("cart-pole")
    env = make_env(task, task.num_envs)
    observation, _ = env.reset(seed=0)
    first = np.zeros(task.num_envs, bool)
    times: dict[str, list[float]] = {"ping": [], "call": [], "inside": [], "isolated": []}
    with child(folder / "idle") as idle:
        act = idle.load()
        ping = ping_pong(os.sched_getaffinity(0))
        for _ in range(rounds):
            times["ping"].append(seconds(repeated(ping, calls)))
            times["call"].append(seconds(repeated(lambda: act(observation, first), calls)))
    with child(DQN) as agent:
        act, here = agent.load(), in_process(trained(DQN), env)
        games = [play(env, one, task, range(task.num_envs)) for one in (here, act)]
        assert games[0] == games[1]
        for _ in range(rounds):
            times["inside"].append(seconds(lambda: play(env, here, task, range(task.num_envs))))
            times["isolated"].append(seconds(lambda: play(env, act, task, range(task.num_envs))))
    return times


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        print(json.dumps(measure(Path(name), int(sys.argv[1]), int(sys.argv[2]))))
