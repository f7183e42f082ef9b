"""Results of agents: what each agent scored on each task, over its training runs, gathered from recorded episodes.

Episodes (`record.load`) group into *runs*, one agent digest on one task each; runs into *results*, one agent name and
version on one task each. The runs of a result differ in their training seeds.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from rlbench.errors import UserError
from rlbench.harness.ranking.eligibility import grouped, named_apart, unranked
from rlbench.harness.ranking.intervals import MeanEstimate, average, moments
from rlbench.harness.ranking.recorded_runs import AgentVersion, RecordedRun
from rlbench.harness.ranking.scores import Floats, exact_mean, normalise
from rlbench.harness.tasks.task import Task

if TYPE_CHECKING:
    import pandas

RANDOM = "random"
"""The agent that defines the score 0: a line of reference, in no ranking."""


@dataclass(frozen=True)
class AgentResult:
    """Mean returns and normalised scores of one agent on one task: `returns, scores: [n]`, one per training seed."""

    task: Task
    agent: AgentVersion
    runs: tuple[RecordedRun, ...]
    returns: Floats
    scores: Floats

    @classmethod
    def of(cls, runs: Sequence[RecordedRun], task: Task) -> AgentResult:
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
        """Median of the training steps; None where a run does not state them."""
        steps = [run.training_steps for run in self.runs]
        return None if min(steps) < 0 else int(np.median(steps))

    @property
    def solved(self) -> int:
        """Number of training seeds that solved the task, see `Task.threshold`."""
        return int(np.sum(np.round(self.returns, 9) >= self.task.threshold))


def collect_results(
    runs: Sequence[RecordedRun], tasks: Mapping[str, Task]
) -> tuple[dict[str, list[AgentResult]], list[tuple[RecordedRun, str]]]:
    """Gather the result of every agent on every task from its runs.

    Args:
        runs: The runs, in any order.
        tasks: The tasks to rank, by key.

    Returns:
        The results by task, in the order of `tasks`, without tasks that nobody has completed; and the runs that are
        not ranked, each with the reason.

    """
    runs = sorted(runs, key=lambda run: (run.task, run.agent, run.training_seed, run.digest))
    reasons = unranked(runs, tasks)
    ranked = [run for run in runs if id(run) not in reasons]
    named = zip(runs, named_apart(runs, ranked), strict=True)
    pairs = sorted(named, key=lambda pair: (pair[1].task, pair[1].agent, pair[1].training_seed, pair[1].digest))
    results: dict[str, list[AgentResult]] = {key: [] for key in tasks}
    for (task, _), members in grouped(called for run, called in pairs if id(run) not in reasons).items():
        results[task].append(AgentResult.of(members, tasks[task]))
    left_out = [(called, reasons[id(run)]) for run, called in pairs if id(run) in reasons]
    return {key: of_task for key, of_task in results.items() if of_task}, left_out


def strata_of_episodes(run: RecordedRun, task: Task) -> list[Floats]:
    """Returns of a run by the start that the task gave them, `[episodes / starts]` each; one stratum without starts.

    Starts that a task enumerates are strata and no chance: what remains is how an agent's returns from one differ.
    """
    starts = len(task.options) if isinstance(task.options, tuple) else 0
    return [run.returns[i::starts] for i in range(starts)] if starts else [run.returns]


def generator(*names: str) -> np.random.Generator:
    """Random generator seeded by these names, so that a new agent changes nobody else's interval."""
    digest = hashlib.sha256("\0".join(names).encode()).digest()
    return np.random.default_rng(list(digest))


def collect_runs(frame: pandas.DataFrame) -> list[RecordedRun]:
    """Runs in the order of task, agent, version, training seed, digest; their episodes in order, too.

    Raises UserError for a run with an episode twice or with a return that is not finite.
    """
    runs = []
    keys = ["task", "agent", "version", "training_seed", "digest"]
    for (task, name, version, seed, digest), lines in frame.groupby(keys, sort=True):
        lines = lines.sort_values("episode")
        run = RecordedRun(
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
