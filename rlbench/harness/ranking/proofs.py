"""Proofs: of how many runs of an agent somebody has published that they came out the same, and who did."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rlbench.harness.ranking.recorded_runs import RecordedRun, Statement
from rlbench.harness.tasks.task import Task


@dataclass(frozen=True)
class ProofRow:
    """One agent on one task: its runs, and what is published about them."""

    task: str
    agent: str
    version: str
    recorded: int  # runs that count
    verified: int  # of these, those of which somebody says that every block came out the same, and nobody another thing
    by_actions: int  # of the verified, those of which nobody says that their submission played again
    contested: int  # those of which somebody says that episodes came out otherwise
    verified_by: tuple[str, ...]  # who, on which machine, until when
    contested_by: tuple[str, ...]


def proof_rows(task: Task, agents: Iterable[Sequence[RecordedRun]]) -> tuple[ProofRow, ...]:
    """What is published about agents on a task, of which each has some runs."""
    return tuple(_proof_row(runs, task) for runs in agents)


def _proof_row(runs: Sequence[RecordedRun], task: Task) -> ProofRow:
    """What is published about the runs of one agent on one task."""
    verified = [[each for each in run.statements if is_whole(each, task)] for run in runs]
    contested = [[each for each in run.statements if each.verdict == "different"] for run in runs]
    proved = [yes for yes, no in zip(verified, contested, strict=True) if yes and not no]
    return ProofRow(
        task.key,
        *runs[0].agent,
        recorded=len(runs),
        verified=len(proved),
        by_actions=sum(all(each.how == "actions" for each in some) for some in proved),
        contested=sum(map(bool, contested)),
        verified_by=signatures(each for some in verified for each in some),
        contested_by=signatures(each for some in contested for each in some),
    )


def is_whole(statement: Statement, task: Task) -> bool:
    """Whether a statement says that all blocks of a task came out the same."""
    return statement.verdict == "verified" and statement.blocks == task.blocks


def signatures(statements: Iterable[Statement]) -> tuple[str, ...]:
    """Who says so, on which CPU, the latest day, and where no submission played."""
    latest: dict[tuple[str, str, str], str] = {}
    for each in statements:
        how = ", actions alone" if each.how == "actions" else ""
        latest[each.who, each.cpu, how] = max(each.date, latest.get((each.who, each.cpu, how), ""))
    return tuple(f"{who} ({cpu}, {day}{how})" for (who, cpu, how), day in sorted(latest.items()))
