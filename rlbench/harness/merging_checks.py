"""Which of a signer's checks in another folder may be added to those in this one: new ones about what both have."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from rlbench.errors import UserError
from rlbench.harness.results import checks, record
from rlbench.harness.results.checks import PublishedCheck


class SortedChecks(NamedTuple):
    """Checks of another folder which are not in this one."""

    new: list[PublishedCheck]
    """Those that may be added."""

    against: list[PublishedCheck]
    """Those that contradict one that is here, of the same signer about the same bytes."""

    foreign: list[PublishedCheck]
    """Those about a record that is not in both folders."""


def merged_checks(
    ours: Sequence[PublishedCheck], theirs: Sequence[PublishedCheck], source: Path, results: Path
) -> SortedChecks:
    """Sort a signer's checks of another folder.

    Args:
        ours: The checks of the signer here.
        theirs: Those of the other folder.
        source: The other folder.
        results: This folder, into which the records are merged by now.
    """
    said = {(each.record, each.sha256): each.verdict for each in ours}
    sorted_out = SortedChecks([], [], [])
    for check in checks.unknown_to(ours, theirs):
        before = said.get((check.record, check.sha256), check.verdict)
        if (before == "different") != (check.verdict == "different"):
            sorted_out.against.append(check)
        elif all(sha256_of(folder / f"{check.record}.jsonl") == check.sha256 for folder in (source, results)):
            sorted_out.new.append(check)
        else:
            sorted_out.foreign.append(check)
    return sorted_out


def sha256_of(path: Path) -> str | None:
    """The sha256 of the committed bytes of a record; None where there is none that could be read."""
    try:
        data = record.read_bytes(path)
        run = record.parse(data, path) if data else None
    except UserError:
        return None
    return hashlib.sha256(data[: run.size]).hexdigest() if run else None
