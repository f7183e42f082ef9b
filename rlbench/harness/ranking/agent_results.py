"""Results of agents: what each agent scored on each task, over its training runs, gathered from recorded episodes.

Episodes (`record.load`) group into *runs*, one agent digest on one task each; runs into *results*, one agent name and
version on one task each. The runs of a result differ in their training seeds.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from rlbench.errors import UserError
from rlbench.harness.ranking.intervals import MeanEstimate, average, moments
from rlbench.harness.ranking.scores import Floats, exact_mean, normalise
from rlbench.harness.tasks.task import Task

if TYPE_CHECKING:
    import pandas

REFERENCE = "rlbench"
"""The owner of the reference agents."""

RANDOM = "random"
"""The agent that defines the score 0: a line of reference, in no ranking."""


class AgentVersion(NamedTuple):
    """Name and version of an agent, which have one row in a table."""

    name: str
    version: str

    @property
    def label(self) -> str:
        """The name, with the version where that is not the first."""
        return self.name if self.version == "1" else f"{self.name} {self.version}"


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
    lacking: str = ""  # why episodes are missing; empty where no program was
    drawn: int = 0  # games that nobody won
    walled: bool = True  # whether the agent was walled in, as `record.Record` says
    owner: str = ""  # who answers for it
    contents: str = ""  # digest of what played, whatever its training seed; empty where it is not known
    older: bool = False  # made before the sandbox
    flaw: str = ""  # why its file cannot be ranked; empty where it can

    @property
    def file(self) -> str:
        """Path of the run's record in the results folder."""
        return f"{self.task}/{self.agent.name}@{self.digest[:12]}.jsonl"


@dataclass(frozen=True)
class AgentResult:
    """Mean returns and normalised scores of one agent on one task: `returns, scores: [n]`, one per training seed."""

    task: Task
    agent: AgentVersion
    runs: tuple[Run, ...]
    returns: Floats
    scores: Floats

    @classmethod
    def of(cls, runs: Sequence[Run], task: Task) -> AgentResult:
        """Score the complete runs of one agent on one task."""
        returns = np.array([exact_mean(run.returns) for run in runs])
        return cls(task, runs[0].agent, tuple(runs), returns, normalise(returns, task.random, task.reference))

    @property
    def trained(self) -> bool:
        """Whether the agent learnt from training steps, so that another training seed gives another agent."""
        return any(run.training_seed >= 0 and run.training_steps != 0 for run in self.runs)

    @property
    def moments(self) -> MeanEstimate | None:
        """Mean return: over training seeds, or over the episodes of an agent that was not trained.

        None where there are too few seeds: one training run says nothing about the next.
        """
        return moments(self.returns) if self.trained else self.episode_moments

    @property
    def episode_moments(self) -> MeanEstimate | None:
        """Mean return of a single run over its episodes; None for several runs, or too few episodes."""
        if len(self.runs) > 1:
            return None
        parts = [moments(returns) for returns in strata_of_episodes(self.runs[0], self.task)]
        there = [part for part in parts if part is not None]
        return average(there) if len(there) == len(parts) else None

    @property
    def steps(self) -> int | None:
        """Median of the training steps; None where a run does not tell them."""
        steps = [run.training_steps for run in self.runs]
        return None if min(steps) < 0 else int(np.median(steps))

    @property
    def solved(self) -> int:
        """Number of training seeds that solved the task, see `Task.threshold`."""
        return int(np.sum(np.round(self.returns, 9) >= self.task.threshold))


def collect_results(
    runs: Sequence[Run], tasks: Mapping[str, Task]
) -> tuple[dict[str, list[AgentResult]], list[tuple[Run, str]]]:
    """Gather the result of every agent on every task from its runs.

    Args:
        runs: The runs, in any order.
        tasks: The tasks to rank, by key.

    Returns:
        The results by task, in the order of `tasks`, without tasks that nobody has completed; and the runs that are
        not ranked, each with the reason.

    """
    runs = sorted(named_apart(runs), key=lambda run: (run.task, run.agent, run.training_seed, run.digest))
    dynamics = prevailing_dynamics(runs)
    reasons = [why_unranked(run, tasks, dynamics) for run in runs]
    twice = repeated([run for run, reason in zip(runs, reasons, strict=True) if reason is None])
    reasons = [twice.get(id(run)) if reason is None else reason for run, reason in zip(runs, reasons, strict=True)]
    results: dict[str, list[AgentResult]] = {key: [] for key in tasks}
    ranked = (run for run, reason in zip(runs, reasons, strict=True) if reason is None)
    for (task, _), members in grouped(ranked).items():
        results[task].append(AgentResult.of(members, tasks[task]))
    unranked = [(run, reason) for run, reason in zip(runs, reasons, strict=True) if reason is not None]
    return {key: of_task for key, of_task in results.items() if of_task}, unranked


def strata_of_episodes(run: Run, task: Task) -> list[Floats]:
    """Returns of a run by the start that the task gave them, `[episodes / starts]` each; one stratum without starts.

    Starts that a task enumerates are strata and no chance: what remains is how an agent's returns from one differ.
    """
    starts = len(task.options) if isinstance(task.options, tuple) else 0
    return [run.returns[i::starts] for i in range(starts)] if starts else [run.returns]


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
            walled=bool(lines["walled"].all()) if "walled" in lines else True,
            owner=str(lines["owner"].iloc[0]) if "owner" in lines else "",
            contents=str(lines["contents"].iloc[0]) if "contents" in lines else "",
            drawn=int(((lines["winner"] == 0) & (lines["status"] == "ok")).sum()) if "winner" in lines else 0,
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


def named_apart(runs: Sequence[Run]) -> list[Run]:
    """The runs, with the owner in the name where several have one agent of that name and version.

    Nobody's runs count in the row of somebody else. The reference agents keep their names.
    """
    owners: dict[AgentVersion, set[str]] = {}
    for run in runs:
        owners.setdefault(run.agent, set()).add(run.owner)
    return [
        run
        if len(owners[run.agent]) == 1 or run.owner == REFERENCE
        else replace(run, agent=run.agent._replace(name=f"{run.agent.name} of {run.owner or 'nobody'}"))
        for run in runs
    ]


def repeated(runs: Sequence[Run]) -> dict[int, str]:
    """Why runs would count twice, by the `id` of the run.

    The same agent under another training seed is one run, which would narrow the interval; of two agents under one
    seed neither counts, as a choice between them would bias the mean. A run from before the sandbox gives way.

    Args:
        runs: Those that could be ranked, ordered by training seed and digest.
    """
    reasons: dict[int, str] = {}
    for members in grouped(runs).values():
        present = {run.training_seed: run for run in members if not run.older}
        for run in members:
            if run.older and run.training_seed in present:
                reasons[id(run)] = f"made again: {present[run.training_seed].file}"
        left = [run for run in members if id(run) not in reasons]
        reasons |= same_contents(left)
        reasons |= same_seed([run for run in left if id(run) not in reasons])
    return reasons


def same_contents(runs: Sequence[Run]) -> dict[int, str]:
    """The reasons of all runs of an agent but the first of those whose contents are equal."""
    first: dict[str, Run] = {}
    reasons = {}
    for run in runs:
        other = first.setdefault(run.contents or run.digest, run)
        if other is not run:
            reasons[id(run)] = f"the same contents as {other.file}, which count once, whatever their training seed"
    return reasons


def same_seed(runs: Sequence[Run]) -> dict[int, str]:
    """The reasons of runs of an agent whose training seed another has as well; each names another."""
    reasons = {}
    for run in runs:
        others = [each for each in runs if each is not run and each.training_seed == run.training_seed]
        if others:
            seed = "no training seed" if run.training_seed < 0 else f"training seed {run.training_seed}"
            remedy = "remove one, or give the changed agent a new version"
            reasons[id(run)] = f"{others[0].file} has {seed}, too, so that neither counts; {remedy}"
    return reasons


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
    if run.flaw:
        return run.flaw
    if run.task not in tasks:
        return "this rlbench has no such task"
    episodes = tasks[run.task].episodes
    if not run.complete or len(run.returns) != episodes:
        why = f"; {run.lacking}" if run.lacking else ""
        return f"incomplete: {len(run.returns):,} of {episodes:,} episodes{why}"
    if not run.walled:
        return "played with --isolation process: the agent could reach the machine; evaluate it again without that"
    if run.dynamics != dynamics[run.task]:
        return f"played under other dynamics: {run.dynamics or 'none'}, not {dynamics[run.task] or 'none'}"
    return None
