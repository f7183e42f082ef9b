"""Runs as rankings take them: the episodes of one agent digest on one task, and the agent that they belong to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from rlbench.harness.ranking.scores import Floats


class AgentVersion(NamedTuple):
    """Name and version of an agent, which have one row in a table."""

    name: str
    version: str

    @property
    def label(self) -> str:
        """The name, with the version where that is not the first."""
        return self.name if self.version == "1" else f"{self.name} {self.version}"


class Statement(NamedTuple):
    """What somebody has published about a run: the word of `who`, and no more."""

    who: str
    verdict: str
    how: str  # `played`, or `actions`: kept ones were re-simulated
    blocks: int
    date: str
    cpu: str


@dataclass(frozen=True)
class RecordedRun:
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
    walled: bool = True  # whether the agent was sandboxed, as `record.Record` says
    owner: str = ""  # who answers for it
    contents: str = ""  # digest of what played, whatever its training seed; empty where it is not known
    secret: str = ""  # hash of what its seeds were drawn from; empty where they are the task's own
    state: str = "self-reported"  # what `verify` has found out here: verified, re-run, different
    statements: tuple[Statement, ...] = ()  # about a record with its bytes, by everybody
    flaw: str = ""  # why its file cannot be ranked; empty where it can

    @property
    def file(self) -> str:
        """Path of the run's record in the results folder."""
        return f"{self.task}/{self.agent.name}@{self.digest[:12]}.jsonl"
