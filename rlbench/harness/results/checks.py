"""Checks: what somebody's `verify` found out about records, `checks/<who>.csv` beside them, to be published with them.

    record,sha256,verdict,how,blocks,date,cpu,arithmetic,rlbench,commit

A line is the word of whoever published it, about a record with these bytes and no other. Pages show it; no rank depends
on it, as everybody can write one, but that of two records which claim to be the same run the verified one goes first.
What counts before it is what this user's own `verify` has found, which is in no file of this kind.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

from rlbench.errors import UserError
from rlbench.regular_files import read_regular
from rlbench.text_files import decoded
from rlbench.whole_files import check_place, replacing_regular

FOLDER = "checks"
MAX_BYTES = 1 << 24
MAX_TEXT = 200
"""Characters of a cell."""

NAME = r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}"
"""Names under which checks are published."""


class PublishedCheck(NamedTuple):
    """What was found out about one record."""

    record: str
    """Its place, `<task>/<agent>@<digest>`."""

    sha256: str
    """Of its committed bytes."""

    verdict: str
    how: str
    """`played`: its submission played again; `actions`: kept actions were re-simulated."""

    blocks: int
    date: str
    cpu: str
    arithmetic: str
    rlbench: str
    commit: str


FORMS = {
    "record": r"[a-z0-9]+(-[a-z0-9]+)*@[0-9]+/[A-Za-z0-9][A-Za-z0-9._+-]*@[0-9a-f]{12}",
    "sha256": r"[0-9a-f]{64}",
    "verdict": "verified|re-run|different",
    "how": "played|actions",
    "blocks": r"[1-9][0-9]{0,8}",
    "date": r"[0-9]{4}-[0-9]{2}-[0-9]{2}",
    "commit": r"([0-9a-f]{40,64})?",
}
"""What cells look like; those of other columns are text."""


def path_of(results: Path, who: str) -> Path:
    """Where somebody's checks are; UserError for a name that cannot be one."""
    if not re.fullmatch(NAME, who):
        raise UserError(f"{who[:80]!r} cannot sign: give up to 64 of A-Z a-z 0-9 . _ -, a letter or digit first")
    return results / FOLDER / f"{who}.csv"


def survey(results: Path) -> tuple[dict[str, list[PublishedCheck]], list[tuple[Path, str]]]:
    """The checks beside the records, by who published them; and files there that are none, with reasons."""
    found, flawed = {}, []
    for path in found_in(results):
        try:
            some = read(path)
        except UserError as error:
            flawed.append((path, str(error)))
            continue
        found[path.stem] = some
    return found, flawed


def found_in(results: Path) -> list[Path]:
    """The files in the places of checks; none where their folder is a link, which leads elsewhere."""
    folder = results / FOLDER
    return [] if folder.is_symlink() else sorted(folder.glob("*.csv"))


def read(path: Path) -> list[PublishedCheck]:
    """Somebody's checks; UserError where the file holds anything else."""
    if not re.fullmatch(NAME, path.stem):
        raise UserError(f"{path} is not named by who signs; move it away")
    try:
        text = decoded(read_regular(path, MAX_BYTES), f"the checks {path}")
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}") from None
    try:
        head, *lines = csv.reader(text.splitlines() or [""], strict=True)
    except csv.Error:
        head, lines = [], []
    if tuple(head) != PublishedCheck._fields:
        raise UserError(
            f"{path} holds no checks: its columns are not {', '.join(PublishedCheck._fields)}; move it away"
        )
    return [_check(cells, f"{path}, line {number}") for number, cells in enumerate(lines, start=2)]


def _check(cells: Sequence[str], where: str) -> PublishedCheck:
    """A line as a check; UserError where it is none."""
    if len(cells) != len(PublishedCheck._fields):
        raise UserError(
            f"{where}: {len(cells)} cells, not {len(PublishedCheck._fields)}; mend it or move the file away"
        )
    for name, cell in zip(PublishedCheck._fields, cells, strict=True):
        if len(cell) > MAX_TEXT or not cell.isprintable() or not re.fullmatch(FORMS.get(name, ".*"), cell):
            raise UserError(f"{where}: {name} is {cell[:40]!r}; mend it or move the file away")
    values: dict[str, Any] = dict(zip(PublishedCheck._fields, cells, strict=True))
    try:
        date.fromisoformat(values["date"])
    except ValueError:
        raise UserError(f"{where}: date is {values['date']!r}; mend it or move the file away") from None
    return PublishedCheck(**{**values, "blocks": int(values["blocks"])})


def add(path: Path, checks: Iterable[PublishedCheck]) -> int:
    """Add checks to somebody's; the number of those that were not there, on whatever day.

    Raises:
        UserError: The file holds anything else, or cannot be written.
    """
    try:
        check_place(path, folders=1)
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror}") from None
    there = read(path) if path.exists() else []
    new = unknown_to(there, checks)
    if new:
        try:
            write(path, [*there, *new])
        except OSError as error:
            raise UserError(f"cannot write {path}: {error.strerror}") from None
    return len(new)


def unknown_to(there: Iterable[PublishedCheck], checks: Iterable[PublishedCheck]) -> list[PublishedCheck]:
    """Those of some checks that say what no other says, on whatever day."""
    known = {check._replace(date="") for check in there}
    return [check for check in dict.fromkeys(checks) if check._replace(date="") not in known]


def write(path: Path, checks: Iterable[PublishedCheck]) -> None:
    """Write a file of checks, whole or not at all; OSError where it cannot be written."""
    with replacing_regular(path, folders=1) as scratch:
        scratch.write_text(as_csv(checks), encoding="utf-8")


def as_csv(checks: Iterable[PublishedCheck]) -> str:
    """Checks as CSV, sorted by record and date."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(PublishedCheck._fields)
    ordered: list[PublishedCheck] = sorted(checks, key=lambda check: (check.record, check.date))
    writer.writerows(ordered)
    return text.getvalue()
