"""Results of agents: what each agent scored on each task, over its training runs, gathered from recorded episodes.

Episodes (`record.load`) group into *runs*, one agent digest on one task each; runs into *results*, one agent name and
version on one task each. The runs of a result differ in their training seeds.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

import numpy as np

from rlbench.errors import UserError
from rlbench.harness.ranking.intervals import resample, resample_mean
from rlbench.harness.ranking.scores import Floats, exact_mean, normalise
from rlbench.harness.tasks.task import Task

if TYPE_CHECKING:
    import pandas

Unit: TypeAlias = Literal["seeds", "episodes", "none"]
"""What an interval resamples: training seeds; the episodes of a single run; nothing, where that has one episode."""

SEEDS: Unit = "seeds"
EPISODES: Unit = "episodes"
NONE: Unit = "none"


class AgentVersion(NamedTuple):
    """Name and version of an agent, which have one row in a table."""

    name: str
    version: str


@dataclass(frozen=True)
class Run:
    """Episodes of one agent digest on one task, in order; `returns: float64[E]`."""

    task: str
    agent: AgentVersion
    digest: str
    dynamics: str  # fingerprint of the simulator's dynamics; empty where they are rlbench's own
    training_seed: int  # -1: not trained
    training_steps: int
    returns: Floats
    failed: int  # episodes whose status is not ok
    complete: bool

    @property
    def file(self) -> str:
        """Path of the run's record in the results folder."""
        return f"{self.task}/{self.agent.name}@{self.digest[:12]}.jsonl"


@dataclass(frozen=True)
class AgentResult:
    """Normalised score of one agent on one task, and bootstrap samples of it.

    `scores: [n]`, one per training seed; `samples: [B, n]`, or `[B, 1]` from the episodes of a single run.
    """

    task: Task
    agent: AgentVersion
    runs: tuple[Run, ...]
    returns: Floats  # [n], mean return per training seed
    scores: Floats
    samples: Floats
    count: int  # of the units that were resampled
    unit: Unit

    @classmethod
    def of(cls, runs: Sequence[Run], task: Task) -> AgentResult:
        """Score the complete runs of one agent on one task."""
        agent, episodes = runs[0].agent, runs[0].returns
        returns = np.array([exact_mean(run.returns) for run in runs])
        rng = generator(task.key, *agent)
        if len(runs) > 1:
            samples, count, unit = resample(returns, rng), len(runs), SEEDS
        else:
            samples, count = resample_mean(episodes, rng), len(episodes)
            unit = EPISODES if count > 1 else NONE
        scores, samples = (normalise(x, task.random, task.reference) for x in (returns, samples))
        return cls(task, agent, tuple(runs), returns, scores, samples, count, unit)


def collect_results(
    frame: pandas.DataFrame, tasks: Mapping[str, Task]
) -> tuple[dict[str, list[AgentResult]], list[tuple[Run, str]]]:
    """Gather the result of every agent on every task from recorded episodes.

    Args:
        frame: One row per episode (`record.load`), in any order.
        tasks: The tasks to rank, by key.

    Returns:
        The results by task, in the order of `tasks`, without tasks that nobody has completed; and the runs that are
        not ranked, each with the reason.

    Raises:
        UserError: Two runs of one agent and version have the same training seed, or a run is malformed.
    """
    runs = collect_runs(frame)
    require_distinct_seeds(runs)
    dynamics = prevailing_dynamics(runs)
    reasons = [why_unranked(run, tasks, dynamics) for run in runs]
    results: dict[str, list[AgentResult]] = {key: [] for key in tasks}
    ranked = (run for run, reason in zip(runs, reasons, strict=True) if reason is None)
    for (task, _), members in grouped(ranked).items():
        results[task].append(AgentResult.of(members, tasks[task]))
    unranked = [(run, reason) for run, reason in zip(runs, reasons, strict=True) if reason is not None]
    return {key: of_task for key, of_task in results.items() if of_task}, unranked


def generator(*names: str) -> np.random.Generator:
    """Random generator seeded by these names, so that a new agent changes nobody else's interval."""
    digest = hashlib.sha256("\0".join(names).encode()).digest()
    return np.random.default_rng(list(digest))


def collect_runs(frame: pandas.DataFrame) -> list[Run]:
    """Runs in the order of task, agent, version, training seed, digest; their episodes in order, too.

    Raises UserError for a run with an episode twice or with a return that is not finite.
    """
    runs = []
    keys = ["task", "agent", "version", "training_seed", "digest"]
    for (task, name, version, seed, digest), lines in frame.groupby(keys, sort=True):
        lines = lines.sort_values("episode")
        run = Run(
            task=str(task),
            agent=AgentVersion(str(name), str(version)),
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


def grouped(runs: Iterable[Run]) -> dict[tuple[str, AgentVersion], list[Run]]:
    """Runs by task and agent, in the order in which they come."""
    groups: dict[tuple[str, AgentVersion], list[Run]] = {}
    for run in runs:
        groups.setdefault((run.task, run.agent), []).append(run)
    return groups


def require_distinct_seeds(runs: Iterable[Run]) -> None:
    """Raise UserError where two runs of an agent have one training seed; it names both files.

    A seed counted twice would narrow the interval, and a choice between the two would bias it.
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
    """The fingerprint of most complete runs of each task; the first in alphabetical order where several tie."""
    counts: dict[str, Counter[str]] = {}
    for run in runs:
        if run.complete:
            counts.setdefault(run.task, Counter())[run.dynamics] += 1
    return {task: min(of_task, key=lambda name: (-of_task[name], name)) for task, of_task in counts.items()}


def why_unranked(run: Run, tasks: Mapping[str, Task], dynamics: Mapping[str, str]) -> str | None:
    """Reason why a run is not ranked; None if it is.

    Args:
        run: The run.
        tasks: The tasks that exist, by key.
        dynamics: The fingerprint under which each task is ranked (`prevailing_dynamics`).
    """
    if run.task not in tasks:
        return "this rlbench has no such task"
    episodes = tasks[run.task].episodes
    if not run.complete or len(run.returns) != episodes:
        return f"incomplete: {len(run.returns):,} of {episodes:,} episodes"
    if run.dynamics != dynamics[run.task]:
        return f"played under other dynamics: {run.dynamics or 'none'}, not {dynamics[run.task] or 'none'}"
    return None
