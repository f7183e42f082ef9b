"""Cells of tables: how a number, an interval, an agent and a rank are shown to people.

Shown numbers are rounded to nine decimals before they are rounded to the shown ones, so that the last bit of a sum,
which depends on the machine, does not show.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Protocol

from rlbench.harness.ranking.intervals import FEWEST_SEEDS
from rlbench.harness.ranking.recorded_runs import AgentVersion
from rlbench.harness.ranking.reference_lines import ReferenceLine
from rlbench.harness.ranking.rows import Budget, SuiteRow, TaskRow
from rlbench.harness.tasks.task import Task

DASH = "—"
NEEDS_SEEDS = "needs seeds"
"""What stands for an interval where training seeds are missing."""

PUBLISHED = "†"
"""Marks the name of an agent whose score somebody else has published."""

STEPS_DIFFER = 1.1
"""Ratio of the most training steps of a seed to the fewest beyond which both are shown."""

ALONE = "only entry"
"""What stands for the rank of the only agent within a budget."""


def elo(row: TaskRow) -> str:
    """The Elo rating of a row; where all games were won, or none, beyond which rating it lies."""
    if row.elo is not None:
        return decimal(row.elo, 0)
    return f"over {decimal(row.elo_low, 0)}" if row.elo_low is not None else f"under {decimal(row.elo_high, 0)}"


def elo_interval(row: TaskRow) -> str:
    """The interval of an Elo rating, empty at an end that nothing bounds; of too few seeds that of their games alone.

    That one is named and has no brackets, so that nobody takes it for an interval over training seeds.
    """
    low, high = ("" if end is None else decimal(end, 0) for end in (row.elo_low, row.elo_high))
    if not 0 < row.training_seeds < FEWEST_SEEDS:
        return f"[{low}, {high}]"
    ends = f"{low} to {high}" if low and high else "won all" if low else "won none"
    return f"({'its' if row.training_seeds == 1 else 'their'} games: {ends})"


def steps_of(row: TaskRow) -> str:
    """Median training steps of the seeds, with the fewest and the most where they differ: `119k (32k–392k)`."""
    if row.training_steps is None or row.fewest_steps is None or row.most_steps is None:
        return DASH
    middle = budget(row.training_steps)
    if row.most_steps <= STEPS_DIFFER * row.fewest_steps:
        return middle
    return f"{middle} ({budget(row.fewest_steps)}–{budget(row.most_steps)})"


def interval_or_reason(row: TaskRow, digits: int) -> str:
    """The interval of a row; where seeds are missing, how many there are, and a single run's interval over episodes."""
    if row.return_low is not None:
        return interval(row.return_low, row.return_high, digits)
    n = row.training_seeds
    if n == 0:
        return "too few episodes"
    both = f": {both_seeds(row, digits)}" if n == 2 else ""
    spread = "" if row.episodes_low is None else f"; episodes {interval(row.episodes_low, row.episodes_high, digits)}"
    return f"n = {n}, {NEEDS_SEEDS}{both}{spread}"


def both_seeds(row: TaskRow, digits: int) -> str:
    """The mean returns of an agent's two training seeds."""
    return f"{decimal(row.worst_seed, digits)} and {decimal(row.best_seed, digits)}"


class Named(Protocol):
    """A row of an agent."""

    @property
    def agent(self) -> str:
        """Its name."""

    @property
    def version(self) -> str:
        """Its version."""


def label(row: Named) -> str:
    """The agent of a row, as tables name it."""
    return AgentVersion(row.agent, row.version).label


def line_label(line: ReferenceLine) -> str:
    """The name of a line of reference, marked where it is published."""
    return f"{line.agent} {PUBLISHED}" if line.published else line.agent


def with_deviation(line: ReferenceLine, digits: int) -> str:
    """The mean of a line of reference, with its deviation over seeds where that is published."""
    deviation = f" ± {decimal(line.deviation, digits)}" if line.deviation is not None else ""
    return f"{decimal(line.mean_return, digits)}{deviation}"


def solved(row: TaskRow) -> str:
    """How many training seeds solved the task, of how many; a dash where the reference is a mean of our own runs."""
    return DASH if row.solved is None else f"{row.solved} of {len(row.seed_means)}"


def digits_of(task: Task) -> int:
    """Decimals of a task's returns: four digits over the span from the random agent to the reference, four at most."""
    return min(max(3 - math.floor(math.log10(abs(task.reference - task.random))), 0), 4)


def decimal(value: float | None, digits: int = 2) -> str:
    """Decimal with thousands separated: `1,234.50`; a dash for None."""
    if value is None:
        return DASH
    text = f"{round(value, 9):,.{digits}f}"
    return text.lstrip("-") if not text.strip("-0.") else text


def integer(value: int) -> str:
    """Whole number with thousands separated: `1,234`."""
    return f"{value:,}"


def budget(steps: Budget) -> str:
    """A budget of training steps: `400k`, `1M`; `any` where there is none."""
    if not steps:
        return "any" if steps is None else "0"
    return f"{steps / 1e6:.3g}M" if steps >= 999_500 else f"{steps / 1e3:.3g}k"


def interval(low: float | None, high: float | None, digits: int = 2) -> str:
    """Both ends in brackets; a dash for None."""
    return DASH if low is None else f"[{decimal(low, digits)}, {decimal(high, digits)}]"


def up_to(steps: Budget) -> str:
    """A budget as the steps that it allows: `≤ 1M`."""
    return budget(steps) if steps is None else f"≤ {budget(steps)}"


def rank_of(row: TaskRow | SuiteRow, rivals: Mapping[Budget, int]) -> str:
    """Rank among the agents of its budget, `tied 1–2` where it could be either; `ALONE` for the only one.

    Args:
        row: The agent.
        rivals: How many agents have a rank within each budget.
    """
    if row.rank is None:
        return DASH
    if rivals[row.budget] == 1:
        return ALONE
    return f"{row.rank}" if row.rank_low == row.rank_high else f"tied {row.rank_low}–{row.rank_high}"


def rivals_of(rows: Iterable[TaskRow | SuiteRow]) -> Counter[Budget]:
    """How many agents have a rank within each budget."""
    return Counter(row.budget for row in rows if row.rank)


def of_all(part: int, whole: int) -> str:
    """How many of how many: `3 of 1,000`; plain `0` for none."""
    return f"{part:,} of {whole:,}" if part else "0"
