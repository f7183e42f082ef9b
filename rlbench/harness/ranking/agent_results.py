"""Entries: what one agent scored on one task, over its training runs, gathered from the raw episode lines.

Episodes (`record.load`) group into *runs*, one agent digest on one task each; runs into *entries*, one agent
name and version on one task each. The runs of an entry differ in their training seeds, which is what is
replicated.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

import numpy as np

from rlbench.errors import UserError
from rlbench.harness.ranking import scores as score
from rlbench.harness.tasks.task import Task

if TYPE_CHECKING:
    import pandas

Unit: TypeAlias = Literal["seeds", "episodes", "none"]
"""What an interval resamples; a single run has only its episodes, which say nothing about training."""

SEEDS: Unit = "seeds"
EPISODES: Unit = "episodes"
NONE: Unit = "none"


class Agent(NamedTuple):
    """Name and version of an agent: what the rows of a table are about."""

    name: str
    version: str


@dataclass(frozen=True)
class Run:
    """Episodes of one agent digest on one task, in order; `returns: float64[E]`."""

    task: str
    agent: Agent
    digest: str
    dynamics: str  # fingerprint of the simulator's; empty for our own
    training_seed: int  # -1: not trained
    training_steps: int
    returns: score.Floats
    failed: int  # episodes whose status is not ok
    complete: bool

    @property
    def file(self) -> str:
        """Where the run's lines are, below the results folder."""
        return f"{self.task}/{self.agent.name}@{self.digest[:12]}.jsonl"


@dataclass(frozen=True)
class AgentResult:
    """Normalised score of one agent on one task, and bootstrap samples of it.

    `scores: [n]`, one per training seed; `samples: [B, n]`, or `[B, 1]` from the episodes of a single run.
    """

    task: Task
    agent: Agent
    runs: tuple[Run, ...]
    returns: score.Floats  # [n], mean return per training seed
    scores: score.Floats
    samples: score.Floats
    count: int  # of the units that were resampled
    unit: Unit

    @classmethod
    def of(cls, runs: Sequence[Run], task: Task) -> AgentResult:
        """Score the complete runs of one agent on one task."""
        agent, episodes = runs[0].agent, runs[0].returns
        returns = np.array([score.exact_mean(run.returns) for run in runs])
        rng = generator(task.key, *agent)
        if len(runs) > 1:
            samples, count, unit = score.resample(returns, rng), len(runs), SEEDS
        else:
            samples, count = score.resample_mean(episodes, rng), len(episodes)
            unit = EPISODES if count > 1 else NONE
        scores, samples = (score.normalise(x, task.random, task.reference) for x in (returns, samples))
        return cls(task, agent, tuple(runs), returns, scores, samples, count, unit)


def generator(*names: str) -> np.random.Generator:
    """Random generator for what these names name: thus a newcomer changes nobody else's interval."""
    digest = hashlib.sha256("\0".join(names).encode()).digest()
    return np.random.default_rng(list(digest))


def collect(frame: pandas.DataFrame) -> list[Run]:
    """Collect the runs in the order of task, agent, version, training seed, digest; episodes in order too.

    Raises UserError for a run with an episode twice or with a return that is not finite.
    """
    runs = []
    keys = ["task", "agent", "version", "training_seed", "digest"]
    for (task, name, version, seed, digest), lines in frame.groupby(keys, sort=True):
        lines = lines.sort_values("episode")
        run = Run(
            task=str(task),
            agent=Agent(str(name), str(version)),
            digest=str(digest),
            dynamics=str(lines["dynamics"].iloc[0]),
            training_seed=int(str(seed)),
            training_steps=int(lines["training_steps"].max()),
            returns=lines["return"].to_numpy(dtype=np.float64),
            failed=int((lines["status"] != "ok").sum()),
            complete=bool(lines["complete"].all()),
        )
        if lines["episode"].duplicated().any() or not np.isfinite(run.returns).all():
            raise UserError(f"{run.file}: an episode twice, or a return that is no number; evaluate it again")
        runs.append(run)
    return runs


def grouped(runs: Iterable[Run]) -> dict[tuple[str, Agent], list[Run]]:
    """Group runs by task and agent, in the order in which they come."""
    groups: dict[tuple[str, Agent], list[Run]] = {}
    for run in runs:
        groups.setdefault((run.task, run.agent), []).append(run)
    return groups


def require_distinct_seeds(runs: Iterable[Run]) -> None:
    """Refuse two runs of one training seed, with a UserError that names both files.

    Counted twice, a seed would narrow the interval; chosen between, it would flatter.
    """
    for (task, agent), members in grouped(runs).items():
        first: dict[int, Run] = {}
        for run in members:
            other = first.setdefault(run.training_seed, run)
            if other is not run:
                seed = "no training seed" if run.training_seed < 0 else f"training seed {run.training_seed}"
                raise UserError(
                    f"{task}: two runs of {agent.name} {agent.version} with {seed}: {other.file} "
                    f"and {run.file}; remove one, or give the changed agent a new version"
                )


def prevailing_dynamics(runs: Iterable[Run]) -> dict[str, str]:
    """The fingerprint that most complete runs of each task have; of two that as many have, the first in order."""
    counts: dict[str, Counter[str]] = {}
    for run in runs:
        if run.complete:
            counts.setdefault(run.task, Counter())[run.dynamics] += 1
    return {task: min(of_task, key=lambda name: (-of_task[name], name)) for task, of_task in counts.items()}


def why_unranked(run: Run, tasks: Mapping[str, Task], dynamics: Mapping[str, str]) -> str | None:
    """Reason to keep a run out of the ranking; None if there is none."""
    if run.task not in tasks:
        return "this rlbench has no such task"
    episodes = tasks[run.task].episodes
    if not run.complete or len(run.returns) != episodes:
        return f"incomplete: {len(run.returns):,} of {episodes:,} episodes"
    if run.dynamics != dynamics[run.task]:
        return f"played under other dynamics: {run.dynamics or 'none'}, not {dynamics[run.task] or 'none'}"
    return None
