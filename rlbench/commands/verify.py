"""`rlbench verify`: play recorded episodes again, re-simulate their actions, and compare both with the record."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
import tyro
from tyro.conf import Positional

from rlbench.api.verifying import COLUMNS, COUNTS, DETAILS, VerifyHow, folders_of, paths_of, rows_of
from rlbench.commands.shared import secret_file
from rlbench.commands.shared.output import Format, Quiet, print_table, remark, silent
from rlbench.errors import UserError, counted
from rlbench.harness.proof.statements import sign
from rlbench.harness.results import checks, record
from rlbench.harness.results.places import misplaced

VERDICTS = {"verified": 0, "re-run": 0, "different": 1}
"""What a comparison ends in, with the exit code; other verdicts say why there was none, and count as different."""


@dataclass(frozen=True)
class VerifyOptions:
    """Play recorded episodes again, re-simulate their actions, and compare both with the record."""

    records: Positional[tuple[Path, ...]] = (Path("results"),)
    """Records, results/<task>/<agent>@<digest>.jsonl, folders of them, or tasks."""
    blocks: int | None = None
    """How many blocks of each record, from the first; all by default. A block is the episodes played at once."""
    submission: Path | None = None
    """Folder of the submission, where it is not found by its digest; only records of this one are verified."""
    traces: bool = False
    """Keep the actions beside the record, compressed, so that it can be proved without the submission."""
    sign: Annotated[str | None, tyro.conf.arg(metavar="WHO")] = None
    """Add what came out to results/checks/WHO.csv, beside the records, to be published with them."""
    secret: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """The secret from which the seeds were drawn, of records that were evaluated with one."""
    jobs: Annotated[int | None, tyro.conf.arg(aliases=["-j"])] = None
    """How many records are verified at once, or blocks where it is one record; by default one per core."""
    quiet: Quiet = False
    """No progress bar."""
    format: Format = "table"


def run(options: VerifyOptions) -> int:
    """Verify, and print a row per record; 0 where all of them came out the same, else 1."""
    if options.blocks is not None and options.blocks < 1:
        raise UserError(f"--blocks is at least 1, got {options.blocks}")
    if options.jobs is not None and options.jobs < 1:
        raise UserError(f"--jobs is at least 1, got {options.jobs}")
    if options.sign is not None:
        checks.path_of(Path(), options.sign)  # a name that cannot sign is told before anything is played
    secret = None if options.secret is None else secret_file.read(options.secret)
    searched = folders_of(options.records)
    how = VerifyHow(options.blocks, options.submission, options.traces, secret, silent(options), options.jobs, searched)
    paths = paths_of(options.records, how)
    rows = rows_of(paths, how)
    show(rows, options)
    if options.sign is not None:
        signed(paths, options)
    return max(VERDICTS.get(each["verdict"], 1) for each in rows)


def signed(paths: list[Path], options: VerifyOptions) -> None:
    """Add what came out to the checks of who signs, and say how many statements were new."""
    readable = [path for path in paths if is_record(path)]
    added = sign(readable, str(options.sign), datetime.now(timezone.utc).date())
    if not added:
        why = "no findings could be kept beside these records"
        raise UserError(f"nothing to sign: {why}; copy them to a folder of yours")
    for path, new in added.items():
        remark(f"{path}: {counted(new, 'check')} added", options)


def is_record(path: Path) -> bool:
    """Whether a record can be read and lies in its place; the row of any other says why not."""
    with suppress(UserError):
        return (run := record.read(path)) is not None and misplaced(run, path) is None
    return False


def show(rows: list[dict[str, Any]], options: VerifyOptions) -> None:
    """Print the rows; for people, details come below the table, on lines of their own.

    Args:
        rows: One per record.
        options: Of the command.
    """
    table = pd.DataFrame(rows, columns=[*COLUMNS, *DETAILS]).astype(dict.fromkeys(COUNTS, "Int64"))
    narrow = options.format == "table"  # its blocks say how many episodes there are
    print_table(table.drop(columns=["episodes", *DETAILS]) if narrow else table, options.format)
    for each in rows:
        for name in DETAILS:
            if each.get(name):
                remark(f"{each['record']}: {each[name]}", options)
