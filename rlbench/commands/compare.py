"""`rlbench compare ppo sac`: how far two agents differ, how sure that is, and how many seeds would settle it.

On every task that both have with three training seeds or more, then on all of these by their mean score.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
import tyro
from tyro.conf import Positional

from rlbench.commands.shared.lookup import find_task
from rlbench.commands.shared.output import Format, Quiet, print_table
from rlbench.commands.shared.runs import load_runs
from rlbench.errors import UserError, unknown
from rlbench.harness.ranking.agent_results import AgentResult, collect_results
from rlbench.harness.ranking.comparisons import Comparison, compare, holm
from rlbench.harness.ranking.intervals import FEWEST_SEEDS
from rlbench.harness.tasks.suite import catalogue

ALL = "all"
"""Stands for a task in the row of all common tasks together."""


@dataclass(frozen=True)
class CompareOptions:
    """Compare agents, pair by pair, by their training seeds."""

    agents: Positional[tuple[str, ...]]
    """Names of two agents or more, with the version where there are several: "ppo" or "ppo 1"."""
    task: Annotated[str | None, tyro.conf.arg(aliases=["-t"])] = None
    """Compare on this task alone."""
    results: Path = Path("results")
    """Folder of the records."""
    quiet: Quiet = False
    """Print nothing but mistakes and, for a program, JSON or CSV."""
    format: Format = "table"


def run(options: CompareOptions) -> int:
    """Print a row per pair and task; 0. Raises UserError where two agents have no task in common."""
    if len(set(options.agents)) < 2:
        raise UserError(f"give two agents or more to compare, got {' '.join(options.agents) or 'none'}")
    key = None if options.task is None else find_task(options.task).key
    of_agent = results_of(options.agents, options.results)
    if key is not None:
        of_agent = {agent: {k: v for k, v in some.items() if k == key} for agent, some in of_agent.items()}
    rows = [row for a, b in itertools.combinations(of_agent, 2) for row in pair(a, of_agent[a], b, of_agent[b])]
    if not options.quiet or options.format != "table":
        print_table(pd.DataFrame(adjusted(rows), dtype=object), options.format)
    return 0


def results_of(agents: Iterable[str], folder: Path) -> dict[str, dict[str, AgentResult]]:
    """Results of each agent, by task; UserError for an agent without any, and for several versions of one."""
    found, _ = collect_results(load_runs(folder), catalogue().tasks)
    known: dict[str, dict[str, AgentResult]] = {}
    for key, results in found.items():
        for result in results:
            known.setdefault(" ".join(result.agent), {})[key] = result
    return {name: known[name] for name in (full_name(agent, known) for agent in agents)}


def full_name(agent: str, known: Iterable[str]) -> str:
    """Name and version of the agent that a word stands for."""
    names = [each for each in known if agent.lower() in (each.lower(), each.lower().rpartition(" ")[0])]
    if not names:
        raise unknown("agent", agent, known)
    if len(names) > 1:
        raise UserError(f"{agent} has several versions; give one of {', '.join(map(repr, sorted(names)))}")
    return names[0]


def pair(
    a: str, of_a: Mapping[str, AgentResult], b: str, of_b: Mapping[str, AgentResult]
) -> list[tuple[dict[str, Any], Comparison]]:
    """The comparison of two agents on each common task, then on all of them, each with its row of names."""
    common = [key for key in catalogue().tasks if key in of_a and key in of_b]
    enough = [key for key in common if min(len(of_a[key].runs), len(of_b[key].runs)) >= FEWEST_SEEDS]
    if not enough:
        few = f"; each needs {FEWEST_SEEDS} training seeds on {', '.join(common)}" if common else ""
        raise UserError(f"{a} and {b} have no task in common that can be compared{few}")
    names = {"agent": a, "other": b}
    rows = [({**names, "task": key}, compared([of_a[key].returns], [of_b[key].returns])) for key in enough]
    if len(enough) > 1:
        together = compared([of_a[key].scores for key in enough], [of_b[key].scores for key in enough])
        rows.append(({**names, "task": f"{ALL}, scores"}, together))
    return rows


def compared(x: Sequence[Any], y: Sequence[Any]) -> Comparison:
    """The comparison of scores that are known to be enough."""
    found = compare(x, y)
    if found is None:
        raise UserError(f"a comparison needs {FEWEST_SEEDS} training seeds of either agent")
    return found


def adjusted(rows: Sequence[tuple[dict[str, Any], Comparison]]) -> list[dict[str, Any]]:
    """The rows to print, Welch's p-values adjusted by Holm's method for the number of pairs on the same task."""
    tasks = [names["task"] for names, _ in rows]
    p: dict[int, float] = {}
    for task in dict.fromkeys(tasks):
        of_task = [i for i, each in enumerate(tasks) if each == task]
        p |= dict(zip(of_task, holm([rows[i][1].p_welch for i in of_task]), strict=True))
    return [
        {
            **names,
            "difference": found.difference,
            "low": found.interval.low,
            "high": found.interval.high,
            "p": p[i],
            "p_permutation": found.p_permutation,
            "improvement": found.improvement,
            "improvement_low": found.improvement_interval.low,
            "improvement_high": found.improvement_interval.high,
            "seeds_needed": found.seeds_needed,
        }
        for i, (names, found) in enumerate(rows)
    ]
