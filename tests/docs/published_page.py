"""Writes docs/published.md: what each agent of results/ reaches beside what others have published on its task.

    python tests/docs/published_page.py       # `make published`

Every cell follows from the records and from `rlbench/harness/ranking/published.csv`. Beside an agent stand, of the
scores after as many training steps, the highest and those of the same algorithm; where there are none of the same
algorithm, its next one after more steps.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rlbench.harness.ranking.agent_results import collect_runs
from rlbench.harness.ranking.cells import budget, digits_of, label, line_label, steps_of, with_deviation
from rlbench.harness.ranking.contenders import same_algorithm
from rlbench.harness.ranking.families import cited, family_names, words_of
from rlbench.harness.ranking.markdown import BREAK, markdown
from rlbench.harness.ranking.matrix import counted_seeds, our_number
from rlbench.harness.ranking.rankings import BUDGET_TOLERANCE, compute_rankings
from rlbench.harness.ranking.reference_lines import NOT_COMPARABLE, ReferenceLine, reference_lines
from rlbench.harness.ranking.rows import Rankings, TaskRow
from rlbench.harness.ranking.tables import TextTable
from rlbench.harness.results import record
from rlbench.harness.tasks.suite import FAMILIES, SUITES
from rlbench.harness.tasks.task import Task

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "published.md"
COLUMNS = ("task", "agent", "ours", "published", "by", "ratio")

TOLERANCE = f"{BUDGET_TOLERANCE - 1:.0%}".replace("%", " %")
HEAD = f"""# Our scores beside published ones

Written by `make published`; edits are overwritten. Every number follows from
[results](../results) and from the published scores that come with the package; [the leaderboard](../leaderboard.md)
has the agents alone, [Reference agents](agents.md) says how they learn.

* **Ours**: mean over training seeds of the mean return over the test episodes, by the weights that did best in
  validation, with its 95 % interval from 3 seeds on.
* **Published**: mean, ± the standard deviation over seeds where it is known, number of seeds, training steps; a step of
  Atari is four frames. The number beside the name is that of source and protocol below the table.
* **Beside each agent** stand, of the scores after as many steps, the highest and those of the same algorithm; where
  there are none of the same algorithm, its next one after more steps.
* **Ratio**: (ours - random) / (published - random), so 1 is equal and more is better; of glimpses the published error
  by ours. It is given for as many steps, within {TOLERANCE}; where ours took fewer, it says how many.
* `{NOT_COMPARABLE}`: the published score is of an older version of the environment, which pays otherwise.
"""


class Sources:
    """Sources and protocols of a table, numbered in the order in which they are asked for."""

    def __init__(self) -> None:
        self.found: dict[tuple[str, str, str], int] = {}

    def number(self, line: ReferenceLine) -> int:
        """The number of a line's source and protocol."""
        return self.found.setdefault((line.source, line.url, line.protocol), len(self.found) + 1)

    def __str__(self) -> str:
        return "\n".join(f"{n}. {cited(source, url)}: {protocol}." for (source, url, protocol), n in self.found.items())


def share_of_steps(row: TaskRow, line: ReferenceLine) -> float:
    """Our training steps by the published ones; 1 where these do not matter: of an optimum, or where none are told."""
    if not line.training_steps or row.training_steps is None:
        return 1.0
    return row.training_steps / line.training_steps


def as_many_steps(row: TaskRow, line: ReferenceLine) -> bool:
    """Whether both were trained for as many steps."""
    return 1 / BUDGET_TOLERANCE <= share_of_steps(row, line) <= BUDGET_TOLERANCE


def beside(row: TaskRow, lines: Sequence[ReferenceLine]) -> list[ReferenceLine]:
    """The published scores that stand beside an agent, the highest first."""
    equal = [line for line in lines if as_many_steps(row, line)]
    best = sorted(equal, key=lambda line: (line.comparable, line.mean_return))[-1:]
    own = [line for line in equal if same_algorithm(row, line)]
    longer = [line for line in lines if same_algorithm(row, line) and share_of_steps(row, line) < 1]
    nearest = sorted(longer, key=lambda line: line.training_steps or 0)[:1]
    chosen = {id(line): line for line in (*best, *(own or nearest))}
    return sorted(chosen.values(), key=lambda line: -line.mean_return)


def ratio(task: Task, row: TaskRow, line: ReferenceLine) -> str:
    """Our score by a published one, and the share of its steps where ours took fewer; a dash where more."""
    if not line.comparable:
        return NOT_COMPARABLE
    share = share_of_steps(row, line)
    if share > BUDGET_TOLERANCE:
        return "—"
    if task.classification:
        value = (1 - line.mean_return) / (1 - row.mean_return)
    else:
        value = (row.mean_return - task.random) / (line.mean_return - task.random)
    return f"{value:.2f}" + (
        "" if as_many_steps(row, line) else f"{BREAK}in {share:.0%} of the steps".replace("%", " %")
    )


def cells(task: Task, row: TaskRow, line: ReferenceLine, sources: Sources) -> tuple[str, ...]:
    """A line of the table: an agent of ours and a published one."""
    of = counted_seeds(str(row.training_seeds)) if row.training_seeds else "not trained"
    told = ", ".join((of, *([f"{steps_of(row)} steps"] if row.training_steps else [])))
    ours = BREAK.join((" ".join(filter(None, our_number(row, digits_of(task)))), told))
    return (task.key, label(row), ours, *published_cells(task, line, sources), ratio(task, row, line))


def published_cells(task: Task, line: ReferenceLine, sources: Sources) -> tuple[str, str]:
    """A published number with seeds and steps, and who has published it."""
    told = [counted_seeds(line.seeds)] if line.seeds else []
    told += [f"{budget(line.training_steps)} steps"] if line.training_steps else []
    number = BREAK.join(filter(None, (with_deviation(line, digits_of(task)), ", ".join(told))))
    return number, f"{line_label(line)} [{sources.number(line)}]"


def table(suite: Sequence[Task], rankings: Rankings, sources: Sources) -> TextTable:
    """The table of a family; a task that nobody of ours has learned has the highest score of the fewest steps."""
    rows: list[tuple[str, ...]] = []
    for task in suite:
        lines = [line for line in rankings.lines[task.key] if line.kind == "published"]
        found = [
            cells(task, row, line, sources) for row in rankings.tasks.get(task.key, ()) for line in beside(row, lines)
        ]
        if lines and not found:
            first = min(lines, key=lambda line: (not line.comparable, line.training_steps or 0, -line.mean_return))
            found = [(task.key, "none yet", "—", *published_cells(task, first, sources), "—")]
        rows += found
    return TextTable("", COLUMNS, tuple(rows))


def linked(table: TextTable, rankings: Rankings) -> str:
    """A table as Markdown, in which tasks with a page lead to it."""
    pages = {key: f"../results/tasks/{key}.md" for key, rows in rankings.tasks.items() if rows}
    return markdown(table, pages)


def page(results: Path) -> str:
    """The text of the page."""
    published = {
        name: [task for task in SUITES[name] if has_published(task)] for name in family_names() if name in FAMILIES
    }
    tasks = {task.key: task for suite in published.values() for task in suite}
    frame = record.load(results)
    rankings = compute_rankings(collect_runs(frame[frame["task"].isin(tasks)]), tasks, {})
    parts = [HEAD]
    for name, suite in published.items():
        if suite:
            sources = Sources()
            text = linked(table(suite, rankings, sources), rankings)
            parts.append(f"## {words_of(name).title}\n\n{text}\n\n{sources}\n")
    without = [words_of(name).title for name, suite in published.items() if not suite]
    parts.append(f"## Without published scores\n\n{', '.join(without)}: nothing is published for these very tasks.\n")
    return "\n".join(parts)


def has_published(task: Task) -> bool:
    """Whether somebody has published a score of a task."""
    return any(line.kind == "published" for line in reference_lines(task))


if __name__ == "__main__":
    PAGE.write_text(page(ROOT / "results"), encoding="utf-8")
