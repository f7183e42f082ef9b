"""The leaderboard: rankings as Markdown, a page of all tasks and one for each.

The pages are pure functions of the results: they hold no date and nothing of the machine, and their rows are sorted.
The page of all tasks begins with readers' questions and has a matrix per family; the page of a task holds all there is
of it.
"""

from __future__ import annotations

import dataclasses
import functools
import re
from collections.abc import Collection, Mapping, Sequence
from importlib import resources
from posixpath import dirname, relpath
from typing import TYPE_CHECKING, Any

from rlbench.harness.ranking.cells import PUBLISHED, decimal, digits_of, integer
from rlbench.harness.ranking.costs import Commands, CurveLink, costs
from rlbench.harness.ranking.families import families, family_names, words_of
from rlbench.harness.ranking.intervals import FEWEST_FOR_SKEWNESS, FEWEST_SEEDS
from rlbench.harness.ranking.markdown import code, markdown
from rlbench.harness.ranking.questions import best, reach, remake
from rlbench.harness.ranking.rankings import BUDGET_TOLERANCE, compute_rankings
from rlbench.harness.ranking.recorded_runs import RecordedRun
from rlbench.harness.ranking.rows import Rankings
from rlbench.harness.ranking.tables import is_shared, suite_table, unranked_table
from rlbench.harness.ranking.task_page import task_section
from rlbench.harness.tasks.task import Task

if TYPE_CHECKING:
    import jinja2

BESIDE = (
    "results/leaderboard.png",
    "results/profiles.png",
    "results/curves.png",
    "results/interval_coverage.csv",
    "docs/submitting.md",
    "docs/harness.md",
    "docs/agents.md",
)
"""What the page links to where it is there; a page somewhere else has no such neighbours."""

FOLDER = "tasks"
"""Where the pages of the tasks are: in the folder of results, or beside a page that is somewhere else."""

CURVES = "curves"
"""Where the charts of learning curves are, in the folder of results, one for each task."""

MISSES = {"failing": "66, 58 and 62 %", "ceiling": "60, 80 and 94 %"}
"""Coverage of the intervals at 3, 5 and 10 seeds, by `baselines/studies/interval_coverage.py`."""


@dataclasses.dataclass(frozen=True)
class Surroundings:
    """What the pages link to.

    Args:
        curves: The learning curves, in order, their paths as seen from the page of all tasks.
        charts: The charts of learning curves by task, likewise.
        results: The folder of results, likewise.
        tasks: The folder of the pages of tasks, likewise.
        beside: Those of `BESIDE` that are there.
        commands: What trains and scores an agent on a task again, by their names.
        runs: How many training runs the plan of a family has, by its name.
        checks: The folder of what is published about records, as seen from the page of all tasks; empty where none is.
        name: The page of all tasks.
    """

    curves: Sequence[CurveLink] = ()
    charts: Mapping[str, str] = dataclasses.field(default_factory=dict)
    results: str = "results"
    tasks: str = f"results/{FOLDER}"
    beside: Collection[str] = ()
    commands: Commands = dataclasses.field(default_factory=dict)
    runs: Mapping[str, int] = dataclasses.field(default_factory=dict)
    checks: str = ""
    name: str = "leaderboard.md"

    def page_of(self, task: str) -> str:
        """Where the page of a task is, as seen from the page of all tasks."""
        return f"{self.tasks}/{task}.md"


def page(
    runs: Sequence[RecordedRun],
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
    return render(compute_rankings(runs, tasks, suites), tasks, suites, Surroundings(curves))


def pages(
    rankings: Rankings, tasks: Mapping[str, Task], suites: Mapping[str, Sequence[Task]], around: Surroundings
) -> dict[str, str]:
    """The page of all tasks and those of each, by where they are as seen from the first."""
    shown = in_order(rankings, tasks, suites)
    of_tasks = {around.page_of(task.key): render_task(task, rankings, shown, around) for task in shown}
    return {around.name: render(rankings, tasks, suites, around), **of_tasks}


def render(
    rankings: Rankings,
    tasks: Mapping[str, Task],
    suites: Mapping[str, Sequence[Task]],
    around: Surroundings,
) -> str:
    """The page of all tasks, as Markdown that is also readable as plain text.

    Args:
        rankings: The rankings.
        tasks: The tasks to show, by key.
        suites: The suites to show, by name.
        around: What it links to.
    """
    shown = in_order(rankings, tasks, suites)
    of_tasks = {task.key: around.page_of(task.key) for task in shown}
    of_families = families(suites, rankings, of_tasks)
    return written(
        "leaderboard.md.j2",
        rankings=rankings,
        families=of_families,
        suites=suite_tables(suites, rankings),
        costs=costs(of_families, rankings, around.curves, of_tasks, around.commands, around.runs),
        tasks=shown,
        optima=[task for task in shown if task.reference_source == "the exact optimum"],
        pages=of_tasks,
        reach=(reached := reach(shown, rankings)),
        best=best(shown, rankings),
        remake=remake(shown, rankings, around.curves, around.commands, reached.row if reached else None),
        results=around.results,
        beside=around.beside,
        fewest=FEWEST_SEEDS,
        fewest_for_skewness=FEWEST_FOR_SKEWNESS,
        tolerance=f"{BUDGET_TOLERANCE - 1:.0%}".replace("%", " %"),
        misses=MISSES,
        recorded=sum(row.recorded for rows in rankings.proofs.values() for row in rows),
        verified=sum(row.verified for rows in rankings.proofs.values() for row in rows),
        by_actions=sum(row.by_actions for rows in rankings.proofs.values() for row in rows),
        checks=around.checks,
        unranked=unranked_table(rankings.unranked) if rankings.unranked else None,
    )


def render_task(task: Task, rankings: Rankings, shown: Sequence[Task], around: Surroundings) -> str:
    """The page of one task, as Markdown; links lead from its own folder.

    Args:
        task: The task.
        rankings: The rankings.
        shown: The tasks that have a page.
        around: What it links to, as seen from the page of all tasks.
    """
    folder = dirname(around.page_of(task.key))
    curves = [dataclasses.replace(curve, path=relpath(curve.path, folder)) for curve in around.curves]
    chart = around.charts.get(task.key)
    return written(
        "task.md.j2",
        **task_section(task, rankings, curves, around.commands),
        back=relpath(around.name, folder),
        pages={other.key for other in shown},
        chart=relpath(chart, folder) if chart else None,
        results=around.results,
        checks=relpath(around.checks, folder) if around.checks else None,
        fewest=FEWEST_SEEDS,
        trained=any(row.training_seeds for row in rankings.tasks[task.key]),
    )


def written(template: str, **values: Any) -> str:
    """A template of this folder with its values put in; no line is broken between a name and its mark."""
    text = compiled(template).render(**values).rstrip("\n") + "\n"
    return re.sub(rf"(?<=[\w.)]) {PUBLISHED}", "\N{NO-BREAK SPACE}" + PUBLISHED, text)


@functools.cache
def compiled(template: str) -> jinja2.Template:
    """A template of this folder, compiled once, as one is for many pages."""
    import jinja2

    environment = jinja2.Environment(
        trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True, undefined=jinja2.StrictUndefined
    )
    environment.filters |= {
        "markdown": markdown,
        "code": code,
        "decimal": decimal,
        "integer": integer,
        "digits": digits_of,
    }
    source = resources.files("rlbench.harness.ranking").joinpath(template).read_text(encoding="utf-8")
    return environment.from_string(source)


def suite_tables(suites: Mapping[str, Sequence[Task]], rankings: Rankings) -> list[dict[str, Any]]:
    """The families of several tasks that several agents have played all of, with the table of their mean scores."""
    several = [name for name in family_names() if name in suites and len(suites[name]) > 1]
    return [
        {"title": words_of(name).title, "table": suite_table(name, rankings.suites[name])}
        for name in several
        if is_shared(rankings.suites[name])
    ]


def in_order(rankings: Rankings, tasks: Mapping[str, Task], suites: Mapping[str, Sequence[Task]]) -> list[Task]:
    """The tasks that somebody has completed, in the order of the families on the page, then those of none."""
    of_families = {task.key: task for name in family_names() for task in suites.get(name, ()) if task.key in tasks}
    return [task for task in {**of_families, **tasks}.values() if task.key in rankings.tasks]
