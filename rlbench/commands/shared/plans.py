"""What `rlbench run` trains: the plans, by name, and which agent of the leaderboard each of their entries makes."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from rlbench.commands.shared.agents import agents
from rlbench.harness.tasks.suite import SUITES


@dataclass(frozen=True)
class Entry:
    """A reference agent of a plan."""

    algorithm: str
    preset: str
    task: str
    seeds: int = 10  # how many are trained where nobody asks for another number
    random: bool = True  # whether another training seed gives another agent


QUICK = (
    Entry("value-iteration", "lecture", "grid-world@1", seeds=1, random=False),
    Entry("q-learning", "lecture", "grid-world@1"),
    Entry("dqn", "grid-world", "grid-world@1"),
    Entry("dqn", "fast", "cart-pole@1"),
    Entry("pqn", "fast", "cart-pole@1"),
    Entry("reinforce", "fast", "cart-pole@1"),
    Entry("actor-critic", "fast", "cart-pole@1"),
)
GLIMPSE = tuple(
    Entry("recurrent-attention", preset, f"glimpse-{preset}@1", seeds=3)
    for preset in ("mnist", "translated", "cluttered60", "cluttered100")
)
AS_THEY_STAND = tuple(Entry(algorithm, "lecture", "cart-pole@1") for algorithm in ("dqn", "reinforce", "actor-critic"))
OTHERS_PLAY = ("pong@1", "breakout@1", "seaquest@1")
"""Games that PQN and the data-efficient DQN are trained on, too."""
ATARI = (
    *(Entry("dqn", "atari-cpu", task, seeds=3) for task in ("pong@1", "breakout@1")),
    *(Entry("dqn", "atari-double", task.key, seeds=3) for task in SUITES["atari"]),
    *(Entry("pqn", "atari-cpu", task, seeds=3) for task in OTHERS_PLAY),
    *(Entry("dqn", "atari-data-efficient", task, seeds=3) for task in OTHERS_PLAY),
)
WALKERS = ("half-cheetah", "hopper", "walker2d")
ROBOTS = (*WALKERS, "ant", "humanoid")
LOCOMOTION = tuple(Entry("actor-critic", "locomotion", f"{robot}@1", seeds=3) for robot in ROBOTS)
MUJOCO_V5 = (
    *(Entry("actor-critic", "locomotion", f"{robot}-gymnasium@1", seeds=3) for robot in WALKERS),
    *(Entry("soft-actor-critic", "fast", f"{robot}-gymnasium@1", seeds=3) for robot in WALKERS),
)
XQC = tuple(Entry("xqc", "fast", f"{robot}-gymnasium@1", seeds=3) for robot in ROBOTS)
GO = (
    Entry("alphazero", "go5", "go5@1", seeds=1),
    Entry("alphazero", "go9-short", "go9@1", seeds=1),
    Entry("reinforce", "go", "go5@1", seeds=3),
)
ALL = (*QUICK, *AS_THEY_STAND, *ATARI, *MUJOCO_V5, *XQC, *LOCOMOTION, *GLIMPSE, *GO)
PLANS = {
    "quick": QUICK,
    "classic": (*QUICK, *AS_THEY_STAND),
    "atari": ATARI,
    "glimpses": GLIMPSE,
    "locomotion": LOCOMOTION,
    "mujoco-v5": (*MUJOCO_V5, *XQC),
    "xqc": XQC,
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


def seeds_of(entry: Entry, asked: int | None) -> range:
    """The training seeds of an entry, as many as asked for; just one where all give the same agent."""
    return range(entry.seeds if asked is None or not entry.random else asked)


def training_runs(family: str, tasks: Collection[str]) -> int:
    """How many training runs the plan of a family has, beside those in which nothing is random."""
    return sum(entry.seeds for entry in entries(family, tasks) if entry.random)


def commands(agent: str, task: str, family: str, seeds: int) -> tuple[str, ...]:
    """What trains and scores one agent on one task again; nothing for agents that are not the reference's.

    Args:
        agent: Its name on the leaderboard.
        task: The key of the task.
        family: That of the task.
        seeds: How many training seeds to train, from 0 on; 0 where it was not trained.
    """
    planned = next((e for e in entries(family, {task}) if (agent_of(e), e.task) == (agent, task)), None)
    if planned is not None:
        fewer = f" --seeds {seeds}" if planned.random and seeds != planned.seeds else ""
        return (f"rlbench run {family} --agent {agent} --task {task}{fewer}",)
    if agent not in agents():
        return ()
    train = f"rlbench train {agent} --task {task} --out runs/again"
    return train, "rlbench evaluate runs/again/submission --results runs/again/results"
