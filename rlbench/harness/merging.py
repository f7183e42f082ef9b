"""Merging folders of results: what another folder has and this one lacks is added, and nothing is overwritten.

    records          results/<task>/<agent>@<digest>.jsonl
    beside them      kept actions, and what `verify` found: <agent>@<digest>.*
    learning curves  results/curves/<task>/<agent>-s<seed>.csv
    checks           results/checks/<who>.csv

A record that goes on where this folder's ends is appended, block by block whole, and so are its kept actions. Killed at
any moment, a merge leaves each file as it was or as it should be, and the next one does the rest.
"""

from __future__ import annotations

import glob
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rlbench.errors import UserError
from rlbench.harness.proof import kept_actions
from rlbench.harness.results import checks, curves, record
from rlbench.harness.results.jsonl import JsonlWriter
from rlbench.harness.results.record import Record
from rlbench.regular_files import read_regular
from rlbench.whole_files import appear

ADDED, CONTINUED, THERE, CONFLICT, REFUSED = "added", "continued", "there already", "conflict", "refused"
"""What became of a file of another folder."""

MAX_BYTES = 1 << 30


class UnwritableError(UserError):
    """The folder that is merged into cannot be written, which ends a merge."""


@dataclass(frozen=True)
class Merged:
    """What became of one file of another folder."""

    source: Path
    file: str
    """Its place below the folder of results."""

    outcome: str
    why: str = ""


def merge(source: Path, results: Path) -> Iterator[Merged]:
    """Add what another folder of results has; one value per file, records first.

    Args:
        source: The other folder.
        results: The folder that is added to.

    Raises:
        UserError: There is no such folder, or this one cannot be written.
    """
    if not source.is_dir():
        raise UserError(f"no folder of results at {source}")
    if source.resolve() == results.resolve():
        raise UserError(f"{source} is the folder that is merged into; give another")
    for path in files(source):
        file = path.relative_to(source).as_posix()
        try:
            outcome, why = _merged(path, results / file)
        except UnwritableError:
            raise
        except UserError as error:
            outcome, why = REFUSED, str(error)
        yield Merged(source, file, outcome, why)


def files(folder: Path) -> list[Path]:
    """The files of a folder of results that are merged: records, what lies beside them, learning curves and checks."""
    records = record.candidates(folder)
    there = set(records)
    beside = [
        path
        for each in records
        for path in sorted(each.parent.glob(f"{glob.escape(each.stem)}.*"))
        if path not in there and (path.suffix == kept_actions.SUFFIX or path.name.endswith(record.VERIFICATION))
    ]
    kept = sorted([*(folder / curves.FOLDER).glob("*/*.csv"), *(folder / checks.FOLDER).glob("*.csv")])
    return [*records, *(path for path in (*beside, *kept) if not record.is_hidden(path, folder))]


def _merged(path: Path, target: Path) -> tuple[str, str]:
    """What becomes of one file, and why; UserError where it is no file of results."""
    is_record = path.suffix == ".jsonl" and not path.name.endswith(record.VERIFICATION)
    data, held = _content(path), _content(target) if target.exists() or target.is_symlink() else None
    if data == held:
        return THERE, ""
    if is_record:
        return _merged_record(path, data, target, held)
    if path.suffix == kept_actions.SUFFIX:
        return _merged_actions(path, data, target, held)
    if held is not None and path.name.endswith(record.VERIFICATION):
        return THERE, "what verify has found here stays"
    if path.parent.name == checks.FOLDER:
        return _merged_checks(path, data, target, held)
    if path.suffix == ".csv":
        curves.read(path)
    if held is not None:
        return CONFLICT, f"{target} says otherwise, and stays"
    return _add(target, data)


def _merged_record(path: Path, data: bytes, target: Path, held: bytes | None) -> tuple[str, str]:
    """What becomes of a record: it is added, goes on with the one that is there, or stands against it."""
    theirs = _read(path, data)
    data = data[: theirs.size]
    if held is None:
        other = _of_same_seed(theirs, target)
        return (CONFLICT, f"{other} has the same training seed and other contents") if other else _add(target, data)
    ours = _read(target, held)
    if held[: ours.size] == data[: ours.size]:
        return _go_on(target, data, ours.size) if theirs.size > ours.size else (THERE, "")
    if data == held[: theirs.size]:
        return THERE, ""
    return _compared(theirs, ours, target)


def _compared(theirs: Record, ours: Record, target: Path) -> tuple[str, str]:
    """What is said of two records of one run that were made apart, of which the one that is there stays."""
    both = list(zip(theirs.episodes, ours.episodes, strict=False))
    for their, our in both:
        fields = [f"{name} {their[name]!r}, not {our[name]!r}" for name in our if their.get(name) != our[name]]
        if fields:
            return CONFLICT, f"episode {our['index']}: {fields[0]}; {target} stays"
    if len(ours.episodes) < len(theirs.episodes):
        return CONFLICT, f"made apart, with {len(theirs.episodes)} episodes, not {len(ours.episodes)}; {target} stays"
    return THERE, "made again, with the same episodes"


def _merged_actions(path: Path, data: bytes, target: Path, held: bytes | None) -> tuple[str, str]:
    """What becomes of kept actions, which are merged where they are those of the record that is here by now."""
    run = record.read(target.with_suffix(".jsonl"))
    if run is None:
        raise UserError(f"{path} holds actions of a record that is not here")
    data = data[: data.rfind(b"\n") + 1]
    theirs = kept_actions.parse(data, path)
    if wrong := kept_actions.not_of(run, theirs):
        raise UserError(f"{path}: {wrong}")
    if held is None:
        return _add(target, data)
    whole = held[: held.rfind(b"\n") + 1]
    if data.startswith(whole) and len(data) > len(whole):
        return _go_on(target, data, len(whole))
    ours = kept_actions.parse(whole, target)
    if len(ours) < len(theirs) or kept_actions.not_of(run, ours):
        return CONFLICT, f"{target} says otherwise, and stays"
    return THERE, ""


def _merged_checks(path: Path, data: bytes, target: Path, held: bytes | None) -> tuple[str, str]:
    """What becomes of somebody's checks: those that say something new are added to what they have said here."""
    theirs = checks.read(path)
    if held is None:
        return _add(target, data)
    ours = checks.read(target)
    new = checks.unknown_to(ours, theirs)
    try:
        if new:
            checks.write(target, [*ours, *new])
    except OSError as error:
        raise _unwritable(target, error) from None
    return (CONTINUED, "") if new else (THERE, "")


def _of_same_seed(theirs: Record, target: Path) -> Path | None:
    """A record beside `target` of the same agent, version, owner and training seed, but other contents."""
    names = ("agent", "version", "owner", "training_seed")
    for other in record.find(target.parent, f"{theirs.header['agent']}@*.jsonl"):
        try:
            ours = record.read_header(other)
        except UserError:
            continue
        if ours and all(ours[name] == theirs.header[name] for name in names):
            return other
    return None


def _read(path: Path, data: bytes) -> Record:
    """The record in a file that lies where it belongs; UserError where there is none."""
    found = record.parse(data, path)
    if found is None or not found.blocks:
        raise UserError(f"{path} holds no block yet")
    if (path.parent.name, path.name) != record.place(found.header):
        raise UserError(f"{path} holds {'/'.join(record.place(found.header))}; give it that name")
    return found


def _content(path: Path) -> bytes:
    """The content of a regular file; UserError for anything else."""
    try:
        return read_regular(path, MAX_BYTES)
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}") from None


def _add(target: Path, data: bytes) -> tuple[str, str]:
    """Write a file that was not there."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unwritable(target.parent, error) from None
    try:
        appear(target, data)
    except FileExistsError:
        return CONFLICT, f"{target} was made meanwhile; merge again"
    except OSError as error:
        raise _unwritable(target, error) from None
    return ADDED, ""


def _unwritable(target: Path, error: OSError) -> UnwritableError:
    return UnwritableError(f"cannot write {target}: {error.strerror}; what was merged before is safe")


def _go_on(target: Path, data: bytes, size: int) -> tuple[str, str]:
    """Append what follows the first `size` bytes, as an evaluation would."""
    with JsonlWriter(target) as file:
        file.cut(size)
        file.write(data[size:], "what was there before is safe")
    return CONTINUED, ""
