"""The leaderboard: rankings as a Markdown page, `leaderboard.md`.

The page is a pure function of the results: it holds no date and nothing of the machine, and its rows are sorted. First
a matrix per family, which answers most questions, then how to read it, then a section per task.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from statistics import median
from typing import Any

from rlbench.harness.ranking.agent_results import Run
from rlbench.harness.ranking.intervals import FEWEST_FOR_SKEWNESS, FEWEST_SEEDS
from rlbench.harness.ranking.matrix import BREAK, family_matrix
from rlbench.harness.ranking.rankings import Rankings, compute_rankings
from rlbench.harness.ranking.reference_lines import ReferenceLine
from rlbench.harness.ranking.tables import (
    TextTable,
    budget,
    decimal,
    digits_of,
    integer,
    runs_table,
    suite_table,
    task_table,
    unranked_table,
)
from rlbench.harness.tasks.suite import FAMILIES
from rlbench.harness.tasks.task import Task

TEXT_COLUMNS = frozenset({"agent", "task", "reason", "digest"})  # flush left; all others hold numbers

TITLES = {
    "tabular": "Tabular: grid world",
    "control": "Control: cart-pole",
    "mujoco-v5": "Robots: Gymnasium's reward",
    "locomotion": "Robots: the lecture's reward",
    "atari": "Atari: from pixels",
    "glimpses": "Glimpses: classification",
}

MISSES = {"failing": "66, 58 and 62 %", "ceiling": "60, 80 and 94 %"}
"""Coverage of the intervals at 3, 5 and 10 seeds, by `baselines/studies/interval_coverage.py`."""


@dataclass(frozen=True)
class CurveLink:
    """The learning curve of a training run: where its file is, from the page, and what the run cost."""

    task: str
    agent: str
    seed: int
    path: str
    seconds: float
    device: str


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
) -> str:
    """Rankings as a Markdown page that is also readable as plain text; arguments as for `page`."""
    import jinja2

    environment = jinja2.Environment(
        trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True, undefined=jinja2.StrictUndefined
    )
    environment.filters |= {"markdown": markdown, "code": code, "decimal": decimal, "integer": integer}
    template = environment.from_string(
        resources.files("rlbench.harness.ranking").joinpath("leaderboard.md.j2").read_text(encoding="utf-8")
    )
    text = template.render(
        rankings=rankings,
        families=[section for name, suite in suites.items() if (section := family(name, suite, rankings))],
        tasks=[task_section(task, rankings, curves) for task in in_order(tasks, suites) if task.key in rankings.tasks],
        fewest=FEWEST_SEEDS,
        fewest_for_skewness=FEWEST_FOR_SKEWNESS,
        misses=MISSES,
        unranked=unranked_table(rankings.unranked) if rankings.unranked else None,
    )
    return text.rstrip("\n") + "\n"


def family(name: str, suite: Sequence[Task], rankings: Rankings) -> dict[str, Any] | None:
    """What the page shows of a family; None for another suite, and where nobody has completed a task."""
    title = TITLES.get(name, name)
    matrix = family_matrix(title, suite, rankings) if name in FAMILIES else None
    if matrix is None:
        return None
    rows = rankings.suites[name]
    return {
        "title": title,
        "anchor": anchor(title),
        "matrix": matrix,
        "suite": suite_table(title, rows) if len(suite) > 1 and any(row.rank for row in rows) else None,
        "command": f"rlbench run {name}",
        "tasks": [{"name": task.name, "anchor": anchor(task.key)} for task in suite if task.key in rankings.tasks],
    }


def in_order(tasks: Mapping[str, Task], suites: Mapping[str, Sequence[Task]]) -> list[Task]:
    """The tasks in the order of the families, then those of none."""
    of_families = {task.key: task for name in FAMILIES for task in suites.get(name, ()) if task.key in tasks}
    return list({**of_families, **tasks}.values())


def task_section(task: Task, rankings: Rankings, curves: Sequence[CurveLink]) -> dict[str, Any]:
    """What the page shows of a task."""
    lines = rankings.lines[task.key]
    return {
        "task": task,
        "digits": digits_of(task),
        "table": task_table(task, rankings.tasks[task.key], lines),
        "runs": runs_table(task.key, rankings.runs[task.key]) if task.key in rankings.runs else None,
        "sources": [source(line) for line in lines if line.kind == "published"],
        "curves": curve_links([curve for curve in curves if curve.task == task.key]),
    }


def curve_links(curves: Sequence[CurveLink]) -> str:
    """Links to the learning curves of a task, per agent, with the median cost; "not recorded" for none."""
    agents = []
    for agent in dict.fromkeys(curve.agent for curve in curves):
        of_agent = [curve for curve in curves if curve.agent == agent]
        links = " ".join(f"[{curve.seed}](<{curve.path}>)" for curve in of_agent)
        devices = ", ".join(sorted({curve.device for curve in of_agent} - {""})) or "an unknown device"
        seconds = median(curve.seconds for curve in of_agent)
        shown = decimal(seconds, 0 if seconds >= 100 else 1)
        agents.append(f"{escape(agent)} by seed {links}, trained in {shown} s each on {devices}")
    return "; ".join(agents) or "not recorded"


def source(line: ReferenceLine) -> str:
    """Where a published score comes from, and how its protocol differs."""
    steps = f" at {budget(line.training_steps)} steps" if line.training_steps else ""
    return f"{line.agent}{steps}: {line.protocol}. {line.source}"


def anchor(heading: str) -> str:
    """The fragment by which GitHub links to a heading."""
    kept = "".join(c for c in heading.lower() if c.isalnum() or c in " -_")
    return kept.replace(" ", "-")


def code(text: str) -> str:
    """Text between backticks, where Markdown leaves it alone."""
    return f"`{text}`"


def markdown(table: TextTable) -> str:
    """Table whose columns also line up as plain text."""
    rows = [tuple(BREAK.join(map(escape, cell.split(BREAK))) for cell in row) for row in (table.columns, *table.rows)]
    widths = [max(width(row[j]) for row in rows) for j in range(len(table.columns))]
    left = [name in TEXT_COLUMNS for name in table.columns]
    lines = [[pad(*cell) for cell in zip(row, widths, left, strict=True)] for row in rows]
    rule = [":" + "-" * (w - 1) if flush else "-" * (w - 1) + ":" for w, flush in zip(widths, left, strict=True)]
    return "\n".join(f"| {' | '.join(line)} |" for line in (lines[0], rule, *lines[1:]))


def escape(text: str) -> str:
    """Cell that Markdown shows as it is: names come from strangers' files.

    Underscores inside a word are left alone: they mean nothing there, and the plain text stays readable.
    """
    printable = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
    escaped = "".join(f"\\{c}" if c in "\\|`*<~&" else c for c in printable).replace("](", "]\\(")
    return re.sub(r"(?<![^\W_])_+|_+(?![^\W_])", lambda found: r"\_" * len(found[0]), escaped)


def width(text: str) -> int:
    """Columns that a text takes in a terminal: wide characters take two, combining ones none."""
    return sum(0 if unicodedata.combining(c) else 1 + (unicodedata.east_asian_width(c) in "WF") for c in text)


def pad(text: str, to: int, left: bool) -> str:
    """Text filled with blanks to a width."""
    blanks = " " * (to - width(text))
    return text + blanks if left else blanks + text
