"""`rlbench.verify`: recorded episodes played again, their actions re-simulated, and both compared with the record."""

from __future__ import annotations

import dataclasses
import os
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from rlbench.api.evaluating import check_counts, path_of, with_secret
from rlbench.api.python_words import in_python, speaks_python
from rlbench.commands.shared.lookup import find_records
from rlbench.commands.shared.submissions import submission_of
from rlbench.errors import UserError, counted
from rlbench.harness import submission
from rlbench.harness.executors.choice import executor_of
from rlbench.harness.executors.order import in_order
from rlbench.harness.isolation import linux
from rlbench.harness.kept import Kept
from rlbench.harness.proof import kept_actions
from rlbench.harness.proof.findings import Verification, difference, has_same_arithmetic, state
from rlbench.harness.proof.kept_actions import NotKeptError
from rlbench.harness.results import record
from rlbench.harness.results.jsonl import kind_of
from rlbench.harness.results.places import misplaced
from rlbench.harness.results.record import Record
from rlbench.harness.submission import Submission
from rlbench.harness.tasks.suite import get_task_of_record
from rlbench.harness.verify import verify as play_again
from rlbench.progress import progress

COUNTS = ("blocks", "of", "episodes", "different")
COLUMNS = ("record", *COUNTS, "verdict", "proof")
DETAILS = ("first_difference", "reason")
PROOFS = {True: "played and simulated", False: "actions alone"}
"""How a record was compared, by whether its submission played again."""


@dataclass(frozen=True)
class VerifyHow:
    """How records are verified; as `verify` takes it."""

    blocks: int | None = None
    submission: Path | None = None
    traces: bool = False
    secret: bytes | None = None
    quiet: bool = False
    jobs: int | None = 1
    searched: tuple[Path, ...] = ()
    """Folders in which records are searched, and only those that lie in their places are verified."""


@speaks_python
def verify(
    records: str | os.PathLike[str] | Sequence[str | os.PathLike[str]] = "results",
    *,
    blocks: int | None = None,
    submission: str | os.PathLike[str] | None = None,
    traces: bool = False,
    secret: bytes | None = None,
    quiet: bool = False,
    jobs: int | None = 1,
) -> pd.DataFrame:
    """Play recorded episodes again, re-simulate their actions, and compare both with the record, as `rlbench verify`.

    Args:
        records: A record, a folder of them, a task, or several of these.
        blocks: How many blocks of each record, from the first; all by default.
        submission: Folder of the submission, where it is not found by its digest; only its records are verified.
        traces: Whether to keep the actions beside the record, so that it can be proved without the submission.
        secret: The secret from which the seeds were drawn, of records that were evaluated with one.
        quiet: Whether to show no progress.
        jobs: How many records are verified at once, or blocks where it is one record; None for one per core.

    Returns:
        A row per record: its place `record`; how many `blocks` were compared `of` how many, with how many `episodes`,
        and how many of these came out `different`; the `verdict`, which is `verified`, `re-run`, `different`, or says
        why nothing was compared; the `proof`, `played and simulated` or `actions alone`; the `first_difference` and
        the `reason`, missing where there is none.

    Raises:
        UserError: There are no such records, or the only one cannot be compared.
    """
    check_counts(blocks=blocks, jobs=jobs)
    given = records if isinstance(records, Sequence) and not isinstance(records, str) else [records]
    named = [Path(path_of(each, "record")) for each in given]
    where = None if submission is None else Path(submission)
    how = VerifyHow(blocks, where, traces, secret, quiet, jobs, folders_of(named))
    rows = rows_of(paths_of(named, how), how)
    for row in rows:
        row["reason"] = in_python(row["reason"], verify) if row.get("reason") else None
    return pd.DataFrame(rows, columns=[*COLUMNS, *DETAILS]).astype(dict.fromkeys(COUNTS, "Int64"))


def folders_of(given: Sequence[Path]) -> tuple[Path, ...]:
    """The folders among what is named, in which records are searched."""
    return tuple(path for path in map(find_records, given) if path.is_dir())


def paths_of(given: Sequence[Path], how: VerifyHow) -> list[Path]:
    """The records that are named, and those in folders that are named; of them those of the submission, if one is."""
    paths = chosen(tuple(given))
    return records_of(how.submission, paths) if how.submission is not None and len(paths) > 1 else paths


def rows_of(paths: Sequence[Path], how: VerifyHow) -> list[dict[str, Any]]:
    """Verify records, several at once, or several blocks of one; a row for each. UserError where this is not Linux."""
    linux.require()
    if len(paths) == 1:
        return [row(paths[0], how, alone=True)]
    pieces = [VerifyRecord(path, dataclasses.replace(how, jobs=1, quiet=True)) for path in paths]
    rows: list[dict[str, Any]] = []
    with (
        executor_of("processes", how.jobs, len(pieces)) as executor,
        progress(counted(len(paths), "record"), quiet=how.quiet) as show,
    ):
        for piece, result in zip(pieces, in_order(executor, pieces), strict=True):
            if isinstance(result, Exception) and not isinstance(result, UserError):
                raise result
            failed = {"record": str(piece), "verdict": "no comparison", "reason": str(result)}
            rows.append(failed if isinstance(result, UserError) else result)
            show(len(rows) / len(paths), len(rows), "records")
    return rows


@dataclass(frozen=True)
class VerifyRecord:
    """The work of verifying one record of several."""

    path: Path
    how: VerifyHow

    def __str__(self) -> str:
        return name_of(self.path)

    def __call__(self, kept: Kept) -> dict[str, Any]:
        """Its row."""
        return row(self.path, self.how, alone=False)


def name_of(path: Path) -> str:
    """What a record is called: its folder, which is named by the task, and its file."""
    return f"{path.absolute().parent.name}/{path.stem}"


def chosen(given: tuple[Path, ...]) -> list[Path]:
    """The records that are named, and those in folders that are named."""
    given = tuple(map(find_records, given))
    own = [path for path in given if not is_beside(path)] or given
    paths = [found for path in own for found in (_in_folder(path) if path.is_dir() else [path])]
    paths = list(dict.fromkeys(path for path in paths if path.exists() or path.suffix == ".jsonl"))
    if not paths:
        raise UserError(f"no records in {', '.join(map(str, given))}; `rlbench evaluate` makes them")
    return paths


def is_beside(path: Path) -> bool:
    """Whether a file that is named, by a pattern of the shell perhaps, lies beside records and is rlbench's own."""
    if path.name.endswith((record.VERIFICATION, kept_actions.SUFFIX)):
        return True
    if not path.is_file():
        return False
    with suppress(UserError):  # a file that cannot be read has its own line
        side = path.suffix == ".csv" or kind_of(path) in ("part", "curve", "trace")
        return side and not re.fullmatch(record.NAME, path.name)
    return False


def _in_folder(folder: Path) -> list[Path]:
    """The records below a folder, what claims to be one, and folders in it that cannot be read."""
    return sorted({*record.find(folder, "**/*.jsonl", named=True), *record.closed_folders(folder)})


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


def row(path: Path, how: VerifyHow, *, alone: bool) -> dict[str, Any]:
    """Verify one record; the reason is in the row where its submission is not here, or it is not `alone` and fails."""
    made: dict[str, Any] = {"record": name_of(path)}
    verdict = "no record"
    try:
        run = record.read(path)
        if run is None:
            raise UserError(f"no record at {path}")
        made["of"] = len(run.blocks)
        found_here = any(path.is_relative_to(folder) for folder in how.searched)
        if found_here and (wrong := misplaced(run, path)):
            return made | {"verdict": "not in its place", "reason": wrong}
        verdict = "no submission"
        entrant = submission_or_none(run, path, how)
        verdict = "no comparison"
        task = with_secret(get_task_of_record(run.header["task"]), how.secret)
        found = play_again(path, task, entrant, how.blocks, jobs=how.jobs, quiet=how.quiet, keep=how.traces)
    except NotKeptError as error:
        return made | {"verdict": "self-reported", "reason": str(error)}
    except UserError as error:
        if alone and (verdict != "no submission" or how.submission is not None):
            raise
        return made | {"verdict": verdict, "reason": str(error)}
    told = cells(run, found) | {"proof": PROOFS[entrant is not None] if found.blocks else None}
    if entrant is None:
        told["reason"] = told["reason"] or "its kept actions alone were simulated, as its submission is not here"
    return made | told


def submission_or_none(run: Record, path: Path, how: VerifyHow) -> Submission | None:
    """The submission of a record; None where it is not here, but actions are kept that prove the record without it.

    Raises:
        UserError: There is neither.
    """
    try:
        return submission_of(run.header, path, how.submission)
    except UserError:
        if how.submission is None and kept_actions.path_of(path).exists():
            return None
        raise


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
