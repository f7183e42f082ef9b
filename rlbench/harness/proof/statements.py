"""Statements about records: what this user's `verify` has found out here, as checks that can be published."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from pathlib import Path

from rlbench import arithmetic
from rlbench.harness.proof import findings
from rlbench.harness.results import checks, record
from rlbench.harness.results.checks import PublishedCheck


def sign(paths: Iterable[Path], who: str, today: date) -> dict[Path, int]:
    """Add what was found out about records to the checks of `who`, which lie beside the records.

    Args:
        paths: The records, `<results>/<task>/<agent>@<digest>.jsonl`.
        who: Under whose name.
        today: The date of the statements.

    Returns:
        How many were added to each file; nothing is said of records about which nothing was found.

    Raises:
        UserError: `who` is no name, a record cannot be read, or a file of checks cannot be written.
    """
    made: dict[Path, list[PublishedCheck]] = {}
    for path in paths:
        if (check := statement(path, today)) is not None:
            made.setdefault(checks.path_of(results_of(path), who), []).append(check)
    return {path: checks.add(path, some) for path, some in made.items()}


def results_of(path: Path) -> Path:
    """The folder of results that a record lies in."""
    return path.parents[1] if len(path.parents) > 1 else path.absolute().parents[1]


def statement(path: Path, today: date) -> PublishedCheck | None:
    """What this user's `verify` has found out here about a record as it is now; None where it has nothing."""
    run = record.read(path)
    lines = [] if run is None else findings.lines_about(path, run)
    if run is None or len(lines) < 2:
        return None
    head, found = lines[0], findings.read(path, run)
    return PublishedCheck(
        record="/".join(record.place(run.header)).removesuffix(".jsonl"),
        sha256=head["record"],
        verdict=findings.state(run, found),
        how="played" if head["played"] else "actions",
        blocks=found.blocks,
        date=today.isoformat(),
        cpu=head["cpu"],
        arithmetic=str(arithmetic.describe()["name"]),
        rlbench=head["packages"]["rlbench"],
        commit=head["commit"] or "",
    )
