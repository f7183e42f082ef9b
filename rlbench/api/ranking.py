"""Rankings of a folder of results: computed, and those of some tasks and agents alone."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from rlbench.commands.shared.lookup import find_task
from rlbench.commands.shared.pages import link
from rlbench.commands.shared.runs import load_runs
from rlbench.core.compiler import cache
from rlbench.errors import unknown
from rlbench.harness.ranking.costs import CostRow, cost_rows
from rlbench.harness.ranking.kept_ratings import KeptRatings
from rlbench.harness.ranking.proofs import ProofRow
from rlbench.harness.ranking.rankings import compute_rankings
from rlbench.harness.ranking.rows import Rankings, RunRow, SuiteRow, TaskRow, UnrankedRow
from rlbench.harness.results import curves
from rlbench.harness.tasks.suite import catalogue, get_suite

Row = TypeVar("Row", TaskRow, RunRow, SuiteRow, ProofRow, UnrankedRow)


def load_rankings(results: Path, published: bool = False) -> Rankings:
    """Rankings of everything in a results folder; if `published`, without what `verify` has found on this machine."""
    known = catalogue()
    return compute_rankings(
        load_runs(results, published), known.tasks, known.suites, KeptRatings(cache.load, cache.store)
    )


def asked_for(tasks: Sequence[str], suite: str | None) -> set[str]:
    """The keys of the tasks that were asked for, and of those of the suite; none for all."""
    of_suite = () if suite is None else get_suite(suite)
    return {*(find_task(name).key for name in tasks), *(task.key for task in of_suite)}


def selected(ranked: Rankings, asked: Collection[str], agents: Collection[str] = ()) -> Rankings:
    """The rows of the tasks and agents that were asked for; UserError for an agent that does not exist."""
    tasks = catalogue()
    keys = set(asked) or {*tasks.tasks, *(row.task for row in ranked.unranked)}
    known = {row.agent for rows in ranked.tasks.values() for row in rows} | {row.agent for row in ranked.unranked}
    for name in agents:
        if name not in known:
            raise unknown("agent", name, known)

    def of_agents(rows: tuple[Row, ...]) -> tuple[Row, ...]:
        return tuple(row for row in rows if not agents or row.agent in agents)

    def of_tasks(tables: Mapping[str, tuple[Row, ...]]) -> dict[str, tuple[Row, ...]]:
        return {key: of_agents(rows) for key, rows in tables.items() if key in keys and of_agents(rows)}

    return dataclasses.replace(
        ranked,
        tasks=of_tasks(ranked.tasks),
        runs=of_tasks(ranked.runs),
        proofs=of_tasks(ranked.proofs),
        suites={
            name: of_agents(rows) if keys >= {t.key for t in tasks.suites[name]} else ()
            for name, rows in ranked.suites.items()
        },
        lines={key: () if agents else lines for key, lines in ranked.lines.items() if key in keys},
        unranked=tuple(row for row in of_agents(ranked.unranked) if row.task in keys),
    )


def costs(ranked: Rankings, results: Path) -> list[CostRow]:
    """What the ranked agents cost, by the learning curves beside the records."""
    return cost_rows(ranked, [link(curve, results.as_posix()) for curve in curves.find(results)])
