"""How sure the order of two agents on a task is, by their 95 % intervals over training seeds.

An order is safe where both means have an interval and the two do not overlap, else open. That asks for more than a test
of the difference at 5 % would; of agents that were scored here, `comparisons` tests it.
"""

from __future__ import annotations

from dataclasses import dataclass

from rlbench.harness.ranking.cells import decimal, digits_of, interval, label, line_label, with_deviation
from rlbench.harness.ranking.intervals import FEWEST_SEEDS, Interval, MeanEstimate, mean_interval
from rlbench.harness.ranking.matrix import counted_seeds
from rlbench.harness.ranking.reference_lines import ReferenceLine
from rlbench.harness.ranking.rows import TaskRow
from rlbench.harness.tasks.task import Task


@dataclass(frozen=True)
class AgentOrder:
    """Two agents on a task, each with its mean and what is known of its spread, and whether their order is safe."""

    first: str
    second: str
    safe: bool


def order_of_two(task: Task, first: TaskRow | ReferenceLine, second: TaskRow | ReferenceLine) -> AgentOrder:
    """Compare two agents on a task."""
    return AgentOrder(in_words(first, task), in_words(second, task), is_safe(first, second))


def is_safe(first: TaskRow | ReferenceLine, second: TaskRow | ReferenceLine) -> bool:
    """Whether both means have an interval, and the two do not overlap."""
    one, other = interval_of(first), interval_of(second)
    return bool(one and other and (one.high < other.low or other.high < one.low))


def interval_of(of: TaskRow | ReferenceLine) -> Interval | None:
    """The 95 % interval of a mean over training seeds: m ± t_(n-1) s / sqrt(n) where m ± s of n seeds is published.

    Returns:
        The interval; None where there are fewer seeds than one takes, and where the deviation s or n is not published.
    """
    if isinstance(of, TaskRow):
        return None if of.return_low is None or of.return_high is None else Interval(of.return_low, of.return_high)
    n = int(of.seeds) if of.seeds.isdecimal() else 0
    if of.deviation is None or n < FEWEST_SEEDS:
        return None
    return mean_interval(MeanEstimate(of.mean_return, of.deviation**2 / n, n - 1, 0.0))


def in_words(of: TaskRow | ReferenceLine, task: Task) -> str:
    """An agent and its interval, or its mean where it has none, with the number of seeds that it is over."""
    digits = digits_of(task)
    if isinstance(of, ReferenceLine):
        seeds = counted_seeds(of.seeds) if of.seeds else ""
        if known := interval_of(of):
            deviation = f"from ± {decimal(of.deviation or 0.0, digits)}, {seeds}"
            return f"{line_label(of)} {interval(known.low, known.high, digits)} ({deviation})"
        unknown = "no deviation published" if of.deviation is None and of.published else ""
        details = ", ".join(filter(None, (seeds, unknown)))
        return f"{line_label(of)} {with_deviation(of, digits)}{f' ({details})' if details else ''}"
    mean = f"{label(of)} {decimal(of.mean_return, digits)}"
    seeds = counted_seeds(str(of.training_seeds)) if of.training_seeds else "not trained, over episodes"
    if of.return_low is None:
        return f"{mean} ({seeds}, no interval)"
    return f"{label(of)} {interval(of.return_low, of.return_high, digits)} ({seeds})"
