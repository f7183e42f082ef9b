"""What `rlbench run` trains: the plans, by name, and which agent of the leaderboard each of their entries makes."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from rlbench.commands.shared.agents import agents


@dataclass(frozen=True)
class Entry:
    """A reference agent of a plan."""

    algorithm: str
    preset: str
    task: str
    seeds: int | None = None  # how many; None for as many as asked for


QUICK = (
    Entry("value-iteration", "lecture", "grid-world@1", seeds=1),  # nothing in it is random
    Entry("q-learning", "lecture", "grid-world@1"),
    Entry("dqn", "grid-world", "grid-world@1"),
    Entry("dqn", "fast", "cart-pole@1"),
    Entry("reinforce", "fast", "cart-pole@1"),
    Entry("actor-critic", "fast", "cart-pole@1"),
)
GLIMPSE = tuple(
    Entry("recurrent-attention", preset, f"glimpse-{preset}@1", seeds=3)
    for preset in ("mnist", "translated", "cluttered60", "cluttered100")
)
AS_THEY_STAND = tuple(Entry(algorithm, "lecture", "cart-pole@1") for algorithm in ("dqn", "reinforce", "actor-critic"))
ATARI = tuple(Entry("dqn", "atari-cpu", task, seeds=3) for task in ("pong@1", "breakout@1"))
WALKERS = ("half-cheetah", "hopper", "walker2d")
LOCOMOTION = tuple(
    Entry("actor-critic", "locomotion", f"{robot}@1", seeds=3) for robot in (*WALKERS, "ant", "humanoid")
)
MUJOCO_V5 = (
    *(Entry("actor-critic", "locomotion", f"{robot}-gymnasium@1", seeds=3) for robot in WALKERS),
    *(Entry("soft-actor-critic", "fast", f"{robot}-gymnasium@1", seeds=3) for robot in ("half-cheetah", "hopper")),
)
GO = (Entry("alphazero", "go5", "go5@1", seeds=1), Entry("reinforce", "go", "go5@1", seeds=3))
ALL = (*QUICK, *AS_THEY_STAND, *ATARI, *MUJOCO_V5, *LOCOMOTION, *GLIMPSE, *GO)
PLANS = {
    "quick": QUICK,
    "classic": (*QUICK, *AS_THEY_STAND),
    "atari": ATARI,
    "glimpses": GLIMPSE,
    "locomotion": LOCOMOTION,
    "mujoco-v5": MUJOCO_V5,
    "go": GO,
    "lecture": ALL,
}
"""What is trained, by the name of the plan. A plan that is named as a suite is scored on the tasks of that suite."""


def agent_of(entry: Entry) -> str:
    """The name of an entry's agent on the leaderboard; it loads no algorithm, as that would import PyTorch."""
    names = {words: name for name, words in agents().items()}
    default = names.get((entry.algorithm,), entry.algorithm)
    return names.get((entry.algorithm, "--preset", entry.preset), default)


def entries(family: str, tasks: Collection[str]) -> tuple[Entry, ...]:
    """What trains the agents of a family: its plan, or where none has its name, all entries on its tasks."""
    return PLANS.get(family) or tuple(entry for entry in ALL if entry.task in tasks)


def command(agent: str, task: str, family: str) -> str:
    """The command that trains and scores one agent on one task again; empty for agents that are not the reference's."""
    if any((agent_of(entry), entry.task) == (agent, task) for entry in entries(family, {task})):
        return f"rlbench run {family} --agent {agent} --task {task}"
    return f"rlbench train {agent} --task {task}" if agent in agents() else ""
