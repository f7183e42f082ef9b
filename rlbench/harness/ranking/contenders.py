"""Agents on a task as the page shows them: ours and published ones together, by budget, the best first."""

from __future__ import annotations

import math
from dataclasses import dataclass

from rlbench.harness.ranking.cells import decimal, digits_of, label, line_label
from rlbench.harness.ranking.rankings import budget_within
from rlbench.harness.ranking.reference_lines import ReferenceLine
from rlbench.harness.ranking.rows import Budget, Rankings, TaskRow
from rlbench.harness.tasks.task import Task

NAMES = {"A2C": "actor-critic", "RAM": "recurrent-attention", "exact optimum": "value-iteration"}
"""Published algorithms that agents of ours have other names for."""


@dataclass(frozen=True)
class Contender:
    """One agent on one task: its row or its published score, the budget that it keeps to, and whether it is the best.

    Best is the highest mean as shown among two or more of one budget; several are where they tie.
    """

    of: TaskRow | ReferenceLine
    budget: Budget
    best: bool

    @property
    def name(self) -> str:
        """The agent, marked where its score is published."""
        return label(self.of) if isinstance(self.of, TaskRow) else line_label(self.of)


def contenders(task: Task, rankings: Rankings) -> list[Contender]:
    """The agents on a task by budget, the best first, those of equal means as shown by their training steps.

    It is no order of ranks, which published scores do not have. Scores that do not compare are left out.
    """
    lines = (line for line in rankings.lines[task.key] if line.kind == "published" and line.comparable)
    found: list[tuple[Budget, TaskRow | ReferenceLine]] = [
        *((row.budget, row) for row in rankings.tasks.get(task.key, ())),
        *((budget_within(task, line.training_steps), line) for line in lines),
    ]
    means: dict[Budget, list[float]] = {}
    for budget, of in found:
        means.setdefault(budget, []).append(as_shown(of, task))
    best = {budget: max(some) if len(some) > 1 else math.nan for budget, some in means.items()}
    made = [Contender(of, budget, as_shown(of, task) == best[budget]) for budget, of in found]
    return sorted(made, key=lambda each: (order(each.budget), -as_shown(each.of, task), *fewest_first(each)))


def fewest_first(each: Contender) -> tuple[float, str]:
    """Sort key of agents of equal means: those of the fewest training steps first, of unknown ones last; then names."""
    steps = each.of.training_steps
    return (math.inf if steps is None else steps), each.name


def as_shown(of: TaskRow | ReferenceLine, task: Task) -> float:
    """The mean return to the digits that are shown."""
    return float(decimal(of.mean_return, digits_of(task)).replace(",", ""))


def order(budget: Budget) -> float:
    """Sort key of budgets: the smallest first, that of any number of steps last."""
    return math.inf if budget is None else budget


def same_algorithm(row: TaskRow, line: ReferenceLine) -> bool:
    """Whether an agent of ours is named after the algorithm of a published one: `dqn-cpu` after `DQN (Dopamine)`."""
    name = line.agent.partition(" (")[0]
    name = NAMES.get(name, name.lower())
    return row.agent == name or row.agent.startswith(f"{name}-")


def compared(entries: list[Contender]) -> list[Contender]:
    """Of a task's agents ours, and the published ones that are the best of a budget or of an algorithm of ours there.

    All others are on the page of the task.
    """
    ours = [(entry.budget, entry.of) for entry in entries if isinstance(entry.of, TaskRow)]
    return [
        entry
        for entry in entries
        if isinstance(entry.of, TaskRow)
        or entry.best
        or sum(other.budget == entry.budget for other in entries) == 1
        or any(budget == entry.budget and same_algorithm(row, entry.of) for budget, row in ours)
    ]
