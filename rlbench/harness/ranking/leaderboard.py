"""The leaderboard: rankings as a Markdown page, `leaderboard.md`.

The page is a pure function of the results: it holds no date and nothing of the machine, and its rows are sorted. First
how to read a table, then a matrix per family, which answers most questions, then a section per task.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from importlib import resources
from typing import Any

from rlbench.harness.ranking.agent_results import Run
from rlbench.harness.ranking.costs import CurveLink, costs, curve_links
from rlbench.harness.ranking.families import WORDS, families, sources
from rlbench.harness.ranking.intervals import FEWEST_FOR_SKEWNESS, FEWEST_SEEDS
from rlbench.harness.ranking.markdown import anchor, code, markdown, pick
from rlbench.harness.ranking.matrix import published_reference
from rlbench.harness.ranking.rankings import BUDGET_TOLERANCE, Rankings, compute_rankings
from rlbench.harness.ranking.tables import (
    DASH,
    TextTable,
    decimal,
    digits_of,
    games_table,
    integer,
    line_label,
    runs_table,
    suite_table,
    task_table,
    unranked_table,
)
from rlbench.harness.tasks.suite import FAMILIES, FAMILY
from rlbench.harness.tasks.task import Task

BESIDE = (
    "results/leaderboard.png",
    "results/profiles.png",
    "results/curves.png",
    "results/interval_coverage.csv",
    "docs/submitting.md",
    "docs/harness.md",
)
"""What the page links to where it is there; a page somewhere else has no such neighbours."""

MISSES = {"failing": "66, 58 and 62 %", "ceiling": "60, 80 and 94 %"}
"""Coverage of the intervals at 3, 5 and 10 seeds, by `baselines/studies/interval_coverage.py`."""


def page(
    runs: Sequence[Run],
    tasks: Mapping[str, Task],
    suites: Mapping[str, Sequence[Task]],
    curves: Sequence[CurveLink] = (),
) -> str:
    """Text of `leaderboard.md`.

    Args:
        runs: The runs, in any order.
        tasks: The tasks to show, by key.
        suites: The suites to show, by name.
        curves: The learning curves to link to, in order.
    """
    return render(compute_rankings(runs, tasks, suites), tasks, suites, curves)


def render(
    rankings: Rankings,
    tasks: Mapping[str, Task],
    suites: Mapping[str, Sequence[Task]],
    curves: Sequence[CurveLink] = (),
    results: str = "results",
    beside: Collection[str] = (),
) -> str:
    """Rankings as a Markdown page that is also readable as plain text.

    Args:
        rankings: The rankings.
        tasks: The tasks to show, by key.
        suites: The suites to show, by name.
        curves: The learning curves to link to, in order.
        results: The folder of results, as seen from the page.
        beside: Those of `BESIDE` that are there.
    """
    import jinja2

    environment = jinja2.Environment(
        trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True, undefined=jinja2.StrictUndefined
    )
    environment.filters |= {"markdown": markdown, "code": code, "decimal": decimal, "integer": integer}
    template = environment.from_string(
        resources.files("rlbench.harness.ranking").joinpath("leaderboard.md.j2").read_text(encoding="utf-8")
    )
    shown = [task for task in in_order(tasks, suites) if task.key in rankings.tasks]
    text = template.render(
        rankings=rankings,
        families=families(suites, rankings),
        suites=suite_tables(suites, rankings),
        costs=costs(shown, rankings, curves),
        tasks=[task_section(task, rankings, curves) for task in shown],
        results=results,
        beside=beside,
        fewest=FEWEST_SEEDS,
        fewest_for_skewness=FEWEST_FOR_SKEWNESS,
        tolerance=f"{BUDGET_TOLERANCE - 1:.0%}".replace("%", " %"),
        misses=MISSES,
        unranked=unranked_table(rankings.unranked) if rankings.unranked else None,
    )
    return text.rstrip("\n") + "\n"


def suite_tables(suites: Mapping[str, Sequence[Task]], rankings: Rankings) -> list[dict[str, Any]]:
    """The families of several tasks that somebody has played all of, with the table of their mean scores."""
    several = [name for name in WORDS if name in suites and len(suites[name]) > 1]
    return [
        {"title": WORDS[name].title, "table": suite_table(name, rankings.suites[name])}
        for name in several
        if any(row.rank for row in rankings.suites[name])
    ]


def in_order(tasks: Mapping[str, Task], suites: Mapping[str, Sequence[Task]]) -> list[Task]:
    """The tasks in the order of the families on the page, then those of none."""
    order = dict.fromkeys((*WORDS, *FAMILIES))
    of_families = {task.key: task for name in order for task in suites.get(name, ()) if task.key in tasks}
    return list({**of_families, **tasks}.values())


def without_empty(table: TextTable, name: str) -> TextTable:
    """A table without the column of this name where it holds nothing but zeros and dashes."""
    j = table.columns.index(name)
    empty = {row[j] for row in table.rows} <= {"0", DASH}
    return pick(table, [i for i in range(len(table.columns)) if i != j]) if empty else table


def task_section(task: Task, rankings: Rankings, curves: Sequence[CurveLink]) -> dict[str, Any]:
    """What the page shows of a task."""
    lines, published = rankings.lines[task.key], published_reference(task, rankings)
    shown = [line for line in lines if published is None or line.kind != "reference"]
    return {
        "task": task,
        "kwargs": task.kwargs(range(task.episodes)),
        "anchor": anchor(task.key),
        "family": FAMILY.get(task.key),
        "digits": digits_of(task),
        "reference": line_label(published) if published else "",
        "table": without_empty(task_table(task, rankings.tasks[task.key], shown), "failed"),
        "runs": runs_table(task.key, rankings.runs[task.key]) if task.key in rankings.runs else None,
        "games": games_table(task.key, rankings.games[task.key]) if task.key in rankings.games else None,
        "sources": sources(lines),
        "curves": curve_links([curve for curve in curves if curve.task == task.key]),
    }
