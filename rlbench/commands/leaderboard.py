"""`rlbench leaderboard`: rank all results, print the tables, and write them to `leaderboard.md`.

As JSON or CSV it prints all rows, unrounded, and writes nothing.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

from rlbench.commands.shared.output import Format, Output, Quiet, complain, draw, print_table, table_of, write
from rlbench.errors import UserError
from rlbench.harness.ranking import leaderboard, tables
from rlbench.harness.ranking.rankings import Rankings, compute_rankings
from rlbench.harness.results import record
from rlbench.harness.tasks.suite import SUITES, TASKS
from rlbench.whole_files import replacing

OPTIONAL = ("failed", "seeds", "optimality gap", "beats next", "worst seed", "training steps")
"""Columns that are left out where the terminal is narrow, the last one first."""


@dataclass(frozen=True)
class LeaderboardOptions:
    """Rank all results, print the tables, and write them to leaderboard.md."""

    results: Path = Path("results")
    """Folder of the records."""
    output: Output = Path("leaderboard.md")
    """Page to write."""
    check: bool = False
    """Write nothing; exit with 1 if the page is not what the results say."""
    quiet: Quiet = False
    """Print nothing but mistakes."""
    format: Format = "table"


def run(options: LeaderboardOptions) -> int:
    """Write, check or print the leaderboard; 1 for a stale page.

    Raises UserError for results that cannot be ranked.
    """
    if options.check and options.format != "table":
        raise UserError(f"--check prints no table; leave out --format {options.format}")
    ranked = load(options.results)
    if options.format != "table":
        print_table(tables.flat(ranked), options.format)
        return 0
    if options.check:
        return check(text(ranked), options)
    write_page(text(ranked), options.output)  # first, as printing may fail
    if not options.quiet:
        print_all(ranked)
        write(f"wrote {options.output}\n")
    return 0


def print_all(ranked: Rankings) -> None:
    """Print every table of the page; below each is what a sign means, and for which columns there was no room."""
    for table in tables.tables(ranked, SUITES):
        rows = [dict(zip(table.columns, row, strict=True)) for row in table.rows]
        draw(table_of(rows, table.columns), table.title, OPTIONAL, table.note)
        write("\n")


def load(results: Path) -> Rankings:
    """Rankings of everything in a results folder."""
    return compute_rankings(record.load(results), TASKS, SUITES)


def text(ranked: Rankings) -> str:
    """The page of these rankings."""
    return leaderboard.render(ranked, TASKS, SUITES)


def check(expected: str, options: LeaderboardOptions) -> int:
    """Compare the page with the expected text: 0 if equal, else 1, and print the command that mends it."""
    line = difference(expected, options.output)
    if line is None:
        if not options.quiet:
            write(f"{options.output} is up to date\n")
        return 0
    complain(f"{options.output} is stale ({line}); to mend it: {command(options)}")
    return 1


def difference(expected: str, page: Path) -> str | None:
    """The first difference between a page and the expected text; None if there is none.

    Args:
        expected: the text.
        page: its file.
    """
    try:
        found = page.read_text(encoding="utf-8")
    except FileNotFoundError:
        return "it does not exist"
    except (OSError, UnicodeDecodeError) as error:
        return f"it cannot be read: {error}"
    if found == expected:
        return None
    pairs = zip_longest(found.split("\n"), expected.split("\n"))
    return f"line {next(i for i, (a, b) in enumerate(pairs, 1) if a != b)} differs"


def command(options: LeaderboardOptions) -> str:
    """The shell command that writes this page from these results."""
    words = ["rlbench", "leaderboard"]
    for name in ("results", "output"):
        value, default = getattr(options, name), getattr(LeaderboardOptions, name)
        words += [f"--{name}", str(value)] if value != default else []
    return shlex.join(words)


def write_page(content: str, page: Path) -> None:
    """Write the page."""
    try:
        with replacing(page) as scratch:
            scratch.write_text(content, encoding="utf-8")
    except OSError as error:
        raise UserError(f"cannot write {page}: {error.strerror}") from error
