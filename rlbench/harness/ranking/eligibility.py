"""Which runs count: each that a task could have given, once, and in the row of its owner alone.

What is left out is listed with the reason; nothing that one file says stops the others.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from rlbench.errors import printable
from rlbench.harness.ranking.proofs import is_whole
from rlbench.harness.ranking.recorded_runs import AgentVersion, RecordedRun
from rlbench.harness.tasks.catalogue import missing
from rlbench.harness.tasks.task import Task

REFERENCE = "rlbench"
"""The owner of the reference agents."""


def unranked(runs: Sequence[RecordedRun], tasks: Mapping[str, Task]) -> dict[int, str]:
    """Why runs do not count, by the `id` of the run.

    Args:
        runs: All runs, ordered by task, agent, training seed and digest.
        tasks: The tasks that exist, by key.
    """
    secrets = secret_of_each(runs)
    reasons = {}
    for run in runs:
        reason = why_unranked(run, tasks) or why_not_comparable(run, secrets.get(run.task, ""))
        if reason is not None:
            reasons[id(run)] = reason
    return reasons | repeated([run for run in runs if id(run) not in reasons], tasks)


def named_apart(runs: Sequence[RecordedRun], ranked: Sequence[RecordedRun]) -> list[RecordedRun]:
    """The runs, with the owner in the name where several have one agent of that name and version.

    Nobody's runs count in the row of somebody else. The reference agents keep their names.

    Args:
        runs: Those that are named.
        ranked: Those that count, as the others would rename rows of somebody else.
    """
    owners: dict[AgentVersion, set[str]] = {}
    for run in ranked:
        owners.setdefault(run.agent, set()).add(run.owner)
    return [
        run
        if owners.get(run.agent, set()) <= {run.owner} or run.owner == REFERENCE
        else replace(run, agent=run.agent._replace(name=f"{run.agent.name} of {run.owner or 'nobody'}"))
        for run in runs
    ]


def repeated(runs: Sequence[RecordedRun], tasks: Mapping[str, Task]) -> dict[int, str]:
    """Why runs would count twice, by the `id` of the run.

    The same agent under another training seed is one run, which would narrow the interval; of two agents under one
    seed neither counts, as a choice between them would bias the mean. But what is verified gives way to nothing that is
    not: else a forged record would take out the one that it names.

    Args:
        runs: Those that could be ranked, ordered by training seed and digest.
        tasks: The tasks that exist, by key.
    """
    reasons: dict[int, str] = {}
    owned: dict[tuple[str, AgentVersion, str], list[RecordedRun]] = {}
    for run in runs:
        owned.setdefault((run.task, run.agent, run.owner), []).append(run)
    for (key, _, _), some in owned.items():
        members = sorted(some, key=lambda run: -standing(run, tasks[key]))
        reasons |= same_contents(members)
        reasons |= displaced([run for run in members if id(run) not in reasons], tasks[key])
        reasons |= same_seed([run for run in members if id(run) not in reasons])
    return reasons


def standing(run: RecordedRun, task: Task) -> int:
    """How well a run is proved: 2 by what `verify` found here, 1 by a check that no other contradicts, else 0."""
    if run.state == "verified":
        return 2
    contested = any(each.verdict == "different" for each in run.statements)
    return int(not contested and any(is_whole(each, task) for each in run.statements))


def displaced(runs: Sequence[RecordedRun], task: Task) -> dict[int, str]:
    """The reasons of runs of an agent whose training seed another has that is better proved.

    Args:
        runs: The best proved first.
        task: What they play.
    """
    best: dict[int, RecordedRun] = {}
    reasons = {}
    for run in runs:
        other = best.setdefault(seed_of(run), run)
        if standing(run, task) < standing(other, task):
            reasons[id(run)] = f"{other.file} claims to be the same run, and is better proved: verify both"
    return reasons


def same_contents(runs: Sequence[RecordedRun]) -> dict[int, str]:
    """The reasons of all runs of an agent but the first of those whose contents are equal."""
    first: dict[str, RecordedRun] = {}
    reasons = {}
    for run in runs:
        other = first.setdefault(run.contents or run.digest, run)
        if other is not run:
            reasons[id(run)] = f"the same contents as {other.file}, which count once, whatever their training seed"
    return reasons


def same_seed(runs: Sequence[RecordedRun]) -> dict[int, str]:
    """The reasons of runs of an agent whose training seed another has as well; each names another.

    One that was not trained has none, whatever its manifest states: its changed copies are no seeds of it.
    """
    reasons = {}
    for run in runs:
        mine = seed_of(run)
        others = [each for each in runs if each is not run and seed_of(each) == mine]
        if others:
            shared = f"has {f'training seed {mine}' if mine >= 0 else 'no training seed'}, too"
            shared = "was not trained, either" if run.training_steps == 0 else shared
            remedy = "remove one, or give the changed agent a new version"
            reasons[id(run)] = f"{others[0].file} {shared}, so that neither counts; {remedy}"
    return reasons


def seed_of(run: RecordedRun) -> int:
    """The training seed of a run; -1 where nothing was trained."""
    return run.training_seed if run.training_steps != 0 else -1


def secret_of_each(runs: Iterable[RecordedRun]) -> dict[str, str]:
    """The secret under which each task is ranked: none, unless all of its complete runs have the same one."""
    secrets: dict[str, set[str]] = {}
    for run in runs:
        if run.complete and not run.flaw:
            secrets.setdefault(run.task, set()).add(run.secret)
    return {task: min(some) if len(some) == 1 else "" for task, some in secrets.items()}


def why_not_comparable(run: RecordedRun, secret: str) -> str | None:
    """Reason why the episodes of a run are not those of the others; None where they are."""
    if run.secret == secret:
        return None
    return f"its episodes are drawn from the secret {run.secret[:12]}; rank such runs in a folder of their own"


def why_unranked(run: RecordedRun, tasks: Mapping[str, Task]) -> str | None:
    """Reason why a run is not ranked; None if it is.

    Args:
        run: The run.
        tasks: The tasks that exist, by key.
    """
    if run.flaw:
        return run.flaw
    if run.task not in tasks:
        return missing(printable(run.task)[:80])
    episodes = tasks[run.task].episodes
    if not run.complete or len(run.returns) != episodes:
        why = f"; {run.lacking}" if run.lacking else ""
        return f"incomplete: {len(run.returns):,} of {episodes:,} episodes{why}"
    if not run.walled:
        return "played with isolation=process: the agent could reach the machine; evaluate it again without that"
    if run.state == "different":
        return f"verify found other episodes on this machine: rlbench verify results/{run.file}"
    if run.dynamics != (pinned := tasks[run.task].dynamics):  # the task's own, however many runs have others
        return f"played under other dynamics: {run.dynamics or 'none'}, not {pinned or 'none'}"
    return None


def grouped(runs: Iterable[RecordedRun]) -> dict[tuple[str, AgentVersion], list[RecordedRun]]:
    """Runs by task and agent, in the order in which they come."""
    groups: dict[tuple[str, AgentVersion], list[RecordedRun]] = {}
    for run in runs:
        groups.setdefault((run.task, run.agent), []).append(run)
    return groups
