"""Writes the tables of baselines/README.md: of every reference agent how it was trained, and what that took.

    python tests/docs/trained_page.py       # `make trained`

Every cell follows from the plans of `rlbench run`, the presets, the records and the learning curves of results/.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from rlbench.api.ranking import load_rankings
from rlbench.commands.shared import plans
from rlbench.commands.shared.agents import agents, algorithms
from rlbench.commands.shared.pages import link as curve_link
from rlbench.harness.ranking.cells import DASH, steps_of
from rlbench.harness.ranking.costs import (
    CurveLink,
    curve_cell,
    curves_of,
    of_all_seeds,
    seeds_in_words,
    time_of,
    together,
)
from rlbench.harness.ranking.families import family_names, words_of
from rlbench.harness.ranking.markdown import Marked, anchor, code, link, markdown
from rlbench.harness.ranking.reference_lines import reference_lines
from rlbench.harness.ranking.rows import Rankings, TaskRow
from rlbench.harness.ranking.tables import TextTable
from rlbench.harness.results import curves
from rlbench.harness.tasks.suite import FAMILIES, catalogue

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "baselines" / "README.md"
MARK = "<!-- written by make trained -->\n"
COLUMNS = ("task", "agent", "seeds", "steps", "time a seed", "core time", "curve", "command")
NOT_RUN = "not run"
HEAD = """
* **Steps**: environment steps of a training run, the median of the seeds (least–most).
* **Time a seed**: seconds of the clock without validation, the median of the seeds; **core time**: of all seeds, times
  the threads that the preset gives PyTorch, about where some seeds were not timed.
* **Command**: trains and scores all seeds of the plan, by settings that are the agent's preset; where no plan has the
  agent, it trains one seed.
* `not run`: the plan has it, and nobody has run it yet.
"""


class Planned(NamedTuple):
    """A reference agent on a task: its row in the rankings, None where it was not run; how many seeds its plan has."""

    task: str
    agent: str
    family: str
    row: TaskRow | None
    seeds: int
    random: bool  # whether another training seed gives another agent


def planned(family: str, rankings: Rankings) -> Iterator[Planned]:
    """The reference agents of a family, by task: those of results/, then those of the plans that are not run."""
    for task in catalogue().members(family):
        entries = {
            plans.agent_of(entry): entry for entry in plans.entries(family, {task.key}) if entry.task == task.key
        }
        rows = {row.agent: row for row in rankings.tasks.get(task.key, ()) if row.agent in agents()}
        for agent in dict.fromkeys((*rows, *entries)):
            entry, row = entries.get(agent), rows.get(agent)
            seeds = entry.seeds if entry else row.training_seeds if row else 0
            yield Planned(task.key, agent, family, row, seeds, entry is None or entry.random)


def seeds_cell(of: Planned) -> str:
    """How many seeds there are, and which of the plan are not run."""
    if of.row is None:
        return NOT_RUN
    if not of.random:
        return "1"
    missing = set(range(of.seeds)) - set(of.row.seed_numbers)
    return f"{of.row.training_seeds}" + (f"; {seeds_in_words(missing)} {NOT_RUN}" if missing else "")


def threads_of(agent: str) -> int:
    """How many threads PyTorch computes with in a training run of an agent, by its preset."""
    algorithm, *words = agents()[agent]
    presets = importlib.import_module(algorithms()[algorithm]).PRESETS
    name = words[words.index("--preset") + 1] if "--preset" in words else next(iter(presets))
    return int(getattr(presets[name], "threads", 1))


def core_time(of: Planned, found: Sequence[CurveLink]) -> str:
    """What the training of all seeds took, in time of one core."""
    return of_all_seeds(of.row, found, threads_of(of.agent)) if of.row and found else DASH


def command_cell(of: Planned) -> Marked:
    """What trains and scores the agent again, with all seeds of its plan."""
    line = plans.commands(of.agent, of.task, of.family, of.seeds)[0]
    return Marked.of(line, code(line))


def cells(of: Planned, kept: Sequence[CurveLink]) -> tuple[str, ...]:
    """A line of the table."""
    page = f"../results/tasks/{of.task}.md"
    if of.row is None:
        return (of.task, of.agent, seeds_cell(of), *(DASH,) * 4, command_cell(of))
    found = curves_of(of.row, kept)
    return (
        Marked.of(of.task, link(of.task, page)),
        of.agent,
        seeds_cell(of),
        steps_of(of.row),
        time_of(of.row, found),
        core_time(of, found),
        curve_cell(of.row, found, f"{page}#learning-curves"),
        command_cell(of),
    )


def section(family: str, rankings: Rankings, kept: Sequence[CurveLink]) -> str:
    """The heading of a family, what its training took together, and its table; empty where it has no agent."""
    found = list(planned(family, rankings))
    if not found:
        return ""
    title, trained = words_of(family).title, [of.row for of in found if of.row]
    published = any(line.kind == "published" for task in catalogue().members(family) for line in reference_lines(task))
    target = f"../docs/published.md#{anchor(title)}"
    beside = f" [Beside published scores]({target})." if published else ""
    table = TextTable("", COLUMNS, tuple(cells(of, kept) for of in found))
    return f"### {title}\n\nTrained: {together(trained, kept)}.{beside}\n\n{markdown(table)}\n"


def tables(results: Path) -> str:
    """The part of the page after its mark."""
    rankings = load_rankings(results, published=True)
    kept = [curve_link(curve, "../results") for curve in curves.find(results)]
    parts = [section(name, rankings, kept) for name in family_names() if name in FAMILIES]
    return "\n".join([HEAD, *filter(None, parts)])


def page(results: Path) -> str:
    """The page as it should be."""
    return PAGE.read_text(encoding="utf-8").partition(MARK)[0] + MARK + tables(results)


if __name__ == "__main__":
    PAGE.write_text(page(ROOT / "results"), encoding="utf-8")
