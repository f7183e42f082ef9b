"""`rlbench leaderboard`: rank all results, print the tables, and write them to `leaderboard.md` and a page per task.

With --task, --suite or --agent, and as JSON, CSV or LaTeX, it only prints.
"""

from __future__ import annotations

import dataclasses
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

from rlbench.api.ranking import asked_for, costs, load_rankings, selected
from rlbench.commands.shared import pages
from rlbench.commands.shared.output import Output, Quiet, complain, draw_rows, print_table, remark, table_of, write
from rlbench.errors import UserError, counted
from rlbench.harness.ranking import tables
from rlbench.harness.ranking.costs import cost_table
from rlbench.harness.ranking.flat import flat
from rlbench.harness.ranking.rows import Rankings
from rlbench.harness.results import parts
from rlbench.harness.tasks.suite import catalogue

OPTIONAL = ("steps", "seeds", "failed", "budget", "solved", "IQM", "optimality gap", "worst seed")
"""Columns that are left out where the terminal is narrow, the last one first."""

Format = Annotated[
    Literal["table", "json", "csv", "latex"],
    tyro.conf.arg(help="What to print: tables for people, JSON, CSV or LaTeX. --json and --csv are short for two."),
]
LATEX = str.maketrans(
    {c: f"\\{c}" for c in "&%$#_{}"}
    | {"~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "\\": r"\textbackslash{}"}
)
"""How LaTeX spells the characters that mean something to it."""


@dataclass(frozen=True)
class LeaderboardOptions:
    """Rank all results, print the tables, and write leaderboard.md and a page per task."""

    task: Annotated[tuple[str, ...], tyro.conf.arg(aliases=["-t"])] = ()
    """Print these tasks alone."""
    suite: str | None = None
    """Print the tasks of this suite alone."""
    agent: tuple[str, ...] = ()
    """Print these agents alone; they keep their ranks."""
    results: Path = Path("results")
    """Folder of the records."""
    output: Output = Path(pages.PAGE)
    """Page to write, or the folder for it. The pages of the tasks go into tasks/ of the results where it is the
    leaderboard.md beside them, else into tasks/ beside it."""
    check: bool = False
    """Write nothing; exit with 1 if a page is not what the results say."""
    published: bool = False
    """Count what is published with the records, checks among it, and nothing that `rlbench verify` has found on this
    machine, which takes out what came out otherwise: the page to be committed, the same for everybody."""
    quiet: Quiet = False
    """Print nothing but mistakes."""
    format: Format = "table"


def run(options: LeaderboardOptions) -> int:
    """Write, check or print the leaderboard; 1 for a stale page.

    Raises UserError for results that cannot be ranked.
    """
    filtered = bool(options.task or options.suite or options.agent)
    if options.check and (filtered or options.format != "table"):
        raise UserError("--check looks at the whole page; leave out --task, --suite, --agent and --format")
    if options.output.is_dir():
        options = dataclasses.replace(options, output=options.output / LeaderboardOptions.output)
    keys = asked_for(options.task, options.suite)  # first, as a file of tasks that is named there is known from then on
    ranked = load_rankings(options.results, options.published)
    if found := parts.unmerged(options.results):
        remark(f"{counted(len(found), 'part')} of shards not ranked; {merge(options.results)}", options)
    if options.check:
        return check(ranked, options)
    if filtered or options.format != "table":
        print_rankings(selected(ranked, keys, options.agent), options.format, options.results)
        return 0
    pages.write_pages(ranked, options.results, options.output)  # first, as printing may fail
    if not options.quiet:
        print_rankings(ranked, "table", options.results)
        write(published_proofs(ranked) if options.published else proofs(ranked))
        folder = pages.folder_of_tasks(options.results, options.output)
        write(f"wrote {options.output}, and a page per task in {folder}\n")
    return 0


def merge(results: Path) -> str:
    """The command that puts the parts in a folder of results together."""
    words = ["rlbench", "merge", str(results)]
    words += ["--results", str(results)] if results != LeaderboardOptions.results else []
    return f"to put them together: {shlex.join(words)}"


def proofs(ranked: Rankings) -> str:
    """A line that says how many of the runs that count this machine has proved."""
    counts = [f"{ranked.states.get(state, 0):,} {state}" for state in ("verified", "re-run", "self-reported")]
    return f"on this machine: {', '.join(counts)} runs; `rlbench verify` proves them\n"


def published_proofs(ranked: Rankings) -> str:
    """A line that says of how many of the runs that count something is published."""
    rows = [row for some in ranked.proofs.values() for row in some]
    verified, contested = (sum(getattr(row, name) for row in rows) for name in ("verified", "contested"))
    of = counted(sum(row.recorded for row in rows), "run")
    return f"published: {verified:,} of {of} verified, {contested:,} contested; what was found here is left out\n"


def print_rankings(ranked: Rankings, format: Format, results: Path) -> None:
    """Print every table, below it what its words mean and the columns without room; JSON and CSV as one flat table."""
    spent = costs(ranked, results)
    if format == "json" or format == "csv":
        print_table(flat(ranked, spent), format)
        return
    for table in (*tables.tables(ranked, catalogue().suites), *([cost_table(spent)] if spent else [])):
        if format == "latex":
            write(latex(table))
        else:
            draw_rows(table.columns, table.rows, table.title, OPTIONAL, table.note)
        write("\n")


def latex(table: tables.TextTable) -> str:
    """A table as LaTeX, for the package booktabs."""
    frame = table_of((dict(zip(table.columns, row, strict=True)) for row in table.rows), table.columns)
    plain = frame.replace({"\N{EN DASH}": "--", "\N{EM DASH}": "---"}, regex=True)
    escaped = plain.map(lambda cell: cell.translate(LATEX))
    columns = [column.translate(LATEX) for column in frame.columns]
    made: str = (
        escaped.set_axis(columns, axis=1)
        .style.hide(axis="index")
        .to_latex(hrules=True, caption=table.title.translate(LATEX), position="ht", column_format="l" * len(columns))
    )
    return made


def check(ranked: Rankings, options: LeaderboardOptions) -> int:
    """Compare the pages with what these rankings give: 0 if equal, else 1, and print the command that mends them."""
    stale = pages.difference(ranked, options.results, options.output)
    if stale is None:
        if not options.quiet:
            write(f"{options.output} is up to date\n")
        return 0
    complain(f"{stale}; to mend it: {command(options)}")
    return 1


def command(options: LeaderboardOptions) -> str:
    """The shell command that writes this page from these results."""
    words = ["rlbench", "leaderboard"]
    for name in ("results", "output"):
        value, default = getattr(options, name), getattr(LeaderboardOptions, name)
        words += [f"--{name}", str(value)] if value != default else []
    return shlex.join([*words, *(["--published"] if options.published else [])])
