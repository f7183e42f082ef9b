"""Merging folders of results: what another folder has and this one lacks is added, and nothing is overwritten.

    records          results/<task>/<agent>@<digest>.jsonl
    beside them      kept actions, and what `verify` found: <agent>@<digest>.*
    learning curves  results/curves/<task>/<agent>-s<seed>.csv
    checks           results/checks/<who>.csv

A file of checks comes whole where its signer has none here. Else only those of its lines are added that are about a
record which both folders hold with the same bytes, as anybody can write a file under the name of somebody else.

A record that goes on where this folder's ends is appended, block by block whole, and so are its kept actions. Killed at
any moment, a merge leaves each file as it was or as it should be, and the next one does the rest.
"""

from __future__ import annotations

import glob
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rlbench.errors import UserError, counted
from rlbench.harness.merging_checks import merged_checks
from rlbench.harness.proof import kept_actions
from rlbench.harness.results import checks, curves, record
from rlbench.harness.results.jsonl import JsonlWriter
from rlbench.harness.results.record import Record
from rlbench.regular_files import read_regular
from rlbench.whole_files import appear, check_place

ADDED, CONTINUED, THERE, CONFLICT, REFUSED = "added", "continued", "there already", "conflict", "refused"
"""What became of a file of another folder."""

MADE_WITH = ("arithmetic", "packages", "python", "cpu", "gpu", "commit", "sandbox", "player")
"""Fields of a header that may differ between two records of one run: the machine, and the versions of what played."""

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
    """Add what another folder of results has; one value per file, or two of checks of which some are not added.

    Records come first.

    Args:
        source: The other folder.
        results: The folder that is added to.

    Raises:
        UserError: There is no such folder, or this one cannot be written.
    """
    if not source.is_dir():
        raise UserError(f"no folder of results at {source}; give one that `rlbench evaluate` has made")
    if source.resolve() == results.resolve():
        raise UserError(f"{source} is the folder that is merged into; give another")
    for path in files(source):
        file = path.relative_to(source).as_posix()
        try:
            check(results / file, folders=file.count("/"))
            found = _merged(path, results / file)
        except UnwritableError:
            raise
        except UserError as error:
            found = [(REFUSED, str(error))]
        yield from (Merged(source, file, outcome, why) for outcome, why in found)


def check(target: Path, folders: int) -> None:
    """Refuse what would be written through a link, by itself or by the folders above it."""
    try:
        check_place(target, folders)
    except OSError as error:
        raise UserError(f"cannot write {target}: {error.strerror}") from None


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
    kept = sorted([*curves.found_in(folder), *checks.found_in(folder)])
    return [*records, *(path for path in (*beside, *kept) if not record.is_hidden(path, folder))]


def _merged(path: Path, target: Path) -> list[tuple[str, str]]:
    """What becomes of one file, and why; UserError where it is no file of results."""
    data, held = _content(path), _content(target) if target.exists() or target.is_symlink() else None
    if data != held and path.parent.name == checks.FOLDER:
        return _merged_checks(path, data, target, held)
    return [(THERE, "") if data == held else _merged_other(path, data, target, held)]


def _merged_other(path: Path, data: bytes, target: Path, held: bytes | None) -> tuple[str, str]:
    """What becomes of a file that is none of checks, and differs from the one that is there."""
    if path.suffix == ".jsonl" and not path.name.endswith(record.VERIFICATION):
        return _merged_record(path, data, target, held)
    if path.suffix == kept_actions.SUFFIX:
        return _merged_actions(path, data, target, held)
    if held is not None and path.name.endswith(record.VERIFICATION):
        return THERE, "what verify has found here stays"
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
        return _added_record(theirs, data, target)
    ours = _read(target, held)
    if held[: ours.size] == data[: ours.size]:
        return _go_on(target, data, ours.size) if theirs.size > ours.size else (THERE, "")
    if data == held[: theirs.size]:
        return THERE, ""
    return _compared(theirs, ours, target)


def _added_record(theirs: Record, data: bytes, target: Path) -> tuple[str, str]:
    """What becomes of a record that is not there: added, unless its run is; a run more of a row is named."""
    row = _of_same_row(theirs, target)
    for other, ours in row.items():
        if ours["training_seed"] == theirs.header["training_seed"]:
            if ours["contents"] != theirs.header["contents"]:
                return CONFLICT, f"{other} has the same training seed and other contents"
            changed = (
                header_difference({**theirs.header, "digest": ours["digest"]}, ours)
                or "only the digest differs, by lines of the manifest that a record does not have"
            )
            return CONFLICT, f"{other} has the same training seed and contents: {changed}"
    outcome, why = _add(target, data)
    if outcome == ADDED and row:
        head = theirs.header
        version = "" if head["version"] == "1" else f" {head['version']}"
        why = f"{ordinal(len(row) + 1)} run of {head['agent']}{version} of {head['owner']}"
    return outcome, why


def ordinal(number: int) -> str:
    """A number as a rank, with its article: `a 2nd`, `an 8th`, `an 11th`."""
    end = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{'an' if str(number)[0] == '8' or number in (11, 18) else 'a'} {number}{end}"


def header_difference(theirs: Mapping[str, Any], ours: Mapping[str, Any]) -> str | None:
    """The first field, of those that no machine decides, in which two headers differ."""
    for name in dict.fromkeys((*ours, *theirs)):
        if name not in MADE_WITH and theirs.get(name) != ours.get(name):
            return f"{name} {theirs.get(name)!r}, not {ours.get(name)!r}"
    return None


def _compared(theirs: Record, ours: Record, target: Path) -> tuple[str, str]:
    """What is said of two records of one run that were made apart, of which the one that is there stays."""
    both = list(zip(theirs.episodes, ours.episodes, strict=False))
    for their, our in both:
        fields = [f"{name} {their[name]!r}, not {our[name]!r}" for name in our if their.get(name) != our[name]]
        if fields:
            return CONFLICT, f"episode {our['index']}: {fields[0]}; {target} stays"
    if changed := header_difference(theirs.header, ours.header):
        return CONFLICT, f"its header says {changed}; {target} stays"
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


def _merged_checks(path: Path, data: bytes, target: Path, held: bytes | None) -> list[tuple[str, str]]:
    """What becomes of somebody's checks: those that say something new are added to what they have said here."""
    theirs = checks.read(path)
    if held is None:
        outcome, why = _add(target, data)
        return [(outcome, why or signed(len(theirs), path))]
    ours = checks.read(target)
    sorted_out = merged_checks(ours, theirs, path.parents[1], target.parents[1])
    try:
        if sorted_out.new:
            checks.write(target, [*ours, *sorted_out.new])
    except OSError as error:
        raise _unwritable(target, error) from None
    found = [(CONTINUED, signed(len(sorted_out.new), path))] if sorted_out.new else []
    if sorted_out.against:
        first = sorted_out.against[0]
        what = signed(len(sorted_out.against), path)
        found.append((CONFLICT, f"{what}: {first.record} {first.verdict}, and here not; {target} stays"))
    if sorted_out.foreign:
        what, first = signed(len(sorted_out.foreign), path), sorted_out.foreign[0]
        found.append((REFUSED, f"{what}: {first.record} is not in both folders with the bytes that were checked"))
    return found or [(THERE, "")]


def signed(number: int, path: Path) -> str:
    """How many checks, and whose."""
    return f"{counted(number, 'check')} signed {path.stem}"


def _of_same_row(theirs: Record, target: Path) -> dict[Path, Mapping[str, Any]]:
    """The headers of the records beside `target` of the same agent, version and owner, by path."""
    found = {}
    for other in record.find(target.parent, f"{theirs.header['agent']}@*.jsonl"):
        try:
            ours = record.read_header(other)
        except UserError:
            continue
        if ours and all(ours[name] == theirs.header[name] for name in ("agent", "version", "owner")):
            found[other] = ours
    return found


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
