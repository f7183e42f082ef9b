"""`rlbench leaderboard`: rank all results, print the tables, and write them to `leaderboard.md` and a page per task.

With --task, --suite or --agent, and as JSON, CSV or LaTeX, it only prints.
"""

from __future__ import annotations

import dataclasses
import os
import shlex
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Annotated, Literal, TypeVar

import tyro

from rlbench.commands.shared import plans
from rlbench.commands.shared.lookup import find_task
from rlbench.commands.shared.output import Output, Quiet, complain, draw_rows, print_table, table_of, write
from rlbench.commands.shared.runs import load_runs
from rlbench.core.compiler import cache
from rlbench.errors import UserError, unknown
from rlbench.harness.ranking import leaderboard, tables
from rlbench.harness.ranking.costs import CurveLink, cost_rows, cost_table
from rlbench.harness.ranking.flat import flat
from rlbench.harness.ranking.kept_ratings import KeptRatings
from rlbench.harness.ranking.proofs import ProofRow
from rlbench.harness.ranking.rankings import compute_rankings
from rlbench.harness.ranking.rows import Rankings, RunRow, SuiteRow, TaskRow, UnrankedRow
from rlbench.harness.results import checks, curves
from rlbench.harness.results.curves import KeptCurve
from rlbench.harness.tasks.suite import FAMILIES, catalogue, get_suite
from rlbench.harness.tasks.task import Task
from rlbench.regular_files import open_regular
from rlbench.whole_files import replacing

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

Row = TypeVar("Row", TaskRow, RunRow, SuiteRow, ProofRow, UnrankedRow)


@dataclass(frozen=True)
class LeaderboardOptions:
    """Rank all results, print the tables, and write leaderboard.md and a page per task."""

    task: tuple[str, ...] = ()
    """Print these tasks alone."""
    suite: str | None = None
    """Print the tasks of this suite alone."""
    agent: tuple[str, ...] = ()
    """Print these agents alone; they keep their ranks."""
    results: Path = Path("results")
    """Folder of the records."""
    output: Output = Path("leaderboard.md")
    """Page to write. The pages of the tasks go into tasks/ of the results where it is the leaderboard.md beside them,
    else into tasks/ beside it."""
    check: bool = False
    """Write nothing; exit with 1 if a page is not what the results say."""
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
    ranked = load(options.results)
    if options.check:
        return check(ranked, options)
    if filtered or options.format != "table":
        print_rankings(selected(ranked, options), options.format, options.results)
        return 0
    write_pages(ranked, options.results, options.output)  # first, as printing may fail
    if not options.quiet:
        print_rankings(ranked, "table", options.results)
        write(proofs(ranked))
        write(f"wrote {options.output}, and a page per task in {folder_of_tasks(options.results, options.output)}\n")
    return 0


def proofs(ranked: Rankings) -> str:
    """A line that says how many of the runs that count this machine has proved."""
    counts = [f"{ranked.states.get(state, 0):,} {state}" for state in ("verified", "re-run", "self-reported")]
    return f"on this machine: {', '.join(counts)} runs; `rlbench verify` proves them\n"


def selected(ranked: Rankings, options: LeaderboardOptions) -> Rankings:
    """The rows of the tasks and agents that were asked for; UserError for a name that does not exist."""
    asked = {*(find_task(name).key for name in options.task), *(task.key for task in suite_of(options))}
    tasks = catalogue()
    keys = asked or {*tasks.tasks, *(row.task for row in ranked.unranked)}
    known = {row.agent for rows in ranked.tasks.values() for row in rows} | {row.agent for row in ranked.unranked}
    for name in options.agent:
        if name not in known:
            raise unknown("agent", name, known)

    def of_agents(rows: tuple[Row, ...]) -> tuple[Row, ...]:
        return tuple(row for row in rows if not options.agent or row.agent in options.agent)

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
        lines={key: () if options.agent else lines for key, lines in ranked.lines.items() if key in keys},
        unranked=tuple(row for row in of_agents(ranked.unranked) if row.task in keys),
    )


def suite_of(options: LeaderboardOptions) -> tuple[Task, ...]:
    """The tasks of the suite that was asked for."""
    return () if options.suite is None else get_suite(options.suite)


def print_rankings(ranked: Rankings, format: Format, results: Path) -> None:
    """Print every table, below it what its words mean and the columns without room; JSON and CSV as one flat table."""
    costs = cost_rows(ranked, [link(curve, results.as_posix()) for curve in curves.find(results)])
    if format == "json" or format == "csv":
        print_table(flat(ranked, costs), format)
        return
    for table in (*tables.tables(ranked, catalogue().suites), *([cost_table(costs)] if costs else [])):
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


def load(results: Path) -> Rankings:
    """Rankings of everything in a results folder."""
    known = catalogue()
    return compute_rankings(load_runs(results), known.tasks, known.suites, KeptRatings(cache.load, cache.store))


def folder_of_tasks(results: Path, page: Path) -> Path:
    """The folder of the pages of tasks: that of the results for their own page, for any other one beside it.

    So a page that is written elsewhere changes nothing beside the records.
    """
    own = page.name == LeaderboardOptions.output.name and page.parent.resolve() == results.parent.resolve()
    return (results if own else page.parent) / leaderboard.FOLDER


def pages(ranked: Rankings, results: Path, page: Path) -> dict[Path, str]:
    """The page of these rankings and those of the tasks, with links to what lies beside them, by where they go."""
    folder = Path(os.path.relpath(results, page.parent)).as_posix()
    known = catalogue()
    charts = {key: f"{leaderboard.CURVES}/{key}.png" for key in known.tasks}
    around = leaderboard.Surroundings(
        curves=[link(curve, folder) for curve in curves.find(results)],
        charts={key: f"{folder}/{chart}" for key, chart in charts.items() if (results / chart).is_file()},
        results=folder,
        tasks=Path(os.path.relpath(folder_of_tasks(results, page), page.parent)).as_posix(),
        beside={name for name in leaderboard.BESIDE if (page.parent / name).exists()},
        commands={
            (row.agent, key): plans.commands(row.agent, key, known.family[key], row.training_seeds)
            for key, rows in ranked.tasks.items()
            for row in rows
        },
        runs={name: plans.training_runs(name, [task.key for task in known.suites[name]]) for name in FAMILIES},
        name=page.name,
        checks=f"{folder}/{checks.FOLDER}" if any((results / checks.FOLDER).glob("*.csv")) else "",
    )
    texts = leaderboard.pages(ranked, known.tasks, known.suites, around)
    return {page.parent / name: text for name, text in texts.items()}


def link(curve: KeptCurve, folder: str) -> CurveLink:
    """A learning curve as the page shows it; the folder of results is as seen from the page."""
    path = f"{folder}/{curve.file}"
    return CurveLink(curve.task, curve.agent, curve.seed, path, curve.steps, curve.seconds, curve.device)


def check(ranked: Rankings, options: LeaderboardOptions) -> int:
    """Compare the pages with what these rankings give: 0 if equal, else 1, and print the command that mends them."""
    stale = difference(ranked, options.results, options.output)
    if stale is None:
        if not options.quiet:
            write(f"{options.output} is up to date\n")
        return 0
    complain(f"{stale}; to mend it: {command(options)}")
    return 1


def difference(ranked: Rankings, results: Path, page: Path) -> str | None:
    """The first page that is not what these rankings give, and where it differs; None if all are."""
    expected, folder = pages(ranked, results, page), folder_of_tasks(results, page)
    for path, text in expected.items():
        if (where := difference_of(text, path)) is not None:
            return f"{path} is stale ({where})"
    return next(
        (f"{path} is stale (its task has no results)" for path in leftover(expected, folder)),
        None,
    )


def leftover(expected: Collection[Path], folder: Path) -> list[Path]:
    """The pages of tasks that nobody has completed, or that no longer exist; only what this command has written."""
    kept = {path.resolve() for path in expected}
    written = sorted(folder.glob("*@*.md"))
    return [path for path in written if path.resolve() not in kept and was_written(path)]


def was_written(path: Path) -> bool:
    """Whether a file begins as the page of a task does; pipes and links are not looked into."""
    try:
        with open_regular(path) as file:
            return file.read(3) == b"# `"
    except OSError:
        return False


def difference_of(expected: str, page: Path) -> str | None:
    """The first difference between a page and the expected text; None if there is none.

    Args:
        expected: the text.
        page: its file.
    """
    try:
        if page.exists() and not page.is_file():  # a pipe might never end
            return "it is no file"
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


def write_pages(ranked: Rankings, results: Path, page: Path) -> None:
    """Write the page of these rankings and those of the tasks, and remove those of tasks without results."""
    texts, folder = pages(ranked, results, page), folder_of_tasks(results, page)
    if len(texts) > 1:
        make_folder(folder)
    for path in texts:
        if path != page and path.exists() and not path.is_file():  # a pipe might have no reader
            raise UserError(f"cannot write {path}: it is no file; remove it")
    for path, text in texts.items():
        write_page(text, path)
    for path in leftover(texts, folder):
        path.unlink()


def make_folder(folder: Path) -> None:
    """Make the folder of the pages of tasks."""
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise UserError(f"cannot write {folder}: {error.strerror}") from error


def write_page(content: str, page: Path) -> None:
    """Write one page."""
    try:
        with replacing(page) as scratch:
            scratch.write_text(content, encoding="utf-8")
    except OSError as error:
        raise UserError(f"cannot write {page}: {error.strerror}") from error
