"""The pages of the leaderboard as files: what they link to, where they go, whether they are up to date."""

from __future__ import annotations

import io
import os
from collections.abc import Collection
from itertools import zip_longest
from pathlib import Path

from rlbench.commands.shared import plans
from rlbench.errors import UserError
from rlbench.harness.ranking import leaderboard
from rlbench.harness.ranking.costs import CurveLink
from rlbench.harness.ranking.rows import Rankings, TaskRow
from rlbench.harness.results import checks, curves
from rlbench.harness.results.curves import KeptCurve
from rlbench.harness.tasks.suite import FAMILIES, catalogue
from rlbench.regular_files import open_regular
from rlbench.whole_files import check_replaceable, replacing_regular

PAGE = "leaderboard.md"
"""The page of all tasks, beside the folder of results."""


def seeds_to_train(row: TaskRow) -> int:
    """How many training seeds, from 0 on, include those of a row: three where 0 and 2 are scored."""
    return max(row.seed_numbers, default=row.training_seeds - 1) + 1


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
            (row.agent, key): plans.commands(row.agent, key, known.family[key], seeds_to_train(row))
            for key, rows in ranked.tasks.items()
            for row in rows
        },
        runs={name: plans.training_runs(name, [task.key for task in known.suites[name]]) for name in FAMILIES},
        name=page.name,
        checks=f"{folder}/{checks.FOLDER}" if any((results / checks.FOLDER).glob("*.csv")) else "",
    )
    texts = leaderboard.pages(ranked, known.tasks, known.suites, around)
    return {page.parent / name: text for name, text in texts.items()}


def folder_of_tasks(results: Path, page: Path) -> Path:
    """The folder of the pages of tasks: that of the results for their own page, for any other one beside it.

    So a page that is written elsewhere changes nothing beside the records.
    """
    own = page.name == PAGE and page.parent.resolve() == results.parent.resolve()
    return (results if own else page.parent) / leaderboard.FOLDER


def link(curve: KeptCurve, folder: str) -> CurveLink:
    """A learning curve as the page shows it; the folder of results is as seen from the page."""
    path = f"{folder}/{curve.file}"
    return CurveLink(curve.task, curve.agent, curve.seed, path, curve.steps, curve.seconds, curve.device)


def difference(ranked: Rankings, results: Path, page: Path) -> str | None:
    """The first page that is not what these rankings give, and where it differs; None if all are."""
    expected, folder = pages(ranked, results, page), folder_of_tasks(results, page)
    if folder.is_symlink():
        return f"{folder} is a link, not a folder"
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
    written = [] if folder.is_symlink() else sorted(folder.glob("*@*.md"))
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
        with io.TextIOWrapper(open_regular(page), encoding="utf-8") as file:  # a pipe might never end
            found = file.read()
    except FileNotFoundError:
        return "it does not exist"
    except (OSError, UnicodeDecodeError) as error:
        return f"it cannot be read: {getattr(error, 'strerror', None) or error}"
    if found == expected:
        return None
    pairs = zip_longest(found.split("\n"), expected.split("\n"))
    return f"line {next(i for i, (a, b) in enumerate(pairs, 1) if a != b)} differs"


def write_pages(ranked: Rankings, results: Path, page: Path) -> None:
    """Write the page of these rankings and those of the tasks, and remove those of tasks without results."""
    texts, folder = pages(ranked, results, page), folder_of_tasks(results, page)
    for write in (check, write_page):  # none is written where one cannot be
        for path, text in texts.items():
            write(text, path, 0 if path == page else 1)
    for path in leftover(texts, folder):
        path.unlink()


def check(_: str, page: Path, folders: int) -> None:
    """Refuse to write a page over anything but a file, or through a link."""
    try:
        check_replaceable(page, folders)
    except OSError as error:
        raise UserError(f"cannot write {page}: {error.strerror}") from None


def write_page(content: str, page: Path, folders: int) -> None:
    """Write one page; so many of the folders above it must be no links."""
    try:
        with replacing_regular(page, folders) as scratch:
            scratch.write_text(content, encoding="utf-8")
    except OSError as error:
        raise UserError(f"cannot write {page}: {error.strerror}") from error
