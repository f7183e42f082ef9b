"""`rlbench verify`: play recorded episodes again, re-simulate their actions, and compare both with the record."""

from __future__ import annotations

import dataclasses
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
import tyro
from tyro.conf import Positional

from rlbench.commands.shared import secret_file
from rlbench.commands.shared.lookup import find_records, submission_of
from rlbench.commands.shared.output import Format, Quiet, print_table, remark, silent
from rlbench.errors import UserError, counted
from rlbench.harness import submission
from rlbench.harness.proof import kept_actions
from rlbench.harness.proof.findings import Verification, difference, has_same_arithmetic, state
from rlbench.harness.proof.statements import sign
from rlbench.harness.results import checks, record
from rlbench.harness.results.record import Record
from rlbench.harness.submission import Submission
from rlbench.harness.tasks.suite import get_task
from rlbench.harness.tasks.task import Task
from rlbench.harness.verify import verify

COUNTS = ("blocks", "of", "episodes", "different")
COLUMNS = ("record", *COUNTS, "verdict")
DETAILS = ("first_difference", "reason")
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
    quiet: Quiet = False
    """No progress bar."""
    format: Format = "table"


def run(options: VerifyOptions) -> int:
    """Verify, and print a row per record; 0 where all of them came out the same, else 1."""
    if options.blocks is not None and options.blocks < 1:
        raise UserError(f"--blocks is at least 1, got {options.blocks}")
    if options.sign is not None:
        checks.path_of(Path(), options.sign)  # a name that cannot sign is told before anything is played
    paths = chosen(options.records)
    if options.submission is not None and len(paths) > 1:
        paths = records_of(options.submission, paths)
    rows = [row(path, options, alone=len(paths) == 1) for path in paths]
    show(rows, options)
    if options.sign is not None:
        signed(paths, options)
    return max(VERDICTS.get(each["verdict"], 1) for each in rows)


def signed(paths: list[Path], options: VerifyOptions) -> None:
    """Add what came out to the checks of who signs, and say how many statements were new."""
    readable = [path for path in paths if is_record(path)]
    added = sign(readable, str(options.sign), datetime.now(timezone.utc).date())
    if not added:
        raise UserError("nothing to sign: no findings could be kept beside these records")
    for path, new in added.items():
        remark(f"{path}: {counted(new, 'check')} added", options)


def is_record(path: Path) -> bool:
    """Whether a record can be read; the row of any other says why not."""
    with suppress(UserError):
        return record.read(path) is not None
    return False


def show(rows: list[dict[str, Any]], options: VerifyOptions) -> None:
    """Print the rows; for people, details come below the table, on lines of their own.

    Args:
        rows: One per record.
        options: Of the command.
    """
    columns = COLUMNS if options.format == "table" else (*COLUMNS, *DETAILS)
    print_table(pd.DataFrame(rows, columns=list(columns)).astype(dict.fromkeys(COUNTS, "Int64")), options.format)
    for each in rows:
        for name in DETAILS:
            if each.get(name):
                remark(f"{each['record']}: {each[name]}", options)


def chosen(given: tuple[Path, ...]) -> list[Path]:
    """The records that are named, and those in folders that are named."""
    given = tuple(map(find_records, given))
    paths = [found for path in given for found in (record.find(path, "**/*.jsonl") if path.is_dir() else [path])]
    paths = list(dict.fromkeys(path for path in paths if path.exists() or path.suffix == ".jsonl"))
    if not paths:
        raise UserError(f"no records in {', '.join(map(str, given))}; `rlbench evaluate` makes them")
    return paths


def records_of(folder: Path, paths: list[Path]) -> list[Path]:
    """The records that are of a submission, by its digest.

    Args:
        folder: of the submission.
        paths: of the records.

    Raises:
        UserError: none of them is.
    """
    digest, found = submission.read(str(folder)).digest, []
    for path in paths:
        with suppress(UserError):  # a record that cannot be read is not known to be of this submission
            held = record.read(path)
            found += [path] if held is not None and held.header["digest"] == digest else []
    if not found:
        raise UserError(f"{folder} has digest {digest[:12]}, and none of these {len(paths)} records is of it")
    return found


def row(path: Path, options: VerifyOptions, *, alone: bool) -> dict[str, Any]:
    """Verify one record; the reason is in the row where its submission is not here, or it is not `alone` and fails."""
    made: dict[str, Any] = {"record": f"{path.parent.name}/{path.stem}"}
    verdict = "no record"
    try:
        run = record.read(path)
        if run is None:
            raise UserError(f"no record at {path}")
        made["of"] = len(run.blocks)
        verdict = "no submission"
        entrant = submission_or_none(run, path, options)
        verdict = "no comparison"
        task = with_secret(get_task(str(run.header["task"])), options.secret)
        found = verify(path, task, entrant, options.blocks, quiet=silent(options), keep=options.traces)
    except UserError as error:
        if alone and (verdict != "no submission" or options.submission is not None):
            raise
        return made | {"verdict": verdict, "reason": str(error)}
    told = cells(run, found)
    if entrant is None:
        told["reason"] = told["reason"] or "its kept actions alone were simulated, as its submission is not here"
    return made | told


def submission_or_none(run: Record, path: Path, options: VerifyOptions) -> Submission | None:
    """The submission of a record; None where it is not here, but actions are kept that prove the record without it.

    Raises:
        UserError: There is neither.
    """
    try:
        return submission_of(run.header, path, options.submission)
    except UserError:
        if options.submission is None and kept_actions.path_of(path).exists():
            return None
        raise


def with_secret(task: Task, file: Path | None) -> Task:
    """A task whose seeds are drawn from the secret in a file; as it is where there is none."""
    return task if file is None else dataclasses.replace(task, secret=secret_file.read(file))


def cells(run: Record, found: Verification) -> dict[str, Any]:
    """What a verification found, by column of the table."""
    known = state(run, found)
    different = {**found.different, **found.unsound}
    first = min(different, default=None)
    return {
        "blocks": found.blocks,
        "episodes": found.episodes,
        "different": len(different),
        "verdict": known if found.lacking is None or known == "different" else "not all compared",
        "reason": found.lacking or (other_arithmetic(run, found) if found.different else None),
        "first_difference": None if first is None else f"episode {first}: {'; '.join(different[first])}",
    }


def other_arithmetic(run: Record, found: Verification) -> str | None:
    """What differs where a record was made under another arithmetic; None where it was made under the one of here."""
    if has_same_arithmetic(run.header):
        return None
    told = difference(run, found)
    within = "within" if told.within_chance else "not within"
    return (
        f"other arithmetic: the mean return is {told.mean:+,.2f} here, {within} chance "
        f"(95 % interval {told.low:+,.2f} to {told.high:+,.2f})"
    )
