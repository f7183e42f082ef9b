"""Lines of reference beside the rankings: the random agent, each task's reference, and published scores. Never ranked.

`published.csv` beside this file holds the published scores: task, agent, training steps, mean return, its deviation
over seeds, seeds, how the protocol differs from the task's in clauses parted by semicolons, the sources, likewise, and
their addresses.
"""

from __future__ import annotations

import csv
import functools
import re
from dataclasses import dataclass
from importlib import resources
from typing import Literal, TypeAlias

from rlbench.harness.ranking.agent_results import RANDOM
from rlbench.harness.ranking.scores import normalise
from rlbench.harness.tasks.task import Task

PAPER = re.compile(r"\(\d{4}\)")
"""The year of a paper that is cited as a source."""

NOT_COMPARABLE = "not comparable"
"""How the clause of a protocol begins that tells why a score is of another problem than the task."""

Kind: TypeAlias = Literal["random", "reference", "published"]


@dataclass(frozen=True)
class ReferenceLine:
    """A number on a task's scale that nobody here measured in its ranking."""

    task: str
    kind: Kind
    agent: str
    training_steps: int | None
    mean_return: float
    score: float
    deviation: float | None  # over seeds
    seeds: str
    protocol: str  # how it differs from the task's; empty where it does not
    source: str  # several are parted by semicolons
    url: str  # of each source, parted by blanks

    @property
    def published(self) -> bool:
        """Whether somebody else measured it: no random agent of ours, no number that follows from the rules."""
        computed = self.protocol.startswith("computed")
        return not computed and (self.kind == "published" or bool(PAPER.search(self.source)))

    @property
    def comparable(self) -> bool:
        """Whether it is of the task itself, or of a version of its environment that differs little."""
        return not any(clause.startswith(NOT_COMPARABLE) for clause in self.protocol.split("; "))


def reference_lines(task: Task) -> tuple[ReferenceLine, ...]:
    """The lines of a task: random agent, reference, then published scores in the order of their table."""
    random = end_of_scale(task, "random", RANDOM, task.random, task.random_source)
    reference = end_of_scale(task, "reference", "reference", task.reference, task.reference_source)
    published = (published_line(row, task) for row in published_scores() if row["task"] == task.key)
    return (random, reference, *published)


def own_reference(task: Task) -> bool:
    """Whether the reference of a task is a mean of our own runs, so that to compare them with it would be circular."""
    return task.reference_source.startswith("ours")


def end_of_scale(task: Task, kind: Kind, name: str, value: float, source: str) -> ReferenceLine:
    """One of the two returns that define a task's scale."""
    source = f"{source}; version {task.reference_version}"
    return ReferenceLine(task.key, kind, name, None, value, task.score(value), None, "", "", source, "")


def published_line(row: dict[str, str], task: Task) -> ReferenceLine:
    """A row of `published.csv` on the task's scale."""
    mean = float(row["mean_return"])
    return ReferenceLine(
        task.key,
        "published",
        row["agent"],
        int(row["steps"]) if row["steps"] else None,
        mean,
        float(normalise(mean, task.random, task.reference)),
        float(row["deviation"]) if row["deviation"] else None,
        row["seeds"],
        row["protocol"],
        row["source"],
        row["url"],
    )


@functools.cache
def published_scores() -> tuple[dict[str, str], ...]:
    """The rows of `published.csv`, by column."""
    text = resources.files("rlbench.harness.ranking").joinpath("published.csv").read_text(encoding="utf-8")
    return tuple(csv.DictReader(text.splitlines()))
